"""Decoded samples, and views of them: the rows a cell trains, validates or tests on, as a mask shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mora_bench.data import presence
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.contract import Content
from mora_bench.data.table import Table

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Samples:
    """N decoded samples of M modalities and C labels.

    Attributes:
        table: ids, patients, labels, targets and covariates.
        contents: of the M modalities, in the table's order.
        present: bool [N, M], what really exists.
        folders: of the cache, from whose files the contents are read while they are used; none: they are in memory.
    """

    table: Table
    contents: tuple[Content, ...]
    present: np.ndarray
    folders: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def batch(self, rows: np.ndarray, present: np.ndarray) -> Batch:
        """Model inputs of B rows. Where `present` [B, M] is False, nothing is read and a dummy takes the place."""
        import torch

        if (present & ~self.present[rows]).any():
            raise ValueError("a modality was declared present that a sample does not have")
        inputs = tuple(content.collate(rows, present[:, m]) for m, content in enumerate(self.contents))
        return Batch(inputs, torch.tensor(present))

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """A measure of each row's cost, int [B]."""
        return np.sum([content.lengths(rows) for content in self.contents], axis=0)

    def with_dummies_of(self, other: Samples) -> Self:
        """The same with the dummies of other samples of the same modalities."""
        both = zip(self.contents, other.contents, strict=True)
        return replace(self, contents=tuple(content.with_dummy_of(theirs) for content, theirs in both))

    def facts(self) -> dict:
        """Facts about the contents for the record, by modality."""
        return {name: content.facts() for name, content in zip(self.table.names, self.contents, strict=True)}


@dataclass(frozen=True)
class View:
    """Some rows of `samples` with what is present of each: the split and mask a cell trains, validates or tests on.

    Attributes:
        rows: int [n]; present: bool [n, M].
        weights: how often each row is drawn in training, float [n], in proportion; None: each once an epoch.
    """

    samples: Samples
    rows: np.ndarray
    present: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __post_init__(self) -> None:
        object.__setattr__(self, "present", presence.combine(self.samples.present[self.rows], self.present))

    @property
    def targets(self) -> torch.Tensor:
        """float32 [n, C] of labels; else float64, because in single precision a time of 0.1 is after a horizon of
        0.1."""
        import torch

        table = self.samples.table
        return torch.from_numpy(table.targets[self.rows].astype(np.float32 if table.by_label[0] else np.float64))

    def batch(self, at: np.ndarray) -> Batch:
        """Model inputs of the positions `at` within this view."""
        return self.samples.batch(self.rows[at], self.present[at])
