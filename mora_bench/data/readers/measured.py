"""Columns of measured values: of numbers or of categories, by their cells or as the user says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mora_bench.data.readers.cells import named, nothing, refuse
from mora_bench.data.readers.dates import DATE, HL7
from mora_bench.errors import UserError
from mora_bench.text import number_of

Kind = Literal["number", "category"]
KINDS: tuple[Kind, ...] = ("number", "category")
#: A number, with a point; with a comma instead, where commas do not separate the fields.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WITH_COMMA = re.compile(r"[+-]?\d+,\d+")
#: A whole number of two digits or more that begins with 0: the number of a site, say, and no measure.
CODE = re.compile(r"0\d+")
#: The largest number of single precision.
LARGEST = 3.4e38
#: A number with a unit or a % behind it.
WITH_UNIT = re.compile(r"[<>~\u2264\u2265]?\s*[+-]?\d+([.,]\d+)?\s*(%|\u2030|\u00b0|[^\W\d_]).*")
#: A number whose minus is that of typesetting, or a dash.
TYPESET = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]\s*\d+([.,]\d+)?")
#: A number with marks between its thousands.
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([,.'\u2019 \u00a0\u2009\u202f])\d{3}(\1\d{3})*([.,]\d+)?")
#: A number with what laboratories write beside it, in brackets or with a decimal comma; plain ones fit, too.
PLAIN = r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?"
MARKED = re.compile(
    rf"[<>=~\u2248\u2264\u2265]*\s*{PLAIN}\s*[*+#!^\u2020\u2021]*|\({PLAIN}\)|[<>\u2264\u2265]=?\s*{PLAIN}\s*[^\d\s].*"
)
#: Categories of more kinds than these hardly repeat.
MOST_KINDS = 10
#: A column is meant to hold numbers if more than this share of its cells are numbers.
MOSTLY = 0.5


@dataclass(frozen=True)
class Measured:
    """A column of measured values: its `kind`, why it is taken for that, and its values, None where there is none."""

    kind: Kind
    why: str
    values: tuple[float | str | None, ...]


def asked(name: str) -> tuple[str, Kind | None]:
    """A column as it is asked for: "age:number" is the column "age", of numbers; "age" leaves open what it holds."""
    column, _, kind = name.rpartition(":")
    stated: Kind | None = next((known for known in KINDS if known == kind), None)
    return (name, None) if stated is None else (column, stated)


def kept_cells(column: pd.Series, kept: np.ndarray, file: Path) -> pd.Series:
    """The cells of a column in the rows that are kept (bool [N]).

    Raises:
        UserError: all of them are empty.
    """
    cells = column[kept]
    if not all(map(nothing, cells)):
        return cells
    lost = sum(not nothing(cell) for cell in column[~kept])
    do = "Leave it out of --table."
    if lost:
        do += (
            f" Rows that are left out hold {number_of(lost, 'value')}, as rows of a repeating instrument do (REDCap): "
            "save such rows as a table of their own, for --signal, or for --join if it has one row a key."
        )
    raise UserError(f"{file}, column {column.name!r}: empty in all {number_of(len(cells), 'row')} that are read. {do}")


def measured(column: pd.Series, kind: Kind | None, file: Path, commas: bool) -> Measured:
    """The kind and the values of a column of text.

    Args:
        kind: as the user says, None to find out.
        commas: whether 7,5 may be a number, because no comma separates fields.

    Raises:
        UserError: some cells are numbers and some are not, or they are measures with units or dates, and nobody said
            which kind it is.
    """
    cells = [None if nothing(value) else value.strip() for value in column]
    filled = [cell for cell in cells if cell is not None]
    numbers = [number(cell, commas) for cell in filled]
    known = [number for number in numbers if number is not None]
    if kind is None:
        _refuse_measures(column, cells, file, commas)
    if kind == "category" or (kind is None and not known):
        if kind is None:
            _refuse_marked(column, cells, file, commas)
        kinds = len({*filled})
        why = "as you say" if kind else f"no number in it, {kinds} values"
        if not kind and filled and not commas and all(map(WITH_COMMA.fullmatch, filled)):
            why += "; with decimal commas, of which a table whose fields are separated by commas has none: write points"
        return Measured("category", why, tuple(cells))
    if kind is None:
        codes = [cell for cell in filled if CODE.fullmatch(cell)]
        if codes and len(known) == len(filled):
            return Measured("category", f"whole numbers that begin with 0, such as {codes[0]}", tuple(cells))
        odd = [cell is not None and number(cell, commas) is None for cell in cells]
        others = {cell.casefold() for cell, wrong in zip(cells, odd, strict=True) if cell is not None and wrong}
        # However often it stands there: one mark among numbers is no category, but a value that is not there.
        if len(known) > MOSTLY * len(filled) or (len(others) == 1 and sum(odd) > 1):
            do = f"Correct them, or say {column.name}:number (they count as empty) or {column.name}:category."
            refuse(column, odd, file, "holds numbers, but not", do)
        elif sum(odd):
            _refuse_marked(column, cells, file, commas)
            return Measured("category", f"{sum(odd)} of {len(filled)} cells are no numbers", tuple(cells))
    lost = len(filled) - len(known)
    values = tuple(None if cell is None else number(cell, commas) for cell in cells)
    why = "as you say" if kind else f"all {len(filled)} cells that are not empty are numbers"
    if kind and lost:
        odd = [cell is not None and number(cell, commas) is None for cell in cells]
        why += f"; {lost} cells that are no numbers count as empty: {named(column, odd)}"
    return Measured("number", why, values)


def _refuse_measures(column: pd.Series, cells: Sequence[str | None], file: Path, commas: bool) -> None:
    """Refuse a column of many kinds of cells, most of which are dates, or numbers with a unit or with marks between
    thousands: no two of them are near each other as categories, and dates of digits alone are as far apart as no days
    are. Few kinds, such as 18 years and 65 years, may be categories, but for numbers whose minus is none."""
    filled = [cell for cell in cells if cell is not None]
    say = f"say {column.name}:category"
    for form, what, do in (
        (DATE, "dates", f"Give the time between two dates as a number, such as the age in years, or {say}."),
        (WITH_UNIT, "numbers with something behind them", f"Write numbers alone, all in one unit, or {say}."),
        (THOUSANDS, "numbers with marks between thousands", f"Write 1072, and decimals as 0.5, or {say}."),
        (TYPESET, "numbers with a minus that is no hyphen", f"Write -2.25 with a hyphen, or {say}."),
    ):
        held = [cell is not None and bool(form.fullmatch(cell)) and not _of_digits(cell, commas) for cell in cells]
        if form is DATE:
            held = [fits or bool(HL7.fullmatch(cell or "")) for cell, fits in zip(cells, held, strict=True)]
        kinds = len({cell for cell, fits in zip(cells, held, strict=True) if fits})
        many = _many(kinds, filled) or form is TYPESET
        if sum(held) > MOSTLY * len(filled) and many:
            refuse(column, held, file, f"holds {what}", do)


def _refuse_marked(column: pd.Series, cells: Sequence[str | None], file: Path, commas: bool) -> None:
    """Refuse a column of many kinds of cells, most of which are numbers if one passes over what stands beside some of
    them (<0.1, 5*) and over decimal commas: as categories no two are near each other. Few kinds, such as 1+, 2+ and 3+,
    may be categories."""
    filled = [cell for cell in cells if cell is not None]
    meant = {cell for cell in filled if is_number(cell, commas) or MARKED.fullmatch(cell) or TYPESET.fullmatch(cell)}
    if sum(cell in meant for cell in filled) <= MOSTLY * len(filled) or not _many(len(meant), filled):
        return
    say = f"{column.name}:number (they count as empty) or " * any(is_number(cell, commas) for cell in filled)
    do = f"Write numbers alone, with a decimal point, or say {say}{column.name}:category."
    odd = [cell in meant and not is_number(cell, commas) for cell in map(str, cells)]
    refuse(column, odd, file, "holds numbers with marks beside them, or commas,", do)


def _many(kinds: int, filled: Sequence[str]) -> bool:
    """Whether there are more kinds of cells than categories likely have."""
    return kinds > min(MOST_KINDS, MOSTLY * len(filled))


def _of_digits(cell: str, commas: bool) -> bool:
    """Whether a cell is a number of any size."""
    return bool(NUMBER.fullmatch(cell) or (commas and WITH_COMMA.fullmatch(cell)))


def is_number(cell: str, commas: bool) -> bool:
    """Whether a cell holds a number; `commas` as in `measured`."""
    return number(cell, commas) is not None


def number(cell: str, commas: bool) -> float | None:
    """The number that a cell holds, None if it is none, or one that single precision, in which networks compute, does
    not hold; `commas` as in `measured`."""
    if not _of_digits(cell, commas):
        return None
    parsed = float(cell.replace(",", "."))
    return parsed if abs(parsed) <= LARGEST else None


def same(cell: str) -> str | float:
    """The key that two spellings of one name or number share: a name's case does not count, and 1 is 1.0."""
    parsed = number(cell.strip(), commas=False)
    return cell.strip().casefold() if parsed is None else parsed
