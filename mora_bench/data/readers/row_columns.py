"""Columns of a table of one's own that no model sees: covariates, and how much each row counts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mora_bench.data.readers import joined
from mora_bench.data.readers.cells import nothing, refuse
from mora_bench.data.readers.measured import MOSTLY, WITH_COMMA, asked, is_number, number
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.thousands import read_as_decimals, refuse_thousands


def covariates(frame: pd.DataFrame, columns: Columns, file: Path) -> dict[str, tuple[str, ...]]:
    """The cells of each covariate, N texts per name: "" where one says that nothing is there, and numbers with a point.
    All other cells stay as they are, because a covariate may hold names.

    Raises:
        UserError: what `refuse_thousands` does.
    """
    between = joined.separators(file, columns.joins(file), columns.covariates)
    return {name: _covariate(frame[name], between[name], file) for name in columns.covariates}


def _covariate(column: pd.Series, between: str, file: Path) -> tuple[str, ...]:
    comma = between != ","
    cells = ["" if nothing(cell) else cell for cell in column]
    filled = [cell.strip() for cell in cells if cell]
    # Among names, 7,5 is a name.
    if comma and sum(is_number(cell, comma) for cell in filled) > MOSTLY * len(filled):
        refuse_thousands(column, file, between)
        cells = [cell.replace(",", ".") if WITH_COMMA.fullmatch(cell.strip()) else cell for cell in cells]
    return tuple(cells)


def weights(frame: pd.DataFrame, columns: Columns, file: Path) -> tuple[float, ...]:
    """How much each row counts in training, N numbers.

    Raises:
        UserError: a cell is no number above 0; what `refuse_thousands` does.
    """
    column = frame[columns.weights]
    between = joined.separators(file, columns.joins(file), [columns.weights])[columns.weights]
    refuse_thousands(column, file, between)
    read = [number(cell.strip(), commas=between != ",") for cell in column]
    do = "Give every row a weight above 0, or leave the row out."
    # Rows are those of the first table, wherever the column comes from.
    refuse(column, [weight is None or weight <= 0 for weight in read], file, "is no number above 0", do)
    return tuple(weight for weight in read if weight is not None)


def decimal_notes(frame: pd.DataFrame, columns: Columns, file: Path) -> list[str]:
    """A note on each covariate, the weights and the times if each number of them may be one of thousands."""
    names = [name for name in dict.fromkeys([*columns.covariates, columns.weights, columns.time]) if name]
    between = joined.separators(file, columns.joins(file), names)
    shown = {asked(name)[0] for name in columns.table}
    return [note for name in names if name not in shown for note in read_as_decimals(frame[name], between[name])]
