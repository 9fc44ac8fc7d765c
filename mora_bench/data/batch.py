"""What a backbone is given: a batch of model inputs, dummies in place of what is absent."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

#: The order of modalities everywhere: in `present`, in `Tokens.modality`, in the token sequence itself.
MODALITIES = ("text", "image")
TEXT, IMAGE = range(2)


@dataclass(frozen=True)
class Batch:
    """Model inputs of B samples, dummies already in place of what is absent.

    Attributes:
        ids: int64 [B, L], WordPiece ids, padded with anything where `ids_mask` is False.
        ids_mask: bool [B, L].
        pixels: float [B, 3, H, W], normalised; samples smaller than H x W lie in the upper left corner.
        grid: int64 [B, 2] on the CPU, wherever the rest is: rows and columns of patches that each sample really has.
        present: bool [B, M], what was observed, in the order of `MODALITIES`.
    """

    ids: Tensor
    ids_mask: Tensor
    pixels: Tensor
    grid: Tensor
    present: Tensor

    def to(self, device: torch.device) -> Self:
        # Which sizes there are decides what is computed: on a GPU every batch would wait for the answer.
        moved = {name: part.to(device, non_blocking=True) for name, part in vars(self).items() if name != "grid"}
        return replace(self, **moved)

    def pinned(self) -> Self:
        """In memory that a GPU can fetch from while it computes."""
        return type(self)(*(tensor.pin_memory() for tensor in vars(self).values()))

    def __len__(self) -> int:
        return len(self.present)
