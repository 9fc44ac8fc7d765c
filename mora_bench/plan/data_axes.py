"""The axes of a grid that depend on a dataset: mechanisms, patterns with rates, and what comes before."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from mora_bench.cells.missing import COMPLETE, Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.missing import masks
from mora_bench.missing.contract import Known
from mora_bench.plan.grid import Grid

if TYPE_CHECKING:
    from mora_bench.data.table import Table


class Point(NamedTuple):
    """One value of an axis; `why` is the reason if it is not the value that was asked for."""

    value: Any
    why: str = ""


def known_of(table: Table) -> Known:
    """What arguments of mechanisms may name on a dataset."""
    return Known(table.covariates, table.labels, table.names)


def mechanisms_of(grid: Grid, dataset: str, table: Table) -> list[Missing]:
    """Every mechanism at every strength, without duplicates. A mechanism that ignores strength appears once."""
    asked = product(dict.fromkeys(grid.mechanism), dict.fromkeys(grid.strength))
    wanted = (Missing(name, strength, grid.mask_unit) for name, strength in asked)
    return list(dict.fromkeys(masks.settled(each, dataset, known_of(table)) for each in wanted))


def befores_of(grid: Grid, table: Table, runtime: Runtime) -> list[Point]:
    """What the methods are adapted to before, as a cell says it; None where that is the dataset itself, or a dataset of
    other modalities."""
    from mora_bench.data import datasets

    found = []
    for name in dict.fromkeys(grid.after):
        if not name:
            found.append(Point(""))
            continue
        other, fingerprint = datasets.fingerprinted(name, runtime.data_root, runtime.limit, runtime.cache)
        if name == table.name:
            found.append(Point(None, f"{name} does not come after itself"))
        elif other.shape != table.shape:
            found.append(Point(None, f"{table.name} does not have the modalities of {name}, {', '.join(other.names)}"))
        else:
            # Refused now rather than in a worker.
            mechanisms_of(grid, name, other)
            found.append(Point(f"{name} {fingerprint}"))
    return found


def patterns_of(grid: Grid, table: Table) -> list[Point]:
    """Every pair of pattern and rate. Pairs without missing data become complete data."""
    points = []
    for pattern, rate in product(grid.missing, grid.rates):
        masks.taken(pattern, table.names)
        if pattern == COMPLETE:
            points.append(Point((pattern, 0.0), "complete data have no missing rate"))
        elif rate == 0:
            points.append(Point((COMPLETE, 0.0), "at rate 0 every pattern is complete data"))
        else:
            points.append(Point((pattern, rate)))
    return points
