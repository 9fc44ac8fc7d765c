"""MoRA with one thing changed at a time, and plain LoRA in MoRA's place: does modality awareness help, or low rank?

All run in parallel to block 0, as MoRA (arXiv 2408.09064) does, and have its initialisation.
"""

import torch
from torch import Tensor, nn

from mora_bench.methods.branch import Branch
from mora_bench.methods.mora import Mora


class SharedUp(Mora):
    """One up for all modalities, applied once per present modality, so which modality is missing does not matter."""

    title = "MoRA, one shared up"
    source = "control of MoRA"
    pads_rank = True

    def branch(self, width: int, rank: int, modalities: int) -> Branch:
        return Branch(width, rank, 1)

    def gate(self, present: Tensor) -> Tensor:
        return present.sum(1, keepdim=True)


class Blind(Mora):
    """MoRA's parameters with all ups always applied, whatever is missing."""

    title = "MoRA, all ups always"
    source = "control of MoRA"
    pads_rank = True

    def gate(self, present: Tensor) -> Tensor:
        return torch.ones_like(present)


class Swapped(Mora):
    """Trained as MoRA, but outside training a sample gets the ups of the wrong modalities.

    Complete samples get all ups either way. Validation counts as outside training, so it swaps, too.
    """

    title = "MoRA, ups swapped when predicting"
    source = "control of MoRA"
    pads_rank = True

    def gate(self, present: Tensor) -> Tensor:
        return present if self.training else present.roll(1, dims=1)


class SeparateBranch(nn.Module):
    """One low-rank branch, down and up, per modality."""

    def __init__(self, width: int, rank: int, modalities: int):
        super().__init__()
        self.down = nn.Parameter(torch.randn(modalities, rank, width) / rank)
        self.up = nn.Parameter(torch.zeros(modalities, rank, width))

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """x [B, T, D], gate [B, M] -> [B, T, D]."""
        inner = (x @ self.down.flatten(0, 1).T).unflatten(-1, self.down.shape[:2]) * gate.to(x)[:, None, :, None]
        return inner.flatten(-2) @ self.up.flatten(0, 1)


class SeparateDown(Mora):
    """Nothing is shared: one down and one up per modality."""

    title = "MoRA, separate downs"
    source = "control of MoRA"
    pads_rank = True

    def branch(self, width: int, rank: int, modalities: int) -> SeparateBranch:
        return SeparateBranch(width, rank, modalities)


class LoraBlock(Mora):
    """LoRA around the block: one down and one up, whatever is missing.

    Its own rank is 6, because it then has 2 x 6 x D parameters, as many as MoRA's 3 x 4 x D.
    """

    title = "LoRA (around the block)"
    source = "control of MoRA"
    pads_rank = True
    reads = {"rank": 6, "blocks": "0"}

    def branch(self, width: int, rank: int, modalities: int) -> Branch:
        return Branch(width, rank, 1)

    def gate(self, present: Tensor) -> Tensor:
        return torch.ones_like(present[:, :1])
