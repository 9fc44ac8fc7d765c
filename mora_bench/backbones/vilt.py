"""ViLT (Kim et al. 2021, arXiv 2102.03334) with transformers' weights and an encoder of our own.

The modules are those of `transformers.ViltModel`, so names, checkpoints and `peft` fit; what runs is leaner: fused
attention, no random patch selection, position rows interpolated once per image size instead of once per sample. The
result equals `transformers.ViltModel` for every mix of image sizes and text lengths (tests/backbones/test_vilt.py).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.blocks import Block, Packed
from mora_bench.backbones.contract import At, textless
from mora_bench.backbones.layout import (
    check_loaded,
    fingerprint,
    image_rule,
    number,
    read_json,
    tokenizer_file,
    weights_files,
)
from mora_bench.backbones.patches import each_picture, placed
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens, texts_first
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.bag import BagInputs
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs, TextRule
from mora_bench.errors import UserError
from mora_bench.files import digest_json

if TYPE_CHECKING:
    from transformers import ViltModel

SHIPPED = Path(__file__).parent / "small" / "vilt_small"
UNTRAINED = "small-untrained"
#: The most pixels of a shorter side; ViLT itself was trained with 384.
LARGEST = 2048
#: Where a block keeps the linear layer of each role.
PATHS = {
    "query": "attention.attention.query",
    "key": "attention.attention.key",
    "value": "attention.attention.value",
    "attention_output": "attention.output.dense",
    "mlp_in": "intermediate.dense",
    "mlp_out": "output.dense",
}


class Vilt(Packed):
    """One stream: the tokens of all modalities, the text's first, whose [CLS] is pooled.

    Attributes:
        vilt: the wrapped `transformers.ViltModel`.
        width: D, features per token; patch: pixels along a patch's side; heads: of attention.
    """

    title = "ViLT"
    source = "arXiv 2102.03334"
    kinds = ("text", "image", "bag")
    shipped = {"small": "the shipped ViLT, pre-trained on twin pairs", UNTRAINED: "the same net with random weights"}
    streams = towers = ("all",)

    def __init__(self, vilt: ViltModel, modalities: Mapping[str, str]):
        super().__init__()
        self.vilt = vilt
        self.modalities = tuple(modalities)
        self.of_kind = tuple(modalities.values())
        self.width: int = vilt.config.hidden_size
        self.widths = (self.width,)
        self.depths = (vilt.config.num_hidden_layers,)
        self.patch: int = vilt.config.patch_size
        self.heads: int = vilt.config.num_attention_heads
        self.types = _token_types(self.of_kind, vilt.config.modality_type_vocab_size)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        folder = folder or SHIPPED
        config = config or read_json(folder, "config.json", name)
        rule = image_rule(folder, config, name)
        tokenizer = tokenizer_file(folder)
        weights = weights_files(folder)
        files = [folder / "config.json", tokenizer] + weights * (name != UNTRAINED)
        return Spec(
            name=name,
            family="vilt",
            fingerprint=fingerprint(files, [_known_by(rule), name == UNTRAINED]),
            depth=number(config, "num_hidden_layers", folder / "config.json"),
            width=number(config, "hidden_size", folder / "config.json"),
            rules={"text": TextRule(tokenizer, max_text), "image": rule, "bag": rule},
            folder=folder,
            trained=name != UNTRAINED,
        )

    @classmethod
    def resized(cls, spec: Spec, side: int) -> Spec:
        """Its positions are interpolated to any size; the longer side may be as many times the shorter as before."""
        rule = spec.rules["image"]
        assert isinstance(rule, ImageRule)
        longer = side * rule.longer // rule.shorter
        if side % rule.multiple or not rule.multiple <= side <= LARGEST:
            raise UserError(
                f"backbone {spec.name}: pictures of {side} pixels; expected a multiple of {rule.multiple} (its "
                f"patches) up to {LARGEST}."
            )
        larger = replace(rule, shorter=side, longer=longer // rule.multiple * rule.multiple)
        return replace(
            spec,
            fingerprint=digest_json([spec.fingerprint, larger.key()]),
            rules={**spec.rules, "image": larger, "bag": larger},
        )

    @classmethod
    def unfit(cls, modalities: Mapping[str, str]) -> str:
        return textless(modalities, "ViLT reads its features off a text's [CLS]")

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Vilt:
        """With position rows for at least `max_text` tokens.

        Where the checkpoint has fewer rows, they are interpolated linearly to `max_text`, as MoRA's released code does.
        """
        from transformers import ViltConfig, ViltModel
        from transformers.utils import logging

        if wrong := cls.unfit(modalities):
            raise UserError(f"backbone {spec.name}: {wrong}.")
        logging.disable_progress_bar()
        assert spec.folder is not None
        if spec.trained:
            vilt, report = ViltModel.from_pretrained(
                spec.folder, use_safetensors=True, local_files_only=True, output_loading_info=True, dtype=torch.float32
            )
            check_loaded(report, spec.folder, "a ViLT checkpoint with its pooler")
        else:
            vilt = ViltModel(ViltConfig.from_pretrained(spec.folder))
        extend_positions(vilt, max_text)
        return cls(vilt.eval(), modalities)

    @property
    def network(self) -> nn.Module:
        return self.vilt

    @property
    def untyped(self) -> tuple[str, ...]:
        return tuple(name for name, (_, typed) in zip(self.modalities, self.types, strict=True) if not typed)

    def embed(self, batch: Batch) -> list[Part]:
        """Text and image tokens with position and modality embeddings: parts of [B, L, D] and [B, 1 + h*w, D]."""
        embeddings = self.vilt.embeddings
        types = embeddings.token_type_embeddings.weight
        parts = []
        for inputs, (row, _) in zip(batch.inputs, self.types, strict=True):
            if isinstance(inputs, TextInputs):
                parts.append(Part(embeddings.text_embeddings(input_ids=inputs.ids) + types[row], inputs.mask))
            elif isinstance(inputs, ImageInputs | BagInputs):
                image = each_picture(self._embed_image, inputs)
                parts.append(Part(image.x + types[row], image.mask))
            else:
                empty = types.new_zeros(len(batch), 0, self.width)
                parts.append(Part(empty, empty[..., 0].bool()))
        return parts

    def _embed_image(self, inputs: ImageInputs) -> Part:
        embeddings = self.vilt.embeddings
        x = embeddings.patch_embeddings.projection(inputs.pixels)
        table = embeddings.position_embeddings
        x, mask = placed(x, inputs.grid, table[0, 1:], "bilinear", align_corners=True)
        cls = (embeddings.cls_token + table[:, :1]).expand(len(x), -1, -1)
        return Part(embeddings.dropout(torch.cat([cls, x], 1)), F.pad(mask, (1, 0), value=True))

    def join(self, parts: Sequence[Part], present: Tensor) -> tuple[Tokens, ...]:
        # The text's [CLS] is what the pooler reads.
        return (texts_first(parts, self.of_kind, present),)

    def block(
        self, at: At, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None, first: int | None = None
    ) -> Tokens:
        return self.run(steps(self.layer(at), self.heads), tokens, prefix, first)

    def query(self, at: At, x: Tensor) -> Tensor:
        layer: Any = self.layer(at)
        return layer.attention.attention.query(layer.layernorm_before(x))

    def norm(self, stream: int, x: Tensor) -> Tensor:
        return self.vilt.layernorm(x)

    def make_pooler(self) -> nn.Module:
        return copy.deepcopy(self.vilt.pooler)

    @property
    def unused(self) -> list[nn.Parameter]:
        return list(self.vilt.pooler.parameters())

    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        """Final layer norm, then `pooler` on token 0: [B, D]."""
        return pooler(self.norm(0, streams[0].x[:, :1]))

    def layer(self, at: At) -> nn.Module:
        return self.vilt.encoder.layer[at.block]

    def path(self, at: At) -> str:
        return f"encoder.layer.{at.block}"

    def linear(self, at: At, role: str) -> str:
        return f"{self.path(at)}.{PATHS[role]}"


def steps(layer: Any, heads: int) -> Block:
    """The steps of a block of ViLT's kind: a norm before attention, and one before the MLP."""
    attention = layer.attention.attention
    return Block(
        before=layer.layernorm_before,
        query=attention.query,
        key=attention.key,
        value=attention.value,
        attended=lambda attended, x: layer.attention.output(attended, x) + x,
        fed=lambda x: layer.output(layer.intermediate(layer.layernorm_after(x)), x),
        heads=heads,
    )


