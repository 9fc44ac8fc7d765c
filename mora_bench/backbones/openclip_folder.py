"""Reads a folder in open_clip's layout: which towers it holds, of what sizes, and how they read texts and pictures.

It holds open_clip_config.json, open_clip_model.safetensors and the BERT's tokenizer. The BERT's configuration is not
among them, because open_clip asks the hub for it: sizes are read off the weights, and a head has 64 features, as in
BERT's published sizes and in timm's ViTs from tiny to large. A config.json of model_type bert beside them is obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any

from mora_bench.backbones.clip import MEAN, STD
from mora_bench.backbones.layout import PictureSpec, check_header, number, numbers, picture_spec, read_json
from mora_bench.backbones.preprocessor import FILTERS
from mora_bench.errors import UserError

CONFIG, BERT_CONFIG = "open_clip_config.json", "config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
PICKLED = "open_clip_pytorch_model.bin"
#: Python that converts a pickled file, for the user to run where it came from.
CONVERT = (
    f"import torch, safetensors.torch as s; w = torch.load('{PICKLED}', map_location='cpu', weights_only=True); "
    f"s.save_file({{k: v.clone() for k, v in w.items()}}, '{WEIGHTS[0]}')"
)
#: Features of a head; and widths of BERT's published sizes. Others, such as MiniLM's 384, have heads of other sizes.
HEAD, WIDTHS = 64, (128, 256, 512, 768, 1024)
#: Rows of BERT's table of segments. RoBERTa, whose weights have the same names, has one.
SEGMENTS = 2
#: timm's plain ViTs, whatever they were trained on, and the epsilon of their norms.
PLAIN_VIT, EPSILON = re.compile(r"vit_(tiny|small|base|large)_patch\d+_\d+(\.[\w.]+)?"), 1e-6
#: What a text's feature is read off: whether that is the mean of its tokens.
POOLERS = {"cls_last_hidden_state_pooler": False, "mean_pooler": True}
SUPPORTED = (
    "Expected timm's plain ViT, such as vit_base_patch16_224 (timm_pool '' or token, timm_proj linear), beside a BERT "
    f"(hf_pooler_type {' or '.join(POOLERS)}, hf_proj_type mlp or linear). Other CLIPs and SigLIPs are read in "
    "transformers' layout, such as openai/clip-vit-base-patch32."
)
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class TwoTowers:
    """What a checkpoint is made of.

    Attributes:
        text, image: arguments of transformers' BertConfig and ViTConfig.
        hidden: features inside the text's projection, 0 if that is one linear layer; features: those it gives.
        bias: whether the picture's projection has one; mean: whether a text's feature is the mean of its tokens.
        longest: tokens of a text at most; seen: how pictures are read.
    """

    text: dict[str, Any]
    image: dict[str, Any]
    hidden: int
    features: int
    bias: bool
    mean: bool
    longest: int
    seen: PictureSpec


def configurations(folder: Path) -> list[Path]:
    """The files that say what the towers are."""
    return [folder / name for name in (CONFIG, BERT_CONFIG) if (folder / name).is_file()]


def weights_file(folder: Path) -> Path:
    """The file that holds the weights.

    Raises:
        UserError: it is absent, cut or pickled.
    """
    file = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if file is None and (folder / PICKLED).is_file():
        raise UserError(
            f"{folder / PICKLED}: pickled weights are not read. If you trust where they came from, convert them in "
            f'their folder: python -c "{CONVERT}"'
        )
    if file is None:
        raise UserError(
            f"{folder}: no weights. Expected {' or '.join(WEIGHTS)}; where there is {PICKLED} alone, download it "
            f'and convert it: python -c "{CONVERT}"'
        )
    check_header(file)
    return file


def read_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights by open_clip's names."""
    from safetensors import safe_open

    with safe_open(weights_file(folder), "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def read_towers(folder: Path) -> TwoTowers:
    """What the checkpoint in a folder is made of.

    Raises:
        UserError: files are absent or malformed, or it is made of something else than a BERT and a plain ViT.
    """
    weights, where = weights_file(folder), folder / CONFIG
    config = read_json(folder, CONFIG, folder.name)
    model = _object(config, "model_cfg", where)
    image, text = (_object(model, key, where) for key in ("vision_cfg", "text_cfg"))
    _check_supported(image, text, where)
    shapes = read_shapes(folder)
    bert, vit = _bert(shapes, folder, weights), _vit(shapes, weights)
    longest = bert["max_position_embeddings"]
    linear = _setting(text, "hf_proj_type", "proj", "mlp") == "linear"
    return TwoTowers(
        text=bert,
        image=vit,
        hidden=0 if linear else _shape(shapes, "text.proj.0.weight", 2, weights)[0],
        features=number(model, "embed_dim", where),
        bias="visual.head.proj.bias" in shapes,
        mean=POOLERS[_setting(text, "hf_pooler_type", "pooler_type", "mean_pooler")],
        longest=min(number({"context_length": longest} | text, "context_length", where), longest),
        seen=_seen(config.get("preprocess_cfg") or {}, image, vit, where),
    )


def _object(config: Mapping[str, Any], key: str, where: Path) -> dict[str, Any]:
    value = config.get(key)
    if not isinstance(value, dict):
        raise UserError(f"{where}: {key} is {value!r}; expected an object, {{...}}. Download the backbone again.")
    return value


def _setting(text: Mapping[str, Any], key: str, older: str, default: str) -> Any:
    """A setting of the text tower, which had another name in older versions of open_clip; `default` is open_clip's."""
    return text.get(key, text.get(older, default))


def _check_supported(image: Mapping[str, Any], text: Mapping[str, Any], where: Path) -> None:
    """Refuse towers, poolings and projections that are none of `SUPPORTED`, by name."""
    vit, bert = image.get("timm_model_name"), text.get("hf_model_name")
    if not vit or not bert:
        lacking = "text_cfg has no hf_model_name: the text" if vit else "vision_cfg has no timm_model_name: the picture"
        raise UserError(f"{where}: {lacking} tower is open_clip's own, which is not supported. {SUPPORTED}")
    settings = {
        "timm_model_name": (vit, PLAIN_VIT.fullmatch(str(vit))),
        "hf_model_name": (bert, "roberta" not in str(bert).lower()),
    }
    for key, older, default, known in (
        ("timm_pool", "", "avg", ("", "token")),
        ("timm_proj", "", "linear", ("linear",)),
        ("hf_pooler_type", "pooler_type", "mean_pooler", (*POOLERS,)),
        ("hf_proj_type", "proj", "mlp", ("mlp", "linear")),
    ):
        value = _setting(image if key.startswith("timm") else text, key, older, default)
        settings[key] = value, value in known
    for key, (value, supported) in settings.items():
        if not supported:
            raise UserError(f"{where}: {key} is {value!r}, which is not supported. {SUPPORTED}")


def _shape(shapes: Shapes, name: str, dimensions: int, weights: Path) -> tuple[int, ...]:
    """The shape of a weight, by open_clip's name."""
    shape = shapes.get(name, ())
    if len(shape) != dimensions or not all(shape):
        problem = f"is {list(shape)}; expected {dimensions} dimensions" if name in shapes else "is absent"
        raise UserError(f"{weights}: {name} {problem}. Download the backbone again.")
    return shape


def _blocks(shapes: Shapes, prefix: str) -> int:
    """The number of blocks whose names begin with `prefix` and a number."""
    matches = (re.match(rf"{re.escape(prefix)}(\d+)\.", name) for name in shapes)
    return max((int(match[1]) + 1 for match in matches if match), default=0)


def _bert(shapes: Shapes, folder: Path, weights: Path) -> dict[str, Any]:
    """Arguments of BertConfig: sizes as the weights have them, all else as config.json says, or as BERT's defaults."""
    at = "text.transformer."
    vocabulary, width = _shape(shapes, f"{at}embeddings.word_embeddings.weight", 2, weights)
    segments = _shape(shapes, f"{at}embeddings.token_type_embeddings.weight", 2, weights)[0]
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "max_position_embeddings": _shape(shapes, f"{at}embeddings.position_embeddings.weight", 2, weights)[0],
        "type_vocab_size": segments,
        "intermediate_size": _shape(shapes, f"{at}encoder.layer.0.intermediate.dense.weight", 2, weights)[0],
        "num_hidden_layers": _blocks(shapes, f"{at}encoder.layer."),
    }
    said, where = {}, folder / BERT_CONFIG
    if where.is_file():
        said = read_json(folder, BERT_CONFIG, folder.name)
    # timm writes a config.json, too, without a model_type.
    if "model_type" not in said:
        return sizes | {"num_attention_heads": _heads(width, segments, weights)}
    if said["model_type"] != "bert":
        raise UserError(f"{where}: model_type is {said['model_type']!r}, which is not supported. {SUPPORTED}")
    for key, size in sizes.items():
        if said.get(key, size) != size:
            raise UserError(
                f"{where}: {key} is {said[key]!r}, and the weights have {size}. They are of different checkpoints."
            )
    heads = number({"num_attention_heads": 12} | said, "num_attention_heads", where)
    others = {key: said[key] for key in ("hidden_act", "layer_norm_eps", "pad_token_id") if key in said}
    return sizes | others | {"num_attention_heads": heads}


