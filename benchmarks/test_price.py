"""What `--plan` says that a cell costs, beside what it takes: within 1.5 for 3 and 30 epochs, two backbones, by records
of 3 epochs and by a probe of three steps. Seconds are those of the processor: other programs do not count."""

import dataclasses
import time

import pytest
from ratios import wanted

from mora_bench import campaign
from mora_bench.cells.cell import Cell
from mora_bench.cli import pricing
from mora_bench.plan.grid import Grid

WITHIN = 1.5
EPOCHS = (3, 30)


@pytest.fixture(autouse=True)
def seconds_of_the_processor(monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(time, "perf_counter", time.process_time)


def grid(backbone: str, out, seed: int, epochs: int, **more) -> Grid:
    quick = campaign.preset(
        "quick", methods=("head", "lora"), floors=("none",), datasets=("odir",), backbone=(backbone,), seeds=(seed,),
        limit=150, pool=100, workers=1, device="cpu", out=out, **more,
    )  # fmt: skip
    # Patience would end a training before its last epoch, and a price says what it takes at most.
    recipe = dataclasses.replace(quick.recipe, epochs=epochs, schedule="linear", patience=0)
    return dataclasses.replace(quick, recipe=recipe)


def estimated(setup: Grid) -> dict[Cell, float]:
    runtime = campaign.runtime(setup)
    cells = campaign.plan(setup, runtime).cells
    rows = {cell: pricing.of_cells([cell]) for cell in cells}
    return {cell: pricing.priced(row, [cell], setup, runtime).of(row[0]) for cell, row in rows.items()}


def true(setup: Grid) -> dict[Cell, float]:
    runtime = campaign.runtime(setup)
    cells = campaign.plan(setup, runtime).cells
    done = dict(campaign.run(cells, runtime, "inline"))
    return {cell: done[cell].time.cell_s for cell in cells}


@pytest.mark.parametrize("backbone", ["small", "small-dual"])
def test_a_price_is_within_1_5_of_the_truth(backbone, tmp_path, monkeypatch, benchmark):
    monkeypatch.setattr("mora_bench.cli.pricing.SHIPPED", ())
    # The first cell of a process waits for imports.
    true(grid(backbone, tmp_path / "first", 0, 1))
    probed = {epochs: estimated(grid(backbone, tmp_path / "out", 1, epochs, measure=True)) for epochs in EPOCHS}
    true(grid(backbone, tmp_path / "out", 0, 3))
    known = {epochs: estimated(grid(backbone, tmp_path / "out", 1, epochs)) for epochs in EPOCHS}
    truth = {e: true(grid(backbone, tmp_path / "out", 1, e)) for e in EPOCHS[:-1]}
    truth[EPOCHS[-1]] = benchmark.pedantic(lambda: true(grid(backbone, tmp_path / "out", 1, EPOCHS[-1])), rounds=1)
    ratios = {
        f"{how}, {cell.method}, {epochs} epochs": prices[epochs][cell] / truth[epochs][cell]
        for how, prices in (("probe", probed), ("records", known))
        for epochs in EPOCHS
        for cell in truth[epochs]
    }
    benchmark.extra_info["said_over_true"] = ratios
    largest = max(max(ratio, 1 / ratio) for ratio in ratios.values())
    wanted(benchmark, said_and_true_apart_by_at_most=(largest, f"<= {WITHIN}"))
