"""What every baseline that the `peft` library implements has in common: a config, and where its names go."""

from abc import abstractmethod

from peft import IA3Config, IA3Model, LoraConfig, LoraModel, PeftConfig, get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTuner
from torch import Tensor

from mora_bench.backbones.vilt import Backbone
from mora_bench.methods.contract import Axes, InBlocks

_TUNERS: dict[type[PeftConfig], type[BaseTuner]] = {LoraConfig: LoraModel, IA3Config: IA3Model}


class ThroughPeft(InBlocks):
    """Injects a `peft` tuner into the backbone's ViLT; subclasses say which."""

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self.axes = axes

    @abstractmethod
    def peft_config(self) -> PeftConfig:
        """What is injected where; also what `PeftModel.from_pretrained` needs to load a saved adapter."""

    def targets(self, names: str) -> str:
        """A pattern for `target_modules`: modules of the chosen blocks, `names` separated by |, by their full path."""
        blocks = "|".join(map(str, self.axes.blocks))
        return rf"encoder\.layer\.({blocks})\.({names})"

    def attach(self, backbone: Backbone) -> None:
        config = self.peft_config()
        # In a list, so that the backbone does not become a submodule of the method.
        self._tuner = [_TUNERS[type(config)](backbone.vilt, config, "default")]

    def detach(self, backbone: Backbone) -> None:
        self._tuner.pop().unload()
        backbone.requires_grad_(False)

    def export(self) -> tuple[PeftConfig, dict[str, Tensor]]:
        saved = get_peft_model_state_dict(self._tuner[0], adapter_name="default", save_embedding_layers=False)
        return self.peft_config(), {name.removeprefix("model."): tensor for name, tensor in saved.items()}
