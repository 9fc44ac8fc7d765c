"""BridgeTower against transformers' own BridgeTowerModel, for every mix of sizes and lengths and its variants."""

import copy
import json
import shutil
from dataclasses import replace

import pytest
import torch
from conftest import MODALITIES, bridged, dual_inputs, tiny_bridgetower
from transformers import BridgeTowerModel

from mora_bench.backbones import load as backbones
from mora_bench.backbones.bridge_towers import SplitAttention, split_attention
from mora_bench.backbones.bridgetower import BridgeTower
from mora_bench.backbones.contract import At
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.tokens import Part
from mora_bench.cells.recipe import Recipe
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError
from mora_bench.plan.fitting import fitting

MEAN, STD = torch.tensor([0.5, 0.45, 0.4])[:, None, None], torch.tensor([0.5, 0.4, 0.3])[:, None, None]
SEEN = PictureSpec(ImageRule(32, 64, 16), [0.5, 0.45, 0.4], [0.5, 0.4, 0.3])
POOLERS = "cross_modal_text_pooler", "cross_modal_image_pooler"


def through(backbone, streams):
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    return streams


def features(backbone, batch):
    """By the network's own poolers, so that gradients reach them."""
    poolers = torch.nn.ModuleDict(dict(zip(("text", "image"), map(backbone.net.get_submodule, POOLERS), strict=True)))
    return backbone.pool(through(backbone, backbone.join(backbone.embed(batch), batch.present)), poolers)


def reference(network: BridgeTowerModel, batch, patch=16):
    """Sample by sample, because transformers reads pictures of one size and without masks."""
    words, pictures = batch.inputs
    pooled = []
    for row, (h, w) in enumerate(pictures.grid.tolist()):
        pixels = ((pictures.pixels[row, :, : h * patch, : w * patch] + 1) / 2 - MEAN) / STD
        ids = words.ids[row, words.mask[row]]
        pooled.append(
            network(input_ids=ids[None], pixel_values=pixels[None], interpolate_pos_encoding=True).pooler_output
        )
    return torch.cat(pooled)


def packed(gradients):
    """Gradients under the names of transformers: those of query, key and value in one."""
    ours = dict(gradients)
    for name in [name for name in ours if ".attn.q_proj." in name]:
        three = [ours.pop(name.replace("q_proj", layer)) for layer in ("q_proj", "k_proj", "v_proj")]
        ours[name.replace("q_proj.", "in_proj_")] = torch.cat(three)
    return ours


MIXES = [
    ([(4, 4)], [80]),
    ([(2, 4), (4, 4), (1, 3), (4, 1)], [2, 77, 9, 40]),
    ([(3, 3)] * 3, [12, 12, 12]),
]
VARIANTS = [
    {},
    {"share_cross_modal_transformer_layers": False, "link_tower_type": "interpolate"},
    {"link_tower_type": "scaled_add", "num_hidden_layers": 4},
    {"num_hidden_layers": 1},
]
PLACES = [(*mix, VARIANTS[0]) for mix in MIXES] + [(*MIXES[1], variant) for variant in VARIANTS[1:]]


@pytest.mark.parametrize(("sizes", "lengths", "changes"), PLACES)
def test_features_and_gradients_equal_transformers(sizes, lengths, changes):
    theirs = tiny_bridgetower(changes=changes)
    backbone, batch = bridged(copy.deepcopy(theirs)), dual_inputs(sizes, lengths)
    assert backbone.depths == (5 - theirs.config.num_hidden_layers,) * 2
    runs = []
    for network, way in ((backbone.net, lambda batch: features(backbone, batch)), (theirs, None)):
        pooled = way(batch) if way else reference(theirs, batch)
        pooled.sin().sum().backward()
        gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
        runs.append((pooled, packed(gradients)))
    (pooled, ours), (expected, wanted) = runs
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-5)
    assert pooled.shape == (len(sizes), backbone.features) == (len(sizes), 128)
    assert ours.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_a_network_whose_attention_is_split_computes_the_same_in_transformers():
    network, batch = tiny_bridgetower(), dual_inputs([(2, 3), (4, 4)], [5, 9])
    before = reference(network, batch)
    split_attention(split_attention(network))
    blocks = network.vision_model.visual.transformer.resblocks
    assert all(isinstance(block.attn, SplitAttention) for block in blocks)
    torch.testing.assert_close(reference(network, batch), before, rtol=0, atol=1e-5)
    mask = torch.zeros(1, 3, dtype=torch.bool)
    x = torch.randn(3, 1, 128)
    with pytest.raises(ValueError, match="without masks"):
        blocks[0].attn(x, x, x, key_padding_mask=mask)


