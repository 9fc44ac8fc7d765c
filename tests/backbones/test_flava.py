"""FLAVA against transformers' own FlavaModel, for every mix of sizes and lengths; what an absent modality leaves."""

import json
import shutil

import pytest
import torch
from conftest import MODALITIES, dual_inputs, tiny_flava
from transformers import FlavaModel

from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.backbones.flava import Flava
from mora_bench.backbones.layout import PictureSpec
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.bag import BagInputs
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs
from mora_bench.errors import UserError

MEAN, STD = torch.tensor([0.5, 0.45, 0.4])[:, None, None], torch.tensor([0.5, 0.4, 0.3])[:, None, None]
SEEN = PictureSpec(ImageRule(32, 64, 16), [0.5, 0.45, 0.4], [0.5, 0.4, 0.3])


def through(backbone, batch):
    (tokens,) = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        tokens = backbone.block(At(0, i), tokens)
    return tokens


def states(backbone, batch):
    """By sample the normed [CLS] and tokens, as transformers orders them: [CLS], the picture's, the text's."""
    tokens = through(backbone, batch)
    normed = backbone.norm(0, tokens.x)
    return [
        torch.cat([x[:1], x[modality == 1], x[modality == 0]])
        for x, modality in zip(normed, tokens.modality, strict=True)
    ]


def shown(pixels, h, w, patch=16):
    """A picture as transformers' processor gives it, [1, 3, H, W]."""
    return (((pixels[:, : h * patch, : w * patch] + 1) / 2 - MEAN) / STD)[None]


def reference(flava: FlavaModel, batch):
    """By sample what the multimodal encoder gives. FlavaModel's own forward cannot interpolate positions, so its parts
    are put together here as it does for its own size."""
    words, pictures = batch.inputs
    given = []
    for row, (h, w) in enumerate(pictures.grid.tolist()):
        pixels = shown(pictures.pixels[row], h, w)
        seen = flava.image_model(pixels, interpolate_pos_encoding=True, output_hidden_states=True).hidden_states[-1]
        read = flava.text_model(words.ids[row, words.mask[row]][None], output_hidden_states=True).hidden_states[-1]
        both = torch.cat([flava.image_to_mm_projection(seen), flava.text_to_mm_projection(read)], 1)
        given.append(flava.multimodal_model(both).last_hidden_state[0])
    return given


MIXES = [
    ([(2, 2)], [80]),
    ([(2, 4), (4, 4), (1, 3), (4, 1)], [2, 77, 9, 40]),
    ([(3, 3)] * 3, [12, 12, 12]),
]


@pytest.mark.parametrize(("sizes", "lengths"), MIXES)
def test_all_tokens_and_gradients_equal_transformers(sizes, lengths):
    backbone = tiny_flava()
    batch = dual_inputs(sizes, lengths)
    runs = []
    for way in (states, lambda backbone, batch: reference(backbone.flava, batch)):
        tokens = way(backbone, batch)
        backbone.zero_grad()
        sum(x[0].sin().sum() + x[1:].cos().sum() for x in tokens).backward()
        gradients = {n: p.grad.clone() for n, p in backbone.flava.named_parameters() if p.grad is not None}
        runs.append((tokens, gradients))
    (ours, our_gradients), (theirs, their_gradients) = runs
    for x, y in zip(ours, theirs, strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-5)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in their_gradients.items():
        torch.testing.assert_close(our_gradients[name], gradient, rtol=1e-4, atol=1e-5, msg=name)
    # The features tell samples apart, so that equality says something.
    assert len(ours) == 1 or torch.stack([x[0] for x in ours]).std(0).max() > 0.1


@pytest.mark.parametrize("lengths", [[7, 7], [3, 60], [80, 2]])
def test_features_of_pictures_of_its_own_size_equal_the_whole_model(lengths):
    backbone = tiny_flava()
    batch = dual_inputs([(4, 4), (4, 4)], lengths)
    words, pictures = batch.inputs
    pixels = torch.cat([shown(picture, 4, 4) for picture in pictures.pixels])
    whole = backbone.flava(input_ids=words.ids, attention_mask=words.mask.long(), pixel_values=pixels)
    features = backbone.pool((through(backbone, batch),), backbone.make_pooler())
    torch.testing.assert_close(features, whole.multimodal_embeddings[:, 0], rtol=0, atol=1e-5)
    assert features.shape == (2, backbone.features) == (2, 40)


def test_an_absent_modality_has_no_tokens_and_the_cls_stays():
    backbone = tiny_flava()
    whole = dual_inputs([(2, 3), (4, 4), (2, 2)], [5, 20, 9])
    batch = Batch(whole.inputs, torch.tensor([[True, False], [False, True], [True, True]]))
    (tokens,) = backbone.join(backbone.embed(batch), batch.present)
    assert tokens.mask[:, 0].all()
    assert (tokens.modality[:, 0] == -1).all()
    assert tokens.mask.sum(1).tolist() == [1 + 5, 1 + 17, 1 + 9 + 5]
    features = backbone.pool((through(backbone, batch),), backbone.make_pooler())
    flava = backbone.flava
    text = flava.text_model(whole.inputs[0].ids[:1, :5], output_hidden_states=True).hidden_states[-1]
    image = flava.image_model(shown(whole.inputs[1].pixels[1], 4, 4), output_hidden_states=True).hidden_states[-1]
    alone = [flava.text_to_mm_projection(text), flava.image_to_mm_projection(image)]
    for row, part in enumerate(alone):
        given = flava.multimodal_model(part).last_hidden_state[0, 0]
        torch.testing.assert_close(features[row], given, rtol=0, atol=1e-5)


