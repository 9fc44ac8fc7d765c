"""The page of new records that `predict --page` writes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mora_bench.cli.new_predictions import PredictedPart, PredictedRecords
from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.report.records_page import Answer, Changed, OneRecord, page

#: A page of more records is none that anybody reads.
MOST = 200


@dataclass
class Pages:
    """Collects records for a page while they pass by.

    Attributes:
        file: where the page will be; predicted: what the records come from; cell: what that is called.
        records: those that passed.
    """

    file: Path
    predicted: PredictedRecords
    cell: str
    records: list[OneRecord] = field(default_factory=list)

    def collected(self, parts: Iterable[PredictedPart]) -> Iterator[PredictedPart]:
        """The same parts.

        Raises:
            UserError: there are more records than a page holds.
        """
        for part in parts:
            if len(self.records) + len(part.table) > MOST:
                raise UserError(
                    f"--page {self.file}: a page holds at most {MOST} records, and there are more. Put those that you "
                    "want to see in a table of their own, or leave --page out."
                )
            self.records += self._records(part)
            yield part

    def write(self) -> None:
        """Write the page of the records that passed."""
        write_atomic(self.file, page(self.records, self.cell, self.predicted.decider.remarks))

    def _records(self, part: PredictedPart) -> Iterator[OneRecord]:
        decider, like = self.predicted.decider, self.predicted.like
        names = np.array(decider.names)
        for row, name in enumerate(part.table.ids):
            pattern, present = int(part.patterns[row]), part.table.present[row]
            yield OneRecord(
                id=name,
                has=tuple(names[present].tolist()),
                lacks=tuple(names[~present].tolist()),
                like=int(like[pattern]),
                trained=int(like.sum()),
                rare=self.predicted.is_rare(pattern),
                expected=decider.expected(pattern),
                answers=tuple(self._answer(part, row, k) for k in range(len(decider.labels))),
            )

    def _answer(self, part: PredictedPart, row: int, label: int) -> Answer:
        decider = self.predicted.decider
        low, high = decider.usual(int(part.patterns[row]))
        decided = {name: bool(chosen[row, label]) for name, chosen in part.decided.items()}
        return Answer(
            label=decider.labels[label],
            probability=float(part.probabilities[row, label]),
            decided=decided.get("decision"),
            possible=decided.get("possible"),
            certain=decided.get("certain"),
            changed=tuple(
                Changed(decider.names[m], *(float(values[m, label]) for values in (part.changes[row], low, high)))
                for m in np.flatnonzero(part.table.present[row])
            ),
        )
