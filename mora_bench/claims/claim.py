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
from mora_bench.report.shown import Shown
from mora_bench.report.verdict import on_what
from mora_bench.report.write import read
from mora_bench.statistics.agree import agreement
from mora_bench.tasks.metric import Metric

#: The score that claims are tested on, and one point of it as it is shown.
SCORE, POINT = "score both", 1
REPRODUCED, NOT, UNTOLD, CANNOT = "reproduced", "not reproduced", "inconclusive", "cannot be tested here"


@dataclass(frozen=True)
class Found:
    """What testing a claim gave.

    Attributes:
        ours: our value, or "" where there is none.
        verdict: REPRODUCED, NOT, UNTOLD, CANNOT, or on what it depends.
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
    """A test of "the first is better than the second", by the paired differences of the scores that must agree.

    Reproduced if it leads in every section that has both rows: all scores have its sign and one tells it. Not
    reproduced if in one the second leads, or every score leaves less than a point to the first. Else the sections may
    say that it depends on the score, or it cannot be told.
    """

    def verdict(found: list[Pair]) -> str:
        if all(pair.leads > 0 for pair in found):
            return REPRODUCED
        if any(pair.leads < 0 or all(each.little for each in pair.by_score) for pair in found):
            return NOT
        return next((pair.depends for pair in found if pair.depends), UNTOLD)

    return _judged(folder, first, second, score, verdict)


def suffices(folder: str, first: Callable[[Row], bool], more: Callable[[Row], bool]) -> Callable[[Folders], Found]:
    """A test of "the first is as good as the one with more": not reproduced if the second leads in a section;
    reproduced if every score's 95 % interval leaves less than a point to it in all; else it depends, or cannot be
    told."""

    def verdict(found: list[Pair]) -> str:
        if any(pair.leads < 0 for pair in found):
            return NOT
        if all(each.near for pair in found for each in pair.by_score):
            return REPRODUCED
        return next((pair.depends for pair in found if pair.depends), UNTOLD)

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
class ByScore:
    """Two rows by one score: the mean difference, above 0 where the first is better, its 95 % interval, and the least
    that would be told."""

    metric: Metric
    difference: float
    low: float
    high: float
    smallest: float

    @property
    def little(self) -> bool:
        """Whether the first is not told to be better, and may be by less than a point."""
        return self.low <= 0 and self.high < POINT / self.metric.scale

    @property
    def near(self) -> bool:
        """Whether the second may be better by less than a point."""
        return self.low > -POINT / self.metric.scale

    def __str__(self) -> str:
        difference, low, high = (self.metric.shown(v, sign=True) for v in (self.difference, self.low, self.high))
        return f"{difference} ({low} to {high})"


@dataclass(frozen=True)
class Pair:
    """Two rows of a section by the scores that must agree on them: 1 where the first leads, -1 where the second does,
    else 0; on what it depends, "" on nothing; and whether splits and masks were drawn by an earlier version."""

    dataset: str
    by_score: list[ByScore]
    leads: int
    depends: str
    older_draws: bool

    def __str__(self) -> str:
        return f"{self.dataset} {' / '.join(map(str, self.by_score))}"


def _pairs(
    folders: Folders, folder: str, first: Callable[[Row], bool], second: Callable[[Row], bool], score: str
) -> list[Pair]:
    """The pairs of rows of the sections that have both."""
    results = folders.get(folder)
    found = []
    for table in [] if results is None else results.comparisons:
        for section in table.sections if score in table.tests else []:
            rows = [row for row in (_only(section, first), _only(section, second)) if row is not None]
            asked = section.asked(score, rows)
            if len(rows) == 2 and len(section.seeds) > 1 and asked:
                found.append(_pair(section, rows, score, asked, table.older_draws))
    return found


def _pair(section: Section, rows: list[Row], score: str, asked: tuple[Shown, ...], older_draws: bool) -> Pair:
    values = np.array([own.metric.oriented(np.array([row.values[own.of(score)] for row in rows])) for own in asked])
    found = agreement(values, [True] * len(asked), [(0, 1)], section.overlap)
    by_score = [
        ByScore(own.metric, *(float(part[0]) for part in (pairs.difference, pairs.low, pairs.high, pairs.smallest)))
        for own, pairs in zip(asked, found.pairs, strict=True)
    ]
    depends = f"depends on the {on_what(found.better[:, 0], asked)}" if found.depends[0] else ""
    return Pair(section.dataset, by_score, int(found.leads[0]), depends, older_draws)


def _only(section: Section, wanted: Callable[[Row], bool]) -> Row | None:
    rows = [row for row in section.competing if row.network and wanted(row)]
    return rows[0] if len(rows) == 1 else None


def _resolution(found: list[Pair], score: str) -> str:
    told = ", ".join(
        f"{pair.dataset} {' / '.join(own.metric.shown(own.smallest) for own in pair.by_score)}" for pair in found
    )
    what = ", ".join(dict.fromkeys(" / ".join(own.metric.named for own in pair.by_score) for pair in found))
    tested = "either modality missing at 70 %" if score == SCORE else "on what there is"
    return f"{what}, {tested}, 95 % intervals; the least that would be told: {told}"
