"""Towers of other families against transformers' own, read from folders as users have them."""

import json

import pytest
import torch
from conftest import MODALITIES, dual_inputs
from transformers import (
    BertConfig,
    BertModel,
    Dinov2Config,
    Dinov2Model,
    RobertaConfig,
    RobertaModel,
    ViTConfig,
    ViTModel,
)

from mora_bench.backbones import load
from mora_bench.backbones.contract import At
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.errors import UserError

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2}
WORDS = SIZE | {"vocab_size": 1075, "intermediate_size": 64, "max_position_embeddings": 40}
PATCHES = SIZE | {"hidden_size": 48, "image_size": 64, "patch_size": 16, "num_hidden_layers": 3}


def text_folder(out, model):
    model.save_pretrained(out)
    (out / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    return out


def image_folder(out, model):
    model.save_pretrained(out)
    rule = {"size": {"height": 32, "width": 32}, "image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}
    (out / "preprocessor_config.json").write_text(json.dumps(rule))
    return out


@pytest.fixture
def folders(tmp_path):
    torch.manual_seed(0)
    bert = text_folder(tmp_path / "bert", BertModel(BertConfig(**WORDS)))
    roberta = text_folder(tmp_path / "roberta", RobertaModel(RobertaConfig(**WORDS, pad_token_id=1)))
    vit = ViTModel(ViTConfig(**PATCHES, intermediate_size=96))
    torch.nn.init.normal_(vit.embeddings.position_embeddings, std=0.5)
    dino = Dinov2Model(Dinov2Config(**PATCHES, mlp_ratio=2, layerscale_value=0.7))
    torch.nn.init.normal_(dino.embeddings.position_embeddings, std=0.5)
    return {
        "bert": bert,
        "roberta": roberta,
        "vit": image_folder(tmp_path / "vit", vit),
        "dinov2": image_folder(tmp_path / "dinov2", dino),
    }


def run(backbone, batch):
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    return backbone.pool(streams, backbone.make_pooler()).split(backbone.shares, -1)


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize(("text", "image"), [("bert", "vit"), ("roberta", "dinov2")])
def test_each_tower_equals_transformers(folders, text, image, mean):
    if mean:
        pooling = folders[text] / "1_Pooling" / "config.json"
        pooling.parent.mkdir()
        pooling.write_text('{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}')
    name = f"pair:{folders[text]},{folders[image]}"
    spec = load.resolve(name, 1024)
    assert spec.rules["text"].max_text == (40 if text == "bert" else 38)
    assert (spec.width, spec.depth, spec.single_stream) == (32, 3, False)
    backbone = load.load(spec, MODALITIES, 1024, 0)
    assert backbone.depths == (2, 3)
    batch = dual_inputs([(2, 4), (4, 4), (1, 3)], [2, 30, 9])
    words, pictures = batch.inputs
    text_features, image_features = run(backbone, batch)
    with torch.no_grad():
        ids = words.ids.masked_fill(~words.mask, 0 if text == "bert" else 1)
        last = backbone.net["text"](input_ids=ids, attention_mask=words.mask.long()).last_hidden_state
        mask = words.mask[..., None]
        expected = (last * mask).sum(1) / mask.sum(1) if mean else last[:, 0]
    torch.testing.assert_close(text_features, expected, rtol=0, atol=1e-5)
    mean_, std = (torch.tensor(v)[:, None, None] for v in ([0.48, 0.46, 0.41], [0.27, 0.26, 0.28]))
    for row, (h, w) in enumerate(pictures.grid.tolist()):
        pixels = ((pictures.pixels[row, :, : h * 16, : w * 16] + 1) / 2 - mean_) / std
        more = {} if image == "dinov2" else {"interpolate_pos_encoding": True}
        with torch.no_grad():
            expected = backbone.net["image"](pixels[None], **more).last_hidden_state[:, 0]
        torch.testing.assert_close(image_features[row : row + 1], expected, rtol=0, atol=1e-5)


def test_a_backbone_with_a_tower_may_be_half_of_a_pair(folders):
    backbone = load.load(load.resolve(f"pair:{folders['bert']},small-dual", 64), MODALITIES, 64, 0)
    assert backbone.widths == (32, 128)
    assert backbone.path(At(1, 0)) == "image.encoder.layers.0"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pair:{bert}", "expected pair:TEXT,IMAGE"),
        ("pair:{bert},", "expected pair:TEXT,IMAGE"),
        ("pair:{vit},{bert}", "model_type is 'vit'; as the text of a pair expected one of: bert"),
        ("pair:{bert},{bert}", "model_type is 'bert'; as the image of a pair expected one of: vit"),
        ("pair:{bert},nowhere", "unknown backbone 'nowhere'"),
    ],
)
def test_what_is_no_pair_is_refused(folders, name, message):
    with pytest.raises(UserError, match=message):
        load.resolve(name.format(**folders), 64)


def test_a_pooling_that_is_not_known_is_refused(folders):
    pooling = folders["bert"] / "1_Pooling" / "config.json"
    pooling.parent.mkdir()
    pooling.write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(UserError, match="pools the mean or the first token"):
        load.load(load.resolve(f"pair:{folders['bert']},{folders['vit']}", 64), MODALITIES, 64, 0)
