"""Checkpoints of open_clip with timm's ViT and a BERT, such as BiomedCLIP (Zhang et al. 2023, arXiv 2303.00915).

The towers are transformers' BertModel and ViTModel without their poolers, so that `peft` fits; neither open_clip nor
timm is needed. timm's one layer for queries, keys and values is three here. Features equal `encode_text` and
`encode_image` before they are normalised (tests/backbones/test_openclip.py), with one difference in what is fed in:
pictures keep their shape instead of losing their margins to a centre crop, so positions are interpolated as
transformers' `interpolate_pos_encoding=True` does. Both towers run without dropout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mora_bench.backbones.clip import MEAN, PROJECTIONS, SHIPPED, STD
from mora_bench.backbones.dual import ProjectedDual
from mora_bench.backbones.layout import PictureSpec, fingerprint, tokenizer_file
from mora_bench.backbones.openclip_folder import (
    CONFIG,
    TwoTowers,
    configurations,
    read_shapes,
    read_towers,
    weights_file,
)
from mora_bench.backbones.pair import BertText, VitImage
from mora_bench.backbones.spec import Spec
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextRule
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.errors import UserError
from mora_bench.files import Version, version

#: A small one with random weights, which reads texts and pictures as the shipped CLIP does.
UNTRAINED = "open-clip-untrained"
BERT = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    "max_position_embeddings": 64,
}  # fmt: skip
VIT = {
    "hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 64,
    "patch_size": 16,
}  # fmt: skip
SIDE = 64
#: Where open_clip keeps what of the network stands outside the blocks of the ViT, and where it stands here.
OUTSIDE = {
    "text.transformer": "text",
    "text.proj": PROJECTIONS["text"],
    "visual.head.proj": PROJECTIONS["image"],
    "visual.trunk.cls_token": "image.embeddings.cls_token",
    "visual.trunk.pos_embed": "image.embeddings.position_embeddings",
    "visual.trunk.patch_embed.proj": "image.embeddings.patch_embeddings.projection",
    "visual.trunk.norm": "image.layernorm",
}
BLOCK = re.compile(r"visual\.trunk\.blocks\.(\d+)\.(.+)\.(weight|bias)")
#: Weights that no feature depends on: older versions of open_clip kept BERT's pooler and did not read it.
UNREAD = re.compile(r"logit_scale|logit_bias|text\.transformer\.(embeddings\.position_ids|pooler\.dense\.\w+)")


class OpenClip(ProjectedDual):
    """mean: whether a text's feature is the mean of its tokens instead of its [CLS]."""

    title = "a BERT and timm's ViT, as open_clip joins them"
    source = "arXiv 2303.00915"
    shipped = {UNTRAINED: "a small BERT and a small ViT, joined as in open_clip, with random weights"}
    config_file: ClassVar[str] = CONFIG
    projections = PROJECTIONS

    def __init__(self, network: nn.ModuleDict, modalities: Mapping[str, str], seen: PictureSpec, mean: bool):
        image = VitImage(network["image"], "image", seen.mean, seen.std)
        super().__init__(network, {"text": BertText(network["text"], "text", mean), "image": image}, modalities)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        trained, folder = folder is not None, folder or SHIPPED
        tokenizer, towers = tokenizer_file(folder), _checked(folder) if trained else _small()
        files = [*configurations(folder), weights_file(folder), tokenizer] if trained else [tokenizer]
        depths = [part["num_hidden_layers"] for part in (towers.text, towers.image)]
        seen = towers.seen
        return Spec(
            name=name,
            family="open-clip",
            fingerprint=fingerprint(files, seen.key() if trained else [*seen.key(), towers.text, towers.image]),
            depth=max(depths),
            width=min(part["hidden_size"] for part in (towers.text, towers.image)),
            rules={"text": TextRule(tokenizer, min(max_text, towers.longest)), "image": seen.rule, "bag": seen.rule},
            folder=folder,
            trained=trained,
            single_stream=False,
            shallowest=min(depths),
        )

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> OpenClip:
        from safetensors.torch import load_file

        assert spec.folder is not None
        if spec.trained:
            towers = _checked(spec.folder)
            network = made_of(towers)
            network.load_state_dict(translated(load_file(weights_file(spec.folder)), network))
        else:
            towers = _small()
            network = made_of(towers)
        return cls(network, modalities, towers.seen, towers.mean)


