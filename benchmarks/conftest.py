"""Shared by all benchmarks: one thread, versions and device in every result, the field's backbone with random weights.

`extra_info` says how a result is to be read by `python benchmarks/ratios.py FILE.json`:

- base: True for the entry of a group that the others are divided by;
- wanted: a condition on that ratio, such as ">= 15";
- gflops, follows_flops: what was counted, and whether time should follow it;
- ratios: by name, where the benchmark took them itself, turn by turn; `wanted` is then by name, too;
- measured: by name, what else it measured, as `ratios.wanted` writes it.

A run ends with the table of ratios. What is wanted of a machine is shown there and fails nothing: benchmarks assert
what holds on every machine.
"""

import json
import shutil
from pathlib import Path

import pytest
import ratios
import torch
from transformers import ViltConfig, ViltModel

from mora_bench.backbones.vilt import SHIPPED
from mora_bench.cells.runtime import Runtime
from mora_bench.records import provenance

torch.set_num_threads(1)

#: Minutes that all benchmarks take on two cores that do nothing else.
MINUTES = 14


def pytest_report_header() -> str:
    return f"benchmarks: all of them take about {MINUTES} minutes on two quiet cores; ratios are shown at the end"


def pytest_terminal_summary(terminalreporter, config) -> None:
    session = getattr(config, "_benchmarksession", None)
    done = [benchmark.as_dict(include_data=False) for benchmark in session.benchmarks if benchmark]
    if done:
        terminalreporter.section("ratios")
        terminalreporter.write_line(ratios.where(done))
        terminalreporter.write_line(ratios.shown(ratios.rows([("run", ratios.entries(done))])))


@pytest.fixture(autouse=True)
def _where(request):
    if "benchmark" in request.fixturenames:
        info = request.getfixturevalue("benchmark").extra_info
        device = "cuda" if torch.cuda.is_available() and "gpu" in request.node.path.name else "cpu"
        info |= {"device": provenance.device_name(device), "threads": 1, "versions": provenance.versions()}


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def runtime(tmp_path, cache) -> Runtime:
    return Runtime(out=tmp_path / "results", cache=cache)


@pytest.fixture(scope="session")
def vilt_b32(tmp_path_factory) -> str:
    """The folder of a ViLT-B/32 with random weights, in transformers' layout."""
    folder = tmp_path_factory.mktemp("vilt-b32")
    torch.manual_seed(0)
    ViltModel(ViltConfig()).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(SHIPPED / name, folder / name)
    image = {"size": {"shortest_edge": 384}, "size_divisor": 32}
    (folder / "preprocessor_config.json").write_text(json.dumps(image))
    return str(folder)
