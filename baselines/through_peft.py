"""The base of the baselines that the `peft` library implements."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING

from torch import Tensor

from mora_bench.backbones.contract import Backbone
from mora_bench.methods.contract import Axes, InBlocks

if TYPE_CHECKING:
    from peft import PeftConfig


class ThroughPeft(InBlocks):
    """Injects a `peft` tuner into the backbone's network; subclasses say which. (Importing peft takes seconds, so it is
    imported only when a method is attached.)"""

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self.axes = axes
        # In a list, so that the backbone does not become a submodule of the method.
        self._backbone = [backbone]

    @abstractmethod
    def peft_config(self) -> PeftConfig:
        """The config of the tuner: what is injected where. `PeftModel.from_pretrained` needs it to load an adapter."""

    def targets(self, *roles: str) -> str:
        """A pattern for `target_modules`: the linear layers of the chosen blocks that play `roles`."""
        paths = sorted({self._backbone[0].linear(at, role) for at in self.place for role in roles})
        return "|".join(map(re.escape, paths))

    def attach(self, backbone: Backbone) -> None:
        from peft import IA3Config, IA3Model, LoraModel

        config = self.peft_config()
        tuner = IA3Model if isinstance(config, IA3Config) else LoraModel
        self._tuner = [tuner(backbone.network, config, "default")]

    def detach(self, backbone: Backbone) -> None:
        self._tuner.pop().unload()
        backbone.requires_grad_(False)

    def export(self) -> tuple[PeftConfig, dict[str, Tensor]]:
        from peft import get_peft_model_state_dict

        saved = get_peft_model_state_dict(self._tuner[0], adapter_name="default", save_embedding_layers=False)
        return self.peft_config(), {name.removeprefix("model."): tensor for name, tensor in saved.items()}
