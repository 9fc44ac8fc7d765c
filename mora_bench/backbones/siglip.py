"""SigLIP (Zhai et al. 2023, arXiv 2303.15343) with transformers' weights: two towers, each with a head of its own.

SigLIP 2 of fixed resolution (arXiv 2502.14786) and MedSigLIP are checkpoints of the same network. The modules are those
of `transformers.SiglipModel`, so names, checkpoints and `peft` fit. Features equal `get_text_features` and
`get_image_features` (tests/backbones/test_siglip.py), with one difference in what is fed in: pictures keep their shape
instead of being stretched to a square, so positions are interpolated (`interpolate_pos_encoding=True`).

Padding of a text is read like its words, as in pre-training: every text has as many tokens as the checkpoint has
positions, and the last one is pooled.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.blocks import Block
from mora_bench.backbones.clip import PATHS, SHIPPED, prenormed
from mora_bench.backbones.dual import Dual
from mora_bench.backbones.encoder import for_words, read_as
from mora_bench.backbones.layout import (
    PictureSpec,
    fingerprint,
    pictures,
    read_json,
    tokenizer_file,
    weights_files,
)
from mora_bench.backbones.patches import each_picture, placed
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.backbones.tower import Tower
from mora_bench.data.modalities.bag import BagInputs
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs, TextRule
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from transformers import SiglipModel

HALF = [0.5, 0.5, 0.5]
#: A small one with random weights, which reads texts and pictures as the shipped CLIP does.
UNTRAINED = "siglip-untrained"
SMALL = {
    "text_config": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
        "max_position_embeddings": 64, "projection_size": 64,
    },
    "vision_config": {
        "hidden_size": 96, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 3, "image_size": 64,
        "patch_size": 16,
    },
}  # fmt: skip
TOWERS = {"text": "text_model", "image": "vision_model"}


class SiglipText(Tower):
    """The last token is pooled; it stands first here, so that token 0 is pooled. Attention is not causal, so that the
    order of tokens means nothing beside their positions."""

    kind = "text"
    blocks = "encoder.layers"
    paths = PATHS

    def embed(self, inputs: TextInputs) -> Part:
        embeddings, config = self.module.embeddings, self.module.config
        longest = config.max_position_embeddings
        ids = inputs.ids.masked_fill(~inputs.mask, config.pad_token_id)
        ids = F.pad(ids, (0, longest - ids.shape[1]), value=config.pad_token_id).roll(1, 1)
        positions = torch.arange(longest, device=ids.device).roll(1)
        x = embeddings.token_embedding(ids) + embeddings.position_embedding(positions)
        return Part(x, torch.ones_like(ids, dtype=torch.bool))

    def steps(self, block: int) -> Block:
        return prenormed(self.layer(block))

    def norm(self, x: Tensor) -> Tensor:
        return self.module.final_layer_norm(x)


class SiglipImage(Tower):
    """Patches alone, without a [CLS]; the head pools them, `attended`.

    Args:
        mean, std: of the red, green and blue values 0 to 1 that the encoder is used to.
    """

    kind = "image"
    blocks = "encoder.layers"
    paths = PATHS

    def __init__(self, module: nn.Module, path: str, mean: list[float], std: list[float]):
        super().__init__(module, path)
        self.mean, self.std = mean, std

    def embed(self, inputs: ImageInputs | BagInputs) -> Part:
        """Of a bag, all pictures' tokens in one sequence."""
        return each_picture(self._picture, inputs)

    def _picture(self, inputs: ImageInputs) -> Part:
        embeddings = self.module.embeddings
        mean, std = (inputs.pixels.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        # `pixels` holds values from -1 to 1.
        x = embeddings.patch_embedding((inputs.pixels / 2 + 0.5 - mean) / std)
        return Part(*placed(x, inputs.grid, embeddings.position_embedding.weight, "bicubic", align_corners=False))

    def steps(self, block: int) -> Block:
        return prenormed(self.layer(block))

    def norm(self, x: Tensor) -> Tensor:
        return self.module.post_layernorm(x)


def attended(head: Any, x: Tensor, mask: Tensor) -> Tensor:
    """The feature that the head of the image tower pools of tokens x [B, T, D], of which those in `mask` count, bool
    [B, T] -> [B, D]. Equal to the module's own forward, which knows no padding."""
    attention = head.attention
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    inputs = (head.probe.expand(len(x), -1, -1), x, x)
    query, key, value = (
        F.linear(part, weight, bias).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        for part, weight, bias in zip(inputs, weights, biases, strict=True)
    )
    pooled = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
    pooled = attention.out_proj(pooled.transpose(1, 2).flatten(2))[:, 0]
    return pooled + head.mlp(head.layernorm(pooled))


class Siglip(Dual):
    """Each tower's head makes its feature; the heads are what `make_pooler` copies and every method trains."""

    title = "SigLIP"
    source = "arXiv 2303.15343"
    shipped = {UNTRAINED: "a small SigLIP with random weights"}

    def __init__(self, siglip: SiglipModel, modalities: Mapping[str, str], seen: PictureSpec):
        image = SiglipImage(siglip.vision_model, TOWERS["image"], seen.mean, seen.std)
        super().__init__(siglip, {"text": SiglipText(siglip.text_model, TOWERS["text"]), "image": image}, modalities)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        trained, folder = folder is not None, folder or SHIPPED
        config = config if trained else _small(folder)
        seen, text, image = _seen_by(folder, config, name), config["text_config"], config["vision_config"]
        if not image.get("vision_use_head", True):
            raise UserError(
                f"{folder / 'config.json'}: vision_use_head is false, so that nothing pools a picture. Expected a "
                "checkpoint with the head of SigLIP."
            )
        tokenizer = tokenizer_file(folder)
        longest = min(max_text, text.get("max_position_embeddings", 64))
        files = [folder / "config.json", tokenizer, *weights_files(folder)] if trained else [tokenizer]
        return Spec(
            name=name,
            family="siglip",
            fingerprint=fingerprint(files, seen.key() if trained else [*seen.key(), config]),
            depth=max(part.get("num_hidden_layers", 12) for part in (text, image)),
            width=min(part.get("hidden_size", 768) for part in (text, image)),
            rules={"text": TextRule(tokenizer, longest), "image": seen.rule, "bag": seen.rule},
            folder=folder,
            trained=trained,
            single_stream=False,
            shallowest=min(part.get("num_hidden_layers", 12) for part in (text, image)),
        )

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Siglip:
        from transformers import SiglipConfig, SiglipModel

        assert spec.folder is not None
        if spec.trained:
            config = read_json(spec.folder, "config.json", spec.name)
            siglip = read_as(SiglipModel, spec.folder, "a SigLIP checkpoint")
            return cls(siglip, modalities, _seen_by(spec.folder, config, spec.name))
        config = _small(spec.folder)
        return cls(SiglipModel(SiglipConfig(**config)).eval(), modalities, _seen_by(spec.folder, config, spec.name))

    def make_pooler(self) -> nn.ModuleDict:
        return nn.ModuleDict({kind: copy.deepcopy(self._head(kind)) for kind in TOWERS if kind in self.towers})

    def make_combiner(self) -> nn.ModuleDict:
        """The head of texts, a linear layer; that of pictures is a readout itself."""
        return nn.ModuleDict({"text": copy.deepcopy(self._head("text"))} if "text" in self.towers else {})

    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        heads: Any = pooler
        features = []
        for stream, (kind, tokens) in enumerate(zip(self.towers, streams, strict=True)):
            if kind == "text":
                features.append(heads[kind](self.norm(stream, tokens.x[:, 0])))
            elif kind == "image":
                features.append(attended(heads[kind], self.norm(stream, tokens.x), tokens.modality >= 0))
            else:
                features.append(tokens.mean())
        return torch.cat(features, -1)

    def pooler_path(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        return f"{TOWERS[kind]}.head.{rest}"

    @property
    def shares(self) -> tuple[int, ...]:
        text = self._head("text").out_features
        return tuple(text if tower == "text" else width for tower, width in zip(self.towers, self.widths, strict=True))

    @property
    def unused(self) -> list[nn.Parameter]:
        heads = [parameter for kind in TOWERS for parameter in self._head(kind).parameters()]
        parameters = [*super().unused, *heads, self.net.logit_scale, self.net.logit_bias]
        # The head of a tower that nothing runs through is one of its parameters, too.
        return list({id(parameter): parameter for parameter in parameters}.values())

    def _head(self, kind: str) -> Any:
        return self.net.get_submodule(TOWERS[kind]).head


def _small(folder: Path) -> dict[str, Any]:
    """The configuration of the small one."""
    return for_words(SMALL, folder, bos_token_id="[CLS]", eos_token_id="[SEP]")


def _seen_by(folder: Path, config: dict[str, Any], name: str) -> PictureSpec:
    """How the checkpoint's pictures are resized and normalised."""
    return pictures(folder, config["vision_config"].get("patch_size", 16), name, HALF, HALF)