def test_padding_changes_nothing_and_each_stream_reads_the_other():
    backbone, batch = bridged(tiny_bridgetower()), dual_inputs([(2, 3), (4, 4)], [4, 30])
    pooler = backbone.make_pooler()
    text, image = through(backbone, backbone.join(backbone.embed(batch), batch.present))
    plain = backbone.pool((text, image), pooler)
    noisy = [tokens.with_x(torch.where(tokens.mask[..., None], tokens.x, 9.0)) for tokens in (text, image)]
    torch.testing.assert_close(backbone.pool(tuple(noisy), pooler), plain, rtol=0, atol=1e-5)
    for swapped in ((text.with_x(text.x.flip(0)), image), (text, image.with_x(image.x.flip(0)))):
        moved = (backbone.pool(swapped, pooler) - plain).abs().unflatten(-1, (2, 64)).amax(2)
        assert (moved > 1e-3).all()


def test_other_modalities_stand_beside_and_the_order_of_streams_is_the_datasets():
    network, batch = split_attention(tiny_bridgetower()), dual_inputs([(2, 3), (4, 4)], [4, 30])
    words, pictures = batch.inputs
    plain = features(BridgeTower(network, MODALITIES, SEEN), batch)
    kinds = {"films": "image", "lab": "table", "note": "text"}
    backbone = BridgeTower(network, kinds, SEEN)
    assert backbone.depths == (2, 0, 2)
    # Tables have the width of the wider tower.
    assert backbone.shares == (64, 128, 64)
    several = Batch((pictures, words, words), torch.ones(2, 3, dtype=torch.bool))
    film, _, note = backbone.embed(several)
    lab = torch.randn(2, 3, 128)
    streams = backbone.join([film, Part(lab, torch.ones(2, 3, dtype=torch.bool)), note], several.present)
    image, table, text = backbone.pool(through(backbone, streams), backbone.make_pooler()).split(backbone.shares, -1)
    torch.testing.assert_close(torch.cat([text, image], -1), plain, rtol=0, atol=1e-5)
    torch.testing.assert_close(table, lab.mean(1))


def test_parameters_that_never_run_are_those_without_a_gradient():
    backbone = bridged(tiny_bridgetower())
    batch = dual_inputs([(2, 3)], [6])
    streams = through(backbone, backbone.join(backbone.embed(batch), batch.present))
    backbone.pool(streams, backbone.make_pooler()).sin().sum().backward()
    silent = {name for name, p in backbone.net.named_parameters() if p.grad is None}
    unused = {id(p) for p in backbone.unused}
    assert silent == {name for name, p in backbone.net.named_parameters() if id(p) in unused}
    named = dict(backbone.net.named_parameters())
    for name, parameter in backbone.make_pooler().named_parameters():
        torch.testing.assert_close(parameter, named[backbone.pooler_path(name)])


@pytest.mark.parametrize("kinds", [{"left": "image", "right": "image", "note": "text"}, {"note": "text"}])
def test_a_dataset_without_one_text_and_one_modality_of_pictures_is_refused(kinds, bridgetower_folder):
    with pytest.raises(UserError, match="join one text and one modality of pictures"):
        backbones.load(backbones.resolve(str(bridgetower_folder), 64), kinds, 64, 0)


def test_a_folder_with_a_head_is_found_by_its_configuration_and_read_without_dropout(bridgetower_folder):
    spec = backbones.resolve(str(bridgetower_folder), 128)
    assert (spec.family, spec.depth, spec.width, spec.shallowest) == ("bridgetower", 2, 64, 2)
    loaded = backbones.load(spec, MODALITIES, 128, 0)
    # RoBERTa's positions count from the padding's id on.
    assert spec.rules["text"].max_text == 82 - loaded.net.config.text_config.pad_token_id - 1
    theirs = split_attention(BridgeTowerModel.from_pretrained(bridgetower_folder))
    named = dict(loaded.net.named_parameters())
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(named[name], parameter)
    batch = dual_inputs([(2, 3)], [6])
    plain = features(loaded, batch)
    torch.testing.assert_close(features(loaded.train(), batch), plain)
    loaded.set_dropout(0.5)
    assert not torch.allclose(features(loaded, batch), plain)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("text_config", {"num_hidden_layers": 5}),
        ("vision_config", {"remove_last_layer": True}),
        ("", {"num_hidden_layers": 5}),
    ],
)
def test_towers_that_its_bridges_do_not_fit_are_refused_when_planning(part, change, bridgetower_folder, tmp_path):
    folder = shutil.copytree(bridgetower_folder, tmp_path / "changed")
    config = json.loads((folder / "config.json").read_text())
    (config[part] if part else config).update(change)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="expected towers of one depth"):
        backbones.resolve(str(folder), 64)


def test_no_other_readout_may_stand_in_for_its_pooler(bridgetower_folder):
    spec, table = backbones.resolve(str(bridgetower_folder), 64), twins.odir(range(8))
    for readout in ("mean", "labels"):
        for decay in (False, True):
            recipe = replace(Recipe(), readout=readout, decay_norms=decay)
            with pytest.raises(UserError, match=f"recipe.readout {readout}: layers of .* run behind the last block"):
                fitting(recipe, spec, table)
    assert fitting(replace(Recipe(), readout="pooler"), spec, table)[0].readout == ""
