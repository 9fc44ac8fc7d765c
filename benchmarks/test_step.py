"""A training step of every method on the shipped backbone, and the encoder against transformers' own."""

import numpy as np
import pytest
import torch
from rivals import MODALITIES, encoders, step_gflops

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.cells.runtime import Runtime
from mora_bench.checks.subject import CPU, own_axes
from mora_bench.data.samples import View
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model
from mora_bench.training.decoded import samples
from mora_bench.training.probe import settle
from mora_bench.training.state_cache import Feed

BATCH = 16


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return samples("odir", "small", 128, Runtime(out=folder, cache=folder, limit=64))


@pytest.fixture
def backbone():
    return backbones.load(backbones.resolve("small", 128), MODALITIES, 128, 0)


#: Those that run on a single stream.
METHODS = [
    name
    for name in registry.names(registry.METHODS)
    if not registry.get(registry.METHODS, name).unfit(backbones.resolve("small", 128))
]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.benchmark(group="training step, small backbone, batch 16")
def test_step(benchmark, name, data, backbone):
    method = registry.get(registry.METHODS, name)
    model = Model(backbone, method(backbone, own_axes(method, backbone)), Dummy(backbone), 8, 0)
    optimizer = torch.optim.AdamW(model.trained().values(), fused=True)
    view = View(data, np.arange(BATCH), np.ones((BATCH, 2), bool))
    settle(model, view, CPU)
    feed = Feed(model, view, BATCH, CPU)
    at = np.arange(BATCH)
    benchmark.extra_info["gflops"] = BATCH * step_gflops(model, view.batch(at[:1]))

    def step():
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model.finish(feed.state(at)), view.targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    benchmark.pedantic(step, rounds=20, warmup_rounds=5)


@pytest.mark.parametrize("which", ["mora_bench", "transformers"])
@pytest.mark.benchmark(group="forward pass, small backbone, batch 16")
def test_encoder(benchmark, which, data, backbone):
    batch = data.batch(np.arange(BATCH), np.ones((BATCH, 2), bool))
    benchmark.pedantic(encoders(backbone, batch)[which], rounds=20, warmup_rounds=5)
