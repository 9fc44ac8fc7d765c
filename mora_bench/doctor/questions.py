"""The labels that looks ask about, and the samples that they look at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mora_bench import seeds
from mora_bench.data.table import Table

#: Patients with a label, and without it, below which no look asks about it.
RARE = 10
#: The most labels that are asked about, the most frequent first.
MOST_LABELS = 100
#: The most samples that slow looks read; of more, whole patients are drawn, with a fixed seed.
MOST_SAMPLES = 20_000
#: Parts of the patients, each of which is predicted by a model of the others.
FOLDS = 5
#: The name for a sample without any label.
NONE = "none of the labels"


@dataclass(frozen=True)
class ExaminedTable:
    """A table as looks see it.

    Attributes:
        table: the samples, n of them.
        position: int [n], the number of each sample in the order of the whole dataset.
        drawn_from: how many samples the dataset has, of which these were drawn; 0 where these are all.
    """

    table: Table
    position: np.ndarray
    drawn_from: int = 0

    @cached_property
    def owner(self) -> np.ndarray:
        """int [n]: the number of the group that must not be parted."""
        return np.unique(self.table.group_tokens, return_inverse=True)[1]

    @cached_property
    def fold(self) -> np.ndarray:
        """int [n], drawn from the group's id."""
        return (seeds.uniforms(self.table.group_tokens, "doctor", "folds") * FOLDS).astype(int)

    @cached_property
    def one_each(self) -> np.ndarray:
        """int [groups]: the row of one sample of each group, drawn from its id."""
        order = np.argsort(seeds.uniforms(self.table.tokens, "doctor", "one"), kind="stable")
        return np.sort(order[np.unique(self.owner[order], return_index=True)[1]])

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels that can be asked about, and `NONE` where some samples have none of several."""
        return tuple(name for name, _ in self._asked)

    @cached_property
    def targets(self) -> np.ndarray:
        """bool [n, labels]."""
        return np.array([column for _, column in self._asked], bool).reshape(len(self._asked), len(self.table)).T

    @cached_property
    def _asked(self) -> list[tuple[str, np.ndarray]]:
        labels, targets = self.table.by_label
        targets = targets.astype(bool)
        frequent = np.argsort(-targets.sum(0), kind="stable")[:MOST_LABELS]
        columns = [(labels[k], targets[:, k]) for k in sorted(frequent.tolist())]
        if len(columns) > 1:
            columns.append((NONE, np.logical_not(targets.any(1))))
        return [(name, column) for name, column in columns if self.askable(column)]

    def askable(self, target: np.ndarray, rows: np.ndarray | slice = slice(None)) -> bool:
        """Whether enough groups of the given rows have a label, bool [n], and enough do not."""
        owner, column = self.owner[rows], target[rows]
        return min(len(np.unique(owner[column])), len(np.unique(owner[~column]))) >= RARE


def all_samples(table: Table) -> ExaminedTable:
    """All samples."""
    return ExaminedTable(table, np.arange(len(table)))


def drawn(table: Table) -> ExaminedTable:
    """At most `MOST_SAMPLES` samples: all of each patient who is drawn, by the patient's id."""
    if len(table) <= MOST_SAMPLES:
        return all_samples(table)
    chance = seeds.uniforms(table.group_tokens, "doctor", "drawn")
    limit = np.sort(chance)[MOST_SAMPLES]
    rows = np.flatnonzero(chance < limit)
    return ExaminedTable(table.only(rows), rows, len(table))