def test_padding_changes_nothing():
    backbone = tiny_flava()
    alone, wide = dual_inputs([(2, 3)], [4]), dual_inputs([(2, 3), (4, 4)], [4, 30])
    wide.inputs[1].pixels[0, :, :32, :48] = alone.inputs[1].pixels[0]
    wide.inputs[0].ids[0, :4] = alone.inputs[0].ids[0]
    one, two = (backbone.norm(0, through(backbone, batch).x[:, 0]) for batch in (alone, wide))
    torch.testing.assert_close(one[0], two[0], rtol=0, atol=1e-5)
    assert not torch.allclose(two[0], two[1], atol=1e-2)


def test_each_picture_of_a_bag_is_encoded_by_itself():
    backbone = tiny_flava()
    words, pictures = dual_inputs([(2, 3), (4, 4)], [4, 4]).inputs
    bags = Flava(backbone.flava, {"text": "text", "films": "bag"}, SEEN)
    bag = BagInputs(pictures.pixels[None], pictures.grid[None])
    first = TextInputs(words.ids[:1], words.mask[:1])
    part = bags.embed(Batch((first, bag), torch.ones(1, 2, dtype=torch.bool)))[1]
    single = backbone.embed(Batch((words, pictures), torch.ones(2, 2, dtype=torch.bool)))[1]
    assert part.mask.sum() == 7 + 17
    torch.testing.assert_close(part.x[part.mask], single.x[single.mask], rtol=0, atol=1e-6)


def test_a_second_text_or_picture_has_a_type_of_its_own():
    kinds = {"left": "image", "note": "text", "films": "bag", "lab": "table", "letter": "text"}
    assert Flava(tiny_flava().flava, kinds, SEEN).untyped == ("letter", "films")


def test_parameters_that_never_run_are_those_without_a_gradient():
    for kinds in (MODALITIES, {"text": "text"}, {"image": "image"}):
        backbone = Flava(tiny_flava().flava, kinds, SEEN)
        inputs = dict(zip(MODALITIES, dual_inputs([(2, 3)], [6]).inputs, strict=True))
        batch = Batch(tuple(inputs[name] for name in kinds), torch.ones(1, len(kinds), dtype=torch.bool))
        backbone.pool((through(backbone, batch),), backbone.make_pooler()).sin().sum().backward()
        silent = {name for name, p in backbone.flava.named_parameters() if p.grad is None}
        unused = {id(p) for p in backbone.unused}
        assert silent == {name for name, p in backbone.flava.named_parameters() if id(p) in unused}


def test_a_folder_with_its_heads_is_found_by_its_configuration_and_read_without_dropout(flava_folder, tmp_path):
    spec = backbones.resolve(str(flava_folder), 128)
    assert (spec.family, spec.depth, spec.width, spec.single_stream) == ("flava", 3, 40, True)
    assert spec.rules["text"].max_text == 80
    other = shutil.copytree(flava_folder, tmp_path / "dropping")
    config = json.loads((other / "config.json").read_text())
    for part in ("text_config", "image_config", "multimodal_config"):
        config[part] |= {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}
    (other / "config.json").write_text(json.dumps(config))
    loaded = backbones.load(backbones.resolve(str(other), 128), MODALITIES, 128, 0)
    theirs = FlavaModel.from_pretrained(flava_folder)
    named = dict(loaded.flava.named_parameters())
    assert len(named) == len(list(theirs.named_parameters()))
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(named[name], parameter)
    batch = dual_inputs([(2, 3)], [6])
    plain = through(loaded, batch).x
    torch.testing.assert_close(through(loaded.train(), batch).x, plain)
    loaded.set_dropout(0.5)
    assert not torch.allclose(through(loaded, batch).x, plain)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("multimodal_config", {"use_cls_token": False}, "use_cls_token of multimodal_config is false"),
        ("multimodal_config", {"num_hidden_layers": 0}, "num_hidden_layers is 0; expected a whole number"),
        ("image_config", {"image_size": [64, 32]}, r"image_size is \[64, 32\]; expected a whole number"),
        ("image_config", {"patch_size": [16, 8]}, r"patch_size is \[16, 8\]; expected a whole number"),
    ],
)
def test_what_cannot_be_read_is_refused_when_planning(part, change, message, flava_folder, tmp_path):
    folder = shutil.copytree(flava_folder, tmp_path / "changed")
    config = json.loads((folder / "config.json").read_text())
    config[part] |= change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=message):
        backbones.resolve(str(folder), 64)


def test_a_configuration_under_the_older_key_wins_as_in_transformers(flava_folder, tmp_path):
    folder = shutil.copytree(flava_folder, tmp_path / "older")
    config = json.loads((folder / "config.json").read_text())
    config["text_config_dict"], config["text_config"] = config["text_config"], {"max_position_embeddings": 7}
    (folder / "config.json").write_text(json.dumps(config))
    spec = backbones.resolve(str(folder), 128)
    assert spec.rules["text"].max_text == 80
    assert backbones.load(spec, MODALITIES, 128, 0).flava.config.text_config.max_position_embeddings == 80
