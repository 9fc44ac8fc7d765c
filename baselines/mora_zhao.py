"""The other MoRA, missing modality low-rank adaptation (Zhao et al., arXiv 2511.06225), made for CLIP's two encoders.

The query and key projections of the last two blocks get a weight of two parts, each with a direction and a magnitude
as in DoRA, m (W + alpha U) / |W + alpha U|, norms over the outputs:

- a common part, U = A_i (sum over other towers j of A_j' A_j) A_i', one factor A_i [D_i, r] per tower and block: what
  a tower changes depends on what the others learned;
- a specific part, U = (F G)', a low-rank update of this projection alone, zero in the beginning.

Nothing reads what is missing. Beside the released code (Tree-Shu-Zhao/MoRA, 5fec986) on the same random values, weights
and their gradients are equal (1e-14 in float64). As there, both magnitudes begin at |W|, so that the weight begins at W
plus a weight that is not the network's: adaptation does not start from the frozen network, as LoRA's does. Rank 4,
alpha 0.001, query and key are its settings for the one data set with several labels a sample (MM-IMDb). What differs:
its dropout of 0.1 before these projections is left out, because dropout is the recipe's, for all methods alike; both
output projections train, as under every method here; with more than two towers all others are summed.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.spec import Spec
from mora_bench.errors import UserError
from mora_bench.methods.contract import Axes, InBlocks, Place

TARGETS = ("query", "key")


def directed(weight: Tensor, update: Tensor, magnitude: Tensor) -> Tensor:
    """[D, D]: `magnitude` [1, D] times the columns of weight + update, each of length 1."""
    moved = weight + update
    return magnitude * moved / moved.norm(dim=0, keepdim=True).clamp(min=1e-5)


class MoraZhao(InBlocks):
    title = "MoRA of Zhao et al."
    source = "arXiv 2511.06225"
    family = "low-rank"
    reads = {"rank": 4, "blocks": "last 2", "alpha": 0.001}

    @classmethod
    def unfit(cls, spec: Spec) -> str:
        return "" if spec.shallowest else "it couples the blocks of two encoders, a modality each"

    def __init__(self, backbone: Backbone, axes: Axes):
        # A stream without blocks, such as that of a table, has no encoder.
        depths = {tower: depth for tower, depth in zip(backbone.towers, backbone.depths, strict=True) if depth}
        coupled = tuple(block for block in axes.blocks if block < min(depths.values()))
        if not coupled or len(depths) < 2:
            raise UserError(
                f"mora-zhao couples two encoders, and no block of {axes.blocks} stands in both (their depths are "
                f"{[*depths.values()]}). Name others with --blocks."
            )
        super().__init__(backbone, Axes(axes.rank, coupled, axes.knobs))
        self.alpha = float(axes.knobs.get("alpha", self.reads["alpha"]))
        self.common, self.down, self.up, self.magnitudes = (nn.ParameterDict() for _ in range(4))
        scale = axes.rank**-0.5
        for tower, (count, width) in self.shape.items():
            self.common[tower] = scale * torch.randn(count, width, axes.rank)
            self.down[tower] = scale * torch.randn(count, len(TARGETS), width, axes.rank)
            self.up[tower] = torch.zeros(count, len(TARGETS), axes.rank, width)
            # Of the common and of the specific part.
            self.magnitudes[tower] = torch.ones(count, len(TARGETS), 2, 1, width)
        for place, at in self.once().items():
            for t, role in enumerate(TARGETS):
                weight: Any = backbone.network.get_submodule(backbone.linear(at, role)).weight
                with torch.no_grad():
                    self.magnitudes[place.tower][place.k, t] = weight.norm(dim=0, keepdim=True)
        self._adapted: list[nn.Module] = []

    def attach(self, backbone: Backbone) -> None:
        for place, at in self.once().items():
            for t, role in enumerate(TARGETS):
                layer: Any = backbone.network.get_submodule(backbone.linear(at, role))
                # In place of its own, so that the frozen weight is not multiplied in vain.
                vars(layer)["forward"] = partial(self._forward, layer, place, t)
                self._adapted.append(layer)

    def detach(self, backbone: Backbone) -> None:
        while self._adapted:
            del vars(self._adapted.pop())["forward"]

    def _forward(self, layer: nn.Linear, place: Place, t: int, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(layer.weight, place, t), layer.bias)

    def weight(self, frozen: Tensor, place: Place, t: int) -> Tensor:
        """What stands in place of a projection's frozen weight, [D, D]; `t` numbers `TARGETS`."""
        tower, k = place
        others = [factors[k].mT @ factors[k] for name, factors in self.common.items() if name != tower]
        common = self.common[tower][k] @ torch.stack(others).sum(0) @ self.common[tower][k].mT
        specific = self.down[tower][k, t] @ self.up[tower][k, t]
        magnitudes = self.magnitudes[tower][k, t]
        return directed(frozen, self.alpha * common.mT, magnitudes[0]) + directed(
            frozen, self.alpha * specific.mT, magnitudes[1]
        )
