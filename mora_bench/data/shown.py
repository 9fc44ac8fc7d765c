"""The part of some samples that a mask shows, in the form of a table: all that a predictor gets to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench.data import presence
from mora_bench.data.table import Table


@dataclass(frozen=True)
class Shown:
    """n samples.

    Attributes:
        values: n values of each modality, by name, in the table's order; None where the mask hides one or there is
            none. A text is a str, an image a tuple of pictures with `read()`.
        kinds: the kind of each modality, by name.
        present: bool [n, M].
        labels: the C class names; task: the registered task.
        targets: uint8 [n, C]; None where they are to be predicted.
    """

    values: dict[str, tuple[Any, ...]]
    kinds: dict[str, str]
    present: np.ndarray
    labels: tuple[str, ...]
    task: str
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.present)

    def of_kind(self, kind: str) -> list[str]:
        """Names of the modalities of one kind."""
        return [name for name, own in self.kinds.items() if own == kind]


def shown(table: Table, rows: np.ndarray, present: np.ndarray, targets: bool) -> Shown:
    """The samples `rows` [n] of `table`, with only those existing modalities that `present` (bool [n, M]) shows."""
    there = presence.combine(table.present[rows], present)
    values = {
        name: tuple(
            column.values[row] if yes else None for row, yes in zip(rows.tolist(), there[:, m].tolist(), strict=True)
        )
        for m, (name, column) in enumerate(table.modalities.items())
    }
    return Shown(values, table.shape, there, table.labels, table.task, table.targets[rows] if targets else None)
