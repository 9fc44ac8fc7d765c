"""The cells of a grid and their cost, in a few lines, however many cells it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tabulate import tabulate

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.plan.count import CellCount, smallest
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid
from mora_bench.plan.price import Prices, kind_of
from mora_bench.records.schema import Record
from mora_bench.records.store import Store
from mora_bench.text import number_of

if TYPE_CHECKING:
    from mora_bench.training.cost_probe import Probe

#: The most lines of a table by competitor; beyond, competitors stand together.
ROWS = 24
#: The name that stands for the axes of cells that were planned one by one.
OF_ALL = "cells"
#: Records of a folder that are read for rates.
SAMPLE = 1000
#: Folders that we ship whose records say how many FLOPs a cell takes, and how fast a machine like this one is.
SHIPPED = ("quick", "fused", "rank")
#: The most cells that stand for those of a count.
STAND_FOR = 64
#: The advice where no price is known.
HOW = "--plan --measure runs three steps of each kind here"


def of_cells(cells: Iterable[Cell]) -> list[CellCount]:
    """Cells that were planned, by dataset, backbone and competitor."""
    counts: dict[tuple[str, str, str], int] = {}
    for cell in cells:
        key = (cell.dataset, cell.backbone, cell.method)
        counts[key] = counts.get(key, 0) + 1
    return [CellCount(*key, {OF_ALL: number}) for key, number in counts.items()]


def summary(rows: Sequence[CellCount], seconds: Callable[[CellCount], float], most: bool = False) -> str:
    """A table: a line a competitor, its cells on each dataset and backbone, and their hours on one core; the `most` of
    them, where patience may end cells earlier."""
    columns = list(dict.fromkeys((row.dataset, row.backbone) for row in rows if row.network))
    trained_on = {dataset for dataset, _ in columns}
    columns += [(name, "") for name in dict.fromkeys(row.dataset for row in rows) if name not in trained_on]
    methods = list(dict.fromkeys(row.method for row in rows))
    body = []
    for name in methods[:ROWS]:
        method_rows = [row for row in rows if row.method == name]
        # A competitor without a network runs once for all backbones: under the first.
        at = {dataset: (dataset, backbone) for dataset, backbone in reversed(columns)}
        cells = dict.fromkeys(columns, 0)
        for row in method_rows:
            cells[(row.dataset, row.backbone) if row.network else at[row.dataset]] += row.cells
        body.append(
            [name, *(f"{n:,}" for n in cells.values()), _axes(method_rows), _hours(sum(map(seconds, method_rows)))]
        )
    if len(methods) > ROWS:
        others = [row for row in rows if row.method in methods[ROWS:]]
        body.append([f"{len(methods) - ROWS} others", f"{sum(row.cells for row in others):,}", *[""] * len(columns)])
        body[-1].append(_hours(sum(map(seconds, others))))
    headers = [
        "",
        *(f"{d} on {b}" if b else d for d, b in columns),
        "values of axes",
        "hours of a core" + ", at most" * most,
    ]
    return tabulate(
        body, headers, tablefmt="github", disable_numparse=True, colalign=("left", *["right"] * len(columns))
    )


def _axes(rows: Sequence[CellCount]) -> str:
    """How many values of each axis, where there are several."""
    most: dict[str, int] = {}
    for row in rows:
        most |= {name: max(number, most.get(name, 0)) for name, number in row.values.items()}
    return ", ".join(f"{number} {name}" for name, number in most.items() if number > 1 and name != OF_ALL)


def _hours(seconds: float) -> str:
    return "?" if math.isnan(seconds) else f"{seconds / 3600:.3g}"


#: The dataset, backbone and competitor of a row.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Priced:
    """The cost of a grid: seconds of a worker at most, and at the least that patience leaves, and cells without a
    price, by dataset, backbone and competitor; and a sentence about it."""

    seconds: dict[Key, float]
    unknown: dict[Key, int]
    sentence: str = ""
    least: dict[Key, float] = field(default_factory=dict)

    @property
    def open_ended(self) -> bool:
        """Whether patience may end some of it earlier."""
        return _sum(self.least) < _sum(self.seconds)

    def of(self, row: CellCount) -> float:
        """Seconds of a row's cells on one worker; NaN if nothing of it has a price."""
        return self.seconds.get((row.dataset, row.backbone, row.method), math.nan)


