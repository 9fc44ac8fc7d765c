"""Groups cells into bundles that can be trained as one, so that the frozen network runs once per bundle."""

from collections.abc import Sequence
from dataclasses import replace

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.methods.contract import declares


def bundles(cells: Sequence[Cell], most: int) -> list[list[Cell]]:
    """Group `cells` into bundles of at most `most`; a worker runs one bundle at a time.

    Cells of one bundle differ in learning rate alone, or also in rank if the method declares `pads_rank`.
    """
    alike: dict[Cell, list[Cell]] = {}
    for cell in cells:
        alike.setdefault(_common(cell) if most > 1 else cell, []).append(cell)
    return [group[start : start + most] for group in alike.values() for start in range(0, len(group), most)]


def _common(cell: Cell) -> Cell:
    """The cell without the fields in which the cells of a bundle may differ."""
    if cell.recipe is None:
        return cell
    rank = None if declares(registry.get(registry.METHODS, cell.method), "pads_rank") else cell.rank
    return replace(cell, rank=rank, recipe=replace(cell.recipe, lr=1.0))
