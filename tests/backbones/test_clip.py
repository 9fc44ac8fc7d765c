"""The dual encoder against transformers' own CLIPModel, for every mix of sizes and lengths; and its towers."""

import pytest
import torch
from conftest import MODALITIES, dual_inputs, tiny_clip
from transformers import CLIPModel

from mora_bench.backbones.clip import Clip
from mora_bench.backbones.contract import At
from mora_bench.backbones.layout import PictureSpec
from mora_bench.data.modalities.pictures import ImageRule

MEAN, STD = torch.tensor([0.48, 0.46, 0.41])[:, None, None], torch.tensor([0.27, 0.26, 0.28])[:, None, None]


def features(backbone, batch):
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    clip = backbone.net
    pooler = torch.nn.ModuleDict({"text": clip.text_projection, "image": clip.visual_projection})
    return backbone.pool(streams, pooler).split(backbone.shares, -1)


def reference(clip: CLIPModel, batch, patch=16):
    words, pictures = batch.inputs
    text = clip.get_text_features(input_ids=words.ids, attention_mask=words.mask.long()).pooler_output
    image = []
    for pixels, (h, w) in zip(pictures.pixels, pictures.grid.tolist(), strict=True):
        shown = ((pixels[:, : h * patch, : w * patch] + 1) / 2 - MEAN) / STD
        image.append(clip.get_image_features(shown[None], interpolate_pos_encoding=True).pooler_output)
    return text, torch.cat(image)


MIXES = [
    ([(2, 2)], [77]),
    ([(2, 4), (4, 4), (1, 3), (4, 1)], [2, 77, 9, 40]),
    ([(3, 3)] * 3, [12, 12, 12]),
]


@pytest.mark.parametrize(("sizes", "lengths"), MIXES)
def test_features_and_gradients_equal_transformers(sizes, lengths):
    backbone = tiny_clip()
    batch = dual_inputs(sizes, lengths)
    runs = []
    for way in (features, lambda backbone, batch: reference(backbone.net, batch)):
        text, image = way(backbone, batch)
        backbone.zero_grad()
        (text.sin().sum() + image.cos().sum()).backward()
        gradients = {n: p.grad.clone() for n, p in backbone.net.named_parameters() if p.grad is not None}
        runs.append((text, image, gradients))
    (text, image, ours), (text_, image_, theirs) = runs
    torch.testing.assert_close(text, text_, rtol=0, atol=1e-5)
    torch.testing.assert_close(image, image_, rtol=0, atol=1e-5)
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_the_pooled_token_of_both_towers_comes_first():
    backbone = tiny_clip()
    batch = dual_inputs([(2, 2), (2, 4)], [5, 9])
    streams = backbone.join(backbone.embed(batch), batch.present)
    for stream, tokens in enumerate(streams):
        full = backbone.block(At(stream, 0), tokens)
        alone = backbone.block(At(stream, 0), tokens, first=1)
        assert alone.x.shape[1] == 1
        torch.testing.assert_close(alone.x, full.x[:, :1], rtol=0, atol=1e-5)


def test_what_a_method_adds_stands_before_the_text():
    """Every token sees added tokens; they see none of the text, as where DCP's released code puts them."""
    backbone = tiny_clip()
    batch = dual_inputs([(2, 2), (2, 2)], [5, 9])
    text = backbone.join(backbone.embed(batch), batch.present)[0]
    extra = torch.randn(2, 3, 32)
    longer = text.append(extra)
    got = backbone.block(At(0, 0), longer).x
    layer = backbone.net.text_model.encoder.layers[0]
    for row, length in enumerate((5, 9)):
        tokens = text.x[row, :length]
        plain = torch.cat([extra[row], tokens[1:], tokens[:1]])[None]
        hidden = torch.full((len(plain[0]), len(plain[0])), -torch.inf).triu(1)[None, None]
        expected = layer(plain, hidden)[0]
        torch.testing.assert_close(got[row, 0], expected[-1], rtol=0, atol=1e-5)
        torch.testing.assert_close(got[row, 1:length], expected[3:-1], rtol=0, atol=1e-5)
        torch.testing.assert_close(got[row, -3:], expected[:3], rtol=0, atol=1e-5)


def test_two_pictures_share_a_tower_and_a_kind_without_one_has_a_stream_without_blocks():
    kinds = {"left": "image", "right": "image", "note": "text", "lab": "table"}
    backbone = Clip(tiny_clip().net, kinds, PictureSpec(ImageRule(32, 64, 16), [0.5] * 3, [0.5] * 3))
    assert backbone.towers == ("image", "image", "text", "table")
    assert backbone.widths == (48, 48, 32, 48)
    assert backbone.depths == (3, 3, 3, 0)
    assert backbone.shares == (24, 24, 24, 48)
    assert backbone.features == 120
    assert backbone.layer(At(0, 1)) is backbone.layer(At(1, 1)) is not backbone.layer(At(2, 1))
    assert backbone.places((1,)) == [At(0, 1), At(1, 1), At(2, 1)]


def test_parameters_that_never_run_are_said():
    clip = tiny_clip().net
    copied = {"text_projection.weight", "visual_projection.weight", "logit_scale"}
    named = {id(p): name for name, p in clip.named_parameters()}
    assert {named[id(p)] for p in tiny_with(clip, MODALITIES).unused} == copied
    rest = {named[id(p)] for p in tiny_with(clip, {"note": "text"}).unused} - copied
    assert rest == {name for name in named.values() if name.startswith("vision_model.")}


def tiny_with(clip, kinds):
    return Clip(clip, kinds, PictureSpec(ImageRule(32, 64, 16), [0.5] * 3, [0.5] * 3))
