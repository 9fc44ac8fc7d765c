"""A published claim, its test, and the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mora_bench.cells.cell import OLDER_DRAWS
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.report.contract import Results
from mora_bench.report.measures import Measure
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.verdict import on_what
from mora_bench.report.write import read
from mora_bench.statistics.agree import agreement
from mora_bench.tasks.metric import Metric

#: The score that claims are tested on, and one point of it as it is shown.
SCORE, POINT = "score both", 1
REPRODUCED, NOT, UNTOLD, CANNOT = "reproduced", "not reproduced", "inconclusive", "cannot be tested here"


@dataclass(frozen=True)
class ClaimOutcome:
    """The outcome of testing a claim.

    Attributes:
        ours: our value, or "" where there is none.
        verdict: REPRODUCED, NOT, UNTOLD, CANNOT, or on what it depends.
        why: the grounds of the verdict, or what is lacking.
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
    test: Callable[[Folders], ClaimOutcome]


def beats(
    folder: str, first: Callable[[Row], bool], second: Callable[[Row], bool], score: str = SCORE
) -> Callable[[Folders], ClaimOutcome]:
    """A test of "the first is better than the second", by the paired differences of the scores that must agree.

    Reproduced if it leads in every section that has both rows: all scores have its sign and one is significant. Not
    reproduced if in one the second leads, or every score leaves less than a point to the first. Else it depends on
    score or threshold, if a section says so, or is inconclusive.
    """

    def verdict(pairs: list[RowPair]) -> str:
        if all(pair.leads > 0 for pair in pairs):
            return REPRODUCED
        if any(pair.leads < 0 or all(difference.little for difference in pair.by_score) for pair in pairs):
            return NOT
        return next((pair.depends for pair in pairs if pair.depends), UNTOLD)

    return _judged(folder, first, second, score, verdict)


def suffices(
    folder: str, first: Callable[[Row], bool], more: Callable[[Row], bool]
) -> Callable[[Folders], ClaimOutcome]:
    """A test of "the first is as good as the one with more": not reproduced if the second leads in a section;
    reproduced if every score's 95 % interval leaves less than a point to it in all; else it depends on score or
    threshold, or is inconclusive."""

    def verdict(pairs: list[RowPair]) -> str:
        if any(pair.leads < 0 for pair in pairs):
            return NOT
        if all(difference.near for pair in pairs for difference in pair.by_score):
            return REPRODUCED
        return next((pair.depends for pair in pairs if pair.depends), UNTOLD)

    return _judged(folder, first, more, SCORE, verdict)


def _judged(
    folder: str,
    first: Callable[[Row], bool],
    second: Callable[[Row], bool],
    score: str,
    verdict: Callable[[list[RowPair]], str],
) -> Callable[[Folders], ClaimOutcome]:
    """A test by the paired differences of two rows, in every section of a results folder that has both."""

    def test(folders: Folders) -> ClaimOutcome:
        pairs, behind = _pairs(folders, folder, first, second, score), f"results/reference/{folder}"
        remark = f"; {OLDER_DRAWS}" if any(pair.older_draws for pair in pairs) else ""
        if not pairs:
            return ClaimOutcome("", CANNOT, f"{behind} does not hold both rows", behind)
        return ClaimOutcome("; ".join(map(str, pairs)), verdict(pairs), _resolution(pairs, score) + remark, behind)

    return test


@dataclass(frozen=True)
class ByScore:
    """Two rows by one score: the mean difference, above 0 where the first is better, its 95 % interval, and the
    smallest detectable difference."""

    metric: Metric
    difference: float
    low: float
    high: float
    smallest: float

    @property
    def little(self) -> bool:
        """Whether the first is not significantly better, and better by less than a point at most."""
        return self.low <= 0 and self.high < POINT / self.metric.scale

    @property
    def near(self) -> bool:
        """Whether the second is better by less than a point at most."""
        return self.low > -POINT / self.metric.scale

    def __str__(self) -> str:
        difference, low, high = (self.metric.shown(v, sign=True) for v in (self.difference, self.low, self.high))
        return f"{difference} ({low} to {high})"


@dataclass(frozen=True)
class RowPair:
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
) -> list[RowPair]:
    """The pairs of rows of the sections that have both."""
    results = folders.get(folder)
    pairs = []
    for table in [] if results is None else results.comparisons:
        for section in table.sections if score in table.tests else []:
            rows = [row for row in (_only(section, first), _only(section, second)) if row is not None]
            asked = section.asked(score, rows)
            if len(rows) == 2 and len(section.seeds) > 1 and asked:
                pairs.append(_pair(section, rows, score, asked, table.older_draws))
    return pairs


def _pair(section: Section, rows: list[Row], score: str, asked: tuple[Measure, ...], older_draws: bool) -> RowPair:
    values = np.array(
        [measure.metric.oriented(np.array([row.values[measure.of(score)] for row in rows])) for measure in asked]
    )
    compared = agreement(values, [True] * len(asked), [(0, 1)], section.overlap)
    by_score = [
        ByScore(measure.metric, *(float(part[0]) for part in (pairs.difference, pairs.low, pairs.high, pairs.smallest)))
        for measure, pairs in zip(asked, compared.pairs, strict=True)
    ]
    depends = f"depends on the {on_what(compared.better[:, 0], asked)}" if compared.depends[0] else ""
    return RowPair(section.dataset, by_score, int(compared.leads[0]), depends, older_draws)


def _only(section: Section, wanted: Callable[[Row], bool]) -> Row | None:
    rows = [row for row in section.competing if row.network and wanted(row)]
    return rows[0] if len(rows) == 1 else None


def _resolution(pairs: list[RowPair], score: str) -> str:
    least = ", ".join(
        f"{pair.dataset} {' / '.join(difference.metric.shown(difference.smallest) for difference in pair.by_score)}"
        for pair in pairs
    )
    metrics = ", ".join(
        dict.fromkeys(" / ".join(difference.metric.named for difference in pair.by_score) for pair in pairs)
    )
    tested = "either modality missing at 70 %" if score == SCORE else "on what there is"
    return f"{metrics}, {tested}, 95 % intervals; minimum detectable difference: {least}"
