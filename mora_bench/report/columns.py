"""The columns of a section, the meaning of its marks, and notes on scores that it lacks."""

import math
from collections.abc import Iterable

import pandas as pd

from mora_bench.cells.missing import COMPLETE
from mora_bench.report.measures import Measure
from mora_bench.report.row import Row
from mora_bench.report.section import FROZEN, Section
from mora_bench.tasks.metric import DASH

#: Marks a mean that is worse than a floor's.
BELOW = "↓"
#: The names of the lines below a section's rows.
TAKEN, CEILING, RESOLUTION = "samples that lost a modality, %", "ceiling", "minimum detectable difference"
FLOOR, WITH_FROZEN = "best baseline without a network", " or with a frozen one"
#: The costs of a row: headings, and how numbers are shown.
COSTS = {
    "share_adapter": ("adapter %", "{:.3f}"),
    "share_adapter_head": ("+ head %", "{:.2f}"),
    "share_total": ("all %", "{:.2f}"),
    "gflops_forward": ("GFLOPs fwd", "{:.4g}"),
    "gflops_step": ("GFLOPs step", "{:.4g}"),
    "step_ms": ("step ms", "{:.3g}"),
}
SAMPLES, CLASSES, SEEDS = "samples", "classes that all strata have", "seeds that have a score"


def without_idle(tests: dict[str, str], rest: dict[str, str], sections: list[Section]) -> list[str]:
    """Give each section the columns without those of patterns that took nothing from any of its samples, and those that
    its files do not know, because they are from before these were tested; and return notes on those left out."""
    left_out: dict[str, list[str]] = {}
    known = [score for score in tests if any(_known(section, score) for section in sections)] or [*tests]
    for section in sections:
        idle = [score for score in tests if not score.endswith(f" {COMPLETE}") and section.taken[score] == 0]
        tested = [score for score in known if _known(section, score)] or known
        section.tests = {score: tests[score] for score in tested if score not in idle}
        section.rest = {s: title for s, title in rest.items() if _known(section, s) and section.taken[s] != 0}
        if idle:
            left_out.setdefault(", ".join(tests[score] for score in idle), []).append(section.title)
    return [
        f"Columns left out of {'; '.join(titles)}: {columns}. These patterns removed nothing from any test sample."
        for columns, titles in left_out.items()
    ]


def _known(section: Section, score: str) -> bool:
    """Whether a row has any of the section's scores under a pattern."""
    return any(not math.isnan(row.mean[measure.of(score)]) for measure in section.shown for row in section.rows)


def cost(row: Row, name: str) -> str:
    """One of the costs of a row, as tables show it."""
    value = row.cost[name]
    return DASH if math.isnan(value) else COSTS[name][1].format(value)


def not_asked(sections: list[Section]) -> list[str]:
    """Notes on scores that are not asked where a row leads another, because not every competing row has them."""
    by_section: dict[tuple[str, str], list[str]] = {}
    for section in sections:
        for score, heading in section.tests.items():
            asked = section.asked(score, section.competing)
            lacking = [measure.metric.title for measure in section.shown if measure not in asked] if asked else []
            if lacking:
                by_section.setdefault((" and ".join(lacking), section.title), []).append(heading)
    by_columns: dict[tuple[str, str], list[str]] = {}
    for (names, title), headings in by_section.items():
        by_columns.setdefault((names, ", ".join(headings)), []).append(title)
    return [
        f"Not used to decide which row leads, because some rows lack it: {names} ({columns}; {'; '.join(titles)})."
        for (names, columns), titles in by_columns.items()
    ]


def floor_name(floors: Iterable[Row]) -> str:
    """The name of the best of some floors."""
    return f"{FLOOR}{WITH_FROZEN * any(row.family == FROZEN for row in floors)}"


def marks(group: pd.DataFrame, shown: tuple[Measure, ...]) -> str:
    """The meaning of bold, arrows and the lines below the rows."""
    rows = "network" if group["network"].any() else "row"
    several = len(shown) > 1
    better = f"all {len(shown)} scores are better, at least one significantly" if several else "significantly better"
    legend = (
        f" Bold: no other {rows} leads this one in its section and column; nothing is bold if no {rows} leads another. "
        f"To lead: {better} (paired tests over seeds, 5 % after Holm{' over pairs and scores' * several}). "
        f"{RESOLUTION.capitalize()}: between two {rows}s, with 80 % power; a range if it differs between pairs."
    )
    if any(group[name].notna().any() for name in group if " ceiling " in f" {name}"):
        legend += f" {CEILING.capitalize()}: upper bound, the expected score of an ideal reader of the modalities."
    if group["network"].nunique() > 1:
        frozen = WITH_FROZEN * bool((group["family"] == FROZEN).any())
        legend += f" {BELOW}: a worse mean than the {FLOOR}{frozen} (see the line of that name)."
    return legend
