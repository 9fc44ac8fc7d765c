"""Groups the samples of a padded batch by length, so that almost no time is spent on padding.

Layers that treat tokens one by one run on one flat sequence. Attention runs on groups ("runs") of samples of similar
length, each padded to its longest sample. Outputs are put back in the batch's order, so training sees no difference.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary


@dataclass(frozen=True)
class Packing:
    """How the tokens of a padded batch [B, T] are grouped into runs.

    Attributes:
        runs: (samples, tokens per sample) of each run; attention computes the samples of a run together.
        masks: bool [samples, 1, 1, tokens] of each run, False on padding; None for a run without padding.
        at: int64 [N], the index of each token in the flattened batch [B * T], run after run. None if the batch as it
            is makes one run; "packed" below is then [B, T, D] instead of [N, D].
        order: int64 [B], the sample in each row of the runs; None if `at` is None.
    """

    runs: tuple[tuple[int, int], ...]
    masks: tuple[Tensor | None, ...]
    at: Tensor | None = None
    order: Tensor | None = None

    def pack(self, x: Tensor) -> Tensor:
        """[B, T, D] -> packed."""
        return x if self.at is None else x.flatten(0, 1).index_select(0, self.at)

    def unpack(self, y: Tensor, shape: torch.Size) -> Tensor:
        """Packed -> [B, T, D], which is `shape`; positions that are not in `at` are 0."""
        if self.at is None:
            return y
        return y.new_zeros(shape).flatten(0, 1).index_add(0, self.at, y).view(shape)

    def split(self, y: Tensor) -> list[Tensor]:
        """Packed -> a view [samples, tokens, D] of each run."""
        if self.at is None:
            return [y]
        sizes = [rows * length for rows, length in self.runs]
        return [part.unflatten(0, shape) for part, shape in zip(y.split(sizes), self.runs, strict=True)]

    def rows(self, x: Tensor) -> list[Tensor]:
        """[B, ...] in the batch's order -> the samples of each run."""
        return [x] if self.order is None else self.by_run(x.index_select(0, self.order))

    def by_run(self, x: Tensor) -> list[Tensor]:
        """[B, ...] in the runs' order -> the samples of each run."""
        return list(x.split([rows for rows, _ in self.runs]))

    def restored(self, x: Tensor) -> Tensor:
        """[B, ...] in the runs' order -> [B, ...] in the batch's order."""
        return x if self.order is None else x.index_select(0, self.order.argsort())


#: Known layouts by mask. An entry is dropped when its mask is deleted.
_known = WeakTensorKeyDictionary()


def remember(mask: Tensor, layout: Packing) -> None:
    """Make `recall` return `layout` for this tensor object, until something is written into it."""
    _known[mask] = (mask._version, layout)


def recall(mask: Tensor) -> Packing | None:
    """The layout remembered for this tensor object, or None."""
    version, layout = _known.get(mask, (0, None))
    return layout if layout is not None and version == mask._version else None


def one_run(mask: Tensor, even: bool = False) -> Packing:
    """The batch as it is, as one run: mask bool [B, T]; `even`: there is no padding."""
    rows, longest = mask.shape
    # A copy, because a view would keep the mask alive, and with it the entry in `_known`.
    return Packing(((rows, longest),), (None if even else mask[:, None, None, :].clone(),))


def pack(mask: Tensor, extra: float) -> Packing:
    """Cut the samples of a batch into the runs with the least total cost of padding and runs.

    Args:
        mask: bool [B, T] on the CPU, False on padding.
        extra: the cost of one more run, in tokens.
    """
    lengths = mask.sum(1)
    ascending, order = lengths.sort(stable=True)
    runs = _cut(ascending.tolist(), extra)
    if runs == [mask.shape]:
        return one_run(mask, even=int(ascending[0]) == mask.shape[1])
    # Each sample's own tokens first, in order; then its padding.
    places = (~mask).to(torch.uint8).argsort(dim=1, stable=True) + mask.shape[1] * torch.arange(len(mask))[:, None]
    at, masks, start = [], [], 0
    for rows, length in runs:
        members = order[start : start + rows]
        at.append(places[members, :length].flatten())
        even = int(ascending[start]) == length
        masks.append(None if even else (torch.arange(length) < lengths[members, None])[:, None, None, :])
        start += rows
    return Packing(tuple(runs), tuple(masks), torch.cat(at), order)


def _cut(lengths: list[int], extra: float) -> list[tuple[int, int]]:
    """Cut ascending `lengths` into runs (samples, longest): least sum of samples * longest + `extra` per run."""
    ends = [i + 1 for i in range(len(lengths)) if i + 1 == len(lengths) or lengths[i] != lengths[i + 1]]
    best: dict[int, tuple[float, list[tuple[int, int]]]] = {0: (0.0, [])}
    for end in ends:
        longest = lengths[end - 1]
        cost, start = min((best[start][0] + (end - start) * longest + extra, start) for start in best)
        best[end] = cost, [*best[start][1], (end - start, longest)]
    return best[len(lengths)][1]
