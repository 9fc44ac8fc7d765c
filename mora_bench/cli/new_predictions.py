"""New records as `predict` writes them: probabilities, decisions and sets, some records after the others."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from mora_bench.data import presence
from mora_bench.data.readers.new_records import NewRecords
from mora_bench.data.readers.watched import watched
from mora_bench.data.table import Table
from mora_bench.errors import UserError
from mora_bench.report import csvs
from mora_bench.scoring.decide import Decider
from mora_bench.text import listed
from mora_bench.training.inference import Applied

#: A pattern of presence is rare that less than this share of training samples showed, or fewer than so many.
RARE, FEW = 0.01, 10
#: How many files a warning names.
NAMED = 3


@dataclass(frozen=True)
class PredictedPart:
    """Some new records, N of them, as they were predicted.

    Attributes:
        decider: decides them; applied: their predictions.
    """

    table: Table
    decider: Decider
    applied: Applied

    @cached_property
    def patterns(self) -> np.ndarray:
        """The number of each record's presence pattern, int [N]."""
        return presence.pattern_index(self.table.present)

    @cached_property
    def logits(self) -> np.ndarray:
        """Logits under each record's presence pattern, float [N, C]."""
        return self.applied.logits[np.arange(len(self.table)), self.patterns]

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probabilities under each record's presence pattern, float [N, C]."""
        return self.decider.task.probabilities(self.logits)

    @cached_property
    def spread(self) -> np.ndarray | None:
        """The standard deviation of each probability over draws, float [N, C]; None of what draws nothing."""
        spread = self.applied.spread
        return None if spread is None else spread[np.arange(len(self.table)), self.patterns]

    @cached_property
    def decided(self) -> dict[str, np.ndarray]:
        """The labels that each column names, by column, bool [N, C]: decisions and sets, as asked for."""
        decider, columns = self.decider, {}
        if decider.asked.decide:
            columns["decision"] = decider.decisions(self.logits, self.table.present)
        if decider.asked.coverage:
            sets = decider.sets(self.logits, self.table.present)
            # Of no and yes, yes; or of all labels those in the set.
            possible = sets[:, :, 1] if decider.task.one_by_one else sets[:, 0]
            columns |= {"certain": possible & (sets.sum(2) == 1), "possible": possible}
        return columns

    @cached_property
    def changes(self) -> np.ndarray:
        """The change that each modality makes in each probability, float [N, M, C]; NaN where a record lacks it."""
        return self.decider.changes(self.applied.logits, self.table.present)

    @cached_property
    def unusual(self) -> np.ndarray:
        """Which of these changes nine of ten validation samples do not have, bool [N, M, C]."""
        bounds = np.array([self.decider.usual(pattern) for pattern in self.patterns.tolist()])
        low, high = bounds[:, 0], bounds[:, 1]
        return (self.changes < low) | (self.changes > high)


