"""Strata of a table: which have enough samples to be shown, and the lines that say how many they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mora_bench.report.columns import CLASSES, SAMPLES, SEEDS
from mora_bench.report.measures import Measure, joined
from mora_bench.tasks.metric import DASH

if TYPE_CHECKING:
    from mora_bench.report.compare import Comparison
    from mora_bench.report.section import Section

#: The fewest samples of a seed with which a stratum is shown.
FEWEST = 10


def large(section: Section, score: str) -> bool:
    """Whether a stratum has enough samples in every seed; true of files that do not say how many it has."""
    known = section.samples.get(score)
    return known is None or known[0] >= FEWEST


def sizes(table: Comparison, section: Section, strata: list[str], shown: tuple[Measure, ...]) -> list[list[str]]:
    """Below the strata: how many samples each has, from the fewest to the most over seeds; over how many of all
    classes the strata are compared; and, where a score is lacking in some seeds, over how many its mean is."""
    seeds = {s: joined(_spread(_seeds(section, measure.of(s))) for measure in shown) for s in strata}
    lacking = any(0 < counts[0] < counts[-1] for s in strata for m in shown if (counts := _seeds(section, m.of(s))))
    samples = {score: _spread(section.samples.get(score)) for score in strata}
    classes = {s: joined(_spread(section.classes.get(measure.of(s))) for measure in shown) for s in strata}
    return [
        [*[""] * table.grouped, name, *[""] * table.adapting, *known.values()]
        for name, known in ((SAMPLES, samples), (CLASSES, classes), *[(SEEDS, seeds)] * lacking)
        if any(text != DASH for text in known.values())
    ]


def _seeds(section: Section, column: str) -> tuple[int, ...] | None:
    """The fewest and the most seeds that have a score, over the rows that have it at all, and all seeds."""
    counts = [int((~np.isnan(row.values[column])).sum()) for row in section.rows if not row.note]
    known = [count for count in counts if count]
    return (min(known), max(known), len(section.seeds)) if known else None


def _spread(known: tuple[int, ...] | None) -> str:
    """(3, 5, 8) -> "3-5 of 8", (4, 4) -> "4"."""
    if known is None:
        return DASH
    least, most, *of = known
    return (f"{least}" if least == most else f"{least}-{most}") + "".join(f" of {number}" for number in of)
