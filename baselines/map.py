"""Missing-aware prompts (Lee et al., CVPR 2023, arXiv 2303.03369), at the input and at the attention level.

Each pattern of presence (complete, text missing, image missing) has a set of 16 prompt tokens per prompted
block; a sample uses the set of its own pattern. The paper prompts blocks 0-5 of 12; with another depth, its first half.
"""

import torch
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place

LENGTH = 16


class Map(InBlocks):
    """Input level: each prompted block appends the sample's set to the sequence, where it stays, so the sequence grows
    by 16 tokens per prompted block."""

    title = "MAP (input level)"
    source = "arXiv 2303.03369"
    family = "missing-aware"
    reads = {"blocks": "first half"}
    #: In each pattern's set, every `period`-th token starts as ones, as released.
    period = LENGTH

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        patterns = 2 ** len(backbone.modalities) - 1
        self.prompts = nn.ParameterDict()
        for tower, (count, width) in self.shape.items():
            # As released: zeros, except for tokens of ones, whose position differs between patterns.
            prompts = torch.zeros(patterns, count, LENGTH, width)
            for pattern in range(patterns):
                prompts[pattern, :, (pattern + 1) % patterns :: self.period] = 1
            self.prompts[tower] = prompts

    def prompts_of(self, place: Place, tokens: Tokens) -> Tensor:
        """The prompts of each sample's pattern for one place, [B, 16, D]."""
        return self.prompts[place.tower][tokens.pattern, place.k]

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        return frozen(tokens.append(self.prompts_of(place, tokens)))


class MapAttention(Map):
    """Attention level: the first 8 prompts are extra keys, the other 8 extra values."""

    title = "MAP (attention level)"
    period = LENGTH // 2

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        keys, values = self.prompts_of(place, tokens).chunk(2, 1)
        return frozen(tokens, prefix=(keys, values))
