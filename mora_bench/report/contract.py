"""The contract of an artefact: files that are made from the contents of a results folder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Self, TypeVar

import numpy as np
import pandas as pd

from mora_bench import registry
from mora_bench.records.lazy import StoredDocuments
from mora_bench.records.schema import Record, Scores
from mora_bench.report.compare import Comparison, compare
from mora_bench.report.frame import FrameRows
from mora_bench.report.row import Row
from mora_bench.report.values import Values

T = TypeVar("T", Record, Scores)


@dataclass(frozen=True)
class Results:
    """The contents of a results folder.

    Attributes:
        records, scores: typed, in the order of their names; of a folder they stay in their files, and to go through all
            of them is to read all files again.
        cells: one row per cell and protocol, as `mora_bench.report.frame.cells` makes them.
        left_out: one sentence per malformed file.
        values: the numbers of curves, classes and scores.csv.
    """

    records: Sequence[Record]
    scores: Sequence[Scores]
    cells: pd.DataFrame
    left_out: list[str] = field(default_factory=list)
    values: Values = field(default_factory=Values)
    _labels: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, records: Sequence[Record], scores: Sequence[Scores], metric: str = "") -> Self:
        """The contents of records and scores that are in memory; `metric` is the score that tables show."""
        rows = FrameRows.of(records, scores, metric)
        return cls(records, scores, rows.frame(), values=rows.values)

    @property
    def score_keys(self) -> set[str]:
        """Of all cells that have scores."""
        return {*self.cells["score_key"].dropna()} if "score_key" in self.cells else set()

    def only(self, score_keys: Set[str]) -> "Results":
        """The cells whose score keys are asked for; one that failed has none, and is known by its training key."""
        trained = {key.partition("-")[0] for key in score_keys}
        scores = _only(self.scores, score_keys, lambda document: document.score_key)
        records = _only(self.records, trained, lambda record: record.key)
        wanted = (
            self.cells["score_key"].isin(score_keys)
            if "score_key" in self.cells
            else pd.Series(False, self.cells.index)
        )
        failed = (self.cells["status"] != "done") & self.cells["key"].isin(trained)
        return Results(records, scores, self.cells[wanted | failed], self.left_out, self.values)

    def by_class(self, row: Row, pattern: str) -> np.ndarray | None:
        """F1 of each class under a test pattern, mean over seeds, [C]; None where a seed's scores do not hold it."""
        values = [self.values.classes[key].get(pattern) for key in row.keys]
        known = [value for value in values if value is not None]
        return np.mean(known, axis=0) if known and len(known) == len(values) else None

    def labels(self, row: Row) -> list[str]:
        """The names of the classes of `by_class`."""
        trained = row.keys[0].partition("-")[0]
        # Every pattern of every row asks, and each time a packed record would be unpacked.
        if trained not in self._labels:
            (record,) = _only(self.records, {trained}, lambda record: record.key)
            self._labels[trained] = [] if record.data is None else record.data.labels
        return self._labels[trained]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """The comparison tables of all cells, made once for all artefacts; do not change them."""
        return compare(self.cells)

    @cached_property
    def by_key(self) -> dict[str, Scores]:
        """The scores by `Scores.score_key`."""
        return {document.score_key: document for document in self.scores}

    @cached_property
    def record_of(self) -> dict[str, Record]:
        """The records by training key, which is the first part of a score key."""
        return {record.key: record for record in self.records}


def _only(documents: Sequence[T], names: Set[str], name_of: Callable[[T], str]) -> Sequence[T]:
    return (
        documents.only(names)
        if isinstance(documents, StoredDocuments)
        else [document for document in documents if name_of(document) in names]
    )


#: A file: its bytes, or parts of them that are made while it is written, so that they need not all be in memory.
Content = bytes | Iterator[bytes]


def in_parts(content: Content) -> Iterable[bytes]:
    """The parts of a file, one if it is whole."""
    return (content,) if isinstance(content, bytes) else content


class Artefact(ABC):
    """Subclass it directly; it holds no state and imports no torch."""

    group: ClassVar[str] = registry.ARTEFACTS
    title: ClassVar[str]
    #: Whether it is also printed on the terminal.
    shown: ClassVar[bool] = False
    #: Whether it draws pictures: it is then made only if asked for, and its files go to the folder of figures.
    draws: ClassVar[bool] = False
    #: Where its files go, below the results folder, if it draws none.
    folder: ClassVar[str] = "tables"

    @abstractmethod
    def make(self, results: Results) -> Mapping[str, Content]:
        """Files by name; none if there is nothing to show."""
