"""Who leads a section, in words: a lead is named only where the scores that must agree have its sign and one tells it
(`mora_bench.statistics.agree`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mora_bench.report.columns import WITH_FROZEN
from mora_bench.report.measures import Measure, brief
from mora_bench.report.row import Row
from mora_bench.report.section import FROZEN, Section
from mora_bench.report.tables import mean_and_std
from mora_bench.statistics.agree import Agreement


class Best(NamedTuple):
    """A row that has the best mean of some scores, and other rows that have the same means of them."""

    row: Row
    scores: list[Measure]
    equal: list[Row]

    @property
    def names(self) -> str:
        labels = [row.label for row in (self.row, *self.equal)]
        return _joined(labels) if len(labels) <= MOST_NAMED else f"{labels[0]} and {len(labels) - 1} others"

    @property
    def verb(self) -> str:
        return "are" if self.equal else "is"


CANNOT = "no significant lead"
#: More rows than these are counted in a sentence, not named.
MOST_NAMED = 4


def verdict(section: Section, score: str) -> str | None:
    """Who leads under a pattern, and which competitors without a network are passed; None where no competing row has a
    score."""
    available = [
        measure
        for measure in section.shown
        if any(not math.isnan(row.mean[measure.of(score)]) for row in section.competing)
    ]
    known = [
        row for row in section.competing if any(not math.isnan(row.mean[measure.of(score)]) for measure in available)
    ]
    if not known:
        return None
    asked = section.asked(score, known) or tuple(available)
    lead = _among(section, score, known, asked)
    floors = _floors(section, score, known)
    return f"{lead}; {floors}" if floors else lead


def on_what(better: np.ndarray, asked: Sequence[Measure]) -> str:
    """The word for what decides between two rows, where a score tells them apart and another does not have its sign:
    "threshold", if a score that needs one has another sign than the rest, else "score"."""
    signs = {
        sign: [measure for measure, lead in zip(asked, better, strict=True) if lead == sign]
        for sign in set(better.tolist())
    }
    return (
        "threshold" if any(measure.metric.needs_threshold for group in signs.values() for measure in group) else "score"
    )


def _among(section: Section, score: str, rows: list[Row], asked: tuple[Measure, ...]) -> str:
    best = _best(section, score, rows, asked)
    if len(rows) == 1:
        return f"{rows[0].label} scores {_values(rows[0], score, asked)}"
    agreement = section.among(score)
    if len(best) > 1:
        return f"{_open(agreement, rows, best, asked)}: {_by_score(best, score)}"
    (only,) = best
    row, values = only.row, _values(only.row, score, asked, not only.equal)
    first = f"{only.names} {only.verb} best with {values}"
    number, others = rows.index(row), len(rows) - 1 - len(only.equal)
    if only.equal and not others:
        return f"{CANNOT}: {only.names} have the same mean{'s' * (len(asked) > 1)}, {values}"
    if agreement is None:
        reason = "one seed allows no test" if len(section.seeds) < 2 else "the rows cannot be compared"
        return f"{CANNOT}: {first}; {reason}"
    behind = int(agreement.over(len(rows))[number].sum())
    if behind == others:
        whom = "all others" if others > 1 else "the other"
        return f"{only.names} {'lead' if only.equal else 'leads'} with {values}, significantly better than {whom}"
    involved = (agreement.first == number) | (agreement.second == number)
    depends = np.flatnonzero(agreement.depends & involved)
    start = f"who leads depends on the {on_what(agreement.better[:, depends[0]], asked)}" if len(depends) else CANNOT
    whom = f"any of the {others} others" if others > 1 else "the other"
    whom = f"{behind} of {others} others" if behind else whom
    clause = f"{'' if behind else 'but not '}significantly better than {whom}"
    return f"{start}: {first}, {clause}"


def _best(section: Section, score: str, rows: list[Row], asked: Sequence[Measure]) -> list[Best]:
    """Rows that together have the best mean of every score, in the order of the scores."""
    top = {}
    for measure in asked:
        tied = {*map(id, section.tied(rows, score, measure))}
        top[measure] = {number for number, row in enumerate(rows) if id(row) in tied}
    best, left = [], [*asked]
    while left:
        # Of rows with equal means the one that is best by the most scores, so that no tie hides that one is.
        number = max(range(len(rows)), key=lambda i: sum(i in top[measure] for measure in left))
        mine = [measure for measure in left if number in top[measure]]
        left = [measure for measure in left if measure not in mine]
        best.append((number, mine, set.intersection(*(top[measure] for measure in mine))))
    named = {number for number, _, _ in best}
    best.sort(key=lambda one: asked.index(one[1][0]))
    return [Best(rows[number], mine, [rows[i] for i in sorted(equal - named)]) for number, mine, equal in best]


def _open(agreement: Agreement | None, rows: list[Row], best: list[Best], asked: Sequence[Measure]) -> str:
    """How to begin where rows are best by different scores: on what the lead depends, if one of them tells any two of
    these apart."""
    if agreement is None:
        return CANNOT
    numbers = [rows.index(one.row) for one in best]
    between = np.isin(agreement.first, numbers) & np.isin(agreement.second, numbers) & agreement.depends
    for pair in np.flatnonzero(between):
        return f"who leads depends on the {on_what(agreement.better[:, pair], asked)}"
    return CANNOT


def _by_score(best: list[Best], score: str) -> str:
    """ "lora is best by F1 at 0.5 (54.7), mora by AUROC (81.8)"."""
    parts: list[str] = []
    for one in best:
        named = " and ".join(f"{measure.metric.brief} ({_value(one.row, score, measure)})" for measure in one.scores)
        parts.append(f"{one.names} {'' if parts else f'{one.verb} best '}by {named}")
    return ", ".join(parts)


def _values(row: Row, score: str, asked: Sequence[Measure], spread: bool = True) -> str:
    """The means of a row and the names of their scores; with `spread` that, too, of a single one."""
    return f"{_shown(row, score, asked, spread)} ({brief(asked)})"


def _value(row: Row, score: str, measure: Measure) -> str:
    return measure.metric.shown(row.mean[measure.of(score)])


def _floors(section: Section, score: str, rows: list[Row]) -> str:
    """The best competitors without a network, which networks pass them, and which are behind which of them."""
    floors = section.floors
    asked = section.asked(score, [*rows, *floors]) if floors else ()
    if not asked:
        return ""
    best = _best(section, score, floors, asked)
    reads = {row.family == FROZEN for one in best for row in (one.row, *one.equal)}
    how = f"without a network{WITH_FROZEN * (True in reads)}"
    sentence = f"best baseline {how}: {_by_score(best, score)}"
    if len(best) == 1:
        (only,) = best
        how = "with a frozen network" if reads == {True} else how
        verb = "score" if only.equal else "scores"
        sentence = f"best baseline {how}: {only.names} {verb} {_shown(only.row, score, asked, not only.equal)}"
    agreement = section.against_floors(score)
    if agreement is None:
        reason = "one seed allows no test against the networks" if len(section.seeds) < 2 else "they cannot be compared"
        return f"{sentence}; {reason}"
    return f"{sentence}; {', '.join(_passed(agreement, rows, floors, asked))}"


def _shown(row: Row, score: str, asked: Sequence[Measure], spread: bool) -> str:
    if len(asked) == 1 and spread:
        return mean_and_std(asked[0].metric, row, asked[0].of(score))
    return " / ".join(_value(row, score, measure) for measure in asked)


def _passed(agreement: Agreement, rows: list[Row], floors: list[Row], asked: Sequence[Measure]) -> list[str]:
    """Which networks lead all floors, which are led by one of them, and of which neither can be told."""
    over = agreement.over(len(rows) + len(floors))
    leads, led = over[: len(rows), len(rows) :], over[len(rows) :, : len(rows)].T
    passes, behind = np.asarray(leads.all(1)), np.asarray(led.any(1))
    open_ = ~passes & ~behind
    clauses = []
    if passes.any():
        clauses.append(f"{_names(rows, passes)} {_verb(passes, 'is', 'are')} significantly better than every baseline")
    for alike, ahead in _together(led & behind[:, None]):
        verb = _verb(alike, "is", "are")
        clauses.append(f"{_names(rows, alike)} {verb} significantly worse than {_names(floors, ahead)}")
    for whether, pairs in _open_floors(agreement, open_, leads, asked):
        for alike, left in _together(pairs):
            verb = _verb(alike, "is", "are")
            clauses.append(f"whether {_names(rows, alike)} {verb} better than {_names(floors, left)} {whether}")
    return clauses


def _together(pairs: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of pairs, bool [networks, floors]: the networks, bool [networks], that stand in pairs with the same floors, and
    these, bool [floors]. Something may be true of one network and a floor and not of another network and that floor."""
    for own in dict.fromkeys(map(tuple, pairs[pairs.any(1)].tolist())):
        yield np.asarray((pairs == own).all(1)), np.asarray(own)


