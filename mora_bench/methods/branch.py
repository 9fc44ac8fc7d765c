"""The low-rank branch of MoRA (arXiv 2408.09064), which runs in parallel to a transformer block."""

import torch
from torch import Tensor, nn


class Branch(nn.Module):
    """sum over m of gate_m up_m(down(x)), for any number of modalities M.

    `down` [r, D] is drawn from N(0, std = 1/r), the `up_m` [r, D] start at zero. No scaling, no bias.
    """

    def __init__(self, width: int, rank: int, modalities: int):
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, width) / rank)
        self.up = nn.Parameter(torch.zeros(modalities, rank, width))

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """x [B, T, D] and gate [B, M], the weight of each up -> the term added to the block's output, [B, T, D].

        A sample's ups are summed before they are applied: one matrix product per sample, whatever M is.
        """
        up = (gate.to(x.dtype) @ self.up.flatten(1)).unflatten(1, self.up.shape[1:])
        return (x @ self.down.T) @ up
