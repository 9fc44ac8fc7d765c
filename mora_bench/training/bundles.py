"""Cells that are run as one, so that a frozen network runs once for all of them."""

from collections.abc import Sequence
from dataclasses import replace

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.methods.contract import declares


def bundles(cells: Sequence[Cell], most: int) -> list[list[Cell]]:
    """`cells` in the runs that workers are given: one by one, or up to `most` that may be trained as one.

    These differ in learning rate alone, or also in rank where the method says that smaller ranks may be filled up.
    """
    alike: dict[Cell, list[Cell]] = {}
    for cell in cells:
        alike.setdefault(_common(cell) if most > 1 else cell, []).append(cell)
    return [group[start : start + most] for group in alike.values() for start in range(0, len(group), most)]


def _common(cell: Cell) -> Cell:
    """What cells of one bundle share."""
    if cell.recipe is None:
        return cell
    rank = None if declares(registry.get(registry.METHODS, cell.method), "pads_rank") else cell.rank
    return replace(cell, rank=rank, recipe=replace(cell.recipe, lr=1.0))