def standing_for(rows: Sequence[CellCount], grid: Grid, runtime: Runtime) -> list[Cell]:
    """A few cells of each row, which differ in every axis that changes the cost of a cell."""
    chosen: list[Cell] = []
    for row in rows:
        single = smallest(grid, row)
        varied = replace(single, ranks=grid.ranks, blocks=grid.blocks, impute=grid.impute, knobs=grid.knobs)
        points = math.prod(max(len(axis), 1) for axis in (varied.ranks, varied.blocks, varied.impute, varied.knobs))
        # The options of one competitor alone, because another may not read them.
        sample = varied if row.network and points <= STAND_FOR and not grid.knobs else single
        chosen += [cell for cell in expand(sample, sample, runtime).cells if cell.method == row.method]
    return chosen


def priced(rows: Sequence[CellCount], cells: Sequence[Cell], grid: Grid, runtime: Runtime) -> Priced:
    """The price of the cells that `rows` count, of which `cells` are all, or stand for them."""
    probes = _probes(cells, runtime) if grid.measure else {}
    prices, where = _prices(runtime, [probe.record for probe in probes.values()], grid)
    sizes = Sizes(runtime)
    seconds, unknown = _of_rows(rows, cells, lambda cell: prices.of(cell, sizes.of(cell)))
    least, _ = _of_rows(rows, cells, lambda cell: prices.of(cell, sizes.of(cell), least=True))
    more = _memory_and_disk(rows, cells, probes, sizes, runtime)
    price = Priced(seconds, unknown, least=least)
    beside = [_decoding(cells, grid, runtime), _reading(cells, grid, runtime, prices)]
    return replace(price, sentence=_sentence(rows, price, where, more, beside, runtime.workers))


def _of_rows(
    rows: Sequence[CellCount], cells: Sequence[Cell], price: Callable[[Cell], float]
) -> tuple[dict[Key, float], dict[Key, int]]:
    """Seconds of a worker of each row, and its cells without a price, from the prices of `cells`."""
    known: dict[Key, list[float]] = {}
    for cell in cells:
        known.setdefault((cell.dataset, cell.backbone, cell.method), []).append(price(cell))
    seconds, unknown = {}, {}
    for row in rows:
        key = (row.dataset, row.backbone, row.method)
        prices = [value for value in known.get(key, []) if not math.isnan(value)]
        share = len(prices) / max(len(known.get(key, [])), 1)
        seconds[key] = row.cells * share * sum(prices) / len(prices) if prices else math.nan
        unknown[key] = row.cells - round(row.cells * share)
    return seconds, unknown


def _sum(seconds: dict[Key, float]) -> float:
    """The seconds of all that has a price."""
    return sum(value for value in seconds.values() if not math.isnan(value))


class Sizes:
    """How many samples each side of a cell's split has; of cells that differ in seed alone the first's."""

    def __init__(self, runtime: Runtime):
        self.runtime = runtime
        self.known: dict[tuple, dict[str, int]] = {}

    def of(self, cell: Cell) -> dict[str, int]:
        from mora_bench.data import datasets
        from mora_bench.data.sides import sides

        key = (cell.dataset, cell.splitting.way)
        if key not in self.known:
            table = datasets.table_of(cell.dataset, self.runtime)
            self.known[key] = {name: len(side) for name, side in sides(cell, table).items()}
        return self.known[key]


def _prices(runtime: Runtime, probed: Sequence[Record], grid: Grid) -> tuple[Prices, str]:
    """The known prices, and where they were measured: here and now, else in records of this device."""
    # Reading results takes pandas, which a refusal need not wait for.
    from mora_bench.records import provenance
    from mora_bench.report.shipped import REFERENCE

    shipped = [record for name in SHIPPED for record in Store(REFERENCE / name).some_records(SAMPLE)]
    ours = Store(runtime.out).some_records(SAMPLE)
    try:
        device = provenance.device_name(runtime.device)
    except (RuntimeError, AssertionError):
        # A cluster's nodes have what this machine lacks: its records say what.
        device = next((r.provenance.device for r in ours if r.provenance.device_type in runtime.device), "")
    if probed:
        return Prices(probed, device, runtime.threads, runtime.compiler), "measured on three steps of each kind here"
    known = Prices(ours, device, runtime.threads, runtime.compiler, older=shipped)
    return known, f"by records of {device or 'no device'}"


def _probes(cells: Sequence[Cell], runtime: Runtime) -> dict[tuple, Probe]:
    """A probe of each kind of cell, run here."""
    from mora_bench.training.cost_probe import probe

    kinds: dict[tuple, Cell] = {}
    for cell in cells:
        precision = cell.recipe.precision if cell.recipe else ""
        kinds.setdefault((*kind_of(cell), precision), cell)
    # The first network of a process waits for imports, which a grid's workers share.
    for first in [cell for cell in kinds.values() if cell.recipe is not None][:1]:
        probe(first, runtime)
    return {kind: probe(cell, runtime) for kind, cell in kinds.items()}


