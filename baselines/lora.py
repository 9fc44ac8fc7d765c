"""Plain LoRA (Hu et al. 2021, arXiv 2106.09685) on the query and value projections, through the `peft` library.

alpha equals the rank, so that the update is not scaled and ranks compare. Blind to which modality is missing.
"""

from peft import LoraConfig, LoraModel

from mora_bench.backbone.vilt import Backbone
from mora_bench.method import Axes, Method


class Lora(Method):
    title = "LoRA"
    source = "arXiv 2106.09685"
    reads = {"rank": 8, "blocks": "all"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self._axes = axes

    @property
    def first_block(self) -> int:
        return min(self._axes.blocks)

    def attach(self, backbone: Backbone) -> None:
        config = LoraConfig(
            r=self._axes.rank,
            lora_alpha=self._axes.rank,
            target_modules=["query", "value"],
            layers_to_transform=list(self._axes.blocks),
            layers_pattern="layer",
        )
        # In a list, so that the backbone does not become a submodule of the method.
        self._tuner = [LoraModel(backbone.vilt, config, "default")]

    def detach(self, backbone: Backbone) -> None:
        self._tuner.pop().unload()
        backbone.requires_grad_(False)
