"""BitFit (Ben Zaken et al. 2022, arXiv 2106.10199): trains the biases of the blocks, nothing else of the backbone."""

from torch import Tensor

from mora_bench.backbones.contract import Backbone
from mora_bench.methods.contract import Axes, InBlocks


class BitFit(InBlocks):
    title = "BitFit"
    source = "arXiv 2106.10199"
    family = "fine-tuning"
    trains_backbone = True
    reads = {"blocks": "all"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self._before: dict[str, Tensor] = {}

    def attach(self, backbone: Backbone) -> None:
        names = {id(p): name for name, p in backbone.named_parameters()}
        for at in self.once().values():
            for name, parameter in backbone.layer(at).named_parameters():
                if name.endswith("bias"):
                    self._before[names[id(parameter)]] = parameter.detach().clone()
                    parameter.requires_grad_(True)

    def detach(self, backbone: Backbone) -> None:
        backbone.load_state_dict(self._before, strict=False)
        backbone.requires_grad_(False)