def _memory_and_disk(
    rows: Sequence[CellCount], cells: Sequence[Cell], probes: dict[tuple, Probe], sizes: Sizes, runtime: Runtime
) -> str:
    if not probes:
        return ""
    mib = max((probe.mib for probe in probes.values() if not math.isnan(probe.mib)), default=math.nan)
    left: dict[Key, float] = {}
    for probe in probes.values():
        cell = probe.record.cell
        planned = next(c for c in cells if (c.dataset, c.method) == (cell.dataset, cell.method))
        left[cell.dataset, cell.backbone, cell.method] = probe.sample_bytes * sum(sizes.of(planned).values())
    total = sum(row.cells * left.get((row.dataset, row.backbone, row.method), 0.0) for row in rows)
    memory = "" if math.isnan(mib) else f", {runtime.workers * mib / 1024:.2g} GB of memory"
    return f"{memory}, {total / 1e9:.2g} GB of disk"


def _decoding(cells: Sequence[Cell], grid: Grid, runtime: Runtime) -> tuple[int, float]:
    """Samples that are still to be decoded, and seconds of a worker for it, NaN where that was not measured."""
    from mora_bench.backbones import load as backbones
    from mora_bench.data import cache, datasets

    samples, seconds = 0, 0.0
    for (dataset, _), cell in {(c.dataset, c.decoded_for): c for c in cells}.items():
        if cell.decoded_for is None:
            continue
        table, fingerprint = datasets.fingerprinted(dataset, runtime)
        rules = backbones.resolve(*cell.decoded_for).rules
        folders = cache.folders_of(table, fingerprint, rules, runtime.cache)
        number = 0 if all(folder.exists() for folder in folders) else len(table)
        number += cell.pool * len(set(grid.seeds))
        samples += number
        if grid.measure and number:
            from mora_bench.training.cost_probe import decoding

            seconds += number * decoding(cell, runtime)[0]
    return samples, seconds if grid.measure or not samples else math.nan


def _reading(cells: Sequence[Cell], grid: Grid, runtime: Runtime, prices: Prices) -> tuple[int, float]:
    """Samples that frozen backbones are still to read alone, and seconds of that, NaN where no price is known."""
    readers = {(c.dataset, c.decoded_for): c for c in cells if c.recipe is None and c.decoded_for}
    if not readers:
        return 0, 0.0
    from mora_bench.data import datasets
    from mora_bench.training.cost_probe import decoding
    from mora_bench.training.masking import decoded

    samples, seconds = 0, 0.0
    for cell in readers.values():
        table = datasets.table_of(cell.dataset, runtime)
        number = 0 if all(folder.exists() for folder in decoded(replace(cell, pool=0), runtime)) else len(table)
        number += cell.pool * len(set(grid.seeds))
        samples += number
        if number:
            seconds += number * decoding(cell, runtime)[1] if grid.measure else prices.reading(cell, number)
    return samples, seconds


def _sentence(
    rows: Sequence[CellCount], price: Priced, where: str, more: str, beside: Sequence[tuple[int, float]], workers: int
) -> str:
    cells, without = sum(row.cells for row in rows), sum(price.unknown.values())
    if without == cells:
        return f"No time estimate: no record of such cells on this device; {HOW}."
    more_seconds = sum(seconds for _, seconds in beside if not math.isnan(seconds))
    time, least = (_time((_sum(seconds) + more_seconds) / workers) for seconds in (price.seconds, price.least))
    left = f"; no time estimate for {number_of(without)}, because no record is like that: {HOW}" if without else ""
    kinds = zip(("decoded", "read by a frozen backbone"), beside, strict=True)
    unmeasured = " and ".join(
        f"{samples:,} samples are {what}" for what, (samples, seconds) in kinds if math.isnan(seconds)
    )
    data = f"; beside it up to {unmeasured}" if unmeasured else ""
    terms = f"with {workers} at once{more}, {where}{data}{left}."
    if not price.open_ended:
        return f"About {time} {terms}"
    return f"At most about {time} {terms} Patience may end cells earlier; the least is about {least}."


def _time(seconds: float) -> str:
    hours = seconds / 3600
    if hours < 2:
        return f"{60 * hours:.2g} minutes" if 60 * hours >= 1 else number_of(max(round(3600 * hours), 1), "second")
    return f"{hours:,.3g} hours" if hours < 72 else f"{hours / 24:,.3g} days"
