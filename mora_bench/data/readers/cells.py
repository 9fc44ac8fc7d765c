"""Cells of a table that people filled in: which are empty, and how bad ones are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mora_bench.errors import UserError
from mora_bench.text import listed

#: What stands in a cell of Excel whose formula failed; pandas does not say which error it was.
ERROR = "#ERROR!"
#: Errors of Excel as it shows them, and writes them into text files, in English and German, in lower case.
ERRORS = (
    ERROR.lower(), "#n/a", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!", "#spill!", "#calc!", "#field!",
    "#blocked!", "#connect!", "#getting_data", "#nv", "#bezug!", "#wert!", "#zahl!",
)  # fmt: skip
#: How a table says that a value is not there, in lower case: words, those that pandas takes for it, the point of SAS
#: and errors of Excel.
NOTHING = (
    "", "nan", "na", "n/a", "n.a.", "none", "null", "<na>", "nat", "#na", "#n/a n/a", "-nan", "1.#ind", "-1.#ind",
    "1.#qnan", "-1.#qnan", ".", *ERRORS,
)  # fmt: skip
#: Marks that may say so, or be a value: a - may mean that a test was negative.
MARKS = ("-", "--", "---", "\u2013", "\u2014", "..", "...", "\u2026", "/", "?")
#: How a table says yes and no, in lower case.
YES_NO = {"1": 1, "1.0": 1, "yes": 1, "true": 1, "y": 1, "0": 0, "0.0": 0, "no": 0, "false": 0, "n": 0}
#: How many bad cells a message names.
NAMED = 5


def nothing(value: str) -> bool:
    """Whether a cell is empty, or says so."""
    return value.strip().lower() in NOTHING


def text(value: str) -> str | None:
    """A cell's text, None where there is none."""
    return None if nothing(value) else value


def keys(column: pd.Series) -> pd.Series:
    """What a column that names somebody has in each row, without blanks around it; "" where it is empty or an error of
    Excel, which names nobody. A word such as NA may be a name."""
    cells = column.str.strip()
    return cells.where(~cells.str.lower().isin(ERRORS), "")


def marked(column: pd.Series, marks: Sequence[str], what: str) -> list[str]:
    """A warning of the cells of a column that hold one of some marks alone, given in lower case; none if none does.

    Args:
        what: what such a cell counts as.
    """
    odd = column.str.strip().str.lower().isin([mark for mark in marks if mark])
    if not odd.any():
        return []
    do = "Empty these cells if nothing is there."
    return [f"WARNING: column {column.name!r}: {named(column, odd)} counts as {what}. {do}"]


def errors(frame: pd.DataFrame) -> dict[str, str]:
    """By column a sentence on the errors of Excel in it, which are read as empty cells; none where none is."""
    sentences = {}
    for name, cells in frame.items():
        wrong = cells.str.strip().str.lower().isin(ERRORS)
        if wrong.any():
            what = f"cells that hold an error of Excel, and count as empty ({wrong.sum()})"
            sentences[str(name)] = f"column {name!r}: {what}: {named(cells, wrong)}"
    return sentences


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
