"""open_clip's checkpoints against the same weights in plain torch and in open_clip itself; what is refused by name."""

import copy
import json
import shutil
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from conftest import MODALITIES, dual_inputs, open_clip_config, open_clip_weights
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.backbones.openclip import OpenClip, translated
from mora_bench.backbones.openclip_folder import CONFIG, CONVERT, PICKLED, WEIGHTS
from mora_bench.errors import UserError

MEAN, STD = torch.tensor([0.48, 0.46, 0.41])[:, None, None], torch.tensor([0.27, 0.26, 0.28])[:, None, None]
TEXT = "text.transformer."
PATCH, HEAD = 16, 64


def features(backbone, batch):
    streams = backbone.join(backbone.embed(batch), batch.present)
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    heads = torch.nn.ModuleDict({kind: backbone.net[path] for kind, path in backbone.projections.items()})
    return backbone.pool(streams, heads).split(backbone.shares, -1)


def vit(weights, pixels):
    """timm's ViT without a classifier, on pictures of one size [B, 3, H, W] -> its [CLS], [B, D]."""

    def linear(x, name):
        return F.linear(x, weights[f"visual.trunk.{name}.weight"], weights[f"visual.trunk.{name}.bias"])

    def norm(x, name):
        at = f"visual.trunk.{name}"
        return F.layer_norm(x, x.shape[-1:], weights[f"{at}.weight"], weights[f"{at}.bias"], 1e-6)

    at = "visual.trunk.patch_embed.proj"
    x = F.conv2d(pixels, weights[f"{at}.weight"], weights[f"{at}.bias"], stride=PATCH)
    cls, places = weights["visual.trunk.cls_token"], weights["visual.trunk.pos_embed"]
    side = round((places.shape[1] - 1) ** 0.5)
    plane = places[:, 1:].transpose(1, 2).unflatten(2, (side, side))
    x = x + F.interpolate(plane, size=x.shape[2:], mode="bicubic", align_corners=False)
    x = torch.cat([(cls + places[:, :1]).expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
    for block in range(sum(name.endswith("attn.qkv.weight") for name in weights)):
        name = f"blocks.{block}"
        mixed = linear(norm(x, f"{name}.norm1"), f"{name}.attn.qkv").unflatten(-1, (3, -1, HEAD))
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = x + linear(seen, f"{name}.attn.proj")
        x = x + linear(F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1")), f"{name}.mlp.fc2")
    return norm(x, "norm")[:, 0]


def reference(weights, batch, mean=False, heads=2):
    """Features under open_clip's names of weights: texts through transformers' BERT, pictures one by one."""
    words, pictures = batch.inputs
    table, wide = (
        weights[f"{TEXT}{name}.weight"] for name in ("embeddings.word_embeddings", "encoder.layer.0.intermediate.dense")
    )
    bert = BertModel(
        BertConfig(
            vocab_size=len(table),
            hidden_size=table.shape[1],
            num_hidden_layers=2,
            num_attention_heads=heads,
            intermediate_size=len(wide),
            max_position_embeddings=48,
        ),
        add_pooling_layer=False,
    ).eval()
    named = {name: weights[TEXT + name] for name in bert.state_dict()}
    inputs = {"input_ids": words.ids, "attention_mask": words.mask.long()}
    last = torch.func.functional_call(bert, named, (), inputs).last_hidden_state
    mask = words.mask[..., None]
    pooled = (last * mask).sum(1) / mask.sum(1) if mean else last[:, 0]
    if "text.proj.weight" in weights:
        text = pooled @ weights["text.proj.weight"].T
    else:
        text = F.gelu(pooled @ weights["text.proj.0.weight"].T) @ weights["text.proj.2.weight"].T
    image = [
        vit(weights, (((pixels[:, : h * PATCH, : w * PATCH] + 1) / 2 - MEAN) / STD)[None])
        for pixels, (h, w) in zip(pictures.pixels, pictures.grid.tolist(), strict=True)
    ]
    return text, F.linear(torch.cat(image), weights["visual.head.proj.weight"], weights.get("visual.head.proj.bias"))


@pytest.fixture
def own(open_clip_folder, tmp_path):
    """A copy of the folder, to change."""
    return shutil.copytree(open_clip_folder, tmp_path / "own")


def configured(folder, section=None, **changes):
    """The folder with settings of a section changed; None removes one."""
    config = json.loads((folder / CONFIG).read_text())
    settings = config["model_cfg"][section] if section in config["model_cfg"] else config[section]
    settings.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del settings[name]
    (folder / CONFIG).write_text(json.dumps(config))
    return folder


def loaded(folder, modalities=MODALITIES) -> OpenClip:
    return backbones.load(backbones.resolve(str(folder), 128), modalities, 128, 0)


MIXES = [
    ([(4, 4)], [40]),
    ([(2, 4), (4, 4), (1, 3), (4, 1)], [2, 40, 9, 33]),
    ([(3, 3)] * 3, [12, 12, 12]),
]


@pytest.mark.parametrize(("sizes", "lengths"), MIXES)
def test_features_and_gradients_equal_those_of_the_weights_as_open_clip_names_them(open_clip_folder, sizes, lengths):
    backbone, batch = loaded(open_clip_folder), dual_inputs(sizes, lengths)
    weights = load_file(open_clip_folder / WEIGHTS[0])
    leaves = {name: tensor.requires_grad_() for name, tensor in weights.items() if name != "logit_scale"}
    runs = []
    for text, image in (features(backbone, batch), reference(leaves, batch)):
        (text.sin().sum() + image.cos().sum()).backward()
        runs.append((text, image))
    (text, image), (text_, image_) = runs
    torch.testing.assert_close(text, text_, rtol=0, atol=1e-5)
    torch.testing.assert_close(image, image_, rtol=0, atol=1e-5)
    # A gradient has the shape of its weight, and is cut as that.
    theirs = translated({name: leaf.grad for name, leaf in leaves.items()}, backbone.net)
    ours = {name: parameter.grad for name, parameter in backbone.net.named_parameters()}
    assert ours.keys() == theirs.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_other_poolers_and_projections_of_open_clip_are_read(own):
    weights = open_clip_weights(len(load_file(own / WEIGHTS[0])[f"{TEXT}embeddings.word_embeddings.weight"]))
    del weights["text.proj.0.weight"], weights["text.proj.2.weight"]
    weights |= {"text.proj.weight": torch.randn(24, 128) * 0.1, "visual.head.proj.bias": torch.randn(24)}
    # As older versions of open_clip saved them.
    weights |= {f"{TEXT}pooler.dense.weight": torch.randn(128, 128), f"{TEXT}pooler.dense.bias": torch.randn(128)}
    weights |= {f"{TEXT}embeddings.position_ids": torch.arange(48)[None]}
    (own / WEIGHTS[0]).unlink()
    save_file({name: tensor.half() for name, tensor in weights.items()}, own / WEIGHTS[1])
    names = {"hf_pooler_type": None, "hf_proj_type": None, "pooler_type": "mean_pooler", "proj": "linear"}
    backbone = loaded(configured(own, "text_cfg", **names))
    assert {parameter.dtype for parameter in backbone.net.parameters()} == {torch.float32}
    batch = dual_inputs([(2, 4), (4, 4)], [3, 30])
    halved = {name: tensor.float() for name, tensor in load_file(own / WEIGHTS[1]).items()}
    for got, expected in zip(features(backbone, batch), reference(halved, batch, mean=True), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)


def test_the_berts_own_config_is_obeyed_or_contradicts_the_weights(own):
    (own / "config.json").write_text(json.dumps({"model_type": "bert", "num_attention_heads": 4, "hidden_size": 128}))
    batch = dual_inputs([(2, 2)], [20])
    backbone, weights = loaded(own), load_file(own / WEIGHTS[0])
    got = features(backbone, batch)[0]
    torch.testing.assert_close(got, reference(weights, batch, heads=4)[0], rtol=0, atol=1e-5)
    assert not torch.allclose(got, reference(weights, batch, heads=2)[0], atol=1e-4)
    first = backbones.resolve(str(own), 64).fingerprint
    (own / "config.json").write_text(json.dumps({"model_type": "bert", "num_attention_heads": 2}))
    assert backbones.resolve(str(own), 64).fingerprint != first
    for config, message in (
        ({"model_type": "bert", "num_hidden_layers": 3}, "num_hidden_layers is 3, and the weights have 2"),
        ({"model_type": "bert", "num_attention_heads": "x"}, "num_attention_heads is 'x'"),
        ({"model_type": "electra"}, "model_type is 'electra', which is not supported"),
    ):
        (own / "config.json").write_text(json.dumps(config))
        with pytest.raises(UserError, match=message):
            backbones.resolve(str(own), 64)


def test_a_folder_is_known_by_its_file_unless_its_config_names_a_family(open_clip_folder, clip_folder, tmp_path):
    spec = backbones.resolve(str(open_clip_folder), 128)
    assert (spec.family, spec.depth, spec.shallowest, spec.width) == ("open-clip", 3, 2, 128)
    assert spec.rules["text"].max_text == 40
    assert spec.rules["image"].key() == [64, 106, 16]
    net = loaded(open_clip_folder).net
    for tower, epsilon in (("text", 1e-12), ("image", 1e-6)):
        assert {norm.eps for norm in net[tower].modules() if isinstance(norm, torch.nn.LayerNorm)} == {epsilon}
    assert backbones.resolve(str(open_clip_folder), 30).rules["text"].max_text == 30
    both = shutil.copytree(clip_folder, tmp_path / "both")
    (both / CONFIG).write_text(json.dumps(open_clip_config()))
    assert backbones.resolve(str(both), 64).family == "clip"


def test_what_a_folder_says_of_pictures_and_lengths(own):
    configured(own, "text_cfg", context_length=None)
    configured(own, "preprocess_cfg", interpolation="bilinear", size=[64, 64], mean=[0.1, 0.2, 0.3])
    spec = backbones.resolve(str(own), 128)
    assert spec.rules["text"].max_text == 48
    assert spec.rules["image"].key() == [64, 106, 16, "bilinear"]
    image = loaded(own).tower(At(1, 0))
    assert (image.mean, image.std) == ([0.1, 0.2, 0.3], [0.27, 0.26, 0.28])
    for changes, message in (
        ({"interpolation": "random"}, "preprocess_cfg.interpolation is 'random'; expected one of: nearest"),
        ({"resize_mode": "longest"}, "preprocess_cfg.resize_mode is 'longest'; expected one of: shortest, squash"),
        ({"size": 32}, "preprocess_cfg.size is 32, and vision_cfg.image_size is 64"),
        ({"mean": [0.1]}, r"preprocess_cfg.mean is \[0.1\]; expected three numbers"),
    ):
        before = (own / CONFIG).read_text()
        with pytest.raises(UserError, match=message):
            backbones.resolve(str(configured(own, "preprocess_cfg", **changes)), 64)
        (own / CONFIG).write_text(before)


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("vision_cfg", {"timm_model_name": None}, "vision_cfg has no timm_model_name: the picture tower is open_cl"),
        ("text_cfg", {"hf_model_name": None}, "text_cfg has no hf_model_name: the text tower is open_clip's own"),
        ("vision_cfg", {"timm_model_name": "vit_base_patch16_siglip_224"}, "timm_model_name is 'vit_base_patch16_sig"),
        ("vision_cfg", {"timm_model_name": "convnext_base"}, "timm_model_name is 'convnext_base', which is not supp"),
        ("vision_cfg", {"timm_pool": None}, "timm_pool is 'avg', which is not supported"),
        ("vision_cfg", {"timm_proj": "mlp"}, "timm_proj is 'mlp', which is not supported"),
        ("text_cfg", {"hf_model_name": "xlm-roberta-base"}, "hf_model_name is 'xlm-roberta-base', which is not supp"),
        ("text_cfg", {"hf_pooler_type": "cls_pooler"}, "hf_pooler_type is 'cls_pooler', which is not supported"),
        ("text_cfg", {"hf_proj_type": ""}, "hf_proj_type is '', which is not supported"),
        ("text_cfg", {"context_length": 0}, "context_length is 0; expected a whole number from 1"),
    ],
)  # fmt: skip
def test_towers_of_other_kinds_are_refused_by_name(own, section, changes, message):
    with pytest.raises(UserError, match=rf"open_clip_config\.json: {message}") as refusal:
        backbones.resolve(str(configured(own, section, **changes)), 64)
    assert "context_length" in changes or "openai/clip-vit-base-patch32" in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visual.trunk.blocks.0.ls1.gamma": (192,)}, "1 weights are not those of a BERT and timm's plain ViT, e.g. v"),
        ({"visual.trunk.blocks.1.attn.qkv.bias": None}, "3 weights are absent"),
        ({"visual.trunk.cls_token": None}, r"1 weights are absent, e.g. image\.embeddings\.cls_token"),
        ({"visual.trunk.pos_embed": None}, "visual.trunk.pos_embed is absent"),
        ({"visual.trunk.pos_embed": (1, 18, 192)}, "192 features a token and 17 positions; expected a multiple of 64"),
        ({"visual.head.proj.weight": (25, 192)}, r"visual_projection\.weight .* is \[25, 192\], expected \[24, 192\]"),
        ({f"{TEXT}embeddings.token_type_embeddings.weight": (1, 128)}, "1 kinds of segments, unlike a BERT"),
    ],
)  # fmt: skip
def test_weights_of_another_network_are_refused_when_planning(own, changes, message):
    weights = load_file(own / WEIGHTS[0])
    for name, shape in changes.items():
        weights.pop(name, None)
        weights |= {} if shape is None else {name: torch.zeros(shape)}
    save_file(weights, own / WEIGHTS[0])
    with pytest.raises(UserError, match=rf"open_clip_model\.safetensors: .*{message}"):
        backbones.resolve(str(own), 64)


