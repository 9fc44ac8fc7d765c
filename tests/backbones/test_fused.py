"""Fused backbones against transformers' BertModel, on random networks in folders as users have them."""

import json

import numpy as np
import pytest
import torch
from conftest import MODALITIES
from transformers import (
    BertConfig,
    BertModel,
    ConvNextConfig,
    ConvNextModel,
    Dinov2Config,
    Dinov2Model,
    ResNetConfig,
    ResNetModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTModel,
)

from mora_bench.backbones import grids, load
from mora_bench.backbones.contract import At
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.errors import UserError

WORDS = {
    "vocab_size": 1075,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "initializer_range": 0.2,
}
SIDE = {"image_size": 64, "initializer_range": 0.2}
VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 16} | SIDE
PICTURES = {
    "resnet": lambda: ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 24], depths=[1, 1, 1])),
    "convnext": lambda: ConvNextModel(ConvNextConfig(num_stages=3, hidden_sizes=[8, 16, 24], depths=[1, 1, 1])),
    "vit": lambda: ViTModel(ViTConfig(**VIT, intermediate_size=48)),
    "dinov2": lambda: Dinov2Model(Dinov2Config(**VIT, mlp_ratio=2)),
    "swin": lambda: SwinModel(SwinConfig(embed_dim=12, depths=[1, 1], num_heads=[2, 2], window_size=4, **SIDE)),
}
EYES = {"image": "image", "text": "text"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("towers")
    torch.manual_seed(0)
    BertModel(BertConfig(**WORDS)).save_pretrained(out / "bert")
    (out / "bert" / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    for name, made in PICTURES.items():
        made().save_pretrained(out / name)
        rule = {"size": {"height": 64, "width": 64}, "image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}
        (out / name / "preprocessor_config.json").write_text(json.dumps(rule))
    return out


def fused(folders, picture="resnet", modalities=MODALITIES, tokens=4):
    name = f"fused:{folders / 'bert'},{folders / picture},{tokens}"
    return load.load(load.resolve(name, 64), modalities, 64, seed=0)


def inputs(lengths, slots, features=24, tokens=4, seed=0):
    """Texts, and pictures with the given slots (-1: none) a sample."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(lengths)
    ids = torch.randint(5, 1000, (len(lengths), int(lengths.max())), generator=generator)
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    slots = torch.tensor(slots)
    values = torch.randn(*slots.shape, tokens, features, generator=generator)
    return TextInputs(ids * mask, mask), FeatureInputs(values, slots)


def drawn(backbone):
    """A projection whose rows tell pictures apart, as training makes them."""
    projection = backbone.make_projection()
    torch.manual_seed(1)
    for parameter in projection.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return projection


def run(backbone, parts, present):
    streams = backbone.join(parts, present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    return streams


def by_transformers(backbone, projection, text, pictures, name="image"):
    """BertModel on `inputs_embeds`, from the paper's positions and segments; the mean of what is there."""
    bert, (rows, count, tokens, _) = backbone.bert, pictures.features.shape
    slot = pictures.slots.clamp(0, len(projection.rows[name]) - 1)
    seen = (projection.linear(pictures.features) + projection.rows[name][slot]).flatten(1, 2)
    words = bert.embeddings.word_embeddings(text.ids)
    long = words.shape[1]
    mask = torch.cat([text.mask, (pictures.slots >= 0).repeat_interleave(tokens, 1)], 1)
    last = bert(
        inputs_embeds=torch.cat([words, seen], 1),
        attention_mask=mask.long(),
        token_type_ids=torch.cat([torch.zeros(rows, long), torch.ones(rows, count * tokens)], 1).long(),
        position_ids=torch.cat([torch.arange(long), torch.arange(tokens).repeat(count)]).expand(rows, -1),
    ).last_hidden_state
    return (last * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("lengths", "slots"),
    [
        ([7, 7, 7], [[0, 1]] * 3),
        ([5, 40, 2, 2], [[0, 1], [1, -1], [0, -1], [-1, -1]]),
        ([2, 9], [[0, 1, 2, -1], [0, -1, -1, -1]]),
    ],
)
def test_features_and_gradients_equal_berts_on_the_same_embeddings(folders, lengths, slots):
    backbone = fused(folders, modalities=EYES)
    text, pictures = inputs(lengths, slots)
    projection = drawn(backbone)
    present = torch.ones(len(lengths), 2, dtype=torch.bool)
    parts = backbone.embed_by(Batch((pictures, text), present), projection)
    ours = backbone.pool(run(backbone, parts, present), backbone.make_pooler())
    ours.pow(2).sum().backward()
    mine = {name: p.grad.clone() for name, p in [*projection.named_parameters(), *backbone.bert.named_parameters()]}
    projection.zero_grad()
    backbone.zero_grad()
    theirs = by_transformers(backbone, projection, text, pictures)
    theirs.pow(2).sum().backward()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert ours.std() > 0.1
    for name, p in [*projection.named_parameters(), *backbone.bert.named_parameters()]:
        torch.testing.assert_close(mine[name], p.grad, rtol=0, atol=1e-5 * max(1, p.grad.abs().max().item()), msg=name)


def test_absent_pictures_leave_the_text_as_bert_reads_it_alone(folders):
    backbone = fused(folders)
    text, pictures = inputs([9, 4], [[-1], [-1]])
    present = torch.tensor([[True, False]] * 2)
    (tokens,) = run(backbone, backbone.embed(Batch((text, pictures), present)), present)
    last = backbone.bert(input_ids=text.ids, attention_mask=text.mask.long()).last_hidden_state
    torch.testing.assert_close(tokens.x[:, :9][text.mask], last[text.mask], rtol=0, atol=1e-5)
    assert not tokens.mask[:, 9:].any()


@pytest.mark.parametrize("picture", PICTURES)
def test_a_grid_is_what_transformers_gives_pooled_to_cells(folders, picture):
    grid = load.resolve(f"fused:untrained,{folders / picture}", 64).rules["image"]
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    model = PICTURES[picture]().from_pretrained(folders / picture).eval()
    mean, std = (torch.tensor(v)[:, None, None] for v in ([0.48, 0.46, 0.41], [0.27, 0.26, 0.28]))
    more = {"interpolate_pos_encoding": True} if picture in ("vit", "swin") else {}
    with torch.no_grad():
        x = model(((torch.from_numpy(pixels).permute(2, 0, 1) / 255 - mean) / std)[None], **more).last_hidden_state
    stride = {"vit": 16, "dinov2": 16, "swin": 8}.get(picture)
    if stride:
        x = x[:, -(64 // stride) * (96 // stride) :].transpose(1, 2).unflatten(2, (64 // stride, 96 // stride))
    features = torch.from_numpy(grid.features(pixels))
    assert features.shape == (4, 24) == (grid.tokens, grid.width)
    rows, columns = x.shape[2] // 2, x.shape[3] // 2
    assert (x.shape[2] % 2, x.shape[3] % 2) == (0, 0)
    cells = [x[0, :, r * rows : (r + 1) * rows, c * columns : (c + 1) * columns] for r in (0, 1) for c in (0, 1)]
    torch.testing.assert_close(features, torch.stack([cell.mean((1, 2)) for cell in cells]), rtol=0, atol=1e-5)
    assert np.array_equal(grid.features(pixels), features.numpy())


def test_cells_are_arranged_as_in_the_papers_code():
    assert [grids.arrangement(n) for n in (1, 2, 3, 4, 5, 6, 8, 9)] == [
        (1, 1), (2, 1), (3, 1), (2, 2), (5, 1), (3, 2), (4, 2), (3, 3),
    ]  # fmt: skip


def test_weights_sizes_and_tokens_make_the_identity(folders, tmp_path):
    def known(picture="resnet", tokens=""):
        return load.resolve(f"fused:{folders / 'bert'},{picture}{tokens}", 64).fingerprint

    resnet = str(folders / "resnet")
    assert known(resnet) == known(resnet, ",4")
    prints = {known(resnet), known(resnet, ",9"), known(str(folders / "vit")), known("untrained")}
    assert len(prints) == 4
    grid = load.resolve(f"fused:untrained,{resnet}", 64).rules["image"]
    other = load.resolve(f"fused:{folders / 'bert'},{resnet}", 64).rules["image"]
    # What is kept of pictures does not hang on the text transformer.
    assert grid.key() == other.key()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fused:{}/bert", "expected fused:TEXT,PICTURE or"),
        ("fused:{}/bert,", "expected fused:TEXT,PICTURE or"),
        ("fused:{0}/bert,{0}/vit,0", "1 to 49 tokens"),
        ("fused:{0}/bert,{0}/vit,4,4", "1 to 49 tokens"),
        ("fused:{0}/bert,{0}/vit,x", "1 to 49 tokens"),
        ("fused:{0}/vit,{0}/vit", "model_type is 'vit' with absolute positions; as TEXT .* expected bert"),
        ("fused:{0}/bert,{0}/bert", "model_type is 'bert', no network of transformers for pictures alone"),
        ("fused:{0}/bert,small-dual", "unknown backbone 'small-dual'"),
        ("fused:{0}/bert,{0}/vit,25", "4 x 4 cells, and 25 tokens are 5 x 5"),
    ],
)
def test_what_cannot_be_fused_is_refused(folders, name, message):
    with pytest.raises(UserError, match=message):
        load.resolve(name.format(folders), 64)


def test_code_of_a_folders_own_is_not_run(folders, tmp_path):
    config = json.loads((folders / "vit" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "code.Model"}}))
    with pytest.raises(UserError, match="with code of its own"):
        load.resolve(f"fused:untrained,{tmp_path}", 64)


def test_a_dataset_without_texts_is_refused_by_a_reason(folders):
    with pytest.raises(UserError, match="the dataset has no text but film"):
        fused(folders, modalities={"film": "image"})


def test_a_second_text_gets_a_row_and_pictures_have_their_own(folders):
    assert fused(folders, modalities={"a": "text", "b": "text", "film": "image"}).untyped == ("b",)
    projection = fused(folders, modalities={"a": "text", "left": "image", "films": "bag"}).make_projection()
    assert {name: tuple(parameter.shape) for name, parameter in projection.rows.items()} == {
        "left": (2, 4, 32),
        "films": (1, 4, 32),
    }
