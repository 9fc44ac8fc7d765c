"""A published claim, how it is tested, and what that found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mora_bench.cells.cell import OLDER_DRAWS
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.report.contract import Results
from mora_bench.report.section import Row, Section
from mora_bench.report.write import read
from mora_bench.statistics.differences import compared
from mora_bench.tasks.metric import Metric

#: The score that claims are tested on, and one point of it as it is shown.
SCORE, POINT = "score both", 1
REPRODUCED, NOT, UNTOLD, CANNOT = "reproduced", "not reproduced", "cannot tell", "cannot be tested here"


@dataclass(frozen=True)
class Found:
    """What testing a claim gave.

    Attributes:
        ours: our value, or "" where there is none.
        verdict: REPRODUCED, NOT, UNTOLD or CANNOT.
        why: what the verdict rests on, or what is lacking.
        behind: the folder of records, or the command, that shows it.
    """

    ours: str
    verdict: str
    why: str
    behind: str


class Folders:
    """Results folders by name, below one folder; each is read once."""

    def __init__(self, root: Path):
        self.root = root
        self._read: dict[str, Results | None] = {}

    def get(self, name: str) -> Results | None:
        """The contents of a folder; None if it is not there or holds no records."""
        if name not in self._read:
            try:
                self._read[name] = read(self.root / name) if Store(self.root / name).exists else None
            except UserError:
                self._read[name] = None
        return self._read[name]


@dataclass(frozen=True)
class Claim:
    """One claim.

    Attributes:
        name: short, for the first column; source: paper or page; says: what it claims.
        published: the value; tolerance: how near ours has to be.
    """

    name: str
    source: str
    says: str
    published: str
    tolerance: str
    test: Callable[[Folders], Found]


def beats(
    folder: str, first: Callable[[Row], bool], second: Callable[[Row], bool], score: str = SCORE
) -> Callable[[Folders], Found]:
    """A test of "the first is better than the second", by 95 % intervals of the paired difference of a score.

    Reproduced if they lie above 0 in every section that has both rows; not reproduced if one leaves less than a point
    to the first; else it cannot be told.
    """

    def verdict(found: list[Pair]) -> str:
        if all(pair.low > 0 for pair in found):
            return REPRODUCED
        return NOT if any(pair.low <= 0 and pair.high < POINT / pair.metric.scale for pair in found) else UNTOLD

    return _judged(folder, first, second, score, verdict)


def suffices(folder: str, first: Callable[[Row], bool], more: Callable[[Row], bool]) -> Callable[[Folders], Found]:
    """A test of "the first is as good as the one with more": not reproduced if the second is told to be better in a
    section; reproduced if every 95 % interval leaves less than a point to it; else it cannot be told."""

    def verdict(found: list[Pair]) -> str:
        if any(pair.high < 0 for pair in found):
            return NOT
        return REPRODUCED if all(pair.low > -POINT / pair.metric.scale for pair in found) else UNTOLD

    return _judged(folder, first, more, SCORE, verdict)


def _judged(
    folder: str,
    first: Callable[[Row], bool],
    second: Callable[[Row], bool],
    score: str,
    verdict: Callable[[list[Pair]], str],
) -> Callable[[Folders], Found]:
    """A test by the paired differences of two rows, in every section of a results folder that has both."""

    def test(folders: Folders) -> Found:
        found, behind = _pairs(folders, folder, first, second, score), f"results/reference/{folder}"
        older = f"; {OLDER_DRAWS}" if any(pair.older_draws for pair in found) else ""
        if not found:
            return Found("", CANNOT, f"{behind} does not hold both rows", behind)
        return Found("; ".join(map(str, found)), verdict(found), _resolution(found, score) + older, behind)

    return test


@dataclass(frozen=True)
class Pair:
    """Two rows of a section: the mean difference of their scores, above 0 where the first is better, its 95 % interval,
    the least that would be told; what the scores are; and whether their splits and masks were drawn by an earlier
    version."""

    dataset: str
    metric: Metric
    difference: float
    low: float
    high: float
    smallest: float
    older_draws: bool

    def __str__(self) -> str:
        difference, low, high = (self.metric.shown(v, sign=True) for v in (self.difference, self.low, self.high))
        return f"{self.dataset} {difference} ({low} to {high})"


def _pairs(
    folders: Folders, folder: str, first: Callable[[Row], bool], second: Callable[[Row], bool], score: str
) -> list[Pair]:
    """The pairs of rows of the sections that have both."""
    results = folders.get(folder)
    found = []
    for table in [] if results is None else results.comparisons:
        for section in table.sections if score in table.tests else []:
            rows = [row for row in (_only(section, first), _only(section, second)) if row is not None]
            values = np.array([row.values[score] for row in rows])
            if len(rows) == 2 and len(section.seeds) > 1 and not np.isnan(values).any():
                own = compared(section.metric.oriented(values), [(0, 1)], section.overlap)
                difference, low, high, smallest = (
                    float(part[0]) for part in (own.difference, own.low, own.high, own.smallest)
                )
                pair = Pair(section.dataset, section.metric, difference, low, high, smallest, table.older_draws)
                found.append(pair)
    return found


def _only(section: Section, wanted: Callable[[Row], bool]) -> Row | None:
    rows = [row for row in section.competing if row.network and wanted(row)]
    return rows[0] if len(rows) == 1 else None


def _resolution(found: list[Pair], score: str) -> str:
    told = ", ".join(f"{pair.dataset} {pair.metric.shown(pair.smallest)}" for pair in found)
    what = ", ".join(dict.fromkeys(pair.metric.named for pair in found))
    tested = "either modality missing at 70 %" if score == SCORE else "on what there is"
    return f"{what}, {tested}, 95 % interval; the least that would be told: {told}"
