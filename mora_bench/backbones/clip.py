"""CLIP (Radford et al. 2021, arXiv 2103.00020) with transformers' weights: two towers, projected to one space.

The modules are those of `transformers.CLIPModel`, so names, checkpoints and `peft` fit. Features equal
`get_text_features` and `get_image_features` (tests/backbones/test_clip.py), with two differences in what is fed in:
pictures keep their shape, as ViLT's do, instead of losing their margins to a centre crop, so positions are
interpolated (`interpolate_pos_encoding=True`); and texts of more tokens than the checkpoint has positions are cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mora_bench.backbones.blocks import Block
from mora_bench.backbones.dual import ProjectedDual
from mora_bench.backbones.encoder import read_as
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
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs, TextRule

if TYPE_CHECKING:
    from transformers import CLIPModel

SHIPPED = Path(__file__).parent / "small" / "clip_small"
#: What CLIP's checkpoints were trained on, should a folder not say it.
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
PATHS = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "attention_output": "self_attn.out_proj",
    "mlp_in": "mlp.fc1",
    "mlp_out": "mlp.fc2",
}
PROJECTIONS = {"text": "text_projection", "image": "visual_projection"}


def prenormed(layer: Any) -> Block:
    """The steps of a block of CLIP's kind: a norm before attention, and one before the MLP."""
    attention = layer.self_attn
    return Block(
        before=layer.layer_norm1,
        query=attention.q_proj,
        key=attention.k_proj,
        value=attention.v_proj,
        attended=lambda heads, x: x + attention.out_proj(heads),
        fed=lambda x: x + layer.mlp(layer.layer_norm2(x)),
        heads=attention.num_heads,
    )


class ClipText(Tower):
    """The text's last token is pooled; it stands first here, so that token 0 is pooled in every tower.

    Attention is causal. Tokens that a method adds count as standing before the text, so that all of it sees them.
    """

    kind = "text"
    blocks = "encoder.layers"
    paths = PATHS

    def embed(self, inputs: TextInputs) -> Part:
        embeddings = self.module.embeddings
        ids, mask = inputs.ids, inputs.mask
        last = mask.sum(1, keepdim=True) - 1
        positions = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        positions = torch.where(positions == 0, last, positions - 1).where(positions <= last, positions)
        x = embeddings.token_embedding(ids.gather(1, positions)) + embeddings.position_embedding(positions)
        return Part(x, mask)

    def steps(self, block: int) -> Block:
        return prenormed(self.layer(block))

    def order(self, tokens: Tokens) -> Tensor:
        length = tokens.x.shape[1]
        positions = torch.arange(length, device=tokens.x.device).expand_as(tokens.mask)
        text_order = torch.where(positions == 0, 2 * length, positions + length)
        return torch.where(tokens.modality >= 0, text_order, positions).masked_fill(~tokens.mask, 3 * length)

    def norm(self, x: Tensor) -> Tensor:
        return self.module.final_layer_norm(x)


class ClipImage(ImageTower):
    blocks = "encoder.layers"
    paths = PATHS

    def patches(self, pixels: Tensor) -> Tensor:
        return self.module.embeddings.patch_embedding(pixels)

    def table(self) -> tuple[Tensor, Tensor]:
        embeddings = self.module.embeddings
        positions = embeddings.position_embedding.weight
        return embeddings.class_embedding + positions[0], positions[1:]

    def picture(self, inputs: ImageInputs) -> Part:
        part = super().picture(inputs)
        return Part(self.entered(part.x), part.mask)

    def entered(self, x: Tensor) -> Tensor:
        """The norm before the first block, [B, T, D] -> [B, T, D]."""
        return self.module.pre_layrnorm(x)

    def steps(self, block: int) -> Block:
        return prenormed(self.layer(block))

    def norm(self, x: Tensor) -> Tensor:
        return self.module.post_layernorm(x)


class Clip(ProjectedDual):
    title = "CLIP"
    source = "arXiv 2103.00020"
    projections = PROJECTIONS
    shipped = {"small-dual": "the shipped CLIP, pre-trained on twin pairs"}

    def __init__(self, clip: CLIPModel, modalities: Mapping[str, str], seen: PictureSpec):
        image = ClipImage(clip.vision_model, "vision_model", seen.mean, seen.std)
        super().__init__(clip, {"text": ClipText(clip.text_model, "text_model"), "image": image}, modalities)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        folder = folder or SHIPPED
        config = config or read_json(folder, "config.json", name)
        seen, text = seen_by(folder, config, name), config["text_config"]
        tokenizer = tokenizer_file(folder)
        longest = min(max_text, text.get("max_position_embeddings", 77))
        files = [folder / "config.json", tokenizer, *weights_files(folder)]
        return Spec(
            name=name,
            family="clip",
            fingerprint=fingerprint(files, seen.key()),
            depth=max(part.get("num_hidden_layers", 12) for part in (text, config["vision_config"])),
            width=min(text.get("hidden_size", 512), config["vision_config"].get("hidden_size", 768)),
            rules={"text": TextRule(tokenizer, longest), "image": seen.rule, "bag": seen.rule},
            folder=folder,
            single_stream=False,
            shallowest=min(part.get("num_hidden_layers", 12) for part in (text, config["vision_config"])),
        )

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Clip:
        assert spec.folder is not None
        clip = read(spec.folder)
        return cls(clip, modalities, seen_by(spec.folder, read_json(spec.folder, "config.json", spec.name), spec.name))

    @property
    def unused(self) -> list[nn.Parameter]:
        return [*super().unused, self.net.logit_scale]


def read(folder: Path) -> CLIPModel:
    """The network in a folder, in float32 and in evaluation mode.

    Raises:
        UserError: weights are absent.
    """
    from transformers import CLIPModel

    return read_as(CLIPModel, folder, "a CLIP checkpoint")


def seen_by(folder: Path, config: dict[str, Any], name: str) -> PictureSpec:
    """How the checkpoint's pictures are resized and normalised."""
    return pictures(folder, config["vision_config"].get("patch_size", 32), name, MEAN, STD)
