"""BridgeTower (Xu et al. 2023, arXiv 2206.08657) with transformers' weights: two towers, joined behind their bridges.

A RoBERTa and a CLIP ViT run alone. From the first bridge on, each of their blocks also feeds a cross-modal layer, in
which text and picture attend to each other; nothing flows back. Blocks here are those up to the first bridge: 7 of 12
in the published base. The upper ones and the cross-modal layers run frozen in `pool`, where no method reaches. Features
equal the `pooler_output` of `transformers.BridgeTowerModel` (tests/backbones/test_bridgetower.py), with one difference
in what is fed in: pictures keep their shape, so positions are interpolated (`interpolate_pos_encoding=True`).

An absent modality is its dummy, which the other one attends to, as in other dual encoders.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mora_bench.backbones.bridge_towers import BridgeImage, BridgeText, split_attention
from mora_bench.backbones.clip import MEAN, SHIPPED, STD
from mora_bench.backbones.dual import Dual
from mora_bench.backbones.encoder import for_words, read_as, without_dropout
from mora_bench.backbones.layout import (
    PictureSpec,
    fingerprint,
    number,
    pictures,
    read_json,
    tokenizer_file,
    weights_files,
)
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Tokens
from mora_bench.data.modalities.text import TextRule
from mora_bench.data.table import PICTURES
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from transformers import BridgeTowerModel

#: A small one with random weights, which reads texts and pictures as the shipped CLIP does.
UNTRAINED = "bridgetower-untrained"
WIDTH = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128}
SMALL: dict[str, Any] = {
    **WIDTH,
    "num_hidden_layers": 2,
    "text_config": {**WIDTH, "num_hidden_layers": 3, "max_position_embeddings": 160},
    "vision_config": {"hidden_size": 64, "num_hidden_layers": 3, "image_size": 64, "patch_size": 16},
}
KINDS = ("text", "image")


class BridgeTower(Dual):
    """Its poolers, one for texts and one for pictures, are what `make_pooler` copies and every method trains.

    Args:
        net: whose picture tower `split_attention` has changed.
    """

    title = "BridgeTower"
    not_plain = (
        "holds the attention of its picture tower as one packed layer, which `mora_bench.api.split_attention` takes "
        "apart before LoRA can be loaded; MoRA's branches of the picture tower run in mora_bench alone"
    )
    source = "arXiv 2206.08657"
    shipped = {UNTRAINED: "a small BridgeTower with random weights"}

    def __init__(self, net: BridgeTowerModel, modalities: Mapping[str, str], seen: PictureSpec):
        config: Any = net.config
        self.crossed = config.num_hidden_layers
        count = config.text_config.num_hidden_layers - self.crossed + 1
        text = BridgeText(net.text_model, "text_model", count)
        image = BridgeImage(net.vision_model.visual, "vision_model.visual", count, seen)
        super().__init__(net, {"text": text, "image": image}, modalities)
        self.hidden: int = config.hidden_size

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        trained, folder = folder is not None, folder or SHIPPED
        config, where = config if trained else for_words(SMALL, folder), folder / "config.json"
        text = {"max_position_embeddings": 514, "pad_token_id": 1, "hidden_size": 768} | config["text_config"]
        image = {"hidden_size": 768} | config["vision_config"]
        count, tokenizer, seen = _blocks(config, where), tokenizer_file(folder), _seen_by(folder, config, name)
        # RoBERTa counts positions from the padding's id on.
        positions = number(text, "max_position_embeddings", where) - text["pad_token_id"] - 1
        files = [where, tokenizer, *weights_files(folder)] if trained else [tokenizer]
        return Spec(
            name=name,
            family="bridgetower",
            fingerprint=fingerprint(files, seen.key() if trained else [*seen.key(), config]),
            depth=count,
            width=min(number(part, "hidden_size", where) for part in (text, image)),
            rules={"text": TextRule(tokenizer, min(max_text, positions)), "image": seen.rule, "bag": seen.rule},
            folder=folder,
            trained=trained,
            single_stream=False,
            shallowest=count,
            pooled_only=True,
        )

    @classmethod
    def unfit(cls, modalities: Mapping[str, str]) -> str:
        kinds = ["image" if kind in PICTURES else kind for kind in modalities.values()]
        if all(kinds.count(kind) == 1 for kind in KINDS):
            return ""
        listed = ", ".join(f"{name} ({kind})" for name, kind in modalities.items())
        return f"its cross-modal layers join one text and one modality of pictures, and the dataset has {listed}"

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> BridgeTower:
        """Without dropout, whatever the checkpoint says: `set_dropout` is the place for it."""
        from transformers import BridgeTowerConfig, BridgeTowerModel

        assert spec.folder is not None
        if wrong := cls.unfit(modalities):
            raise UserError(f"backbone {spec.name}: {wrong}.")
        if spec.trained:
            config = read_json(spec.folder, "config.json", spec.name)
            net = read_as(BridgeTowerModel, spec.folder, "a BridgeTower checkpoint")
        else:
            config = for_words(SMALL, spec.folder)
            net = BridgeTowerModel(BridgeTowerConfig(**config)).eval()
        without_dropout(net)
        return cls(split_attention(net), modalities, _seen_by(spec.folder, config, spec.name))

    def make_pooler(self) -> nn.ModuleDict:
        return nn.ModuleDict({kind: copy.deepcopy(getattr(self.net, f"cross_modal_{kind}_pooler")) for kind in KINDS})

    def pooler_path(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        return f"cross_modal_{kind}_pooler.{rest}"

    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        """The upper blocks and the cross-modal layers; then each kind's pooler on its [CLS]."""
        poolers: Any = pooler
        features = {kind: poolers[kind](x) for kind, x in self.fused(streams).items()}
        pairs = zip(self.towers, streams, strict=True)
        return torch.cat([features[kind] if kind in features else tokens.mean() for kind, tokens in pairs], -1)

    def fused(self, streams: tuple[Tokens, ...]) -> dict[str, Tensor]:
        """By kind the tokens that the last cross-modal layers give, [B, T, D], of what the streams' last blocks do."""
        net, numbers = self.net, {kind: self.towers.index(kind) for kind in KINDS}
        tokens = {kind: streams[s] for kind, s in numbers.items()}
        hidden_by = {kind: _hidden(part) for kind, part in tokens.items()}
        types = dict(zip(KINDS, net.token_type_embeddings.weight, strict=True))
        crossed: dict[str, Tensor] = {}
        for k in range(self.crossed):
            read = {}
            for kind, s in numbers.items():
                tower: Any = self._towers[s]
                if k:
                    tokens[kind] = self.run(tower.steps(tower.depth + k - 1), tokens[kind], None, None)
                transform = _kth(getattr(net, f"cross_modal_{kind}_transform"), k)
                x = transform(tower.norm(tokens[kind].x)) + types[kind]
                if k:
                    read[kind] = _kth(getattr(net, f"cross_modal_{kind}_link_tower"), k - 1)(x, crossed[kind], None)
                else:
                    read[kind] = getattr(net, f"cross_modal_{kind}_layernorm")(x)
            for kind, other in zip(KINDS, reversed(KINDS), strict=True):
                layer = getattr(net, f"cross_modal_{kind}_layers")[k]
                masks = {"attention_mask": hidden_by[kind], "encoder_attention_mask": hidden_by[other]}
                crossed[kind] = layer(read[kind], read[other], **masks)[0]
        return crossed

    def make_combiner(self) -> nn.ModuleDict:
        return nn.ModuleDict()

    def combine(self, features: Sequence[Tensor], combiner: nn.Module) -> Tensor:
        raise UserError(
            "a readout in place of the pooler would leave out BridgeTower's cross-modal layers. Leave the option out."
        )

    @property
    def shares(self) -> tuple[int, ...]:
        return tuple(self.hidden if kind in KINDS else w for kind, w in zip(self.towers, self.widths, strict=True))

    @property
    def unused(self) -> list[nn.Parameter]:
        named = self.net.named_parameters()
        return [p for name, p in named if "pooler." in name or ".ln_separate." in name]


