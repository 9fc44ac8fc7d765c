"""MoRA with one thing changed at a time, and plain LoRA at MoRA's place: is it the modality-awareness or the low rank?

All stand beside block 0 as MoRA (arXiv 2408.09064) does, and start as it does.
"""

import torch
from torch import Tensor, nn

from mora_bench.methods.branch import Branch
from mora_bench.methods.mora import Mora


class SharedUp(Mora):
    """One up for all modalities: a complete sample gets it twice, and which one is missing makes no difference."""

    title = "MoRA, one shared up"
    source = "control of MoRA"
    pads_rank = True

    def branch(self, width: int, rank: int, modalities: int) -> Branch:
        return Branch(width, rank, 1)

    def gate(self, present: Tensor) -> Tensor:
        return present.sum(1, keepdim=True)


class Blind(Mora):
    """All ups always: MoRA's parameters, told nothing of what is missing."""

    title = "MoRA, all ups always"
    source = "control of MoRA"
    pads_rank = True

    def gate(self, present: Tensor) -> Tensor:
        return torch.ones_like(present)


class Swapped(Mora):
    """Trained as MoRA, but outside training a sample gets the ups of the wrong modalities.

    Complete samples get all either way. Validation is outside training, so the checkpoint is chosen swapped, too.
    """

    title = "MoRA, ups swapped when predicting"
    source = "control of MoRA"
    pads_rank = True

    def gate(self, present: Tensor) -> Tensor:
        return present if self.training else present.roll(1, dims=1)


class SeparateBranch(nn.Module):
    """A low-rank branch of its own for each modality, down and up."""

    def __init__(self, width: int, rank: int, modalities: int):
        super().__init__()
        self.down = nn.Parameter(torch.randn(modalities, rank, width) / rank)
        self.up = nn.Parameter(torch.zeros(modalities, rank, width))

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        """x [B, T, D], gate [B, M] -> [B, T, D]."""
        inner = (x @ self.down.flatten(0, 1).T).unflatten(-1, self.down.shape[:2]) * gate.to(x)[:, None, :, None]
        return inner.flatten(-2) @ self.up.flatten(0, 1)


class SeparateDown(Mora):
    """Nothing is shared: each modality has a down of its own."""

    title = "MoRA, separate downs"
    source = "control of MoRA"
    pads_rank = True

    def branch(self, width: int, rank: int, modalities: int) -> SeparateBranch:
        return SeparateBranch(width, rank, modalities)


class LoraBlock(Mora):
    """One down, one up, whatever is missing: LoRA around the block.

    Its own rank is 6, because 2 x 6 x D parameters are what MoRA's 3 x 4 x D come to.
    """

    title = "LoRA (around the block)"
    source = "control of MoRA"
    pads_rank = True
    reads = {"rank": 6, "blocks": "0"}

    def branch(self, width: int, rank: int, modalities: int) -> Branch:
        return Branch(width, rank, 1)

    def gate(self, present: Tensor) -> Tensor:
        return torch.ones_like(present[:, :1])
