"""FLAVA (Singh et al. 2022, arXiv 2112.04482) with transformers' weights: two frozen encoders, then one stream.

A text and each picture run through an encoder of their own (`embed`). What these give before their final layer norms is
projected, and the multimodal encoder runs it behind a [CLS] of its own: its blocks are the stream that methods change.
The modules are those of `transformers.FlavaModel`, so names, checkpoints and `peft` fit; the [CLS] and all other tokens
equal its `multimodal_embeddings` (tests/backbones/test_flava.py), with one difference in what is fed in: pictures keep
their shape, so positions are interpolated (`interpolate_pos_encoding=True`).

Features are the [CLS] after the multimodal encoder's final layer norm, which is what FLAVA's heads for pairs of a
picture and a text were trained on. `multimodal_model.pooler` is left out, because no loss of FLAVA reads it. The
multimodal encoder has neither positions nor token types, so that order means nothing there.

An absent modality has no tokens; the [CLS] stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.blocks import Block, Packed
from mora_bench.backbones.clip import MEAN, SHIPPED, STD
from mora_bench.backbones.contract import At
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
from mora_bench.backbones.pair import VitImage
from mora_bench.backbones.patches import each_picture
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens, concatenated, texts_first
from mora_bench.backbones.tower import Tower
from mora_bench.backbones.vilt import PATHS, steps
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.bag import BagInputs
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs, TextRule
from mora_bench.data.table import PICTURES
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from transformers import FlavaModel

#: A small one with random weights, which reads texts and pictures as the shipped CLIP does.
UNTRAINED = "flava-untrained"
SMALL = {
    "text_config": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
        "max_position_embeddings": 128,
    },
    "image_config": {
        "hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 64,
        "patch_size": 16,
    },
    "multimodal_config": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2,
    },
}  # fmt: skip
#: The multimodal encoder in the network, and its parameters that run.
STREAM = "multimodal_model"
OF_STREAM = (f"{STREAM}.cls_token", f"{STREAM}.encoder.", f"{STREAM}.layernorm.")


class FlavaText(Tower):
    kind = "text"
    paths = PATHS

    def embed(self, inputs: TextInputs) -> Part:
        return Part(self.module.embeddings(input_ids=inputs.ids), inputs.mask)

    def steps(self, block: int) -> Block:
        return steps(self.layer(block), self.module.config.num_attention_heads)


class FlavaImage(VitImage):
    """A ViT with dropout, which `VitImage` leaves out."""

    def picture(self, inputs: ImageInputs) -> Part:
        part = super().picture(inputs)
        return Part(self.module.embeddings.dropout(part.x), part.mask)

    def steps(self, block: int) -> Block:
        return steps(self.layer(block), self.module.config.num_attention_heads)


class Flava(Packed):
    """One stream: the multimodal encoder's [CLS], the tokens of texts, then those of pictures.

    Attributes:
        flava: the wrapped `transformers.FlavaModel`; width: D, features per token of its multimodal encoder.
    """

    title = "FLAVA"
    source = "arXiv 2112.04482"
    kinds = ("text", "image", "bag")
    shipped = {UNTRAINED: "a small FLAVA with random weights"}
    streams = towers = ("all",)

    def __init__(self, flava: FlavaModel, modalities: Mapping[str, str], seen: PictureSpec):
        super().__init__()
        self.flava: Any = flava
        self.modalities = tuple(modalities)
        self.of_kind = tuple(modalities.values())
        self.width: int = flava.config.multimodal_config.hidden_size
        self.heads: int = flava.config.multimodal_config.num_attention_heads
        self.widths = (self.width,)
        self.depths = (flava.config.multimodal_config.num_hidden_layers,)
        self._text = FlavaText(flava.text_model, "text_model")
        self._image = FlavaImage(flava.image_model, "image_model", seen.mean, seen.std)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        trained, folder = folder is not None, folder or SHIPPED
        config, where = config if trained else for_words(SMALL, folder), folder / "config.json"
        text, stream = _part(config, "text"), _part(config, "multimodal")
        if not stream.get("use_cls_token", True):
            raise UserError(
                f"{where}: use_cls_token of multimodal_config is false, so that no token is pooled. Expected a "
                "checkpoint whose multimodal encoder has a [CLS]."
            )
        seen, tokenizer = _seen_by(folder, config, name), tokenizer_file(folder)
        positions = number({"max_position_embeddings": 512} | text, "max_position_embeddings", where)
        files = [where, tokenizer, *weights_files(folder)] if trained else [tokenizer]
        return Spec(
            name=name,
            family="flava",
            fingerprint=fingerprint(files, seen.key() if trained else [*seen.key(), config]),
            depth=number({"num_hidden_layers": 6} | stream, "num_hidden_layers", where),
            width=number({"hidden_size": 768} | stream, "hidden_size", where),
            rules={"text": TextRule(tokenizer, min(max_text, positions)), "image": seen.rule, "bag": seen.rule},
            folder=folder,
            trained=trained,
        )

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Flava:
        """Without dropout, whatever the checkpoint says: `set_dropout` is the place for it."""
        from transformers import FlavaConfig, FlavaModel

        assert spec.folder is not None
        if spec.trained:
            config = read_json(spec.folder, "config.json", spec.name)
            flava = read_as(FlavaModel, spec.folder, "a FLAVA checkpoint")
        else:
            config = for_words(SMALL, spec.folder)
            flava = FlavaModel(FlavaConfig(**config)).eval()
        without_dropout(flava)
        return cls(flava, modalities, _seen_by(spec.folder, config, spec.name))

    @property
    def network(self) -> nn.Module:
        return self.flava

    @property
    def untyped(self) -> tuple[str, ...]:
        """All texts but the first, and all modalities of pictures but the first: projections tell the two apart."""
        pairs = list(zip(self.modalities, self.of_kind, strict=True))
        texts = [name for name, kind in pairs if kind == "text"]
        seen = [name for name, kind in pairs if kind in PICTURES]
        return (*texts[1:], *seen[1:])

    def embed(self, batch: Batch) -> list[Part]:
        """What the encoders of texts and of pictures give, projected: parts of [B, L, D] and [B, 1 + h*w, D]; of a bag
        the tokens of all pictures. A sample has no token of what it lacks."""
        parts = []
        for m, inputs in enumerate(batch.inputs):
            if isinstance(inputs, TextInputs):
                part = self._encoded(self._text, self._text.embed(inputs))
            elif isinstance(inputs, ImageInputs | BagInputs):
                part = each_picture(lambda image: self._encoded(self._image, self._image.picture(image)), inputs)
            else:
                empty = torch.zeros(len(batch), 0, self.width, device=batch.present.device)
                part = Part(empty, empty[..., 0].bool())
            parts.append(Part(part.x, part.mask & batch.present[:, m, None]))
        return parts

    def _encoded(self, tower: Tower, part: Part) -> Part:
        """Embedded tokens after all blocks of an encoder and its projection."""
        # Blocks do not read what is present.
        tokens = concatenated([(0, part)], part.mask[:, :1])
        for block in range(tower.depth):
            tokens = self.run(tower.steps(block), tokens, None, None)
        return Part(getattr(self.flava, f"{tower.kind}_to_mm_projection")(tokens.x), part.mask)

    def join(self, parts: Sequence[Part], present: Tensor) -> tuple[Tokens, ...]:
        """With [CLS], which is of no modality, as the first token."""
        tokens = texts_first(parts, self.of_kind, present)
        cls = self.flava.multimodal_model.cls_token.expand(len(tokens), -1, -1)
        x = torch.cat([cls, tokens.x], 1)
        mask, modality = F.pad(tokens.mask, (1, 0), value=True), F.pad(tokens.modality, (1, 0), value=-1)
        return (replace(tokens, x=x, mask=mask, modality=modality),)

    def block(
        self, at: At, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None, first: int | None = None
    ) -> Tokens:
        return self.run(steps(self.layer(at), self.heads), tokens, prefix, first)

    def query(self, at: At, x: Tensor) -> Tensor:
        block = steps(self.layer(at), self.heads)
        return block.query(block.before(x))

    def norm(self, stream: int, x: Tensor) -> Tensor:
        return self.flava.multimodal_model.layernorm(x)

    def make_pooler(self) -> nn.Module:
        """Nothing: no layer behind the final layer norm was pre-trained."""
        return nn.ModuleDict()

    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        """[CLS] after the final layer norm, [B, D]."""
        return self.norm(0, streams[0].x[:, 0])

    @property
    def unused(self) -> list[nn.Parameter]:
        """Of encoders and heads what runs for no modality of the dataset."""
        kinds = {"image" if kind in PICTURES else kind for kind in self.of_kind} & {"text", "image"}
        paths = ("{}_model.embeddings.", "{}_model.encoder.", "{}_to_mm_projection.")
        run = OF_STREAM + tuple(path.format(kind) for kind in kinds for path in paths)
        named = self.flava.named_parameters()
        # The token for masked patches serves pre-training.
        return [p for name, p in named if not name.startswith(run) or name.endswith("mask_token")]

    def layer(self, at: At) -> nn.Module:
        return self.flava.multimodal_model.encoder.layer[at.block]

    def path(self, at: At) -> str:
        return f"{STREAM}.encoder.layer.{at.block}"

    def linear(self, at: At, role: str) -> str:
        return f"{self.path(at)}.{PATHS[role]}"


def _part(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The configuration of one encoder; as in transformers, one under `..._config_dict` wins."""
    return config.get(f"{kind}_config_dict") or config.get(f"{kind}_config") or {}


def _seen_by(folder: Path, config: dict[str, Any], name: str) -> PictureSpec:
    """How the checkpoint's pictures are resized and normalised.

    Raises:
        UserError: its own pictures or patches are no squares.
    """
    image = {"image_size": 224, "patch_size": 16} | _part(config, "image")
    number(image, "image_size", folder / "config.json")
    return pictures(folder, number(image, "patch_size", folder / "config.json"), name, MEAN, STD)
