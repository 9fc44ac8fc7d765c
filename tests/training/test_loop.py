"""The training loop: precision, compilation and reading ahead change what is trained by no more than their rounding."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import RECIPE, make_cell, make_model, thirds

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.checks.network import CPU
from mora_bench.training.cell import run_cell
from mora_bench.training.kept import Feed
from mora_bench.training.loop import compiled, train

#: Their forward pass asks for values (sizes of pictures) or for what dynamo cannot trace (peft's DoRA).
BREAKS = ("full", "dora")


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(16))


def model_of(name, folder):
    torch.manual_seed(0)
    return make_model(name, backbones.load(backbones.resolve(str(folder)), 64, 0))


@pytest.mark.parametrize("name", [name for name in registry.names(registry.METHODS) if name not in BREAKS])
def test_what_trains_compiles_to_one_graph_that_gives_the_same(name, folder, view):
    model = model_of(name, folder)
    state = Feed(model, view, 8, CPU).state(np.arange(6))
    torch._dynamo.reset()
    finish = compiled(lambda state: model.finish(state)[None], "on", backend="eager", fullgraph=True)
    torch.testing.assert_close(finish(state)[0], model.finish(state), rtol=0, atol=1e-5)


def test_compiled_training_trains_the_same(folder, view, monkeypatch):
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_(f, backend="aot_eager", **options))
    plain, fast = model_of("mora", folder), model_of("mora", folder)
    recipe = dataclasses.replace(RECIPE, epochs=1)
    train([plain], view, view, [recipe], 0, CPU)
    train([fast], view, view, [recipe], 0, CPU, "on")
    for name, parameter in fast.trained().items():
        torch.testing.assert_close(parameter, plain.trained()[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["full", "lora", "mora"])
def test_reading_ahead_changes_no_bit(name, folder, view):
    model = model_of(name, folder).eval()
    batches = [np.array([3, 1]), np.array([7]), np.array([0, 5, 9])]
    ahead, one_by_one = (Feed(model, view, 4, CPU, keep=False) for _ in range(2))
    ahead.reads_ahead = True
    with torch.no_grad():
        for a, b in zip(ahead.states(batches), one_by_one.states(batches), strict=True):
            assert torch.equal(model.finish(a), model.finish(b))
    with pytest.raises(StopIteration):
        next(ahead.states(batches[:0]))


def test_bf16_keeps_the_loss_near_that_of_fp32(site, folder):
    records = {}
    for precision in ("fp32", "bf16"):
        recipe = dataclasses.replace(RECIPE, precision=precision)
        records[precision], _ = run_cell(make_cell(site, folder, recipe=recipe), site)
    last = {name: record["training"]["history"][-1]["loss"] for name, record in records.items()}
    assert last["bf16"] != last["fp32"]
    assert last["bf16"] == pytest.approx(last["fp32"], rel=0.02)


def test_the_frozen_beginning_is_computed_as_training_is(folder, view):
    """Under autocast, kept or not, the same numbers come out."""
    model = model_of("head", folder)
    autocast = lambda: torch.autocast("cpu", torch.bfloat16)  # noqa: E731
    kept, computed = (Feed(model, view, 8, CPU, keep=keep, autocast=autocast) for keep in (True, False))
    at = np.arange(8)
    assert torch.equal(kept.state(at).x, computed.state(at).x)
    assert not torch.equal(kept.state(at).x, Feed(model, view, 8, CPU).state(at).x)