def _hidden(tokens: Tokens) -> Tensor:
    """What is added to attention's scores so that nothing attends to padding, [B, 1, 1, T]."""
    lowest = torch.finfo(tokens.x.dtype).min
    return torch.zeros_like(tokens.mask, dtype=tokens.x.dtype).masked_fill(~tokens.mask, lowest)[:, None, None]


def _kth(layers: Any, k: int) -> nn.Module:
    """The k-th of layers; a layer that all share is each of them."""
    return layers[k] if isinstance(layers, nn.ModuleList) else layers


def _blocks(config: Mapping[str, Any], where: Path) -> int:
    """The number of blocks up to the first bridge.

    Raises:
        UserError: the towers are unlike in depth, or have fewer blocks than there are cross-modal layers.
    """
    parts = [{"num_hidden_layers": 12} | config[f"{part}_config"] for part in ("text", "vision")]
    depths = [number(part, "num_hidden_layers", where) for part in parts]
    crossed = number({"num_hidden_layers": 6} | dict(config), "num_hidden_layers", where)
    if len({*depths}) > 1 or crossed > depths[0] or parts[1].get("remove_last_layer"):
        raise UserError(
            f"{where}: num_hidden_layers is {depths[0]} for texts, {depths[1]} for pictures and {crossed} across, with "
            f"remove_last_layer {str(bool(parts[1].get('remove_last_layer'))).lower()}; expected towers of one depth, "
            "not below the number across, and no layer removed: each upper block feeds a cross-modal layer."
        )
    return depths[0] - crossed + 1


def _seen_by(folder: Path, config: dict[str, Any], name: str) -> PictureSpec:
    """How the checkpoint's pictures are resized and normalised."""
    patch = number({"patch_size": 16} | config["vision_config"], "patch_size", folder / "config.json")
    return pictures(folder, patch, name, MEAN, STD)
