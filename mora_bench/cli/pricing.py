"""What a grid holds and what it will cost, in a few lines, however many cells it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import mean

from tabulate import tabulate

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.plan.count import Counted, smallest
from mora_bench.plan.expand import Plan, expand
from mora_bench.plan.grid import Grid
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, Store

#: The most lines of a table by competitor; beyond, competitors stand together.
ROWS = 24
#: What stands for the axes of cells that were planned one by one.
OF_ALL = "cells"
#: Records of a folder that are read for the mean times of its cells.
SAMPLE = 1000
#: Folders whose times stand for those of this machine, where nothing else is known.
SHIPPED = ("quick", "field")


def of_cells(cells: Iterable[Cell]) -> list[Counted]:
    """Cells that were planned, by dataset, backbone and competitor."""
    found: dict[tuple[str, str, str], int] = {}
    for cell in cells:
        place = (cell.dataset, cell.backbone, cell.method)
        found[place] = found.get(place, 0) + 1
    return [Counted(*place, {OF_ALL: number}) for place, number in found.items()]


def summary(rows: Sequence[Counted], seconds: Callable[[Counted], float]) -> str:
    """A table: a line a competitor, its cells on each dataset and backbone, and their hours on one core."""
    places = list(dict.fromkeys((own.dataset, own.backbone) for own in rows if own.network))
    shown = places or list(dict.fromkeys((own.dataset, own.backbone) for own in rows))
    methods = list(dict.fromkeys(own.method for own in rows))
    body = []
    for name in methods[:ROWS]:
        mine = [own for own in rows if own.method == name]
        # A competitor without a network runs once for all backbones: under the first.
        at = {dataset: (dataset, backbone) for dataset, backbone in reversed(shown)}
        cells = dict.fromkeys(shown, 0)
        for own in mine:
            cells[(own.dataset, own.backbone) if own.network else at.get(own.dataset, shown[0])] += own.cells
        body.append([name, *(f"{n:,}" for n in cells.values()), _axes(mine), _hours(sum(map(seconds, mine)))])
    if len(methods) > ROWS:
        others = [own for own in rows if own.method in methods[ROWS:]]
        body.append([f"{len(methods) - ROWS} others", f"{sum(own.cells for own in others):,}", *[""] * len(shown)])
        body[-1].append(_hours(sum(map(seconds, others))))
    headers = ["", *(f"{d} on {b}" if places else d for d, b in shown), "values of axes", "hours of a core"]
    return tabulate(body, headers, tablefmt="github", disable_numparse=True, colalign=("left", *["right"] * len(shown)))


def _axes(rows: Sequence[Counted]) -> str:
    """How many values of each axis, where there are several."""
    most: dict[str, int] = {}
    for own in rows:
        most |= {name: max(number, most.get(name, 0)) for name, number in own.values.items()}
    return ", ".join(f"{number} {name}" for name, number in most.items() if number > 1 and name != OF_ALL)


def _hours(seconds: float) -> str:
    return "?" if math.isnan(seconds) else f"{seconds / 3600:.3g}"


def from_records(place: Runtime) -> tuple[dict[tuple[str, str], float], str]:
    """Mean seconds of a cell by dataset and competitor, and where they were measured: in the results folder, else in
    those that are shipped."""
    # Reading results takes pandas, which a refusal need not wait for.
    from mora_bench.report.shipped import REFERENCE

    for folders, said in (([place.out], str(place.out)), ([REFERENCE / name for name in SHIPPED], "what is shipped")):
        known = mean_seconds(record for folder in folders for record in Store(folder).some_records(SAMPLE))
        if known:
            return known, said
    return {}, ""


def mean_seconds(records: Iterable[Record | None]) -> dict[tuple[str, str], float]:
    """Mean seconds of a cell by dataset and competitor, of the records that are done."""
    times: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if record is not None and record.status == DONE and record.time is not None:
            times.setdefault((record.cell.dataset, record.cell.method), []).append(record.time.cell_s)
    return {key: mean(own) for key, own in times.items()}


def priced(
    rows: Sequence[Counted], grid: Grid, place: Runtime, measure: bool
) -> tuple[str, Callable[[Counted], float]]:
    """A sentence about time, memory and disk, and the seconds of the cells of a count."""
    if measure:
        prices = _measured(rows, grid, place)
        known = {key: price.seconds for key, price in prices.items()}
        mib = max((price.mib for price in prices.values()), default=math.nan)
        total = sum(prices[key].bytes * own.cells for own in rows if (key := (own.dataset, own.method)) in prices)
        said = "measured on short cells here"
        more = f", {place.workers * mib / 1024:.2g} GB of memory" if not math.isnan(mib) else ""
        more += f", {total / 1e9:.2g} GB of disk"
    else:
        known, where = from_records(place)
        said, more = f"by the times in {where}", ""

    def seconds(own: Counted) -> float:
        return own.cells * known.get((own.dataset, own.method), math.nan)

    unknown = [own for own in rows if math.isnan(seconds(own))]
    hours = sum(seconds(own) for own in rows if own not in unknown) / 3600 / place.workers
    time = (
        f"{60 * hours:.2g} minutes" if hours < 2 else f"{hours:,.3g} hours" if hours < 72 else f"{hours / 24:,.3g} days"
    )
    if len(unknown) == len(rows):
        return "No cell of this kind was timed yet; --plan --measure takes about a minute.", seconds
    without = f", {sum(own.cells for own in unknown):,} cells of unknown cost left out" if unknown else ""
    hint = "" if measure else "; --plan --measure times short cells here"
    return f"About {time} with {place.workers} at once{more}, {said}{without}{hint}.", seconds


def _measured(rows: Sequence[Counted], grid: Grid, place: Runtime) -> dict:
    """The price of a cell by dataset and competitor."""
    from mora_bench.training.price import limit_of, measured

    found = {}
    for own in rows:
        if (own.dataset, own.method) in found or grid.parts:
            continue
        one = smallest(grid, own)
        whole = _only(one, place, own)
        limit = min(limit_of(own.network), place.limit or limit_of(own.network))
        short = _only(replace(one, limit=limit), replace(place, limit=limit), own)
        if short.recipe is not None:
            short = replace(short, recipe=replace(short.recipe, epochs=1, validate_every=1.0))
        found[own.dataset, own.method] = measured(short, whole, limit, place)
    return found


def _only(grid: Grid, place: Runtime, own: Counted) -> Cell:
    plan: Plan = expand(grid, grid, place)
    return next(cell for cell in plan.cells if cell.method == own.method)
