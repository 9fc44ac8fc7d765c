"""SCP, semantically conditioned prompts (Pipoli et al., WACV 2025).

Blocks of the first half have 16 prompt tokens each, the same for all samples. In those of the second half 12 tokens are
made for each sample and 4 are the same: the text's [CLS], as it enters the block, gives the query that the frozen block
would compute for it; its 12 parts attend to a pool of 32 keys, and what they find, of 32 values, are the prompts. All
prompts stay in the sequence. Which modality is missing is not told.

From the authors' code (vittoriopipoli/SCP_WACV2025, 2e91072): a drop of 0.1 on the attention to the pool, its scale of
1 / sqrt(D), the start (Kaiming). Their copy of the block's norm has an epsilon of 1e-5; ours is the block's own norm.
"""

import math

import torch
from torch import Tensor, nn

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place

GENERATED, FIXED, POOL = 12, 4, 32
DROP = 0.1


class Scp(InBlocks):
    """The query's parts are as many as divide the width, at most 12."""

    title = "SCP"
    source = "WACV 2025, github.com/vittoriopipoli/SCP_WACV2025"
    family = "missing-aware"
    reads = {"blocks": "all"}

    @classmethod
    def unfit(cls, spec: Spec) -> str:
        return "" if spec.single_stream else "its prompts are made from the [CLS] of one sequence of all modalities"

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        # In a tuple, because the backbone is no part of the method.
        self.of = (backbone,)
        self.blocks = axes.blocks
        width = backbone.widths[0]
        self.parts = next(k for k in range(GENERATED, 0, -1) if width % k == 0)
        half = (backbone.depth + 1) // 2
        self.fixed = nn.ParameterDict()
        self.keys = nn.ParameterDict()
        self.values = nn.ParameterDict()
        for block in axes.blocks:
            name = str(block)
            self.fixed[name] = _kaiming(FIXED if block >= half else FIXED + self.parts, width)
            if block >= half:
                self.keys[name] = _kaiming(POOL, width // self.parts)
                self.values[name] = _kaiming(POOL, width)
        self.drop = nn.Dropout(DROP)

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        block = self.blocks[place.k]
        prompts = self.fixed[str(block)].expand(len(tokens), -1, -1)
        if str(block) in self.keys:
            query = self.of[0].query(At(0, block), tokens.x[:, 0])
            prompts = torch.cat([prompts, self.generated(str(block), query)], 1)
        return frozen(tokens.append(prompts))

    def generated(self, name: str, query: Tensor) -> Tensor:
        """The prompts of each sample, [B, D] -> [B, 12, D]."""
        scores = query.unflatten(1, (self.parts, -1)) @ self.keys[name].T / math.sqrt(query.shape[1])
        return self.drop(scores.softmax(-1)) @ self.values[name]


def _kaiming(rows: int, columns: int) -> nn.Parameter:
    """N(0, 2 / columns)."""
    return nn.Parameter(nn.init.kaiming_normal_(torch.empty(rows, columns)))