def test_heads_that_cannot_be_known_are_asked_for(own):
    """A BERT of MiniLM's kind has heads of half the usual size."""
    weights = {
        name: tensor[..., :96] if tensor.shape[-1:] == (128,) else tensor
        for name, tensor in load_file(own / WEIGHTS[0]).items()
    }
    weights = {
        name: tensor[:96] if name.startswith(TEXT) and len(tensor) == 128 else tensor
        for name, tensor in weights.items()
    }
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, own / WEIGHTS[0])
    with pytest.raises(UserError, match="96 features a token, unlike a BERT of a published size"):
        backbones.resolve(str(own), 64)
    (own / "config.json").write_text(json.dumps({"model_type": "bert", "num_attention_heads": 3}))
    batch = dual_inputs([(2, 2)], [20])
    got = features(loaded(own), batch)[0]
    torch.testing.assert_close(got, reference(weights, batch, heads=3)[0], rtol=0, atol=1e-5)


def test_pickled_weights_are_refused_with_what_converts_them(own):
    weights = load_file(own / WEIGHTS[0])
    (own / WEIGHTS[0]).unlink()
    with pytest.raises(
        UserError, match=r"no weights\. Expected open_clip_model\.safetensors or open_clip_pytorch_model"
    ):
        backbones.resolve(str(own), 64)
    torch.save(weights, own / PICKLED)
    with pytest.raises(UserError, match="pickled weights are not read") as refusal:
        backbones.resolve(str(own), 64)
    assert CONVERT in str(refusal.value)
    subprocess.run([sys.executable, "-c", CONVERT], cwd=own, check=True)
    for name, tensor in load_file(own / WEIGHTS[0]).items():
        assert tensor.equal(weights[name])
    assert backbones.resolve(str(own), 64).family == "open-clip"


