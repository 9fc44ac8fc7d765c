"""Full fine-tuning: everything trains, embeddings included."""

from torch import Tensor

from mora_bench.backbones.contract import Backbone
from mora_bench.methods.contract import EMBEDDINGS, Axes, Method


class Full(Method):
    title = "full fine-tuning"
    source = "arXiv 2102.03334"
    family = "fine-tuning"
    trains_backbone = True

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self._before: dict[str, Tensor] = {}

    @property
    def first_block(self) -> int:
        return EMBEDDINGS

    def attach(self, backbone: Backbone) -> None:
        self._before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
        backbone.requires_grad_(True)

    def detach(self, backbone: Backbone) -> None:
        backbone.load_state_dict(self._before)
        backbone.requires_grad_(False)
