"""What cannot be counted is left out and named; it never fails a cell."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_cell, make_model, settled, thirds, tiny_backbone

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.records.store import Store
from mora_bench.report.compare import compare
from mora_bench.report.write import read as contents
from mora_bench.training import flops
from mora_bench.training.work import work

PLUGIN = Path(__file__).parents[1] / "plugins" / "odd_shapes.py"


@pytest.fixture
def odd(runtime) -> Runtime:
    registry.load_plugins([PLUGIN])
    return dataclasses.replace(runtime, plugins=(PLUGIN,))


def done(cell: Cell, runtime: Runtime):
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "done", record.error
    return record


def test_bags_whose_pictures_differ_in_shape_are_trained_and_counted(odd, folder):
    cell = make_cell(odd, folder, dataset="odd-shapes", method="mora", modalities=("note", "films"))
    record = done(cell, odd)
    assert record.uncounted == []
    assert record.flops.forward == pytest.approx(record.flops.step_forward, rel=1e-3)


def test_an_imputer_that_draws_at_random_is_trained_and_its_draws_are_named(odd, folder):
    record = done(make_cell(odd, folder, method="head", impute="noise"), odd)
    assert record.uncounted == ["aten::randn"]
    assert record.flops.forward > 0
    (table,) = compare(contents(odd.out).cells)
    assert "GFLOPs of head do not include aten::randn, which could not be counted." in table.notes


@pytest.fixture
def model(toy):
    vocabulary = int(toy.contents[0].ids.max()) + 1
    return settled(make_model("mora", tiny_backbone(vocab_size=vocabulary)), thirds(toy, np.arange(6)))


def one(toy):
    return toy.batch(np.array([0]), np.ones((1, 2), bool))


def test_a_network_that_cannot_be_traced_is_counted_by_the_other_counter(model, toy, monkeypatch):
    def fails(*anything):
        raise RuntimeError("no tracing")

    expected, nothing = flops.counted(model, one(toy))
    assert nothing == []
    monkeypatch.setattr(flops, "forward_flops", fails)
    cost, left_out = flops.counted(model, one(toy))
    assert cost == expected
    assert left_out == ["what fvcore alone would count (RuntimeError)"]


def test_a_step_of_one_sample_that_fails_costs_the_count_alone(model, toy):
    model.head.insert(1, torch.nn.BatchNorm1d(model.head[0].out_features))
    model.train()
    cost, left_out = flops.counted(model, one(toy))
    assert cost is None
    assert left_out == ["all: a training step of one sample cannot be counted (ValueError)"]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_counting_leaves_no_trace(model, toy):
    """Seeds share one count, so a cell that is counted must train as one that is not."""
    model.backbone.set_dropout(0.5)
    model.train()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    flops.counted(model, one(toy))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(module.training for module in model.modules())
