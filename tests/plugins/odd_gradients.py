"""Methods whose gradient is not finite though all that they compute is, and one whose output is not."""

import torch
from torch import nn

from mora_bench.api import InBlocks


class RootGate(InBlocks):
    """A gate: the root of something that is 0 where the first modality is absent, where its slope is infinite."""

    title = "root gate"
    source = "this test"
    reads = {"blocks": "0"}

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.scale = nn.Parameter(torch.full((), -8.0))

    def changed(self, place, frozen, tokens):
        present = tokens.present[:, :1]
        size = present.float() * self.scale.exp()
        gate = torch.where(present, size.sqrt(), 0.0)
        out = frozen(tokens)
        return out.with_x(out.x * (1 + gate)[..., None])


class Logarithm(InBlocks):
    """A forward pass that meets the logarithm of a negative number once its parameter has moved."""

    title = "logarithm"
    source = "this test"
    reads = {"blocks": "0"}

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.size = nn.Parameter(torch.full((1,), 1e-4))

    def changed(self, place, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x * (1 + 1e-3 * self.size.log()))

    def penalty(self):
        return 100 * self.size.sum()