def made_of(towers: TwoTowers) -> nn.ModuleDict:
    """The network, with random weights, in evaluation mode."""
    from transformers import BertConfig, BertModel, ViTConfig, ViTModel

    dropouts = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    width, hidden = towers.text["hidden_size"], towers.hidden
    last = nn.Linear(hidden or width, towers.features, bias=False)
    modules = {
        "text": BertModel(BertConfig(**(towers.text | dropouts)), add_pooling_layer=False),
        "image": ViTModel(ViTConfig(**(towers.image | dropouts)), add_pooling_layer=False),
        PROJECTIONS["text"]: nn.Sequential(nn.Linear(width, hidden, bias=False), nn.GELU(), last) if hidden else last,
        PROJECTIONS["image"]: nn.Linear(towers.image["hidden_size"], towers.features, bias=towers.bias),
    }
    return nn.ModuleDict(modules).eval()


def translated(theirs: Mapping[str, Tensor], network: nn.ModuleDict) -> dict[str, Tensor]:
    """A checkpoint's weights, in float32, under the names of `network`; those that it has no place for keep theirs."""
    tower = VitImage(network["image"], "image", MEAN, STD)
    paths = {"attn.proj": tower.paths["attention_output"], "mlp.fc1": tower.paths["mlp_in"]}
    paths |= {"mlp.fc2": tower.paths["mlp_out"], "norm1": "layernorm_before", "norm2": "layernorm_after"}
    weights = {}
    for name, tensor in theirs.items():
        block = BLOCK.fullmatch(name)
        if block and block[2] == "attn.qkv":
            for role, part in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                weights[f"{tower.at(int(block[1]))}.{tower.paths[role]}.{block[3]}"] = part.float()
        elif block and block[2] in paths:
            weights[f"{tower.at(int(block[1]))}.{paths[block[2]]}.{block[3]}"] = tensor.float()
        elif not UNREAD.fullmatch(name):
            place = next((place for place in OUTSIDE if f"{name}.".startswith(f"{place}.")), name)
            weights[OUTSIDE.get(place, place) + name.removeprefix(place)] = tensor.float()
    return weights


def _checked(folder: Path) -> TwoTowers:
    """What the checkpoint in a folder is made of, once its weights were held against that."""
    files = (*configurations(folder), weights_file(folder))
    return _of_versions(folder, tuple(version(file) for file in files))


@lru_cache(maxsize=16)
def _of_versions(folder: Path, versions: tuple[Version, ...]) -> TwoTowers:
    """`_checked`, once for the same files, because every cell asks."""
    towers, shapes, where = read_towers(folder), read_shapes(folder), weights_file(folder)
    with torch.device("meta"):
        network = made_of(towers)
        theirs = translated({name: torch.empty(shape) for name, shape in shapes.items()}, network)
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    held = {name: tuple(tensor.shape) for name, tensor in theirs.items()}
    surplus, absent = sorted(held.keys() - needed), sorted(needed.keys() - held)
    if surplus:
        raise UserError(
            f"{where}: {len(surplus)} weights are not those of a BERT and timm's plain ViT, e.g. {surplus[0]}. Such a "
            "network is not supported."
        )
    if absent:
        raise UserError(
            f"{where}: {len(absent)} weights are absent, e.g. {absent[0]} (as transformers names it). Download the "
            "backbone again."
        )
    for name, shape in needed.items():
        if held[name] != shape:
            raise UserError(
                f"{where}: {name} (as transformers names it) is {list(held[name])}, expected {list(shape)}. "
                f"{CONFIG} and weights are of different checkpoints."
            )
    return towers


def _small() -> TwoTowers:
    """The small one, for the words of the shipped tokenizer."""
    words = open_tokenizer(tokenizer_file(SHIPPED)).get_vocab()
    text = BERT | {"vocab_size": len(words), "pad_token_id": words["[PAD]"]}
    seen = PictureSpec(ImageRule(SIDE, 2 * SIDE, int(VIT["patch_size"])), MEAN, STD)
    return TwoTowers(text, VIT, 64, 64, bias=False, mean=False, longest=BERT["max_position_embeddings"], seen=seen)
