"""The part of some samples that a mask shows, in the form of a table: all that a predictor gets to see.

No id is in it, nor the name of a file, because of many published data sets they tell the labels (docs/datasets.md).
Nor is anything that others are handed, too: what a predictor changes in place is its own copy, or cannot be changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mora_bench.data import presence
from mora_bench.data.modalities.image import Picture
from mora_bench.data.modalities.signal import Signal
from mora_bench.data.table import Table
from mora_bench.files import digest


@dataclass(frozen=True)
class Shown:
    """n samples.

    Attributes:
        values: n values of each modality, by name, in the table's order; None where the mask hides one or there is
            none. A text is a str; an image a tuple of pictures, and a signal one thing, with `read()` and
            `fingerprint()` and nothing else. The cells of a table are a dict of this predictor's own; a vector is
            read-only.
        kinds: the kind of each modality, by name.
        present: bool [n, M].
        labels: the C class names; task: the registered task.
        targets: uint8 [n, C], or what else the task's are; None where they are to be predicted.
        frozen: n values of each modality that the backbone embeds, by name: what it gives of that modality alone, float
            [F] and read-only, None where the mask hides it; empty for predictors that read no backbone.
        groups: int [n], whose each sample is, by numbers that are given in order and mean nothing: who parts samples in
            folds keeps those of one patient, and the copies of one sample, together. None where targets are to be
            predicted.
    """

    values: dict[str, tuple[Any, ...]]
    kinds: dict[str, str]
    present: np.ndarray
    labels: tuple[str, ...]
    task: str
    targets: np.ndarray | None = None
    frozen: dict[str, tuple[np.ndarray | None, ...]] = field(default_factory=dict)
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.present)

    def of_kind(self, kind: str) -> list[str]:
        """Names of the modalities of one kind."""
        return [name for name, column_kind in self.kinds.items() if column_kind == kind]


class Unnamed:
    """A picture or a signal by its content alone: whose it is and where it lies is not said."""

    __slots__ = ("_content",)

    def __init__(self, content: Picture | Signal):
        self._content = content

    def read(self) -> Any:
        """Decode to uint8 [H, W, 3], or to a `Series`, which is the caller's own."""
        # What lies in memory already would be given as it is, and a change in place would reach everybody.
        return copy.deepcopy(self._content.read())

    def fingerprint(self) -> str:
        """16 hex digits that change when the content does; what is drawn is called by its number otherwise."""
        return digest([self._content.fingerprint().encode()])


def shown(
    table: Table,
    rows: np.ndarray,
    present: np.ndarray,
    targets: bool,
    frozen: Mapping[str, np.ndarray] | None = None,
) -> Shown:
    """The samples `rows` [n] of `table`, with only those existing modalities that `present` (bool [n, M]) shows;
    `frozen`: a backbone's features of all rows of `table`, [N, F] by modality."""
    combined = presence.combine(table.present[rows], present)
    visible = dict(zip(table.names, combined.T.tolist(), strict=True))
    values = {
        name: tuple(
            _unnamed(column.values[row]) if yes else None for row, yes in zip(rows.tolist(), visible[name], strict=True)
        )
        for name, column in table.modalities.items()
    }
    locked = {name: _locked(vectors) for name, vectors in (frozen or {}).items()}
    features = {
        name: tuple(vectors[row] if yes else None for row, yes in zip(rows.tolist(), visible[name], strict=True))
        for name, vectors in locked.items()
    }
    known, groups = (table.targets[rows], _groups(table, rows)) if targets else (None, None)
    return Shown(values, table.shape, combined, table.labels, table.task, known, features, groups)


def _groups(table: Table, rows: np.ndarray) -> np.ndarray:
    patients = [table.patients[row] for row in rows.tolist()]
    numbers = {patient: number for number, patient in enumerate(dict.fromkeys(patients))}
    return np.array([numbers[patient] for patient in patients], int)


def _unnamed(value: Any) -> Any:
    """A value of a modality, its pictures or its signal without their names, such that no change in place reaches the
    table."""
    if isinstance(value, tuple):
        return tuple(map(_unnamed, value))
    if isinstance(value, list):
        return list(map(_unnamed, value))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.ndarray):
        return _locked(value)
    return Unnamed(value) if hasattr(value, "read") and hasattr(value, "fingerprint") else value


def _locked(array: np.ndarray) -> np.ndarray:
    """A read-only view: copies of the features of many samples would be large."""
    view = array.view()
    view.flags.writeable = False
    return view
