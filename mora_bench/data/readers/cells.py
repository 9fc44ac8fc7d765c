"""Cells of a table that people filled in: which are empty, and how bad ones are named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mora_bench.errors import UserError
from mora_bench.text import listed

#: How a table says that a value is not there, in lower case.
NOTHING = ("", "nan", "na", "n/a", "none", "null")
#: How many bad cells a message names.
NAMED = 5


def nothing(value: str) -> bool:
    """Whether a cell is empty, or says so."""
    return value.strip().lower() in NOTHING


def text(value: str) -> str | None:
    """A cell's text, None where there is none."""
    return None if nothing(value) else value


def named(column: pd.Series, bad: Iterable[bool]) -> str:
    """The first bad cells of a column, by row as a spreadsheet numbers them, and how many more there are. The column's
    index are the rows of the table, from 0."""
    rows = [i for i, wrong in enumerate(bad) if wrong]
    return listed([f"row {column.index[i] + 2}: {column.iloc[i][:60]!r}" for i in rows], NAMED, "; ")


def refuse(column: pd.Series, bad: Iterable[bool], file: Path, what: str, do: str) -> None:
    """Refuse a column if any of its cells is bad, and name the first ones."""
    wrong = list(bad)
    if any(wrong):
        raise UserError(f"{file}, column {column.name!r} {what} in {named(column, wrong)}. {do}")
