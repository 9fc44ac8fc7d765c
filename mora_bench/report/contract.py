"""The contract of an artefact: files that are made from the contents of a results folder."""

from abc import ABC, abstractmethod
from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd

from mora_bench import registry
from mora_bench.records.schema import Record, Scores
from mora_bench.report.compare import Comparison, compare
from mora_bench.report.section import Row


@dataclass(frozen=True)
class Results:
    """The contents of a results folder.

    Attributes:
        records, scores: typed, in the order of their names.
        cells: one row per cell and protocol, as `mora_bench.report.frame.cells` makes them.
        left_out: one sentence per malformed file.
    """

    records: list[Record]
    scores: list[Scores]
    cells: pd.DataFrame
    left_out: list[str]

    def only(self, score_keys: Set[str]) -> "Results":
        """The cells whose score keys are asked for; one that failed has none, and is known by its training key."""
        trained = {key.partition("-")[0] for key in score_keys}
        scores = [each for each in self.scores if each.score_key in score_keys]
        wanted = (
            self.cells["score_key"].isin(score_keys)
            if "score_key" in self.cells
            else pd.Series(False, self.cells.index)
        )
        failed = (self.cells["status"] != "done") & self.cells["key"].isin(trained)
        records = [record for record in self.records if record.key in trained]
        return Results(records, scores, self.cells[wanted | failed], self.left_out)

    def by_class(self, row: Row, pattern: str) -> np.ndarray | None:
        """F1 of each class under a test pattern, mean over seeds, [C]; None where a seed's scores do not hold it."""
        values = [self.by_key[key].test[pattern].scores.get("f1_per_class") for key in row.keys]
        whole = [value for value in values if isinstance(value, list)]
        return np.mean(np.array(whole, float), axis=0) if whole and len(whole) == len(values) else None

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """The comparison tables of all cells, made once for all artefacts; do not change them."""
        return compare(self.cells)

    @cached_property
    def by_key(self) -> dict[str, Scores]:
        """The scores by `Scores.score_key`."""
        return {each.score_key: each for each in self.scores}

    @cached_property
    def record_of(self) -> dict[str, Record]:
        """The records by training key, which is the first part of a score key."""
        return {each.key: each for each in self.records}


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
    def make(self, results: Results) -> dict[str, bytes]:
        """Files by name; none if there is nothing to show."""
