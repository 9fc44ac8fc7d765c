"""MoRA as a method of the `peft` library, for transformers' networks outside this harness.

    from mora_bench.api import MoraConfig                # registers it
    from peft import PeftModel, get_peft_model

    model = get_peft_model(vilt, MoraConfig(r=4, blocks=[0]))        # or
    model = PeftModel.from_pretrained(vilt, folder)
    model.base_model.blocks                                          # ["encoder.layer.0"]: where the branches are
    model(**inputs, present=torch.tensor([[True, False]]))           # text is there, the image is missing

`present` is bool [B, M] in the order of `MoraConfig.modalities`, and has to be given: which modality is missing cannot
be seen from dummy inputs. The branch cannot be merged into the weights, because it depends on the sample.

Which modules are blocks is known of the networks that were tested, ViLT and CLIP. Others are refused unless
`MoraConfig(towers=[...])` names their lists of blocks: what else is called `layers.0` may be a stage of several blocks
(Swin), one tower of several (BridgeTower, LXMERT), or neither keep its tokens nor say its width (T5).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import PeftType, register_peft_method
from torch import Tensor, nn

from mora_bench.methods.branch import Branch

NAME = "MORA"
#: The lists of blocks of networks that were tested, by model_type in their config.
TESTED = {"vilt": ("encoder.layer",), "clip": ("text_model.encoder.layers", "vision_model.encoder.layers")}


def _add_to_peft_types() -> None:
    """Add MoRA to peft's enumeration of methods. Registering needs a member, and peft has no way to add one."""
    if NAME in PeftType.__members__:
        return
    member = str.__new__(PeftType, NAME)
    member._name_, member._value_ = NAME, NAME
    type.__setattr__(PeftType, NAME, member)
    PeftType._member_map_[NAME] = member
    PeftType._member_names_.append(NAME)
    PeftType._value2member_map_[NAME] = member


_add_to_peft_types()


