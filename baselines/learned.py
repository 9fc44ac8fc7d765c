"""A learned token in place of a missing modality (the learnable-token idea of arXiv 2501.17823)."""

import torch
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Part
from mora_bench.methods.imputer import Imputer


class Learned(Imputer):
    """An absent modality becomes its dummy's [CLS] token, if it has one, and one token per modality that trains with
    the method."""

    title = "learned token"
    source = "arXiv 2501.17823"

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone)
        widths = [backbone.width_of(m) for m in range(len(backbone.modalities))]
        self.token = nn.ParameterList(0.02 * torch.randn(1, width) for width in widths)

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        filled = list(parts)
        for m, part in enumerate(parts):
            absent = ~present[:, m]
            if absent.any():
                tokens = [torch.cat([dummy[:1], self.token[m]]) for dummy in part.rows(absent)]
                filled[m] = part.replaced(absent, tokens)
        return filled
