"""MoRA: modality-aware low-rank adaptation (Shi et al., MICCAI 2024, arXiv 2408.09064).

A low-rank branch runs in parallel to a whole transformer block, over all tokens:

    out = block(x) + sum over present m of up_m(down(x))

`down` [r, D] is shared, drawn from N(0, std = 1/r); there is one `up_m` [D, r] a modality, zero at the start. The
up-projection of a missing modality is left out. No scaling, no bias. The paper's own setting is r = 4 in block 0.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mora_bench.backbone.vilt import Backbone
from mora_bench.method import Axes, Method
from mora_bench.tokens import Tokens


class Branch(nn.Module):
    """The low-rank branch beside one block, for any number of modalities M."""

    def __init__(self, width: int, rank: int, modalities: int):
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, width) / rank)
        self.up = nn.Parameter(torch.zeros(modalities, rank, width))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """x [B, T, D], present bool [B, M] -> what is added to the block's output, [B, T, D].

        The ups of a sample's present modalities are summed before they are applied: one matrix product a sample,
        whatever M is.
        """
        up = (present.to(x.dtype) @ self.up.flatten(1)).unflatten(1, self.up.shape[1:])
        return (x @ self.down.T) @ up


class Mora(Method):
    title = "MoRA"
    source = "arXiv 2408.09064"
    reads = {"rank": 4, "blocks": "0"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self.branches = nn.ModuleDict(
            {str(i): Branch(backbone.width, axes.rank, len(backbone.modalities)) for i in axes.blocks}
        )

    @property
    def first_block(self) -> int:
        return min(map(int, self.branches))

    def block(self, i: int, frozen: Callable[[Tokens], Tokens], tokens: Tokens) -> Tokens:
        out = frozen(tokens)
        if str(i) not in self.branches:
            return out
        return out.with_x(out.x + self.branches[str(i)](tokens.x, tokens.present))
