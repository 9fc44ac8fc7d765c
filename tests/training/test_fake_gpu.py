"""Nothing is left on the CPU: every method and imputer on a GPU that is not there.

Under torch's `FakeTensorMode` tensors have a device and no values, so that mixing devices shows without a GPU. The
other device is called "meta", because a CPU build of torch cannot even slice what is called "cuda". What depends on
values cannot run there: the sizes of pictures (`grid`) are real and on the CPU, as on a GPU; imputers that ask
scikit-learn or look up which samples lack something (`nonzero`) are named in `ASKS_FOR_VALUES`.
"""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import ON_A_STREAM, load, thirds
from mora_baselines.ragpt import Memory
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from mora_bench import registry
from mora_bench.checks.subject import Subject
from mora_bench.data.batch import Batch
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model, Shortcuts

#: Imputers whose `fill` reads values; they move what they read to the CPU themselves.
ASKS_FOR_VALUES = {"bank", "knn1", "knn5", "learned", "mean", "prototypes", "regression"}
GPU = "meta"


def empty(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=GPU)


def on_gpu(model: Model) -> Model:
    """Every parameter and buffer as an empty tensor of a GPU."""
    for module in model.modules():
        for name, parameter in list(module._parameters.items()):
            if parameter is not None:
                module._parameters[name] = torch.nn.Parameter(empty(parameter), parameter.requires_grad)
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                module._buffers[name] = empty(buffer)
    # RAGPT's samples are no buffers, so that no checkpoint holds them.
    memory = getattr(model.method, "memory", None)
    if isinstance(memory, Memory):
        for name, held in vars(memory).items():
            if isinstance(held, dict):
                setattr(memory, name, {m: empty(tensor) for m, tensor in held.items()})
            elif isinstance(held, torch.Tensor):
                setattr(memory, name, empty(held))
    return model


def batch_on_gpu(batch: Batch) -> Batch:
    """As `Batch.to` would move it: what decides shapes stays."""
    inputs = []
    for part in batch.inputs:
        moved = [f.name for f in dataclasses.fields(part) if f.name not in part.on_cpu]
        inputs.append(dataclasses.replace(part, **{name: empty(getattr(part, name)) for name in moved}))
    return Batch(tuple(inputs), empty(batch.present))


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
    batch = thirds(toy, np.arange(6)).batch(np.arange(6))
    for training in (True, False):
        with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            fake = on_gpu(model.train(training))
            state = fake.begin(batch_on_gpu(batch))
            logits = fake.finish(state)
            penalty = fake.method.penalty()
        assert logits.device.type == GPU
        assert logits.shape == (6, 8)
        assert not isinstance(penalty, torch.Tensor) or penalty.device.type == GPU


@pytest.mark.parametrize("name", registry.names(registry.IMPUTERS))
def test_every_imputer_keeps_to_its_device_or_is_named_as_an_exception(name, folder, toy):
    model = model_of("head", name, folder, toy)
    batch = thirds(toy, np.arange(6)).batch(np.arange(6))
    asks = False
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        fake = on_gpu(model)
        inputs = batch_on_gpu(batch)
        try:
            filled = fake.imputer.fill(fake.embed(inputs), inputs.present)
        except (DataDependentOutputException, DynamicOutputShapeException):
            asks = True
        else:
            assert all(part.x.device.type == part.mask.device.type == GPU for part in filled)
    assert asks == (name in ASKS_FOR_VALUES)


def test_a_tensor_left_on_the_cpu_is_found(folder, toy):
    class Forgets(Dummy):
        def fill(self, parts, present):
            return [dataclasses.replace(part, x=part.x + torch.ones(1, 1, part.x.shape[-1])) for part in parts]

    model = Subject(registry.get(registry.METHODS, "head"), Forgets, toy, lambda: load(folder)).model()
    batch = thirds(toy, np.arange(6)).batch(np.arange(6))
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad(), pytest.raises(RuntimeError, match="device"):
        on_gpu(model)(batch_on_gpu(batch))