@dataclass
class MoraConfig(PeftConfig):
    """Configuration of MoRA (arXiv 2408.09064).

    Args:
        r: rank.
        blocks: the numbers of the transformer blocks that get a branch, in each tower that has them.
        towers: paths of the lists of blocks, such as "encoder.layer", or the ends of these paths; None for those of a
            network that was tested.
        modalities: their names, in the order of `present`.
        modules_to_save: modules that train besides the adapter, e.g. ["pooler"].
    """

    r: int = field(default=4, metadata={"help": "rank"})
    blocks: list[int] = field(default_factory=lambda: [0], metadata={"help": "blocks that get a branch"})
    towers: list[str] | None = field(default=None, metadata={"help": "paths of the lists of blocks"})
    modalities: list[str] = field(
        default_factory=lambda: ["text", "image"], metadata={"help": "in the order of present"}
    )
    modules_to_save: list[str] | None = field(default=None, metadata={"help": "modules that train besides"})
    target_modules: str | None = field(default=None, metadata={"help": "set from blocks and towers"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType[NAME]
        # Set from the network when the branches are put there.
        self.target_modules = None


class MoraLayer(nn.Module, BaseTunerLayer):
    """A transformer block with MoRA's branch beside it."""

    adapter_layer_names = ("mora_branch",)
    other_param_names = ()

    def __init__(self, base_layer: nn.Module, presence: dict[str, Tensor]):
        super().__init__()
        self.base_layer: Any = base_layer
        self.mora_branch = nn.ModuleDict()
        self._presence = presence

    def add(self, name: str, config: MoraConfig) -> None:
        self.mora_branch[name] = Branch(_width(self.base_layer), config.r, len(config.modalities))
        tuner: Any = self
        tuner._move_adapter_to_device_of_base_layer(name)
        tuner.set_adapter([name], inference_mode=config.inference_mode)

    def forward(self, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        output = self.base_layer(hidden_states, *args, **kwargs)
        if self.disable_adapters:
            return output
        tokens = output if isinstance(output, Tensor) else output[0]
        if tokens.shape != hidden_states.shape:
            raise ValueError(
                f"MoRA: {type(self.base_layer).__name__} makes {list(tokens.shape)} of {list(hidden_states.shape)}; a "
                "block keeps the shape of its tokens. Name lists of blocks in towers."
            )
        present = self._presence["present"]
        active: Any = self.active_adapters
        added = sum(self.mora_branch[name](hidden_states, present) for name in active)
        # ViLT's blocks return a tuple, CLIP's a tensor.
        return tokens + added if isinstance(output, Tensor) else (tokens + added, *output[1:])


def _width(block: nn.Module) -> int:
    """Features per token of a block, which its layer norms know."""
    norm = next((module for module in block.modules() if isinstance(module, nn.LayerNorm)), None)
    if norm is None:
        raise ValueError(f"MoRA: {type(block).__name__} has no LayerNorm, so the width of its tokens is not known.")
    return norm.normalized_shape[0]


def find_blocks(model: nn.Module, config: MoraConfig) -> list[str]:
    """The paths of the blocks of a network that a config means, tower after tower.

    Raises:
        ValueError: the network was not tested and no tower is named, a tower is absent or stands for several, or no
            tower has one of the blocks.
    """
    lists = {
        name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList) and len(module)
    }
    shown = ", ".join(f"{name} ({len(blocks)} {_kind(blocks[0])})" for name, blocks in lists.items()) or "none"
    kind = getattr(getattr(model, "config", None), "model_type", None)
    towers = config.towers or TESTED.get(str(kind))
    if not towers:
        raise ValueError(
            f"MoRA was tested on {', '.join(TESTED)}, not on {kind or type(model).__name__}. To put it there all the "
            f"same, name the lists of its blocks: MoraConfig(towers=[...]). Lists of modules in it: {shown}."
        )
    named: list[str] = []
    for tower in towers:
        matches = [name for name in lists if name == tower or name.endswith(f".{tower}")]
        if len(matches) != 1:
            problem = f"stands for {', '.join(matches)}" if matches else "is not there"
            raise ValueError(f"MoRA: the tower {tower} {problem}. Lists of modules: {shown}.")
        named += matches
    absent = [block for block in config.blocks if not any(0 <= block < len(lists[name]) for name in named)]
    if absent or not config.blocks:
        ranges = ", ".join(f"{name} has 0 to {len(lists[name]) - 1}" for name in named)
        raise ValueError(f"MoRA: blocks {absent or config.blocks} are not there: {ranges}.")
    return [f"{name}.{block}" for name in named for block in config.blocks if block < len(lists[name])]


def _kind(block: nn.Module) -> str:
    return type(block.base_layer if isinstance(block, MoraLayer) else block).__name__


class MoraModel(BaseTuner):
    """Puts MoRA's branches beside the blocks of a network, and takes `present` out of its inputs."""

    prefix = "mora_"
    tuner_layer_cls = MoraLayer
    target_module_mapping: dict[str, str] = {}

    def __init__(self, model: nn.Module, config: Any, adapter_name: str, *args: Any, **kwargs: Any):
        # Shared with every layer; set before each forward pass. BaseTuner's __init__ already injects the layers.
        object.__setattr__(self, "_presence", {})
        super().__init__(model, config, adapter_name, *args, **kwargs)
        self._hook = model.register_forward_pre_hook(self._take_present, with_kwargs=True)

    @property
    def blocks(self) -> list[str]:
        """The paths of the blocks that have a branch."""
        return list(self.targeted_module_names)

    def inject_adapter(self, model: nn.Module, adapter_name: str, *args: Any, **kwargs: Any) -> None:
        config: Any = self.peft_config[adapter_name]
        config.target_modules = "|".join(map(re.escape, find_blocks(model, config)))
        super().inject_adapter(model, adapter_name, *args, **kwargs)

    def _take_present(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        config: Any = next(iter(self.peft_config.values()))
        present = kwargs.pop("present", None)
        if (
            not isinstance(present, Tensor)
            or present.dtype != torch.bool
            or present.shape[1:] != (len(config.modalities),)
        ):
            raise ValueError(
                f"MoRA needs present=: a bool tensor [batch, {len(config.modalities)}] that says which of "
                f"{', '.join(config.modalities)} each sample has."
            )
        self._presence["present"] = present
        return args, kwargs

    @contextmanager
    def _enable_peft_forward_hooks(self, *args: Any, **kwargs: Any) -> Iterator[None]:
        # peft 0.21.2 takes the argument out of the inputs whether or not anything here obeys it.
        if kwargs.get("adapter_names") is not None:
            raise ValueError(
                "MoRA: adapter_names is not obeyed; all samples of a batch have one adapter. Run a batch for each, "
                "after set_adapter. What a sample lacks is said by present=."
            )
        yield

    def _create_and_replace(
        self,
        peft_config: Any,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        **kwargs: Any,
    ) -> None:
        layer = target if isinstance(target, MoraLayer) else MoraLayer(target, self._presence)
        layer.add(adapter_name, peft_config)
        if layer is not target:
            self._replace_module(parent, target_name, layer, target)

    def _replace_module(self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module) -> None:
        parent._modules[child_name] = new_module

    @staticmethod
    def _check_target_module_exists(peft_config: Any, key: str) -> bool:
        return re.fullmatch(peft_config.target_modules, key) is not None

    def unload(self) -> nn.Module:
        self._hook.remove()
        return super().unload()


register_peft_method(name=NAME.lower(), config_cls=MoraConfig, model_cls=MoraModel, prefix=MoraModel.prefix)
