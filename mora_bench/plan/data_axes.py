"""The axes of a grid that depend on a dataset: mechanisms, patterns with rates, gaps, and earlier datasets."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from mora_bench import registry
from mora_bench.cells.missing import COMPLETE, NO_GAPS, UNIFORM, Gaps, Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.missing.contract import Known
from mora_bench.plan import mask_files
from mora_bench.plan.grid import AS_TRAINED, Grid
from mora_bench.tasks.named import task_of

if TYPE_CHECKING:
    from mora_bench.data.table import Table


class Point(NamedTuple):
    """One value of an axis; `why` is the reason if it is not the value that was asked for."""

    value: Any
    why: str = ""


def known_of(table: Table) -> Known:
    """The names that arguments of mechanisms may use on a dataset."""
    return Known(table.covariates, table.by_label[0], table.names, not task_of(table.task).one_by_one)


def mechanisms_of(grid: Grid, dataset: str, table: Table) -> list[Missing]:
    """Every mechanism at every strength, without duplicates. A mechanism that ignores strength appears once."""
    pairs = product(dict.fromkeys(grid.mechanism), dict.fromkeys(grid.strength))
    mechanisms = (Missing(name, strength, grid.mask_unit) for name, strength in pairs)
    return list(dict.fromkeys(masks.settled(mechanism, dataset, known_of(table)) for mechanism in mechanisms))


def befores_of(grid: Grid, table: Table, runtime: Runtime) -> list[Point]:
    """The datasets that methods are adapted to before, as a cell names them; None for the dataset itself, or one of
    other modalities."""
    from mora_bench.data import datasets

    points = []
    for name in dict.fromkeys(grid.after):
        if not name:
            points.append(Point(""))
            continue
        other, fingerprint = datasets.fingerprinted(name, runtime)
        if name == table.name:
            points.append(Point(None, f"{name} does not come after itself"))
        elif other.shape != table.shape:
            points.append(Point(None, f"{table.name} does not have the modalities of {name}, {', '.join(other.names)}"))
        else:
            # Refused now rather than in a worker.
            mechanisms_of(grid, name, other)
            points.append(Point(f"{name} {fingerprint}"))
    return points


class InTrainingAndTests(NamedTuple):
    """Gaps as a cell has them."""

    gaps: Gaps | None = None
    test_gaps: Gaps | None = None


def gaps_of(grid: Grid, table: Table) -> list[Point]:
    """The gaps inside signals, `InTrainingAndTests`; `why` says that a point gives no cell,
    because no signal of the dataset may have gaps.

    Raises:
        UserError: no point gives a cell.
    """
    points, gapped = [], any(table.kind(name).gapped for name in table.names)
    why = f"{table.name} has no signal that may have gaps"
    for text, test in product(dict.fromkeys(grid.gaps), dict.fromkeys(grid.test_gaps)):
        gaps = _gaps(text)
        tested = gaps if test == AS_TRAINED else _gaps(test)
        if not gapped and not gaps == tested == NO_GAPS:
            points.append(Point(InTrainingAndTests(), why))
            continue
        pair = InTrainingAndTests(None if gaps == NO_GAPS else gaps, None if tested == gaps else tested)
        points.append(Point(pair))
    if all(point.why for point in points):
        given = " ".join(["--gaps", *grid.gaps])
        if set(grid.test_gaps) != {AS_TRAINED}:
            given = " ".join([given, "--test-gaps", *grid.test_gaps])
        raise UserError(f"{given}: {why}. Add none, or leave these options out.")
    return points


def _gaps(text: str) -> Gaps:
    gaps = Gaps.of(text)
    return gaps if gaps == NO_GAPS else replace(gaps, version=registry.version(registry.GAPS, gaps.mechanism))


def masked_points(grid: Grid, dataset: str, table: Table, runtime: Runtime) -> list[tuple[Missing, Point]]:
    """Every mechanism with every pair of pattern and rate."""
    for name in (*grid.mechanism, grid.test_mechanism or ""):
        mask_files.from_folder(name, table, runtime)
    return [
        (missing, point)
        for missing in mechanisms_of(grid, dataset, table)
        for point in patterns_of(grid, table, missing)
    ]


def patterns_of(grid: Grid, table: Table, missing: Missing = UNIFORM) -> list[Point]:
    """Every pair of pattern and rate under a mechanism. Pairs without missing data become complete data."""
    points = []
    for pattern, (index, rate) in product(grid.missing, enumerate(grid.rates)):
        masks.taken(pattern, table.names)
        if pattern != COMPLETE and not masks.rated(missing):
            points.append(_of_its_own(missing, pattern, table, again=index > 0))
            continue
        if pattern == COMPLETE:
            points.append(Point((pattern, 0.0), "complete data have no missing rate"))
        elif rate == 0:
            points.append(Point((COMPLETE, 0.0), "at rate 0 every pattern is complete data"))
        else:
            points.append(Point((pattern, rate)))
    return points


def _of_its_own(missing: Missing, pattern: str, table: Table, again: bool) -> Point:
    """A pattern at the one rate that a mechanism has; `again` if that stands for another rate that was asked for."""
    rate = masks.rate_of(missing, pattern, table.names, "train")
    if not rate:
        return Point((COMPLETE, 0.0), f"{missing.mechanism} takes nothing under {pattern}")
    return Point((pattern, rate), f"{missing.mechanism} has a rate of its own" * again)