def _heads(width: int, segments: int, weights: Path) -> int:
    """Heads of a BERT of which only the weights are known."""
    if segments != SEGMENTS or width not in WIDTHS:
        problem = f"{segments} kinds of segments" if segments != SEGMENTS else f"{width} features a token"
        raise UserError(
            f"{weights}: {problem}, unlike a BERT of a published size ({', '.join(map(str, WIDTHS))}), so that its "
            f"heads cannot be known. If it is a BERT, put the {BERT_CONFIG} of hf_model_name beside the weights."
        )
    return width // HEAD


def _vit(shapes: Shapes, weights: Path) -> dict[str, Any]:
    """Arguments of ViTConfig."""
    at = "visual.trunk."
    width, _, patch, _ = _shape(shapes, f"{at}patch_embed.proj.weight", 4, weights)
    patches = _shape(shapes, f"{at}pos_embed", 3, weights)[1] - 1
    if width % HEAD or isqrt(patches) ** 2 != patches:
        raise UserError(
            f"{weights}: a ViT of {width} features a token and {patches} positions; expected a multiple of {HEAD} "
            f"features, and as many positions as a square has. {SUPPORTED}"
        )
    return {
        "hidden_size": width,
        "num_attention_heads": width // HEAD,
        "num_hidden_layers": _blocks(shapes, f"{at}blocks."),
        "intermediate_size": _shape(shapes, f"{at}blocks.0.mlp.fc1.weight", 2, weights)[0],
        "image_size": isqrt(patches) * patch,
        "patch_size": patch,
        "layer_norm_eps": EPSILON,
    }