def _open_floors(
    agreement: Agreement, open_: np.ndarray, leads: np.ndarray, asked: Sequence[Measure]
) -> list[tuple[str, np.ndarray]]:
    """Of the networks that neither lead all floors nor are led by one: the pairs with a floor, bool [networks,
    floors], of which it depends on a score who is better, and those of which it cannot be told."""
    of_open = agreement.depends & open_[agreement.first]
    depends = np.zeros(leads.shape, bool)
    depends[agreement.first[of_open], agreement.second[of_open] - len(leads)] = True
    parts = []
    if depends.any():
        pair = np.flatnonzero(of_open)[0]
        parts.append((f"depends on the {on_what(agreement.better[:, pair], asked)}", depends))
    untold = open_[:, None] & ~leads & ~depends
    if untold.any():
        parts.append(("is open (no significant difference)", untold))
    return parts


def _names(rows: list[Row], chosen: np.ndarray) -> str:
    names = [row.label for row, picked in zip(rows, chosen, strict=True) if picked]
    if len(names) == len(rows) > 1:
        many = "both" if len(rows) == 2 else f"all {len(rows)}"
        return f"{many} networks" if rows[0].network else f"{many} baselines"
    if len(names) > MOST_NAMED:
        return f"{len(names)} of {len(rows)} {'networks' if rows[0].network else 'baselines'}"
    return _joined(names)


def _joined(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _verb(chosen: np.ndarray, one: str, many: str) -> str:
    return one if chosen.sum() == 1 else many
