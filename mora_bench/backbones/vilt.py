"""ViLT (Kim et al. 2021, arXiv 2102.03334) with transformers' weights and an encoder of our own.

The modules are those of `transformers.ViltModel`, so names, checkpoints and `peft` fit; what runs is leaner: fused
attention, no random patch selection, position rows interpolated once per image size instead of once per sample. The
result equals `transformers.ViltModel` for every mix of image sizes and text lengths (tests/backbone/test_vilt.py).
"""

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ViltModel

from mora_bench.backbones import packing
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.data.batch import MODALITIES, Batch


class Backbone(nn.Module):
    """`embed` -> `join` -> `block(0)` ... `block(depth - 1)` -> `pool`.

    Attributes:
        vilt: the wrapped `transformers.ViltModel`.
        blocks: its `depth` transformer blocks; what a method replaces or injects into.
        width: D, features a token.
        patch: pixels along a patch's side.
    """

    modalities = MODALITIES
    #: What one more group of samples costs attention, in multiply-adds: the fewer, the more padding is left out of the
    #: computation, where lengths are known without waiting for a device. None: none is left out.
    group_cost: float | None = 1_500_000

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
            these = ((batch.grid[:, 0] == h) & (batch.grid[:, 1] == w)).nonzero().squeeze(1).to(x.device)
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
        tokens = self.packed(tokens)
        layout: Any = tokens.packing
        x = layout.pack(tokens.x)
        y = layer.layernorm_before(x)
        keys, values = layout.split(attention.key(y)), layout.split(attention.value(y))
        if first is not None:
            x, y = (torch.cat([part[:, :first] for part in layout.split(z)]) for z in (x, y))
        query = attention.query(y)
        queries = layout.split(query) if first is None else layout.by_group(query)
        prefixes = [None] * len(keys) if prefix is None else zip(*map(layout.rows, prefix), strict=True)
        groups = zip(queries, keys, values, layout.masks, prefixes, strict=True)
        y = torch.cat([self._attend(*group).reshape(-1, *y.shape[1:]) for group in groups])
        x = layer.attention.output(y, x) + x
        x = layer.output(layer.intermediate(layer.layernorm_after(x)), x)
        if first is not None:
            return tokens.first(first).with_x(layout.restored(x))
        return tokens.with_x(layout.unpack(x, tokens.x.shape))

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, prefix: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        """Attention of some samples: query [B, Q, D], key and value [B, T, D] -> [B, Q, D]."""
        if prefix is not None:
            key, value = torch.cat([prefix[0], key], 1), torch.cat([prefix[1], value], 1)
            mask = None if mask is None else F.pad(mask, (prefix[0].shape[1], 0), value=True)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query, key, value))
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)

    def packed(self, tokens: Tokens) -> Tokens:
        """`tokens` with a `packing`: their own, else one that leaves out padding where lengths can be read for free."""
        if tokens.packing is not None:
            return tokens
        # Compiled, every other grouping would be another program.
        if self.group_cost is None or tokens.mask.device.type != "cpu" or torch.compiler.is_compiling():
            return replace(tokens, packing=packing.whole(tokens.mask))
        # Linear layers make 12 D^2 multiply-adds a token.
        return replace(tokens, packing=packing.pack(tokens.mask, self.group_cost / (12 * self.width**2)))

    def pool(self, tokens: Tokens, pooler: nn.Module) -> Tensor:
        """Final layer norm, then `pooler` on token 0: [B, D]."""
        return pooler(self.vilt.layernorm(tokens.x[:, :1]))