def _seen(settings: Any, image: Mapping[str, Any], vit: Mapping[str, Any], where: Path) -> PictureSpec:
    """How pictures are resized and normalised. open_clip feeds the network pictures of vision_cfg's image_size."""
    if not isinstance(settings, dict):
        raise UserError(f"{where}: preprocess_cfg is {settings!r}; expected an object, {{...}}.")
    fed = _side(image.get("image_size", settings.get("size", vit["image_size"])))
    said = {"size": fed, "interpolation": "bicubic", "resize_mode": "shortest", "mode": "RGB"} | settings
    known = {"interpolation": FILTERS, "resize_mode": ("shortest", "squash"), "mode": ("RGB",)}
    for key, values in known.items():
        if said[key] not in values:
            raise UserError(f"{where}: preprocess_cfg.{key} is {said[key]!r}; expected one of: {', '.join(values)}.")
    if _side(said["size"]) != fed:
        raise UserError(
            f"{where}: preprocess_cfg.size is {said['size']!r}, and vision_cfg.image_size is {fed!r}. Make them equal."
        )
    processor = {
        "size": fed,
        "resample": FILTERS.index(said["interpolation"]),
        "image_mean": numbers(list(said.get("mean", MEAN)), "preprocess_cfg.mean", where),
        "image_std": numbers(list(said.get("std", STD)), "preprocess_cfg.std", where, positive=True),
    }
    return picture_spec(processor, where, vit["patch_size"], MEAN, STD)


def _side(size: Any) -> Any:
    """The side of a square, which may be given as height and width."""
    return size[0] if isinstance(size, list) and size and size == size[:1] * len(size) else size
