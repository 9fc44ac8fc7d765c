"""Whether those who lack something, or have a placeholder, have other labels than the rest.

Of each patient one sample counts, drawn from its id. The share of a label inside is held against the share outside by
exact binomial tests of a difference of more than `MARGIN`; all tests of a dataset are one family of Holm's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from mora_bench.doctor.features import ABSENCE, counts
from mora_bench.doctor.finding import Finding, listed, share
from mora_bench.doctor.placeholders import Placeholder, text_of
from mora_bench.doctor.questions import RARE, Subject
from mora_bench.statistics import holm

#: A difference between shares that no true one may exceed in silence; and the chance of any alarm where none does.
MARGIN, LEVEL = 0.1, 0.05
#: Numbers of pictures that are told apart; labels that a line names.
MOST, NAMED = 6, 4


@dataclass(frozen=True)
class Level:
    """Some samples, bool [n], that differ from the others in what is there."""

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


def look(subject: Subject, found: list[Placeholder]) -> list[Finding]:
    """A finding for each level that has other labels than the rest."""
    units = subject.one_each
    tests = []
    for level in levels(subject, found):
        inside = level.rows[units]
        if RARE <= inside.sum() <= len(units) / 2:
            targets = subject.targets[units]
            tests += [(level, label, *_compared(targets[:, k], inside)) for k, label in enumerate(subject.labels)]
    if not tests:
        return []
    refused = holm.adjusted(np.array([p for *_, p in tests])) <= LEVEL
    by_level: dict[str, list[Differs]] = {}
    for (level, label, k, n, outside, p), alarm in zip(tests, refused, strict=True):
        if alarm:
            low, high = _exact(k, n, LEVEL / len(tests))
            by_level.setdefault(level.name, []).append(Differs(label, k / n, outside, low, high, p))
    size = {level.name: n for level, _, _, n, _, _ in tests}
    return [_finding(name, size[name], sorted(alarms, key=lambda d: d.p)) for name, alarms in by_level.items()]


def _finding(name: str, n: int, alarms: list[Differs]) -> Finding:
    said = [f"{d.label} {share(d.inside)} (others {share(d.outside)})" for d in alarms]
    facts = {d.label: {"share": d.inside, "others": d.outside, "low": d.low, "high": d.high} for d in alarms}
    seen = f"{n:,} patients {name}: {listed(said, NAMED)}"
    weight = max(abs(d.inside - d.outside) for d in alarms) * min(1.0, 2 * n / 100) / 2
    return Finding("levels", seen, ABSENCE, weight, facts={"level": name, "patients": n, "labels": facts})


def levels(subject: Subject, found: list[Placeholder]) -> Iterator[Level]:
    """What samples may lack: pictures, modalities, cells of covariates; and what stands for nothing."""
    table = subject.table
    for m, (name, column) in enumerate(table.modalities.items()):
        if column.kind in ("image", "bag"):
            number = counts(column.values)
            kinds = np.unique(number).astype(int).tolist()
            for k in kinds if len(kinds) <= MOST else [0]:
                yield Level(f"with {k} pictures of {name}", number == k)
        else:
            yield Level(f"without {name}", ~table.present[:, m])
    for name, values in table.covariates.items():
        yield Level(f"without covariate {name}", np.array([not text_of(value) for value in values], bool))
    for placeholder in found:
        yield Level(f"with {placeholder.name}", placeholder.rows)


def _compared(target: np.ndarray, inside: np.ndarray) -> tuple[int, int, float, float]:
    """How many of how many inside have the label, the share outside, and the p-value of "they differ by at most
    `MARGIN`"."""
    n, k = int(inside.sum()), int(target[inside].sum())
    outside = float(target[~inside].mean())
    more = binom.sf(k - 1, n, outside + MARGIN) if outside + MARGIN < 1 else 1.0
    fewer = binom.cdf(k, n, outside - MARGIN) if outside > MARGIN else 1.0
    return k, n, outside, min(1.0, 2 * float(min(more, fewer)))


def _exact(k: int, n: int, level: float) -> tuple[float, float]:
    low = float(beta.ppf(level / 2, k, n - k + 1)) if k else 0.0
    return low, float(beta.isf(level / 2, k + 1, n - k)) if k < n else 1.0
