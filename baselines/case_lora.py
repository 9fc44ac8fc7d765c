"""Case-wise LoRA (Reza et al. 2023, arXiv 2310.03986): one set of low-rank updates per combination of modalities.

The paper adapts a frozen network once per combination of available modalities. Here the updates are LoRA's, on
the query and value projections, without scaling; a sample uses those of its own pattern of presence.
"""

from functools import partial

import torch
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place

TARGETS = ("query", "value")


class CaseLora(InBlocks):
    title = "case-wise LoRA (q, v)"
    source = "arXiv 2310.03986"
    family = "missing-aware"
    reads = {"rank": 8, "blocks": "all"}
    samples_apart = True
    pads_rank = True

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        cases = 2 ** len(backbone.modalities) - 1
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        for tower, (count, width) in self.shape.items():
            shape = (cases, count, len(TARGETS))
            # As in LoRA: `down` starts uniform within 1 / sqrt(D), `up` at zero.
            self.down[tower] = torch.empty(*shape, axes.rank, width).uniform_(-(width**-0.5), width**-0.5)
            self.up[tower] = torch.zeros(*shape, width, axes.rank)
        self._case: Tensor | None = None
        self._hooks: list = []

    def attach(self, backbone: Backbone) -> None:
        for place, at in self.once().items():
            for t, role in enumerate(TARGETS):
                layer = backbone.network.get_submodule(backbone.linear(at, role))
                self._hooks.append(layer.register_forward_hook(partial(self._add_update, place=place, t=t)))

    def detach(self, backbone: Backbone) -> None:
        while self._hooks:
            self._hooks.pop().remove()

    def _add_update(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor, place: Place, t: int) -> Tensor:
        down, up = (part[place.tower][:, place.k, t][self._case] for part in (self.down, self.up))
        return output + inputs[0] @ down.mT @ up.mT

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        self._case = tokens.pattern
        return frozen(tokens)