def test_streams_of_unlike_depth_and_width_and_parameters_that_never_run(open_clip_folder):
    kinds = {"left": "image", "right": "image", "note": "text", "lab": "table"}
    backbone = loaded(open_clip_folder, kinds)
    assert backbone.widths == (192, 192, 128, 192)
    assert backbone.depths == (3, 3, 2, 0)
    assert backbone.shares == (24, 24, 24, 192)
    parameters = dict(backbone.net.named_parameters())
    names = [backbone.pooler_path(name) for name, _ in backbone.make_pooler().named_parameters()]
    assert names == ["text_projection.0.weight", "text_projection.2.weight", "visual_projection.weight"]
    for name, parameter in backbone.make_pooler().named_parameters():
        assert parameter.equal(parameters[backbone.pooler_path(name)])
    pictures = loaded(open_clip_folder, {"left": "image"})
    named = {id(parameter): name for name, parameter in pictures.net.named_parameters()}
    unused = {named[id(parameter)] for parameter in pictures.unused}
    assert unused == {name for name in named.values() if name.startswith(("text.", "text_projection.", "visual_proj"))}


def test_open_clip_itself_gives_these_features(own):
    """With timm's smallest ViT, at its own size: open_clip takes pictures of no other."""
    open_clip = pytest.importorskip("open_clip")
    words = len(load_file(own / WEIGHTS[0])[f"{TEXT}embeddings.word_embeddings.weight"])
    BertConfig(
        vocab_size=words, hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=256,
        max_position_embeddings=48,
    ).save_pretrained(own / "hub")  # fmt: skip
    configured(own, "vision_cfg", timm_model_name="vit_tiny_patch16_224", image_size=224)
    model = copy.deepcopy(json.loads((own / CONFIG).read_text())["model_cfg"])
    model["text_cfg"] |= {"hf_model_name": str(own / "hub"), "hf_model_pretrained": False}
    torch.manual_seed(0)
    theirs = open_clip.CustomTextCLIP(**model).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    save_file({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}, own / WEIGHTS[0])
    backbone, batch = loaded(own), dual_inputs([(14, 14)] * 2, [40, 7])
    inputs, pictures = batch.inputs
    expected = theirs.encode_text(inputs.ids), theirs.encode_image(((pictures.pixels + 1) / 2 - MEAN) / STD)
    got = features(backbone, batch)
    for values in (got, expected):
        (values[0].sin().sum() + values[1].cos().sum()).backward()
    for ours, their in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, their, rtol=0, atol=1e-5)
    gradients = {name: p.grad for name, p in theirs.named_parameters() if p.grad is not None}
    ours = {name: p.grad for name, p in backbone.net.named_parameters()}
    gradients = translated(gradients, backbone.net)
    assert ours.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-4, atol=1e-5, msg=name)
