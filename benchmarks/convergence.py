"""Whether cells are trained enough: those of a grid with its cap of epochs and with twice as many, beside what its
table can tell.

    python benchmarks/convergence.py --preset quick --methods head mora lora full --out results/twice
    python benchmarks/convergence.py --preset quick --patience-times 3 --out results/patient

With --patience-times N early stopping waits N times as long, too: where validation is noisy, what ends a training too
early is patience, and no cap.

Takes the options of `grid`; runs what is not done, competitors without a network left out, and prints a table from
the records: the mean of every row with either cap, their difference and the minimum detectable difference of the
section, by the score of the tables (--metric), and in how many cells the best validation lay in the last fifth of the
maximum number of epochs.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

from tabulate import tabulate

from mora_bench import campaign
from mora_bench.cells.cell import NONE, Cell
from mora_bench.cli.grid import asked
from mora_bench.plan.grid import Grid
from mora_bench.records.store import Store
from mora_bench.report.compare import Comparison, compare
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.tables import between
from mora_bench.report.write import read

HEADERS = (
    "section", "tested", "row", "mean", "trained longer", "difference", "detectable", "within it",
    "cut short", "trained longer", "epochs", "trained longer",
)  # fmt: skip


def longer(grid: Grid, patience: int = 1) -> Grid:
    """The grid with twice the cap, and so many times the patience, whatever its preset says of a dataset or method."""
    times = {"epochs": 2, "patience": patience}
    more = {
        owner: values | {name: times[name] * values[name] for name in times if name in values}
        for owner, values in grid.overrides.items()
    }
    recipe = {name: count * getattr(grid.recipe, name) for name, count in times.items()}
    return replace(grid, recipe=replace(grid.recipe, **recipe), overrides=more)


def epochs(store: Store, cells: list[Cell], row: Row) -> str:
    """From the fewest to the most epochs that the cells of a row were trained."""
    keys = {key.partition("-")[0] for key in row.keys}
    counts = []
    for cell in cells:
        record = store.record(cell) if cell.key in keys else None
        if record and record.training and cell.recipe:
            counts.append(cell.recipe.epochs * record.training.steps / record.training.cap)
    return f"{min(counts):.3g} to {max(counts):.3g}" if counts else ""


def lines(store: Store, caps: tuple[list[Cell], list[Cell]], tables: list[list[Comparison]]) -> Iterator[list[str]]:
    """One line a section, score and row; `tables` are those of the cells of either cap."""
    for table in tables[0]:
        for section in table.sections:
            other = _section(tables[1], section.title)
            for score, tested in table.tests.items():
                for row in section.competing:
                    twice = (
                        next((entry for entry in other.competing if entry.label == row.label), None) if other else None
                    )
                    if twice is None:
                        continue
                    difference, resolution = twice.mean[score] - row.mean[score], section.resolution[score]
                    yield [
                        section.title, tested, row.label, *(table.metric.shown(r.mean[score]) for r in (row, twice)),
                        table.metric.shown(difference, sign=True), between(table.metric, resolution),
                        "yes" if abs(difference) <= resolution[0] else "no",
                        *(f"{entry.cut_short} of {entry.seeds}" for entry in (row, twice)),
                        *(epochs(store, cells, entry) for cells, entry in zip(caps, (row, twice), strict=True)),
                    ]  # fmt: skip


def _section(tables: list[Comparison], title: str) -> Section | None:
    return next((section for table in tables for section in table.sections if section.title == title), None)


def main(arguments: list[str]) -> None:
    patience = 1
    if "--patience-times" in arguments:
        at = arguments.index("--patience-times")
        patience = int(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2 :]
    grid, preset, runtime = asked(arguments, "grid")
    grid, preset = (replace(base, floors=(NONE,)) for base in (grid, preset))
    once = campaign.plan(grid, runtime, preset).cells
    # Twice what a flag says as well.
    caps = once, campaign.plan(longer(grid, patience), runtime, longer(preset, patience)).cells
    for number, (cell, record) in enumerate(campaign.run([*caps[0], *caps[1]], runtime, grid.engine), 1):
        print(f"{number} ended: {cell.label}, at most {cell.recipe and cell.recipe.epochs} epochs: {record.status}")
    cells = read(runtime.out, grid.metric).cells
    tables = [compare(cells[cells["key"].isin({cell.key for cell in planned})]) for planned in caps]
    body = list(lines(Store(runtime.out), caps, tables))
    print(tabulate(body, HEADERS, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main(sys.argv[1:])
