"""The contract of an artefact: something that a results folder's files are turned into."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mora_bench import registry
from mora_bench.records.schema import Record, Scores


@dataclass(frozen=True)
class Results:
    """All that a results folder says, once it was read.

    Attributes:
        records, scores: typed, in the order of their names.
        cells: one row per cell and protocol, as `mora_bench.report.frame.cells` makes them.
        left_out: files that are not what they should be, one sentence each.
    """

    records: list[Record]
    scores: list[Scores]
    cells: pd.DataFrame
    left_out: list[str]


class Artefact(ABC):
    """Subclass it, finally; it holds no state and imports no torch."""

    group: ClassVar[str] = registry.ARTEFACTS
    title: ClassVar[str]
    #: Whether people are shown it on the terminal when it has been written.
    shown: ClassVar[bool] = False

    @abstractmethod
    def make(self, results: Results) -> dict[str, bytes]:
        """Files by name, relative to the folder of tables; none where there is nothing to show."""