def _known_by(rule: ImageRule) -> dict[str, Any]:
    """The fields of a rule that a fingerprint holds: the filter only where it is not ViLT's own."""
    return {name: value for name, value in vars(rule).items() if (name, value) != ("resample", "bicubic")}


def extend_positions(vilt: ViltModel, rows: int) -> None:
    """Interpolate the text position table to `rows` rows, in place; a table that is long enough stays as it is."""
    text: Any = vilt.embeddings.text_embeddings
    old = text.position_embeddings.weight.detach()
    if rows <= len(old):
        return
    new = F.interpolate(old.T[None], size=rows, mode="linear")[0].T.contiguous()
    text.position_embeddings = nn.Embedding.from_pretrained(new, freeze=False)
    text.register_buffer("position_ids", torch.arange(rows)[None], persistent=False)
    text.register_buffer("token_type_ids", torch.zeros(1, rows, dtype=torch.long), persistent=False)
    vilt.config.max_position_embeddings = rows


def _token_types(kinds: Sequence[str], known: int) -> list[tuple[int, bool]]:
    """For each modality, its row of the type table, and whether the row is its own (else the first of its kind's).

    The text has row 0, pictures have rows 1, 2, ... as in NLVR2's checkpoints, which have 3 rows; ViLT's others have 2.
    Entries of kinds that the network does not embed mean nothing.
    """
    types = []
    for m, kind in enumerate(kinds):
        before = list(kinds[:m]).count(kind)
        row = 1 + before if kind != "text" else 0
        types.append((min(row, 1), False) if row >= known or (kind == "text" and before) else (row, True))
    return types
