"""One group of cells after the other, in this process: for debuggers, and for a single GPU."""

from collections.abc import Iterator

from mora_bench.cells.cell import Cell
from mora_bench.training.cell import Site, groups, work


def run(cells: list[Cell], site: Site) -> Iterator[tuple[Cell, dict]]:
    """Run `cells` in order."""
    for group in groups(cells, site):
        yield from zip(group, work(group, site), strict=True)
