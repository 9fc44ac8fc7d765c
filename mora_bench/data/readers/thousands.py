"""Columns of numbers of which nobody can say whether a comma or a point parts thousands or stands before decimals."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from mora_bench.data.readers.cells import NOTHING, refuse
from mora_bench.data.readers.measured import NUMBER, WITH_COMMA

#: By mark a number that may be of thousands (1,072), and the mark's name.
GROUPED = {mark: re.compile(rf"[+-]?[1-9]\d{{0,2}}\{mark}\d{{3}}") for mark in ",."}
NAMES = {",": "comma", ".": "point"}
WHOLE = re.compile(r"[+-]?\d+")
#: The separator of fields of tables whose decimals likely have commas, because a comma separates the fields of others.
SEMICOLON = ";"


def refuse_thousands(column: pd.Series, file: Path, separator: str) -> None:
    """Refuse a column of numbers in which 1,072 (or 1.072) may be 1072: each number with that mark has three digits
    behind it, and others have none; or numbers with the other mark stand beside it. Cells that are no numbers do not
    count.

    Args:
        column: N cells as text.
        separator: between the fields of its table, "" for kinds other than texts. Where it is a comma, a point is
            always a decimal one, and a comma in no number. Numbers that Excel and Parquet store have points, so a
            point beside whole numbers means thousands only where semicolons separate fields.

    Raises:
        UserError: it is such a column.
    """
    cells = column.str.strip()
    if separator == "," or (separator != SEMICOLON and not cells.str.contains(",", regex=False).any()):
        return
    number = cells.str.fullmatch(NUMBER) | cells.str.fullmatch(WITH_COMMA)
    has = {mark: number & cells.str.contains(mark, regex=False) for mark in GROUPED}
    for mark, other in ((",", "."), (".", ",")):
        if not has[mark].any():
            continue
        grouped = cells.str.fullmatch(GROUPED[mark])
        beside = cells.str.fullmatch(WHOLE).any() and (mark == "," or separator == SEMICOLON)
        if has[other].any() or (beside and not (has[mark] & ~grouped).any()):
            what = f"holds numbers whose {NAMES[mark]} may part thousands or decimals,"
            do = (
                f"Write thousands without it (1072). If it is a decimal {NAMES[mark]}, write all decimals of the "
                f"column with it, and these with a 0 more (1{mark}0720)."
            )
            refuse(column, grouped, file, what, do)


def read_as_decimals(column: pd.Series, separator: str) -> list[str]:
    """A note on a column of numbers that `refuse_thousands` lets pass, in which each number is like 1,072, and so may
    be 1072 as well; none for others. Arguments as there."""
    cells = column.str.strip()
    cells = cells[~cells.str.lower().isin(NOTHING)]
    for mark in () if separator == "," or cells.empty else (",", ".") if separator == SEMICOLON else (",",):
        if cells.str.fullmatch(GROUPED[mark]).all():
            first = cells.iloc[0]
            what = f"three digits stand behind the {NAMES[mark]} of each number, which is read as a decimal one"
            read = f"{first} is {first.replace(',', '.')}"
            return [f"column {column.name!r}: {what}: {read}. Write 1072 without it if it parts thousands"]
    return []
