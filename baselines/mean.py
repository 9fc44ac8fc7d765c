"""Mean imputation: a missing modality becomes the training set's mean embedding of it, position by position."""

from collections.abc import Iterable

import torch
from torch import Tensor

from mora_bench.imputer import Imputer
from mora_bench.tokens import Part


class Mean(Imputer):
    """Token t of an absent modality is the mean of token t over the training samples that have one; the number of
    tokens is their mean number, rounded. A modality that no training sample shows keeps its dummy."""

    title = "train mean"
    source = "mean imputation (Little and Rubin), in embedding space"

    def __init__(self) -> None:
        super().__init__()
        self._means: list[Tensor | None] = []

    @torch.no_grad()
    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        sums: dict[int, Tensor] = {}
        counts: dict[int, Tensor] = {}
        modalities = 0
        for parts, present in observed:
            modalities = len(parts)
            for m, part in enumerate(parts):
                mask = part.mask & present[:, m, None]
                total = torch.where(mask[..., None], part.x, 0).double().sum(0)
                sums[m] = _added(sums.get(m), total)
                counts[m] = _added(counts.get(m), mask.double().sum(0)[:, None])
        self._means = [self._mean(sums.get(m), counts.get(m)) for m in range(modalities)]

    @staticmethod
    def _mean(total: Tensor | None, count: Tensor | None) -> Tensor | None:
        if total is None or count is None or count[0] == 0:
            return None
        length = int((count.sum() / count[0]).round())
        return (total[:length] / count[:length]).float()

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        if present.all():
            return parts
        return [
            self._fill(part, present[:, m], mean) for m, (part, mean) in enumerate(zip(parts, self._means, strict=True))
        ]

    @staticmethod
    def _fill(part: Part, there: Tensor, mean: Tensor | None) -> Part:
        if mean is None or there.all():
            return part
        rows, tokens = part.mask.shape
        width = max(tokens, len(mean))
        x = part.x.new_zeros(rows, width, part.x.shape[-1])
        mask = part.mask.new_zeros(rows, width)
        x[there, :tokens], mask[there, :tokens] = part.x[there], part.mask[there]
        x[~there, : len(mean)], mask[~there, : len(mean)] = mean.to(x), True
        return Part(x, mask)


def _added(a: Tensor | None, b: Tensor) -> Tensor:
    """Sum of two [T, D] tensors of possibly different T; the shorter counts as zero behind its end."""
    if a is None:
        return b
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    out = long.clone()
    out[: len(short)] += short
    return out
