"""The test patterns that are columns of a table, their order, and their headings.

Of two modalities every pattern is a column. Of more there are too many: a table then shows complete data, each modality
missing alone, each in turn, and by number the mean over all sets of so many. Every set by itself is in the CSV files
and on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mora_bench.cells.missing import COMPLETE, EACH, MASK
from mora_bench.data.presence import stratum_names
from mora_bench.missing.masks import patterns

#: The name of the mean over all sets of so many modalities.
ANY = "any {}"


@dataclass(frozen=True)
class TableColumns:
    """The scores of a table ("score PATTERN") with their headings.

    Attributes:
        tests: its columns; rest: the patterns that tables leave to files and page; strata: those of the test with each
            modality missing in turn.
    """

    tests: dict[str, str]
    rest: dict[str, str]
    strata: dict[str, str]


def columns(modalities: Sequence[str], by_file: bool = False) -> TableColumns:
    """The columns of a table of these modalities; `by_file`: whether mask files say what is missing."""
    several = [pattern for pattern in patterns(modalities) if "+" in pattern]
    shown = [pattern for pattern in patterns(modalities) if pattern not in several] + [*by_number(several)]
    names = stratum_names(modalities)
    strata = {f"score {EACH} {name}": name.replace("_", " ") for name in [names[-1], *names[:-1]]}
    tests, rest = (
        {f"score {pattern}": heading(pattern, modalities, by_file) for pattern in group} for group in (shown, several)
    )
    return TableColumns(tests, rest, strata)


def brought(mechanism: str) -> bool:
    """Whether a mechanism, in words, is a mask file."""
    return mechanism.startswith(f"{MASK}:")


def by_number(every: Iterable[str]) -> dict[str, list[str]]:
    """The patterns that take several modalities at once, by the name of the mean over as many."""
    by_name: dict[str, list[str]] = {}
    for pattern in (name for name in every if "+" in name):
        by_name.setdefault(ANY.format(pattern.count("+") + 1), []).append(pattern)
    return by_name


def heading(pattern: str, modalities: Sequence[str], by_file: bool = False) -> str:
    """The heading of a pattern: what is missing, in words; `by_file`: whether a mask file says it."""
    if pattern == EACH and len(modalities) > 2:
        return "missing by the mask file" if by_file else "each missing in turn"
    return pattern if pattern == COMPLETE else f"{pattern} missing"
