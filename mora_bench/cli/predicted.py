"""New records as `predict` writes them: probabilities, decisions and sets, some records after the others."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from mora_bench.data import presence
from mora_bench.data.readers.new_records import NewRecords
from mora_bench.data.table import Table
from mora_bench.report import csvs
from mora_bench.scoring.decide import Decider
from mora_bench.training.applied import Applied

#: A pattern of presence is rare that less than this share of training samples showed, or fewer than so many.
RARE, FEW = 0.01, 10


@dataclass
class Predicted:
    """New records as they are predicted, a part after the other.

    Attributes:
        decider: decides them; like: int [P], how many training samples showed each pattern of presence.
        apply: predicts the records of a table.
        n, seconds: how many were predicted, and in what time, decoding left out.
        met: the patterns of presence that records showed, and how many of them.
    """

    decider: Decider
    like: np.ndarray
    apply: Callable[[Table], Applied]
    n: int = 0
    seconds: float = 0.0
    met: Counter[int] = field(default_factory=Counter)

    def parts(self, records: Iterable[NewRecords]) -> Iterator[str]:
        """Lines of CSV: a header, and the rows of each part."""
        asked = self.decider.asked
        said: set[str] = set()
        more = ["decision"] * bool(asked.decide) + ["certain", "possible"] * bool(asked.coverage)
        yield csvs.comma_separated([["id", "had", *self.decider.labels, *more, "like it in training"]])
        for part in records:
            for column in part.said.keys() - said:
                print(part.said[column], file=sys.stderr)
            said |= part.said.keys()
            yield csvs.comma_separated(self._rows(part.table))

    def _rows(self, table: Table) -> Iterator[list[object]]:
        applied = self.apply(table)
        self.n, self.seconds = self.n + len(table), self.seconds + applied.seconds
        patterns = presence.pattern_index(table.present)
        self.met.update(patterns.tolist())
        probabilities = self.decider.task.probabilities(applied.logits)
        decided = self._decided(applied.logits, table.present)
        titles = presence.pattern_titles(table.names)
        for row, name in enumerate(table.ids):
            shown = [f"{p:.6f}" for p in probabilities[row]]
            yield [name, titles[patterns[row]], *shown, *(own[row] for own in decided), int(self.like[patterns[row]])]

    def _decided(self, logits: np.ndarray, present: np.ndarray) -> list[list[str]]:
        """The columns that were asked for beside probabilities, the labels of a cell joined by |."""
        decider, found = self.decider, []
        if decider.asked.decide:
            found.append(decider.decisions(logits, present))
        if decider.asked.coverage:
            sets = decider.sets(logits, present)
            # Of no and yes, yes; or of all labels those in the set.
            possible = sets[:, :, 1] if decider.task.one_by_one else sets[:, 0]
            found += [possible & (sets.sum(2) == 1), possible]
        return [
            ["|".join(label for label, yes in zip(decider.labels, row, strict=True) if yes) for row in own]
            for own in found
        ]

    def rare(self) -> list[str]:
        """What records show that hardly any training sample did."""
        titles, least = presence.pattern_titles(self.decider.names), max(RARE * self.like.sum(), FEW)
        return [
            f"{titles[pattern]}: rare in training, so trust these less: {self.like[pattern]} of "
            f"{self.like.sum()} samples had these modalities alone, of the new records {count}"
            for pattern, count in sorted(self.met.items())
            if self.like[pattern] < least
        ]
