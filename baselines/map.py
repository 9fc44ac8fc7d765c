"""Missing-aware prompts, input level (Lee et al., CVPR 2023, arXiv 2303.03369).

Each pattern of presence (complete, text missing, image missing) has a set of 16 prompt tokens for each prompted
block. Block by block the set of the sample's own pattern joins the sequence and stays in it, so the sequence grows by
16 tokens a prompted block. The paper prompts blocks 0-5 of 12; with another depth, its first half.
"""

from collections.abc import Callable

import torch
from torch import nn

from mora_bench.backbone.vilt import Backbone
from mora_bench.method import Axes, Method
from mora_bench.tokens import Tokens

LENGTH = 16


class Map(Method):
    title = "MAP (input level)"
    source = "arXiv 2303.03369"
    reads = {"blocks": "first half"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        modalities = len(backbone.modalities)
        self._place = {block: k for k, block in enumerate(axes.blocks)}
        # As released: zeros, but for one token of ones, another one in each pattern's set.
        prompts = torch.zeros(2**modalities - 1, len(axes.blocks), LENGTH, backbone.width)
        for pattern in range(len(prompts)):
            prompts[pattern, :, (pattern + 1) % len(prompts)] = 1
        self.prompts = nn.Parameter(prompts)

    @property
    def first_block(self) -> int:
        return min(self._place)

    def block(self, i: int, frozen: Callable[[Tokens], Tokens], tokens: Tokens) -> Tokens:
        if i not in self._place:
            return frozen(tokens)
        modalities = tokens.present.shape[1]
        pattern = (tokens.present * 2 ** torch.arange(modalities, device=tokens.x.device)).sum(1) - 1
        return frozen(tokens.append(self.prompts[pattern, self._place[i]]))
