"""Casts frozen weights to the precision of training once, instead of at each use.

Autocast keeps what it casts only of weights that train (torch 2.13: `cached_cast`), so it casts a frozen weight anew in
every pass. Here each frozen linear layer holds its weight in that precision, too, and computes with it in training
passes. Elsewhere, and for whoever reads `layer.weight`, it is what it was. The numbers are the same to the bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def precast(
    models: Sequence[nn.Module], device: torch.device, dtype: torch.dtype
) -> Callable[[], AbstractContextManager]:
    """A function that makes contexts of autocast to `dtype`, in which frozen linear layers use weights that were cast
    when this was called.

    Layers of other classes and layers whose forward pass a method has replaced are left alone.
    """
    # Models that are trained as one share their frozen weights.
    layers = [layer for model in models for layer in _frozen(model)]
    weights = {layer.weight.data_ptr(): layer.weight for layer in layers}
    cast = {at: weight.detach().to(dtype) for at, weight in weights.items()}
    forwards = [(layer, _forward(layer, cast[layer.weight.data_ptr()])) for layer in layers]

    @contextmanager
    def context() -> Iterator[None]:
        for layer, forward in forwards:
            vars(layer)["forward"] = forward
        try:
            with torch.autocast(device.type, dtype):
                yield
        finally:
            for layer, _ in forwards:
                vars(layer).pop("forward", None)

    return context


def _frozen(model: nn.Module) -> Iterator[nn.Linear]:
    """The linear layers whose weight does not train; their bias may."""
    for layer in model.modules():
        if type(layer) is nn.Linear and "forward" not in vars(layer) and not layer.weight.requires_grad:
            yield layer


def _forward(layer: nn.Linear, weight: Tensor) -> Callable[[Tensor], Tensor]:
    """The layer's forward pass, by `weight` under autocast."""
    kind = layer.weight.device.type

    def forward(x: Tensor) -> Tensor:
        # Some parts of a network turn autocast off.
        return F.linear(x, weight if torch.is_autocast_enabled(kind) else layer.weight, layer.bias)

    return forward
