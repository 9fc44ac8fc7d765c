"""The one sheet of an Excel file that is a table."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from mora_bench.errors import UserError

#: A cell with a formula and no value, in the XML of a sheet: its attributes, and the formula, none where it shares one.
FORMULA = re.compile(
    rb"<(?:\w+:)?c(\s[^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
#: Where a cell stands, and what says that its value is a text, which may be one of no letters.
PLACE, TEXT = re.compile(rb'\sr="([A-Z]+)([0-9]+)"'), re.compile(rb'\st="str"')


class Page(NamedTuple):
    """A sheet: its name, and where its XML lies in the file."""

    name: str
    part: str


def sheet(file: Path) -> str | int:
    """The name of the one sheet that can be seen and holds anything; the first one's place, 0, if none does.

    Raises:
        UserError: several sheets do, because one of them would be read and the others not.
    """
    now = file.stat()
    filled = _filled(file, (now.st_size, now.st_mtime_ns))
    if len(filled) > 1:
        names = ", ".join(repr(page.name) for page in filled)
        raise UserError(
            f"{file}: {len(filled)} sheets hold something: {names}. Expected one. Save the one that is meant as a file "
            "of its own, or remove the others."
        )
    return filled[0].name if filled else 0


def uncalculated(file: Path) -> dict[int, dict[int, str]]:
    """The formulas of that sheet without a value, by column and then by row, from 0. Programs that write formulas and
    compute none leave them so, and readers of values find these cells empty."""
    now = file.stat()
    formulas: dict[int, dict[int, str]] = {}
    for page in _filled(file, (now.st_size, now.st_mtime_ns)):
        with zipfile.ZipFile(file) as book:
            cells = book.read(page.part)
        for attributes, formula in FORMULA.findall(cells):
            place = PLACE.search(attributes)
            if place and not TEXT.search(attributes):
                written = "=" + unescape(formula.decode("utf-8", "replace"))
                formulas.setdefault(_column(place[1]), {})[int(place[2]) - 1] = written
    return formulas


def _column(letters: bytes) -> int:
    """The number of a column, from 0: A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


@cache
def _filled(file: Path, version: tuple[int, int]) -> tuple[Page, ...]:
    """The sheets that can be seen and hold anything."""
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    try:
        pages = []
        for page in book.worksheets:
            # Some programs write a wrong size of the sheet.
            page.reset_dimensions()
            if page.sheet_state == "visible" and _holds(page.iter_rows(values_only=True)):
                pages.append(Page(page.title, page._worksheet_path))
        return tuple(pages)
    finally:
        book.close()


def _holds(rows: Iterable[Iterable[Any]]) -> bool:
    """Whether a cell is not blank."""
    return any(cell is not None and str(cell).strip() for row in rows for cell in row)
