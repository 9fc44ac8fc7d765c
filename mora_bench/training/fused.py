"""Cells trained as one: what trains is stacked, the frozen network runs once over all of them.

Cells that share data, masks and method and differ in learning rate or rank alone see the same batches. Their forward
passes become one, vectorised over the stacked trained parameters (torch.vmap); a smaller rank is filled up with zeros.
Gradients go back to each cell's own parameters, so optimisers and schedules stay each cell's own.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from mora_bench.methods.network import Model, State


def together(models: Sequence[Model]) -> Callable[[State], Tensor]:
    """A function from one state to the logits of K models, [K, B, C]. A single model runs its own `finish`."""
    if len(models) == 1:
        return lambda state: models[0].finish(state)[None]
    trained = [model.trained() for model in models]
    # The model whose adapter is largest lends its modules to all.
    lender = max(range(len(models)), key=lambda k: sum(p.numel() for p in trained[k].values()))
    finish = _Finish(models[lender])
    shapes = {name: parameter.shape for name, parameter in trained[lender].items()}

    def fused(state: State) -> Tensor:
        stacked = {
            f"model.{name}": torch.stack([_filled(parameters[name], shape) for parameters in trained])
            for name, shape in shapes.items()
        }
        return torch.vmap(lambda parameters: functional_call(finish, parameters, (state,)))(stacked)

    return fused


class _Finish(nn.Module):
    """`model.finish` as a module's forward pass, which `functional_call` wants."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, state: State) -> Tensor:
        return self.model.finish(state)


def _filled(parameter: Tensor, shape: torch.Size) -> Tensor:
    """The parameter, padded with zeros at the end of every axis to `shape`."""
    if parameter.shape == shape:
        return parameter
    gaps = [wide - own for own, wide in zip(parameter.shape, shape, strict=True)]
    return F.pad(parameter, [side for gap in reversed(gaps) for side in (0, gap)])


def share_frozen(models: Sequence[Model]) -> None:
    """Let all models hold the first one's frozen weights, so that K models cost one network's memory."""
    own = dict(models[0].named_parameters())
    for model in models[1:]:
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad and parameter.shape == own[name].shape:
                parameter.data = own[name].data
