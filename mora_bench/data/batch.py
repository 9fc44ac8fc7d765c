"""The input of a backbone: the inputs of each modality, dummies in place of what is absent."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """One modality's inputs of B samples: subclasses hold tensors of [B, ...] and nothing else."""

    #: Names of tensors that stay on the CPU. They decide what is computed, and reading them from a GPU would stall
    #: every batch.
    on_cpu: ClassVar[tuple[str, ...]] = ()

    def to(self, device: torch.device) -> Self:
        moved = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in self.on_cpu}
        return replace(self, **{name: tensor.to(device, non_blocking=True) for name, tensor in moved.items()})

    def pinned(self) -> Self:
        """A copy in page-locked memory, which a GPU can read while it computes."""
        return replace(self, **{f.name: getattr(self, f.name).pin_memory() for f in fields(self)})


@dataclass(frozen=True)
class Batch:
    """Model inputs of B samples.

    Attributes:
        inputs: one per modality, in the dataset's order.
        present: bool [B, M], what was observed.
    """

    inputs: tuple[Inputs, ...]
    present: Tensor

    def to(self, device: torch.device) -> Self:
        return type(self)(tuple(i.to(device) for i in self.inputs), self.present.to(device, non_blocking=True))

    def pinned(self) -> Self:
        return type(self)(tuple(i.pinned() for i in self.inputs), self.present.pin_memory())

    def tensors(self) -> list[Tensor]:
        """All tensors in a fixed order; `with_tensors` puts such a list back."""
        return [getattr(i, f.name) for i in self.inputs for f in fields(i)] + [self.present]

    def with_tensors(self, tensors: list[Tensor]) -> Self:
        """A batch of the same kinds of inputs that holds `tensors`."""
        rest = iter(tensors)
        inputs = tuple(type(i)(*(next(rest) for _ in fields(i))) for i in self.inputs)
        return type(self)(inputs, next(rest))

    def __len__(self) -> int:
        return len(self.present)
