"""ViLT (Kim et al. 2021, arXiv 2102.03334) with transformers' weights and an encoder of our own.

The modules are those of `transformers.ViltModel`, so names, checkpoints and `peft` fit; what runs is leaner: fused
attention, no random patch selection, position rows interpolated once per image size instead of once per sample. The
result equals `transformers.ViltModel` for every mix of image sizes and text lengths (tests/backbone/test_vilt.py).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ViltModel

from mora_bench.tokens import MODALITIES, Batch, Part, Tokens


class Backbone(nn.Module):
    """`embed` -> `join` -> `block(0)` ... `block(depth - 1)` -> `pool`.

    Attributes:
        vilt: the wrapped `transformers.ViltModel`.
        blocks: its `depth` transformer blocks; what a method replaces or injects into.
        width: D, features a token.
        patch: pixels along a patch's side.
    """

    modalities = MODALITIES

    def __init__(self, vilt: ViltModel):
        super().__init__()
        self.vilt = vilt
        self.width: int = vilt.config.hidden_size
        self.patch: int = vilt.config.patch_size
        self.heads: int = vilt.config.num_attention_heads

    @property
    def blocks(self) -> nn.ModuleList:
        return self.vilt.encoder.layer

    @property
    def depth(self) -> int:
        return len(self.blocks)

    def embed(self, batch: Batch) -> list[Part]:
        """Text and image tokens with position and modality embeddings: parts of [B, L, D] and [B, 1 + h*w, D]."""
        embeddings = self.vilt.embeddings
        kind = embeddings.token_type_embeddings.weight
        text = embeddings.text_embeddings(input_ids=batch.ids) + kind[0]
        image, mask = self._embed_image(batch)
        return [Part(text, batch.ids_mask), Part(image + kind[1], mask)]

    def _embed_image(self, batch: Batch) -> tuple[Tensor, Tensor]:
        embeddings = self.vilt.embeddings
        x = embeddings.patch_embeddings.projection(batch.pixels)
        rows, columns = x.shape[2:]
        table = embeddings.position_embeddings
        side = self.vilt.config.image_size // self.patch
        plane = table[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        position = torch.zeros_like(x)
        mask = torch.zeros(len(x), rows, columns, dtype=torch.bool, device=x.device)
        for h, w in torch.unique(batch.grid, dim=0).tolist():
            these = ((batch.grid[:, 0] == h) & (batch.grid[:, 1] == w)).nonzero().squeeze(1)
            fitted = F.interpolate(plane, size=(h, w), mode="bilinear", align_corners=True)
            position = position.index_add(
                0, these, F.pad(fitted, (0, columns - w, 0, rows - h)).expand(len(these), -1, -1, -1).to(x)
            )
            mask[these, :h, :w] = True
        x = (x + position).flatten(2).transpose(1, 2)
        cls = (embeddings.cls_token + table[:, :1]).expand(len(x), -1, -1)
        return torch.cat([cls, x], 1), F.pad(mask.flatten(1), (1, 0), value=True)

    def block(
        self, i: int, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None, first: int | None = None
    ) -> Tokens:
        """Run frozen (or, in full fine-tuning, trained) block i. Shapes are unchanged.

        `prefix` is a pair of [B, P, D]: keys and values that every token can attend to besides the sequence's own.
        With `first`, only the first so many tokens are computed; they attend to all.
        """
        layer: Any = self.blocks[i]
        attention = layer.attention.attention
        y = layer.layernorm_before(tokens.x)
        key, value = attention.key(y), attention.value(y)
        out = tokens if first is None else tokens.first(first)
        query = attention.query(y[:, :first])
        mask = tokens.mask
        if prefix is not None:
            key, value = torch.cat([prefix[0], key], 1), torch.cat([prefix[1], value], 1)
            mask = F.pad(mask, (key.shape[1] - mask.shape[1], 0), value=True)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query, key, value))
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        x = layer.attention.output(y.transpose(1, 2).flatten(2), out.x) + out.x
        return out.with_x(layer.output(layer.intermediate(layer.layernorm_after(x)), x))

    def pool(self, tokens: Tokens, pooler: nn.Module) -> Tensor:
        """Final layer norm, then `pooler` on token 0: [B, D]."""
        return pooler(self.vilt.layernorm(tokens.x[:, :1]))
