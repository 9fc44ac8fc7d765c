"""The gaps of a cell: its samples, and the sides that predictors see, without the values that are lost."""

from dataclasses import replace
from typing import Any

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.data.modalities.contract import Content
from mora_bench.data.modalities.signal import Gapped
from mora_bench.data.samples import Samples
from mora_bench.data.sides import Side
from mora_bench.data.table import Column, Table
from mora_bench.missing.gaps.draw import with_gaps


def of_samples(cell: Cell, samples: Samples) -> Samples:
    """Decoded samples with the cell's gaps."""
    if cell.gaps is None:
        return samples
    table = samples.table

    def without(name: str, content: Content) -> Content:
        return content.with_gaps(lambda row, values: _left(cell, name, table.ids[row], values))

    contents = tuple(without(name, content) for name, content in zip(table.names, samples.contents, strict=True))
    return replace(samples, contents=contents)


def of_side(cell: Cell, side: Side) -> Side:
    """A side whose table's signals have the cell's gaps, for what reads their values. Masks are drawn from the side as
    it was, because they read contents without gaps."""
    if cell.gaps is None:
        return side
    modalities = {
        name: _gapped(cell, name, side.table, column) if side.table.kind(name).gapped else column
        for name, column in side.table.modalities.items()
    }
    return replace(side, table=replace(side.table, modalities=modalities))


def _gapped(cell: Cell, name: str, table: Table, column: Column) -> Column:
    exists = table.kind(name).exists

    def gapped(id: str, value: Any) -> Any:
        if value is None or not exists(value):
            return None
        return Gapped(value, lambda values: _left(cell, name, id, values))

    return Column(column.kind, tuple(gapped(id, value) for id, value in zip(table.ids, column.values, strict=True)))


def _left(cell: Cell, name: str, id: str, values: np.ndarray) -> np.ndarray:
    assert cell.gaps is not None
    return with_gaps(values, cell.gaps, cell.drawn_by, name, cell.seed, id)
