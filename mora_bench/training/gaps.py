"""The gaps of a cell: its samples, and the sides that predictors see, without the values that are lost, in training
and, where that is another question, in tests."""

from dataclasses import replace
from typing import Any

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.cells.missing import Gaps
from mora_bench.data.modalities.contract import Content
from mora_bench.data.modalities.signal import Gapped
from mora_bench.data.samples import Samples
from mora_bench.data.sides import Side
from mora_bench.data.table import Column, Table
from mora_bench.missing.gaps.draw import with_gaps


def of_samples(cell: Cell, samples: Samples, tested: bool = False) -> Samples:
    """Decoded samples with the gaps that the cell is trained with, or tested with, instead of any that they have."""
    if cell.gaps is None and cell.test_gaps is None:
        return samples
    table, gaps = samples.table, _gaps(cell, tested)

    def without(name: str, content: Content) -> Content:
        if gaps is None:
            return content.with_gaps(None)
        return content.with_gaps(lambda row, values: _left(cell, gaps, name, table.ids[row], values))

    contents = tuple(without(name, content) for name, content in zip(table.names, samples.contents, strict=True))
    return replace(samples, contents=contents)


def facts(cell: Cell, training: Samples, test: Samples) -> dict[str, Any]:
    """Facts about the contents that training samples are of, by modality, and what is left of the signals of those that
    test samples are of, where tests have other gaps."""
    known = training.facts()
    if cell.test_gaps is None or cell.tested_gaps is None:
        return known
    for name, of_modality in of_samples(cell, test, tested=True).facts().items():
        if "measured" in of_modality:
            known[name]["left in tests"] = of_modality.get("left", of_modality["measured"])
    return known


def of_side(cell: Cell, side: Side, tested: bool = False) -> Side:
    """A side whose table's signals have the gaps that the cell is trained with, or tested with, for what reads their
    values. Masks are drawn from the side as it was, because they read contents without gaps."""
    gaps = _gaps(cell, tested)
    if gaps is None:
        return side
    modalities = {
        name: _gapped(cell, gaps, name, side.table, column) if side.table.kind(name).gapped else column
        for name, column in side.table.modalities.items()
    }
    return replace(side, table=replace(side.table, modalities=modalities))


def _gaps(cell: Cell, tested: bool) -> Gaps | None:
    return cell.tested_gaps if tested else cell.gaps


def _gapped(cell: Cell, gaps: Gaps, name: str, table: Table, column: Column) -> Column:
    exists = table.kind(name).exists

    def gapped(id: str, value: Any) -> Any:
        if value is None or not exists(value):
            return None
        return Gapped(value, lambda values: _left(cell, gaps, name, id, values))

    return Column(column.kind, tuple(gapped(id, value) for id, value in zip(table.ids, column.values, strict=True)))


def _left(cell: Cell, gaps: Gaps, name: str, id: str, values: np.ndarray) -> np.ndarray:
    return with_gaps(values, gaps, cell.drawn_by, name, cell.seed, id)
