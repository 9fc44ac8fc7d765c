"""The missing-modality bank of Flex-MoE (Yun et al., NeurIPS 2024, arXiv 2410.08245), as an imputer.

For every combination of observed modalities and every modality that it lacks there are 16 learned tokens; they depend
on nothing else, and train with the method. The start, N(0, 1), is that of the authors' code (UNITES-Lab/flex-moe,
8c82735). Theirs stand before position embeddings, which train there; ours are in the space after them. The dummy's
first token, where it has one, stays, because it is what features are read off.
"""

import torch
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Part, pattern_of
from mora_bench.data.presence import pattern_presence
from mora_bench.methods.imputer import Imputer

TOKENS = 16


class Bank(Imputer):
    title = "Flex-MoE's bank"
    source = "arXiv 2410.08245"

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone)
        shown = pattern_presence(len(backbone.modalities))
        #: Of each modality, the row of the bank for each pattern that lacks it.
        self.row = [{int(p): k for k, p in enumerate((~shows).nonzero()[0])} for shows in shown.T]
        self.tokens = nn.ParameterList(
            torch.randn(len(rows), TOKENS, backbone.width_of(m)) for m, rows in enumerate(self.row)
        )

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        pattern = pattern_of(present)
        filled = list(parts)
        for m, part in enumerate(parts):
            absent = ~present[:, m]
            if absent.any():
                rows = [self.row[m][int(p)] for p in pattern[absent]]
                dummies = zip(part.rows(absent), rows, strict=True)
                tokens = [torch.cat([dummy[:1], self.tokens[m][row]]) for dummy, row in dummies]
                filled[m] = part.replaced(absent, tokens)
        return filled
