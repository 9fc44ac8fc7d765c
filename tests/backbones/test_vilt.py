"""The lean encoder against transformers' own, for every mix of sizes, lengths and presence."""

import pytest
import torch
from conftest import tiny_backbone

from mora_bench.backbones.contract import At
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs


def run(backbone, batch):
    (tokens,) = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        tokens = backbone.block(At(0, i), tokens)
    return (tokens,)


def reference(backbone, batch, patch=16):
    text, image = batch.inputs
    pixel_mask = torch.zeros(len(batch), *image.pixels.shape[2:])
    for i, (h, w) in enumerate(image.grid.tolist()):
        pixel_mask[i, : h * patch, : w * patch] = 1
    return backbone.vilt(
        input_ids=text.ids, attention_mask=text.mask.long(), pixel_values=image.pixels, pixel_mask=pixel_mask
    )


def random_batch(sizes, lengths, seed=0, patch=16):
    generator = torch.Generator().manual_seed(seed)
    grid = torch.tensor(sizes)
    height, width = (grid.max(0).values * patch).tolist()
    pixels = torch.zeros(len(sizes), 3, height, width)
    for i, (h, w) in enumerate(sizes):
        pixels[i, :, : h * patch, : w * patch] = torch.randn(3, h * patch, w * patch, generator=generator)
    lengths = torch.tensor(lengths)
    ids = torch.randint(5, 200, (len(sizes), int(lengths.max())), generator=generator)
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    inputs = (TextInputs(ids * mask, mask), ImageInputs(pixels, grid))
    return Batch(inputs, torch.ones(len(sizes), 2, dtype=torch.bool))


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([(4, 4)] * 3, [7, 7, 7]),
        ([(2, 4), (4, 2), (3, 3)], [5, 20, 2]),
        ([(2, 5), (2, 5), (5, 6), (1, 1)], [2, 64, 11, 3]),
    ],
)
def test_equals_transformers(sizes, lengths):
    backbone = tiny_backbone()
    batch = random_batch(sizes, lengths)
    pooled = backbone.pool(run(backbone, batch), backbone.vilt.pooler)
    torch.testing.assert_close(pooled, reference(backbone, batch).pooler_output, rtol=0, atol=1e-5)
    assert pooled.std() > 0.1


def test_gradients_equal_transformers():
    ours, theirs = tiny_backbone(), tiny_backbone()
    batch = random_batch([(2, 4), (4, 4)], [9, 4])
    ours.pool(run(ours, batch), ours.vilt.pooler).pow(2).sum().backward()
    reference(theirs, batch).pooler_output.pow(2).sum().backward()
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        if b.grad is not None:
            torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-5 * max(1, b.grad.abs().max().item()), msg=name)


def test_wide_film_of_the_paper_has_190_patches_and_a_cls():
    backbone = tiny_backbone(patch_size=32, image_size=384)
    batch = random_batch([(10, 19)], [4], patch=32)
    text, image = backbone.embed(batch)
    assert image.x.shape == (1, 191, 32)
    assert text.x.shape == (1, 4, 32)
    pooled = backbone.pool(run(backbone, batch), backbone.vilt.pooler)
    torch.testing.assert_close(pooled, reference(backbone, batch, patch=32).pooler_output, rtol=0, atol=1e-5)


def test_padding_changes_nothing():
    backbone = tiny_backbone()
    alone = random_batch([(2, 3)], [4])
    wide = random_batch([(2, 3), (4, 4)], [4, 30])
    wide.inputs[1].pixels[0, :, :32, :48] = alone.inputs[1].pixels[0]
    wide.inputs[0].ids[0, :4] = alone.inputs[0].ids[0]
    one = backbone.pool(run(backbone, alone), backbone.vilt.pooler)
    two = backbone.pool(run(backbone, wide), backbone.vilt.pooler)[:1]
    torch.testing.assert_close(one, two, rtol=0, atol=1e-5)


def test_the_first_tokens_alone_are_what_they_are_among_all():
    backbone = tiny_backbone()
    batch = random_batch([(2, 3), (4, 4)], [4, 30])
    (tokens,) = backbone.join(backbone.embed(batch), batch.present)
    prefix = (torch.randn(2, 5, 32), torch.randn(2, 5, 32))
    for extra in (None, prefix):
        full, one = (backbone.block(At(0, 1), tokens, extra, first) for first in (None, 1))
        assert one.x.shape == (2, 1, 32)
        torch.testing.assert_close(one.x, full.x[:, :1], rtol=0, atol=1e-5)
        assert torch.equal(one.mask, full.mask[:, :1])
