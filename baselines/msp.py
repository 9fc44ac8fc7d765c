"""Modality-specific prompts (Jang et al., ICASSP 2024, arXiv 2312.15890).

One set of 16 prompt tokens per modality and prompted block; a sample uses the sum of the sets of the modalities it has.
A penalty keeps the sets apart: the absolute cosine between the sets of two modalities, averaged over blocks and
pairs. The penalty's weight and the start, N(0, 0.02), are ours: we could not check the paper's.
"""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place

LENGTH = 16
ORTHOGONALITY = 0.1


class Msp(InBlocks):
    title = "MSP"
    source = "arXiv 2312.15890"
    family = "missing-aware"
    reads = {"blocks": "first half"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        modalities = len(backbone.modalities)
        self.prompts = nn.ParameterDict(
            {t: 0.02 * torch.randn(modalities, count, LENGTH, width) for t, (count, width) in self.shape.items()}
        )

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        prompts = self.prompts[place.tower][:, place.k]
        return frozen(tokens.append(torch.einsum("bm,mld->bld", tokens.present.to(prompts), prompts)))

    def penalty(self) -> Tensor:
        """ORTHOGONALITY times the mean of abs(cos) between two modalities' prompts."""
        cosines = [
            F.cosine_similarity(flat[a], flat[b], dim=-1).abs()
            for flat in (prompts.flatten(2) for prompts in self.prompts.values())
            for a, b in combinations(range(len(flat)), 2)
        ]
        return ORTHOGONALITY * torch.cat(cosines).mean()
