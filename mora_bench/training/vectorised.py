"""Trains several cells as one: their trained parameters are stacked, and the frozen network runs once for all cells.

Cells that share data, masks and method, and differ in learning rate or rank alone, see the same batches. One forward
pass computes all of them: it is vectorised over the stacked parameters (torch.vmap). Smaller ranks are padded with
zeros. Gradients flow back to each cell's own parameters, so each cell has its own optimiser and schedule.
"""

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from mora_bench.methods.network import Model, State

# On a CPU torch computes attention under vmap one by one, and says so in every process.
warnings.filterwarnings("ignore", message="There is a performance drop")


def together(models: Sequence[Model]) -> Callable[[State], Tensor]:
    """A function from a state to the logits of all K models, [K, B, C].

    It pads and stacks the models' trained parameters and runs one model's `finish` over the stack with torch.vmap. A
    single model runs its own `finish`.
    """
    if len(models) == 1:
        return lambda state: models[0].finish(state)[None]
    trained = [model.trained() for model in models]
    # All models run through the modules of the model with the largest adapter.
    lender = max(range(len(models)), key=lambda k: sum(p.numel() for p in trained[k].values()))
    finish = _Finish(models[lender])
    shapes = {name: parameter.shape for name, parameter in trained[lender].items()}

    def fused(state: State) -> Tensor:
        stacked = {
            f"model.{name}": torch.stack([_filled(parameters[name], shape) for parameters in trained])
            for name, shape in shapes.items()
        }
        with _attention(next(iter(stacked.values())).device):
            return torch.vmap(lambda parameters: functional_call(finish, parameters, (state,)))(stacked)

    return fused


def _attention(device: torch.device) -> AbstractContextManager:
    """On a GPU torch's fused attention cannot be vectorised where it has a mask; plain products and a softmax can."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cuda" else nullcontext()


class _Finish(nn.Module):
    """A module whose forward pass is `model.finish`, because `functional_call` needs a module."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, state: State) -> Tensor:
        return self.model.finish(state)


def _filled(parameter: Tensor, shape: torch.Size) -> Tensor:
    """Pad a parameter with zeros at the end of every axis, up to `shape`."""
    if parameter.shape == shape:
        return parameter
    gaps = [wide - narrow for narrow, wide in zip(parameter.shape, shape, strict=True)]
    return F.pad(parameter, [side for gap in reversed(gaps) for side in (0, gap)])


def share_frozen(models: Sequence[Model]) -> None:
    """Make all models use the frozen weights of the first, so that these are in memory once."""
    shared = dict(models[0].named_parameters())
    for model in models[1:]:
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad and parameter.shape == shared[name].shape:
                parameter.data = shared[name].data
