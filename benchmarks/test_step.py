"""A training step of every method on the shipped backbone, and the encoder against transformers' own."""

import numpy as np
import pytest
import torch

from mora_bench import registry
from mora_bench.backbone import load as backbones
from mora_bench.contract import own_axes
from mora_bench.data.samples import View
from mora_bench.feed import Feed
from mora_bench.imputer import Dummy
from mora_bench.measure import step_flops
from mora_bench.model import Model
from mora_bench.run import Site, samples
from mora_bench.tokens import join

BATCH = 16


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return samples("odir", "small", 128, Site(out=folder, cache=folder, limit=64))


@pytest.fixture
def backbone():
    return backbones.load(backbones.resolve("small"), 128, 0)


@pytest.mark.parametrize("name", registry.names(registry.METHODS))
@pytest.mark.benchmark(group="training step, small backbone, batch 16")
def test_step(benchmark, name, data, backbone):
    method = registry.get(registry.METHODS, name)
    model = Model(backbone, method(backbone, own_axes(method, backbone)), Dummy(backbone), 8, 0)
    optimizer = torch.optim.AdamW(model.trained().values(), fused=True)
    view = View(data, np.arange(BATCH), np.ones((BATCH, 2), bool))
    feed = Feed(model, view, BATCH, torch.device("cpu"))
    at = np.arange(BATCH)
    benchmark.extra_info["gflops"] = BATCH * _computed(step_flops(model, view.batch(at[:1]))) / 1e9

    def step():
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model.finish(feed.state(at)), view.targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    benchmark.pedantic(step, rounds=20, warmup_rounds=5)


def _computed(flops):
    """What a step computes once the frozen beginning is kept."""
    return flops["forward"] - flops["begin"] + flops["backward"]


@pytest.mark.parametrize("which", ["mora_bench", "transformers"])
@pytest.mark.benchmark(group="forward pass, small backbone, batch 16")
def test_encoder(benchmark, which, data, backbone):
    batch = data.batch(np.arange(BATCH), np.ones((BATCH, 2), bool))
    pixel_mask = torch.ones(BATCH, *batch.pixels.shape[2:])

    @torch.no_grad()
    def ours():
        tokens = join(backbone.embed(batch), batch.present)
        for i in range(backbone.depth):
            tokens = backbone.block(i, tokens)
        return backbone.pool(tokens, backbone.vilt.pooler)

    @torch.no_grad()
    def theirs():
        return backbone.vilt(
            input_ids=batch.ids,
            attention_mask=batch.ids_mask.long(),
            pixel_values=batch.pixels,
            pixel_mask=pixel_mask,
        ).pooler_output

    torch.testing.assert_close(ours(), theirs(), rtol=0, atol=1e-5)
    benchmark.pedantic(ours if which == "mora_bench" else theirs, rounds=20, warmup_rounds=5)