@dataclass
class PredictedRecords:
    """New records as they are predicted, a part after the other.

    Attributes:
        decider: decides them; like: int [P], how many training samples showed each pattern of presence.
        apply: predicts the records of a table.
        changes: whether the rows hold the change by each modality.
        n, seconds: how many were predicted, and in what time, decoding left out.
        met: the patterns of presence that records showed, and how many of them.
        blank: files of pictures of one colour throughout.
        resampled: `Notes.resampled`.
    """

    decider: Decider
    like: np.ndarray
    apply: Callable[[Table], Applied]
    changes: bool = False
    n: int = 0
    seconds: float = 0.0
    met: Counter[int] = field(default_factory=Counter)
    blank: list[Path] = field(default_factory=list)
    resampled: dict[Path, str] = field(default_factory=dict)

    def parts(self, records: Iterable[NewRecords]) -> Iterator[PredictedPart]:
        """Predict the records, some at a time. Each note on them is printed once."""
        noted: set[str] = set()
        for chunk in records:
            for note in chunk.notes.values():
                if note not in noted:
                    print(note, file=sys.stderr)
            noted.update(chunk.notes.values())
            table, notes = watched(chunk.table)
            part = PredictedPart(table, self.decider, self.apply(table))
            _check_finite(part)
            self.n, self.seconds = self.n + len(part.table), self.seconds + part.applied.seconds
            self.met.update(part.patterns.tolist())
            self.blank += notes.files()
            self.resampled |= notes.resampled
            yield part

    def lines(self, parts: Iterable[PredictedPart]) -> Iterator[str]:
        """Lines of CSV: a header, and the rows of each part."""
        asked, labels = self.decider.asked, self.decider.labels
        more = ["decision"] * bool(asked.decide) + ["certain", "possible"] * bool(asked.coverage)
        changed = [*self._pairs, "unusual"] if self.changes else []
        begun = False
        for part in parts:
            drawn = [] if part.spread is None else [f"{label} spread" for label in labels]
            header = ["id", "had", *labels, *more, "like it in training", *changed, *drawn]
            # Nothing is written of a table that cannot be read.
            yield csvs.comma_separated([header] * (not begun)) + csvs.comma_separated(self._rows(part))
            begun = True

    @property
    def _pairs(self) -> list[str]:
        return [f"{label} by {name}" for label in self.decider.labels for name in self.decider.names]

    def _rows(self, part: PredictedPart) -> Iterator[list[object]]:
        titles = presence.pattern_titles(part.table.names)
        for row, name in enumerate(part.table.ids):
            pattern = part.patterns[row]
            shown = [f"{p:.6f}" for p in part.probabilities[row]]
            named = [_joined(self.decider.labels, chosen[row]) for chosen in part.decided.values()]
            changed: list[object] = []
            if self.changes:
                # Numbers, because a text that begins with a minus would be taken for a formula.
                changed += ["" if np.isnan(c) else round(c, 6) for c in part.changes[row].T.ravel().tolist()]
                changed.append(_joined(self._pairs, part.unusual[row].T.ravel()))
            drawn = [] if part.spread is None else [f"{deviation:.6f}" for deviation in part.spread[row]]
            yield [name, titles[pattern], *shown, *named, int(self.like[pattern]), *changed, *drawn]

    def is_rare(self, pattern: int) -> bool:
        """Whether hardly any training sample showed a pattern."""
        return bool(self.like[pattern] < max(RARE * self.like.sum(), FEW))

    def nothing_seen(self) -> list[str]:
        """A warning of pictures of one colour, if there are any."""
        files = list(dict.fromkeys(map(str, self.blank)))
        return [
            f"WARNING: of one colour throughout, so nothing is seen there: {listed(files, NAMED)}. If nothing was "
            "taken, leave the cell empty."
        ] * bool(files)

    def of_other_rates(self) -> list[str]:
        """A sentence on files of signals of other rates than were trained on, if there are any."""
        files = [f"{path} ({rates})" for path, rates in self.resampled.items()]
        return [
            f"signals of another rate than was trained on, brought to that one as rate= does: {listed(files, NAMED)}"
        ] * bool(files)

    def rare(self) -> list[str]:
        """A sentence for each pattern that records show and hardly any training sample did."""
        titles = presence.pattern_titles(self.decider.names)
        return [
            f"{titles[pattern]}: rare in training, so trust these less: {self.like[pattern]} of "
            f"{self.like.sum()} samples had these modalities alone, of the new records {count}"
            for pattern, count in sorted(self.met.items())
            if self.is_rare(pattern)
        ]


def _check_finite(part: PredictedPart) -> None:
    """Refuse records of which nothing can be computed.

    Raises:
        UserError: naming the first of them.
    """
    odd = [name for name, logits in zip(part.table.ids, part.logits, strict=True) if not np.isfinite(logits).all()]
    if odd:
        raise UserError(
            f"{odd[0]!r}: its prediction is no number ({len(odd)} such records). Is a measured value far from all "
            "that were trained on? Correct it, or leave the record out."
        )


def _joined(names: Iterable[str], which: np.ndarray) -> str:
    return "|".join(name for name, yes in zip(names, which, strict=True) if yes)
