"""What the harness itself costs: planning, reporting, scoring every missing rate from one evaluation, its share of a
cell, workers."""

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.backbones.vilt import Backbone
from mora_bench.checks.network import own_axes
from mora_bench.engines import processes, serial
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model
from mora_bench.plan.grid import expand, load_preset
from mora_bench.records.store import Store
from mora_bench.training.cell import run_cell, samples, scored
from mora_bench.training.predict import predict

QUICK = load_preset("quick")
ROOT = Path(__file__).parents[1]


def cells_of(site, **changes):
    return expand(dataclasses.replace(QUICK, **changes), QUICK, site).cells


@pytest.mark.benchmark(group="plan of 100,000 cells: below 5 s")
def test_plan(benchmark, site):
    grid = dataclasses.replace(QUICK, methods=("all",), seeds=tuple(range(2632)))
    expand(QUICK, QUICK, site)

    def plan():
        cells = expand(grid, QUICK, site).cells
        return cells, Store(site.out).status(cells)

    cells, status = benchmark.pedantic(plan, rounds=3)
    benchmark.extra_info["cells"] = len(cells)
    assert set(status.values()) == {"to do"}
    assert benchmark.stats["median"] < 5


@pytest.mark.benchmark(group="report on 10,000 records: below 10 s and 1 GB")
def test_report(benchmark, tmp_path):
    base = Store(ROOT / "results" / "quick").records()
    folder = tmp_path / "records"
    folder.mkdir()
    for n in range(10_000):
        record = base[n % len(base)]
        record["cell"]["seed"], record["key"] = n // len(base), f"{n:016x}"
        (folder / f"{n:016x}.json").write_text(json.dumps(record))
    # In a process of its own, whose memory is nobody else's.
    code = (
        "import resource, pathlib, sys; from mora_bench.report.write import write; write(pathlib.Path(sys.argv[1])); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = benchmark.pedantic(subprocess.run, args=(command,), kwargs={"capture_output": True, "check": True}, rounds=2)
    benchmark.extra_info["peak_gb"] = int(done.stdout) / 1e6
    assert benchmark.stats["median"] < 10
    assert benchmark.extra_info["peak_gb"] < 1


@pytest.mark.parametrize("what", ["logits under three patterns", "logits and F1 at 11 rates x 3 patterns"])
@pytest.mark.benchmark(group="evaluation of 200 samples, small backbone")
def test_evaluation(benchmark, what, site):
    site = dataclasses.replace(site, limit=200)
    data = samples("odir", "small", 128, site)
    backbone = backbones.load(backbones.resolve("small"), 128, 0)
    method = registry.get(registry.METHODS, "mora")
    model = Model(backbone, method(backbone, own_axes(method, backbone)), Dummy(backbone), 8, 0)
    (cell,) = cells_of(site, methods=("mora",), datasets=("odir",), seeds=(0,))
    rows = {name: np.arange(len(data)) for name in ("val", "test")}

    def evaluate():
        found = predict(model, data, rows["test"], 16, torch.device("cpu"))
        if "F1" in what:
            scored(cell, data, rows, {"val": found, "test": found})

    benchmark.extra_info |= {"wanted": "<= 1.1"} if "F1" in what else {"base": True}
    benchmark.pedantic(evaluate, rounds=7, warmup_rounds=1)


class Compute:
    """Seconds spent in the network: every pass forward and backward, and the optimiser."""

    def __init__(self, monkeypatch):
        self.seconds, self.depth = 0.0, 0
        for owner, name in (
            (Model, "begin"),
            (Model, "finish"),
            (Model, "from_parts"),
            (Backbone, "embed"),
            (torch.Tensor, "backward"),
            (torch.optim.AdamW, "step"),
        ):
            monkeypatch.setattr(owner, name, self.timed(getattr(owner, name)))

    def timed(self, function):
        def run(*args, **kwargs):
            self.depth += 1
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.depth -= 1
                # What is called from within another of them is counted there.
                self.seconds += (time.perf_counter() - begun) * (self.depth == 0)

        return run


@pytest.mark.parametrize(("net", "most"), [("small", 0.15), ("ViLT-B/32", 0.03)])
@pytest.mark.benchmark(group="a cell of MoRA: the harness's own share")
def test_share_of_the_harness(benchmark, net, most, site, vilt_b32, monkeypatch):
    changes = {"methods": ("mora",), "datasets": ("odir",), "seeds": (0,)}
    if net != "small":
        site = dataclasses.replace(site, limit=60)
        recipe = dataclasses.replace(QUICK.recipe, epochs=1, batch=4)
        changes |= {"backbone": (vilt_b32,), "recipe": recipe}
    (cell,) = cells_of(site, **changes)
    if net == "small":
        # The first cell of a process counts FLOPs and imports what it needs; those after it do not.
        run_cell(dataclasses.replace(cell, recipe=dataclasses.replace(cell.recipe, epochs=1)), site)
    else:
        samples(cell.dataset, cell.backbone, cell.recipe.max_text, site)
    compute = Compute(monkeypatch)
    benchmark.pedantic(run_cell, args=(cell, site), rounds=1)
    share = 1 - compute.seconds / benchmark.stats["median"]
    benchmark.extra_info |= {"share": share, "most": most}
    assert share < most


@pytest.mark.parametrize("workers", [2, 1])
@pytest.mark.benchmark(group="twelve cells of MoRA by workers, their start included")
def test_workers(benchmark, workers, site):
    cells = cells_of(site, methods=("mora",), datasets=("odir",), seeds=tuple(range(12)))
    samples("odir", "small", QUICK.recipe.max_text, site)
    site = dataclasses.replace(site, workers=workers)
    records = benchmark.pedantic(lambda: list(processes.run(cells, site)), rounds=1)
    assert all(record["status"] == "done" for _, record in records)
    benchmark.extra_info |= {"base": True} if workers == 2 else {"wanted": ">= 1.7"}


@pytest.mark.parametrize("fuse", [6, 1])
@pytest.mark.benchmark(group="six ranks of MoRA at batch 4, as one and one by one")
def test_fused(benchmark, fuse, site):
    site = dataclasses.replace(site, limit=200, fuse=fuse)
    recipe = dataclasses.replace(QUICK.recipe, batch=4, epochs=1)
    ranks = (1, 2, 4, 8, 16, 32)
    cells = cells_of(site, methods=("mora",), datasets=("odir",), seeds=(0,), ranks=ranks, recipe=recipe)
    assert len(cells) == len(ranks)
    run_cell(cells[0], site)
    records = benchmark.pedantic(lambda: list(serial.run(cells, site)), rounds=3)
    assert {record["time"]["cells_as_one"] for _, record in records} == {fuse}
    benchmark.extra_info["base"] = fuse == 1


@pytest.mark.benchmark(group="the default grid, one seed of three, two workers")
def test_quick_grid(benchmark, site):
    cells = cells_of(site, seeds=(0,))
    site = dataclasses.replace(site, workers=2)
    for dataset in QUICK.datasets:
        samples(dataset, "small", QUICK.recipe.max_text, site)
    records = benchmark.pedantic(lambda: list(processes.run(cells, site)), rounds=1)
    assert all(record["status"] == "done" for _, record in records)
    benchmark.extra_info["cells"] = len(cells)
