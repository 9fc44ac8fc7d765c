"""Mean imputation: a missing modality becomes the training set's mean embedding of it, position by position."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Part
from mora_bench.methods.imputer import Imputer


class Mean(Imputer):
    """Token t of an absent modality is the mean of token t over the training samples that have one; the number of
    tokens is their mean number, rounded. A modality that no training sample shows keeps its dummy."""

    title = "train mean"
    source = "mean imputation (Little and Rubin), in embedding space"

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone)
        self._means: list[Tensor | None] = []
        self._report: dict[str, str] = {}
        self._names = backbone.modalities

    def report(self) -> dict[str, str]:
        return self._report

    @torch.no_grad()
    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        sums: dict[int, Tensor] = {}
        counts: dict[int, Tensor] = {}
        for parts, present in observed:
            for m, part in enumerate(parts):
                mask = part.mask & present[:, m, None]
                sums[m] = _added(sums.get(m), torch.where(mask[..., None], part.x, 0).double().sum(0))
                counts[m] = _added(counts.get(m), mask.double().sum(0)[:, None])
        self._means = [self._mean(sums[m], counts[m]) for m in range(len(sums))]
        self._report = {self._names[m]: f"mean of {int(counts[m][0])} training samples" for m in range(len(sums))}

    @staticmethod
    def _mean(total: Tensor, count: Tensor) -> Tensor | None:
        if count[0] == 0:
            return None
        length = int((count.sum() / count[0]).round())
        return (total[:length] / count[:length]).float()

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        filled = list(parts)
        for m, mean in enumerate(self._means):
            absent = ~present[:, m]
            if mean is not None and absent.any():
                filled[m] = parts[m].replaced(absent, [mean] * int(absent.sum()))
        return filled


def _added(a: Tensor | None, b: Tensor) -> Tensor:
    """Sum of two [T, D] tensors of possibly different T; the shorter one is padded with zeros."""
    if a is None:
        return b
    longest = max(len(a), len(b))
    return F.pad(a, (0, 0, 0, longest - len(a))) + F.pad(b, (0, 0, 0, longest - len(b)))
