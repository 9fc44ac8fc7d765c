"""Serves batches to a model; computes the frozen beginning once per sample where it fits in memory."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from mora_bench.data.samples import View
from mora_bench.model import Model, State
from mora_bench.tokens import Tokens

#: Kept states may take this share of the memory that is free when a feed is made.
SHARE = 0.3


class Feed:
    """A view of n samples, ready for `model.finish`.

    The frozen stages depend only on the sample, so where there are any blocks among them, or only embeddings, they are
    computed once and kept (unpadded, on the CPU) as long as they fit into `SHARE` of the free memory. Where they do
    not, or where the embeddings train, or where `keep` is False (samples needed once), every batch goes through
    `model.begin`. Either way the same numbers come out.
    """

    def __init__(self, model: Model, view: View, batch: int, device: torch.device, keep: bool = True):
        self.model = model
        self.view = view
        self.device = device
        self.kept: list[Tokens] | None = None
        if keep and model.cut >= 2 and len(view):
            self._keep(batch)

    def _keep(self, batch: int) -> None:
        room = SHARE * _free_memory()
        kept: list[Tokens] = []
        used = 0
        for start in range(0, len(self.view), batch):
            at = np.arange(start, min(start + batch, len(self.view)))
            state = self.model.begin(self.view.batch(at).to(self.device)).to(torch.device("cpu"))
            for row in range(len(at)):
                mask = state.mask[row]
                kept.append(Tokens(state.x[row][mask], mask[mask], state.present[row], state.modality[row][mask]))
                used += kept[-1].x.nbytes
            if used / len(kept) * len(self.view) > room:
                return
        self.kept = kept

    def state(self, at: np.ndarray) -> State:
        """The state at `model.cut` of the samples at positions `at`."""
        if self.kept is None:
            return self.model.begin(self.view.batch(at).to(self.device))
        rows = [self.kept[i] for i in at]
        pad = nn.utils.rnn.pad_sequence
        return Tokens(
            pad([row.x for row in rows], batch_first=True),
            pad([row.mask for row in rows], batch_first=True),
            torch.stack([row.present for row in rows]),
            pad([row.modality for row in rows], batch_first=True, padding_value=-1),
        ).to(self.device)

    def in_order(self, batch: int) -> Iterator[State]:
        """States of all samples, in the view's order."""
        for start in range(0, len(self.view), batch):
            yield self.state(np.arange(start, min(start + batch, len(self.view))))


def _free_memory() -> int:
    """Bytes of main memory that can be had without swapping."""
    import psutil

    return psutil.virtual_memory().available
