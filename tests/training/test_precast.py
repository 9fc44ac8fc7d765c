"""Weights that are cast once give what weights that are cast at each use give."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import RECIPE, settled_model, thirds
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mora_bench.checks.subject import CPU
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training import loop
from mora_bench.training.precast import precast
from mora_bench.training.state_cache import Feed

BF16 = torch.bfloat16
RECIPE_BF16 = dataclasses.replace(RECIPE, precision="bf16", epochs=1)


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(16))


def plain(models, device, dtype):
    return lambda: torch.autocast(device.type, dtype)


class Casts(TorchDispatchMode):
    """Counts the casts to bfloat16 of tensors by where their values lie."""

    def __init__(self):
        super().__init__()
        self.of: list[int] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._to_copy.default and (kwargs or {}).get("dtype") == BF16:
            self.of.append(args[0].data_ptr())
        return func(*args, **(kwargs or {}))


# dora reads frozen weights itself, bitfit trains biases beside them, full leaves none frozen.
@pytest.mark.parametrize("name", ["head", "mora", "lora", "dora", "bitfit", "map", "full"])
def test_training_gives_the_same_bits(name, folder, view, monkeypatch):
    models = {}
    for how in (precast, plain):
        monkeypatch.setattr(loop, "precast", how)
        model = models[how] = settled_model(name, folder, view)
        loop.train([model], view, view, [RECIPE_BF16], 0, CPU, MultiLabel())
    once, each = (models[how].trained() for how in (precast, plain))
    assert list(once) == list(each)
    for parameter, expected in zip(once.values(), each.values(), strict=True):
        assert torch.equal(parameter, expected)


def test_compiled_training_uses_them_too(folder, view, monkeypatch):
    """Graphs are handed weights in bfloat16. Compiled and eager training round apart, on some processors by 5e-4."""
    compile_, cast = torch.compile, []

    def backend(graph, inputs):
        cast.extend(x for x in inputs if isinstance(x, torch.Tensor) and x.dtype == BF16 and x.ndim == 2)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_(f, backend=backend, **options))
    # One step an epoch, all of one shape: each shape is compiled anew.
    recipe = dataclasses.replace(RECIPE_BF16, batch=len(view), epochs=2)
    torch._dynamo.reset()
    trained = []
    for compiler in ("on", "off"):
        model = settled_model("mora", folder, view)
        loop.train([model], view, view, [recipe], 0, CPU, MultiLabel(), compiler)
        trained.append(model.trained())
    assert len(cast) >= 6
    fast, eager = trained
    for name, parameter in fast.items():
        torch.testing.assert_close(parameter, eager[name], rtol=0, atol=2e-3)


def test_no_frozen_weight_is_cast_in_a_pass(folder, view):
    model = settled_model("mora", folder, view).train()
    state = Feed(model, view, 8, CPU).state(np.arange(6))
    frozen = {
        layer.weight.data_ptr()
        for layer in model.backbone.modules()
        if isinstance(layer, nn.Linear) and not layer.weight.requires_grad
    }
    counts = []
    for how in (precast, plain):
        context = how([model], CPU, BF16)
        with context(), Casts() as casts:
            model.finish(state)
        counts.append(len(frozen.intersection(casts.of)))
    assert counts[0] == 0
    assert counts[1] >= 6


def test_a_layer_is_as_it_was_outside_and_after_an_error():
    layer = nn.Linear(4, 3).requires_grad_(False)
    x = torch.randn(2, 4)
    exact, rounded = layer(x), layer(x.to(BF16).float()).to(BF16)
    context = precast([layer], CPU, BF16)
    assert "forward" not in vars(layer)
    with context():
        assert layer.weight.dtype == torch.float32
        assert layer(x).dtype == BF16
        torch.testing.assert_close(layer(x), rounded, rtol=0.05, atol=0.05)
        with torch.autocast("cpu", enabled=False):
            assert torch.equal(layer(x), exact)
    assert "forward" not in vars(layer)
    with pytest.raises(RuntimeError, match="shapes"), context():
        layer(x.T)
    assert "forward" not in vars(layer)
    assert torch.equal(layer(x), exact)


def test_models_that_share_frozen_weights_share_their_casts():
    layers = [nn.Linear(4, 3).requires_grad_(False) for _ in range(3)]
    layers[1].weight.data = layers[0].weight.data
    with Casts() as casts:
        precast(layers, CPU, BF16)
    assert len(casts.of) == len(set(casts.of)) == 2


def test_layers_that_train_and_those_with_a_forward_of_their_own_are_left_alone():
    class Other(nn.Linear):
        pass

    trains, other, replaced = nn.Linear(4, 3), Other(4, 3), nn.Linear(4, 3)
    other.requires_grad_(False)
    replaced.requires_grad_(False)
    seven = lambda x: torch.full((2, 3), 7.0)  # noqa: E731
    replaced.forward = seven
    with precast([nn.ModuleList([trains, other, replaced])], CPU, BF16)():
        assert "forward" not in vars(trains)
        assert "forward" not in vars(other)
        assert replaced.forward is seven
    assert replaced.forward is seven
