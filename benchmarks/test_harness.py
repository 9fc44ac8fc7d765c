"""What the harness itself costs: planning, reporting, and scoring every missing rate from one evaluation."""

import dataclasses
import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from mora_bench import registry
from mora_bench.backbone import load as backbones
from mora_bench.contract import own_axes
from mora_bench.data import missing
from mora_bench.data.samples import Samples
from mora_bench.grid import expand, load_preset
from mora_bench.imputer import Dummy
from mora_bench.model import Model
from mora_bench.predict import predict
from mora_bench.report.write import write
from mora_bench.run import Site, samples, scored
from mora_bench.store import Store


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    return Site(out=folder / "results", cache=folder / "cache", limit=200)


@pytest.mark.benchmark(group="plan of 100,000 cells")
def test_plan(benchmark, site):
    preset = load_preset("quick")
    grid = dataclasses.replace(preset, methods=("all",), seeds=tuple(range(2632)))
    expand(preset, preset, site)

    def plan():
        cells = expand(grid, preset, site).cells
        return cells, Store(site.out).status(cells)

    cells, status = benchmark.pedantic(plan, rounds=3)
    benchmark.extra_info["cells"] = len(cells)
    assert set(status.values()) == {"to do"}


@pytest.mark.benchmark(group="report on 10,000 records")
def test_report(benchmark, tmp_path):
    base = Store(Path(__file__).parents[1] / "results" / "quick").records()
    folder = tmp_path / "records"
    folder.mkdir()
    for n in range(10_000):
        record = base[n % len(base)]
        record["cell"]["seed"], record["key"] = n // len(base), f"{n:016x}"
        (folder / f"{n:016x}.json").write_text(json.dumps(record))
    benchmark.pedantic(write, args=(tmp_path,), rounds=2)
    benchmark.extra_info["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def logits(data: Samples, model: Model, rows: np.ndarray) -> np.ndarray:
    return predict(model, data, rows, 16, torch.device("cpu"))


@pytest.mark.parametrize("what", ["logits under three patterns", "logits and F1 at 11 rates x 3 patterns"])
@pytest.mark.benchmark(group="evaluation of 200 samples, small backbone")
def test_evaluation(benchmark, what, site):
    data = samples("odir", "small", 128, site)
    backbone = backbones.load(backbones.resolve("small"), 128, 0)
    method = registry.get(registry.METHODS, "mora")
    model = Model(backbone, method(backbone, own_axes(method, backbone)), Dummy(backbone), 8, 0)
    preset = dataclasses.replace(load_preset("quick"), methods=("mora",), datasets=("odir",), seeds=(0,))
    (cell,) = expand(preset, preset, site).cells
    rows = {name: np.arange(len(data)) for name in ("val", "test")}
    assert missing.pattern_presence(2).shape == (3, 2)

    def evaluate():
        found = logits(data, model, rows["test"])
        if "F1" in what:
            scored(cell, data, rows, {"val": found, "test": found})

    benchmark.pedantic(evaluate, rounds=5, warmup_rounds=1)
