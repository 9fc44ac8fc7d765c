"""Deep correlated prompts (Hu et al., NeurIPS 2024, arXiv 2410.06558), made for CLIP's two encoders.

36 prompt tokens stand before each modality's own tokens, from the first prompted block to the last block:

- correlated, 12 of them, replaced in every prompted block: two sets per modality, one for when it is present and one
  for when it is missing; a layer norm and a bottleneck per modality turn all modalities' sets, side by side, into each
  one's prompts of the first block, and all modalities' prompts of a block into each one's of the next;
- common, 12, made once: one set per pattern of presence, of the narrowest modality's width, passed through one
  bottleneck per modality;
- dynamic, 12, made once: fixed random queries per pattern attend, through an attention layer of one head that trains,
  to the tokens that enter the first prompted block.

The feature of a missing modality is zeroed. Run beside the released code (hulianyuyy/Deep_Correlated_Prompting, commit
3519534) on the same random weights, without padding, features and gradients are equal (1e-14 in float64); its queries
are no parameters either. Three things differ: padding is not attended to; two modalities of one kind have prompts of
their own; and what trains besides is what trains under every method here (both projections; released code trains the
picture's projection and both final norms). With a single stream there are no two encoders: dcp_single.py.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks

from .dcp_single import REDUCTION, THIRD, SingleStream, bottleneck


class OneHead(nn.Module):
    """`torch.nn.MultiheadAttention(D, 1)`, with its initial values, out of operators whose FLOPs can be counted."""

    def __init__(self, width: int):
        super().__init__()
        self.inner, self.outer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        nn.init.xavier_uniform_(self.inner.weight)
        nn.init.zeros_(self.inner.bias)
        nn.init.zeros_(self.outer.bias)

    def forward(self, queries: Tensor, tokens: Tokens) -> Tensor:
        """Queries [B, Q, D] -> their attention over the tokens, [B, Q, D]."""
        weights, biases = self.inner.weight.chunk(3), self.inner.bias.chunk(3)
        inputs = (queries, tokens.x, tokens.x)
        q, k, v = (F.linear(x, w, b) for x, w, b in zip(inputs, weights, biases, strict=True))
        return self.outer(F.scaled_dot_product_attention(q, k, v, attn_mask=tokens.mask[:, None]))


class Towers(nn.Module):
    """The prompts of a backbone with several streams; those of a stream without blocks are left out.

    Args:
        depth: prompted blocks.
    """

    def __init__(self, backbone: Backbone, depth: int):
        super().__init__()
        self.streams = [s for s, blocks in enumerate(backbone.depths) if blocks]
        widths = {s: backbone.widths[s] for s in self.streams}
        patterns, side, narrow = 2 ** len(backbone.modalities) - 1, sum(widths.values()), min(widths.values())
        self.initial = nn.ParameterDict({str(s): 0.02 * torch.randn(2, THIRD, width) for s, width in widths.items()})
        self.correlate = nn.ModuleList(
            nn.ModuleDict(
                {
                    str(s): nn.Sequential(nn.LayerNorm(side), bottleneck(side, width, max(side // REDUCTION, 1)))
                    for s, width in widths.items()
                }
            )
            for _ in range(depth)
        )
        self.common = nn.Parameter(0.02 * torch.randn(patterns, THIRD, narrow))
        self.share = nn.ModuleDict(
            {str(s): bottleneck(narrow, width, max(narrow // REDUCTION, 1)) for s, width in widths.items()}
        )
        self.attention = nn.ModuleDict({str(s): OneHead(width) for s, width in widths.items()})
        for s, width in widths.items():
            self.register_buffer(f"queries_{s}", 0.02 * torch.randn(patterns, THIRD, width))

    def block(self, at: At, k: int, frozen: Frozen, tokens: Tokens) -> Tokens:
        """The k-th prompted block of a stream."""
        correlated = self.correlated(tokens.present, at.stream, k)
        if k == 0:
            common = self.share[str(at.stream)](self.common)[tokens.pattern]
            return frozen(tokens.append(torch.cat([correlated, common, self.dynamic(at.stream, tokens)], 1)))
        length = tokens.x.shape[1] - 3 * THIRD
        return frozen(tokens.with_x(torch.cat([tokens.x[:, :length], correlated, tokens.x[:, length + THIRD :]], 1)))

    def correlated(self, present: Tensor, stream: int, k: int) -> Tensor:
        """[B, 12, D]: a stream's prompts of the k-th prompted block."""
        sides = [self.initial[str(s)][present[:, s].long()] for s in self.streams]
        rounds: Any = self.correlate
        for layers in rounds[:k]:
            side = torch.cat(sides, -1)
            sides = [layers[str(s)](side) for s in self.streams]
        return rounds[k][str(stream)](torch.cat(sides, -1))

    def dynamic(self, stream: int, tokens: Tokens) -> Tensor:
        """[B, 12, D]: the attention of the queries of each sample's pattern over its tokens."""
        queries = self.get_buffer(f"queries_{stream}")[tokens.pattern]
        return self.attention[str(stream)](queries, tokens)


class Dcp(InBlocks):
    title = "DCP"
    source = "arXiv 2410.06558"
    family = "missing-aware"
    reads = {"blocks": "first half"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        depth, modalities = len(axes.blocks), len(backbone.modalities)
        self.shares = backbone.shares
        self.prompts: SingleStream | Towers
        if len(backbone.streams) == 1:
            self.prompts = SingleStream(modalities, depth, backbone.widths[0])
        else:
            self.prompts = Towers(backbone, depth)

    def block(self, at: At, frozen: Frozen, tokens: Tokens) -> Tokens:
        return self.prompts.block(at, self.place[at].k, frozen, tokens) if at in self.place else frozen(tokens)

    def pooled(self, features: Tensor, present: Tensor) -> Tensor:
        if isinstance(self.prompts, SingleStream):
            return features
        parts = features.split(self.shares, -1)
        return torch.cat([part * present[:, [s]] for s, part in enumerate(parts)], -1)
