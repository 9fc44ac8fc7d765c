"""Head only: the backbone stays frozen; pooler and classifier train, as they do under every method."""

from mora_bench.backbones.contract import Backbone
from mora_bench.methods.contract import Axes, Method


class Head(Method):
    title = "head only"
    source = "the control of arXiv 2303.03369"
    family = "fine-tuning"

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self._depth = backbone.depth

    @property
    def first_block(self) -> int:
        return self._depth
