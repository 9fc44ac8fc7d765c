"""SigLIP against transformers' own SiglipModel, for every mix of sizes and lengths; its heads and its towers."""

import copy
import json
import shutil

import pytest
import torch
import torch.nn.functional as F
from conftest import MODALITIES, dual_inputs, tiny_siglip
from transformers import SiglipModel

from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.siglip import Siglip, attended
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs
from mora_bench.errors import UserError

MEAN, STD = torch.tensor([0.5, 0.45, 0.4])[:, None, None], torch.tensor([0.5, 0.4, 0.3])[:, None, None]
LONGEST, PAD = 80, 1


def features(backbone, batch):
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    net = backbone.net
    heads = torch.nn.ModuleDict({"text": net.text_model.head, "image": net.vision_model.head})
    return backbone.pool(streams, heads).split(backbone.shares, -1)


def reference(siglip: SiglipModel, batch, patch=16):
    """Texts padded to all positions, without a mask, as the checkpoints were trained; pictures one by one."""
    words, pictures = batch.inputs
    ids = torch.full((len(words.ids), LONGEST), PAD)
    for row, (pieces, mask) in enumerate(zip(words.ids, words.mask, strict=True)):
        ids[row, : mask.sum()] = pieces[mask]
    text = siglip.get_text_features(input_ids=ids).pooler_output
    image = []
    for pixels, (h, w) in zip(pictures.pixels, pictures.grid.tolist(), strict=True):
        shown = ((pixels[:, : h * patch, : w * patch] + 1) / 2 - MEAN) / STD
        image.append(siglip.get_image_features(shown[None], interpolate_pos_encoding=True).pooler_output)
    return text, torch.cat(image)


MIXES = [
    ([(2, 2)], [80]),
    ([(2, 4), (4, 4), (1, 3), (4, 1)], [2, 77, 9, 40]),
    ([(3, 3)] * 3, [12, 12, 12]),
]


@pytest.mark.parametrize(("sizes", "lengths"), MIXES)
def test_features_and_gradients_equal_transformers(sizes, lengths):
    backbone = tiny_siglip()
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


def test_the_head_reads_no_padding_and_nothing_that_a_method_added():
    backbone = tiny_siglip()
    head, x = backbone.net.vision_model.head, torch.randn(3, 9, 48)
    mask = torch.arange(9) < torch.tensor([9, 4, 1])[:, None]
    pooled = attended(head, x, mask)
    for row, count in enumerate((9, 4, 1)):
        torch.testing.assert_close(pooled[row], head(x[row, :count][None])[0], rtol=0, atol=1e-5)
    streams = backbone.join(backbone.embed(dual_inputs([(2, 2)], [5])), torch.ones(1, 2, dtype=torch.bool))
    pooler = backbone.make_pooler()
    longer = (streams[0], streams[1].append(torch.randn(1, 3, 48)))
    torch.testing.assert_close(backbone.pool(streams, pooler), backbone.pool(longer, pooler))


def test_texts_of_any_length_have_all_positions_and_padding_is_read():
    backbone = tiny_siglip()
    short, long = (backbone.embed(dual_inputs([(2, 2)], [length]))[0] for length in (3, 40))
    assert short.x.shape == long.x.shape == (1, LONGEST, 32)
    assert short.mask.all()
    # Beside a longer text nothing of it changes.
    words, pictures = dual_inputs([(2, 2)], [3]).inputs
    wider = TextInputs(F.pad(words.ids, (0, 37)), F.pad(words.mask, (0, 37)))
    assert backbone.embed(Batch((wider, pictures), torch.ones(1, 2).bool()))[0].x.equal(short.x)


def test_streams_of_unlike_depth_and_width_and_a_kind_without_a_tower():
    kinds = {"left": "image", "right": "image", "note": "text", "lab": "table"}
    backbone = Siglip(tiny_siglip().net, kinds, PictureSpec(ImageRule(32, 64, 16), [0.5] * 3, [0.5] * 3))
    assert backbone.widths == (48, 48, 32, 48)
    assert backbone.depths == (3, 3, 2, 0)
    assert backbone.shares == (48, 48, 24, 48)
    assert backbone.places((2,)) == [At(0, 2), At(1, 2)]
    assert {name.partition(".")[0] for name, _ in backbone.make_pooler().named_parameters()} == {"text", "image"}
    parameters = dict(backbone.net.named_parameters())
    for name, parameter in backbone.make_pooler().named_parameters():
        torch.testing.assert_close(parameter, parameters[backbone.pooler_path(name)])


def test_parameters_that_never_run_are_said_once():
    net = tiny_siglip().net
    named = {id(p): name for name, p in net.named_parameters()}
    seen = PictureSpec(ImageRule(32, 64, 16), [0.5] * 3, [0.5] * 3)
    for kinds, tower in ((MODALITIES, None), ({"note": "text"}, "vision_model.")):
        unused = [named[id(p)] for p in Siglip(net, kinds, seen).unused]
        assert len(unused) == len(set(unused))
        copied = {name for name in named.values() if ".head." in name} | {"logit_scale", "logit_bias"}
        assert {*unused} == copied | {name for name in named.values() if tower and name.startswith(tower)}


def test_a_folder_is_found_by_its_configuration_and_read_as_saved(siglip_folder, tmp_path):
    spec = backbones.resolve(str(siglip_folder), 128)
    assert (spec.family, spec.depth, spec.width, spec.single_stream) == ("siglip", 3, 32, False)
    assert spec.rules["text"].max_text == LONGEST
    loaded = backbones.load(spec, MODALITIES, 128, 0)
    theirs = SiglipModel.from_pretrained(siglip_folder).eval()
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(dict(loaded.net.named_parameters())[name], parameter)
    # Without a head nothing pools a picture.
    other = tmp_path / "headless"
    shutil.copytree(siglip_folder, other)
    config = json.loads((other / "config.json").read_text())
    config = copy.deepcopy(config)
    config["vision_config"]["vision_use_head"] = False
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="vision_use_head is false"):
        backbones.resolve(str(other), 64)
