"""ALIGN against transformers' own AlignModel: texts of all lengths, pictures of all sizes."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import MODALITIES, dual_inputs
from PIL import Image
from transformers import AlignModel
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil

from mora_bench.backbones import grids
from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.errors import UserError


@pytest.fixture
def own(align_folder, tmp_path):
    """A copy of the folder, to change."""
    return shutil.copytree(align_folder, tmp_path / "own")


def changed(folder, file, **changes):
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(config | changes))
    return folder


def loaded(folder, modalities=MODALITIES):
    return backbones.load(backbones.resolve(str(folder), 128), modalities, 128, 0)


def inputs(lengths, seen):
    """Texts, and features of pictures [B, pictures, F], of which as many are there as are not NaN."""
    words = dual_inputs([(1, 1)] * len(lengths), lengths).inputs[0]
    there = ~seen.isnan().any(-1)
    slots = torch.where(there, torch.arange(seen.shape[1]), -1)
    pictures = FeatureInputs(seen.nan_to_num()[:, :, None], slots)
    return Batch((words, pictures), torch.stack([torch.ones(len(lengths)).bool(), there.any(1)], 1))


def features(backbone, batch):
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    heads = torch.nn.ModuleDict({"text": backbone.net["text_projection"]})
    return backbone.pool(streams, heads).split(backbone.shares, -1)


@pytest.mark.parametrize("lengths", [[48], [2, 40, 9, 33], [12, 12, 12]])
def test_texts_and_gradients_equal_transformers(align_folder, lengths):
    backbone, theirs = loaded(align_folder), AlignModel.from_pretrained(align_folder).eval()
    batch = inputs(lengths, torch.randn(len(lengths), 1, 40))
    words = batch.inputs[0]
    expected = theirs.get_text_features(input_ids=words.ids, attention_mask=words.mask.long()).pooler_output
    got = features(backbone, batch)[0]
    for text in (got, expected):
        text.sin().sum().backward()
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    gradients = {name: p.grad for name, p in theirs.named_parameters() if p.grad is not None}
    ours = {name: p.grad for name, p in backbone.net.named_parameters()}
    assert ours.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("size", [(64, 64), (128, 64), (96, 160), (200, 333)])
def test_pictures_equal_transformers_from_the_file_to_the_feature(align_folder, size):
    """Of a square all that transformers' processor does but its crop; of others our size, by Pillow."""
    spec, theirs = backbones.resolve(str(align_folder), 64), AlignModel.from_pretrained(align_folder).eval()
    rule = spec.rules["image"]
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    height, width = rule.pixels.size(*size)
    assert (height, width) == {(64, 64): (64, 64), (128, 64): (96, 32), (96, 160): (64, 96), (200, 333): (64, 96)}[size]
    shown = rule.pixels.resized(picture)
    steps = json.loads((align_folder / "preprocessor_config.json").read_text()) | {"do_center_crop": False}
    processor = EfficientNetImageProcessorPil(**steps | {"size": {"height": height, "width": width}})
    pixels = processor(images=[Image.fromarray(picture)], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = theirs.get_image_features(pixels).pooler_output
    assert expected.std() > 0.05
    got = torch.from_numpy(rule.features(shown))
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)
    # Nothing of it is changed on its way through the network.
    pooled = features(loaded(align_folder), inputs([5], got[None]))[1]
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-5)


def test_several_pictures_are_their_mean_and_none_is_zeros(align_folder):
    seen = torch.randn(3, 2, 40)
    seen[1, 1], seen[2] = torch.nan, torch.nan
    pooled = features(loaded(align_folder), inputs([5, 5, 5], seen))[1]
    torch.testing.assert_close(pooled[0], seen[0].mean(0))
    torch.testing.assert_close(pooled[1], seen[1, 0])
    assert not pooled[2].any()


def test_streams_and_parameters(align_folder):
    spec = backbones.resolve(str(align_folder), 128)
    assert (spec.family, spec.depth, spec.shallowest, spec.width) == ("align", 3, 0, 32)
    assert spec.rules["text"].max_text == 48
    kinds = {"left": "image", "right": "image", "note": "text", "lab": "table"}
    backbone = loaded(align_folder, kinds)
    assert backbone.widths == (40, 40, 32, 40)
    assert backbone.depths == (0, 0, 3, 0)
    assert backbone.shares == (40, 40, 24, 40)
    theirs = dict(AlignModel.from_pretrained(align_folder).named_parameters())
    for name, parameter in backbone.net.named_parameters():
        assert parameter.equal(theirs[name])
    names = [backbone.pooler_path(name) for name, _ in backbone.make_pooler().named_parameters()]
    assert names == ["text_projection.weight", "text_projection.bias"]
    # Without texts nothing of the network runs.
    pictures = loaded(align_folder, {"left": "image"})
    assert {id(p) for p in pictures.unused} == {id(p) for p in pictures.net.parameters()}
    assert not [module.p for module in backbone.net.modules() if isinstance(module, torch.nn.Dropout) and module.p]


def test_the_half_that_sees_is_a_picture_network_of_fused(align_folder):
    name = f"fused:untrained,{align_folder},2"
    rule = backbones.resolve(name, 64).rules["image"]
    assert (rule.width, rule.tokens) == (40, 2)
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    with torch.no_grad():
        pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        grid = AlignModel.from_pretrained(align_folder).eval().vision_model(pixels).last_hidden_state
    expected = torch.stack([grid[0, :, :2].mean((1, 2)), grid[0, :, 2:].mean((1, 2))])
    torch.testing.assert_close(torch.from_numpy(rule.features(picture)), expected, rtol=0, atol=1e-5)


def test_what_a_folder_says_of_pictures_is_in_its_identity_or_refused(own, align_folder):
    first = backbones.resolve(str(align_folder), 64)
    assert (first.rules["image"].mean, first.rules["image"].std) == (pytest.approx([0.5] * 3), pytest.approx([0.5] * 3))
    assert backbones.resolve(str(own), 64).fingerprint == first.fingerprint
    assert backbones.resolve(str(own), 64).rules["image"].key() == first.rules["image"].key()
    plain = backbones.resolve(str(changed(own, "preprocessor_config.json", rescale_offset=False)), 64)
    assert plain.fingerprint != first.fingerprint
    assert plain.rules["image"].mean == pytest.approx([0] * 3)
    with pytest.raises(UserError, match="include_top is 'no'; expected true or false"):
        backbones.resolve(str(changed(own, "preprocessor_config.json", include_top="no")), 64)
    config = json.loads((own / "config.json").read_text())["vision_config"] | {"pooling_type": "max"}
    with pytest.raises(UserError, match=r"config\.json: pooling_type of vision_config is 'max'; expected mean"):
        backbones.resolve(str(changed(own, "config.json", vision_config=config)), 64)


def test_the_untrained_one_draws_its_text_by_seed_and_its_pictures_once():
    spec = backbones.resolve("align-untrained", 64)
    assert spec.rules["image"].source == grids.UNTRAINED
    weights = [backbones.load(spec, MODALITIES, 64, seed).net["text_projection"].weight for seed in (0, 0, 1)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])
