"""Whether those who lack something, or have a placeholder, have other labels than the rest.

Of each patient one sample counts, drawn from its id. The share of a label inside is held against the share outside, and
a standard error of that, by exact binomial tests of a difference of more than `MARGIN`; all tests of a dataset are one
family of Holm's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from mora_bench.data.table import PICTURES
from mora_bench.doctor.features import ABSENCE, counts
from mora_bench.doctor.finding import Finding, share
from mora_bench.doctor.placeholders import Placeholder, text_of
from mora_bench.doctor.questions import RARE, ExaminedTable
from mora_bench.statistics import holm
from mora_bench.statistics.auroc import interval
from mora_bench.text import listed

#: A difference between shares that no true one may exceed in silence; and the chance of any alarm where none does.
MARGIN, LEVEL = 0.1, 0.05
#: The chance on either side with which the share outside lies beyond the bound that it is taken at: a standard error.
NEAR = 0.16
#: Numbers of pictures that are told apart; labels that a line names.
MOST, NAMED = 6, 4


@dataclass(frozen=True)
class Level:
    """Some samples, bool [n], that differ from the others in what they have or lack."""

    name: str
    rows: np.ndarray


@dataclass(frozen=True)
class Differs:
    """A label's share inside and outside, and its interval inside (Clopper and Pearson's, at Holm's level)."""

    label: str
    inside: float
    outside: float
    low: float
    high: float
    p: float


def look(subject: ExaminedTable, placeholders: list[Placeholder]) -> list[Finding]:
    """One finding of all levels that have other labels than the rest."""
    units = subject.one_each
    tests = []
    for level in levels(subject, placeholders):
        inside = level.rows[units]
        if RARE <= inside.sum() <= len(units) / 2:
            targets = subject.targets[units]
            tests += [(level, label, *_compared(targets[:, k], inside)) for k, label in enumerate(subject.labels)]
    if not tests:
        return []
    refused = holm.adjusted(np.array([p for *_, p in tests])) <= LEVEL
    by_level: dict[tuple[str, int], list[Differs]] = {}
    for (level, label, k, n, outside, p), alarm in zip(tests, refused, strict=True):
        if alarm:
            low, high = _exact(k, n, LEVEL / len(tests))
            by_level.setdefault((level.name, n), []).append(Differs(label, k / n, outside, low, high, p))
    return [_finding(by_level, len(units))] if by_level else []


def _finding(by_level: dict[tuple[str, int], list[Differs]], patients: int) -> Finding:
    lines, facts, weight = [], [], 0.0
    for (name, n), alarms in by_level.items():
        alarms.sort(key=lambda differs: differs.p)
        phrases = [f"{d.label} {share(d.inside)} (others {share(d.outside)})" for d in alarms]
        lines.append(f"{n:,} patients {name}: {listed(phrases, NAMED)}")
        labels = {d.label: {"share": d.inside, "others": d.outside, "low": d.low, "high": d.high} for d in alarms}
        facts.append({"level": name, "patients": n, "labels": labels})
        # As an AUROC: what a rule of this level alone gains over chance.
        weight = max(weight, *(abs(d.inside - d.outside) * n / patients for d in alarms))
    seen = "missing values or placeholders are associated with labels:"
    return Finding("levels", seen, ABSENCE, weight, tuple(lines), {"levels": facts})


def levels(subject: ExaminedTable, placeholders: list[Placeholder]) -> Iterator[Level]:
    """Levels of things that samples may lack: pictures, modalities, cells of covariates; and of placeholders."""
    table = subject.table
    for m, (name, column) in enumerate(table.modalities.items()):
        if column.kind in PICTURES:
            number = counts(column.values)
            kinds = np.unique(number).astype(int).tolist()
            for k in kinds if len(kinds) <= MOST else [0]:
                yield Level(f"with {k} {'picture' if k == 1 else 'pictures'} of {name}", number == k)
        else:
            yield Level(f"without {name}", ~table.present[:, m])
    for name, values in table.covariates.items():
        yield Level(f"without covariate {name}", np.array([not text_of(value) for value in values], bool))
    for placeholder in placeholders:
        yield Level(f"with {placeholder.name}", placeholder.rows)


def _compared(target: np.ndarray, inside: np.ndarray) -> tuple[int, int, float, float]:
    """How many of how many inside have the label, the share outside, and the p-value of "they differ by at most
    `MARGIN`"."""
    n, k = int(inside.sum()), int(target[inside].sum())
    outside = float(target[~inside].mean())
    # Of few outside the share is not known well.
    below, above = interval(outside, len(target) - n, NEAR)
    more = binom.sf(k - 1, n, above + MARGIN) if above + MARGIN < 1 else 1.0
    fewer = binom.cdf(k, n, below - MARGIN) if below > MARGIN else 1.0
    return k, n, outside, min(1.0, 2 * float(min(more, fewer)))


def _exact(k: int, n: int, level: float) -> tuple[float, float]:
    low = float(beta.ppf(level / 2, k, n - k + 1)) if k else 0.0
    return low, float(beta.isf(level / 2, k + 1, n - k)) if k < n else 1.0
