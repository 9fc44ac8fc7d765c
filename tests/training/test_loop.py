"""The training loop: precision, compilation and reading ahead change what is trained by no more than their rounding."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import RECIPE, load, make_cell, make_model, settled, thirds

from mora_bench import registry
from mora_bench.checks.subject import CPU
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.cell import run_cells
from mora_bench.training.kept import Feed
from mora_bench.training.loop import compiled, train

#: Their forward pass asks for values (sizes of pictures) or for what dynamo cannot trace (peft's DoRA).
BREAKS = ("full", "dora")


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(16))


def model_of(name, folder, view):
    torch.manual_seed(0)
    return settled(make_model(name, load(folder)), view)


@pytest.mark.parametrize("name", [name for name in registry.names(registry.METHODS) if name not in BREAKS])
def test_what_trains_compiles_to_one_graph_that_gives_the_same(name, folder, view):
    model = model_of(name, folder, view)
    state = Feed(model, view, 8, CPU).state(np.arange(6))
    torch._dynamo.reset()
    finish = compiled(lambda state: model.finish(state)[None], "on", backend="eager", fullgraph=True)
    torch.testing.assert_close(finish(state)[0], model.finish(state), rtol=0, atol=1e-5)


def test_compiled_training_trains_the_same(folder, view, monkeypatch):
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_(f, backend="aot_eager", **options))
    plain, fast = model_of("mora", folder, view), model_of("mora", folder, view)
    recipe = dataclasses.replace(RECIPE, epochs=1)
    train([plain], view, view, [recipe], 0, CPU, MultiLabel())
    train([fast], view, view, [recipe], 0, CPU, MultiLabel(), "on")
    for name, parameter in fast.trained().items():
        torch.testing.assert_close(parameter, plain.trained()[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["full", "lora", "mora"])
def test_reading_ahead_changes_no_bit(name, folder, view):
    model = model_of(name, folder, view).eval()
    batches = [np.array([3, 1]), np.array([7]), np.array([0, 5, 9])]
    ahead, one_by_one = (Feed(model, view, 4, CPU, keep=False) for _ in range(2))
    ahead.reads_ahead = True
    with torch.no_grad():
        for a, b in zip(ahead.states(batches), one_by_one.states(batches), strict=True):
            assert torch.equal(model.finish(a), model.finish(b))
    with pytest.raises(StopIteration):
        next(ahead.states(batches[:0]))


def test_bf16_keeps_the_loss_near_that_of_fp32(place, folder):
    records = {}
    for precision in ("fp32", "bf16"):
        recipe = dataclasses.replace(RECIPE, precision=precision)
        (outcome,) = run_cells([make_cell(place, folder, recipe=recipe)], place)
        records[precision] = outcome.record
    last = {name: record.training.history[-1].loss for name, record in records.items()}
    assert last["bf16"] != last["fp32"]
    assert last["bf16"] == pytest.approx(last["fp32"], rel=0.02)


def test_the_frozen_beginning_is_computed_as_training_is(folder, view):
    """Under autocast, kept or not, the same numbers come out."""
    model = model_of("head", folder, view)
    autocast = lambda: torch.autocast("cpu", torch.bfloat16)  # noqa: E731
    kept, computed = (Feed(model, view, 8, CPU, keep=keep, autocast=autocast) for keep in (True, False))
    at = np.arange(8)
    assert kept.kept
    assert not computed.kept
    x, same, other = (feed.state(at).streams[0].x for feed in (kept, computed, Feed(model, view, 8, CPU)))
    assert torch.equal(x, same)
    assert not torch.equal(x, other)
