"""Nothing is left on the CPU by what is fitted: every method and imputer on a GPU that is not there.

`checks.device` tries the same before and in fitting. What depends on values cannot run there: the sizes of pictures
(`grid`) are real and on the CPU, as on a GPU; imputers that ask scikit-learn or look up which samples lack something
(`nonzero`) are named in `ASKS_FOR_VALUES`.
"""

import numpy as np
import pytest
import torch
from conftest import ON_A_STREAM, load, thirds
from mora_baselines.ragpt import Memory
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from mora_bench import registry
from mora_bench.checks.device import GPU, no_values
from mora_bench.checks.subject import Subject
from mora_bench.methods.network import Model, Shortcuts

#: Imputers whose `fill` reads values; they move what they read to the CPU themselves.
ASKS_FOR_VALUES = {"bank", "knn1", "knn5", "learned", "mean", "prototypes", "regression"}


def on_gpu(model: Model) -> Model:
    """It on a GPU, as empty tensors, and RAGPT's samples, which are no buffers, so that no checkpoint holds them."""
    memory = getattr(model.method, "memory", None)
    if isinstance(memory, Memory):
        for name, held in vars(memory).items():
            if isinstance(held, dict):
                setattr(memory, name, {m: tensor.to(GPU) for m, tensor in held.items()})
            elif isinstance(held, torch.Tensor):
                setattr(memory, name, held.to(GPU))
    return model.to(GPU)


def model_of(method: str, imputer: str, folder, toy) -> Model:
    kind = registry.get(registry.METHODS, method)
    fills = registry.get(registry.IMPUTERS, imputer)
    return Subject(kind, fills, toy, lambda: load(folder)).model()


@pytest.mark.parametrize("shortcuts", ["all", "nothing"])
@pytest.mark.parametrize("name", ON_A_STREAM)
def test_every_method_keeps_to_its_device(name, shortcuts, folder, toy):
    model = model_of(name, "dummy", folder, toy)
    if shortcuts == "nothing":
        model.shortcuts = Shortcuts()
    model, batch = on_gpu(model), thirds(toy, np.arange(6)).batch(np.arange(6)).to(GPU)
    for training in (True, False):
        with no_values(), torch.no_grad():
            logits = model.train(training)(batch)
            penalty = model.method.penalty()
        assert logits.device == GPU
        assert logits.shape == (6, 8)
        assert not isinstance(penalty, torch.Tensor) or penalty.device == GPU


@pytest.mark.parametrize("name", registry.names(registry.IMPUTERS))
def test_every_imputer_keeps_to_its_device_or_is_named_as_an_exception(name, folder, toy):
    model = model_of("head", name, folder, toy)
    model, batch = on_gpu(model), thirds(toy, np.arange(6)).batch(np.arange(6)).to(GPU)
    asks = False
    with no_values(), torch.no_grad():
        try:
            filled = model.imputer.fill(model.embed(batch), batch.present)
        except (DataDependentOutputException, DynamicOutputShapeException):
            asks = True
        else:
            assert all(part.x.device == part.mask.device == GPU for part in filled)
    assert asks == (name in ASKS_FOR_VALUES)
