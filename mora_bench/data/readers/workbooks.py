"""The one sheet of an Excel file that is a table."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mora_bench.data.readers.stored import of_excel
from mora_bench.errors import UserError

#: A cell with a formula and no value, in the XML of a sheet: its attributes, and the formula, none where it shares one.
FORMULA = re.compile(
    rb"<(?:\w+:)?c(\s[^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
#: Where a cell stands, and what says that its value is a text, which may be one of no letters.
PLACE, TEXT = re.compile(rb'\sr="([A-Z]+)([0-9]+)"'), re.compile(rb'\st="str"')
#: A range of cells that are merged: the place of its first cell, and of its last one.
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')
#: A row: its attributes, and its cells; of the attributes its number, and that it is hidden.
ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?row>)", re.DOTALL)
NUMBER, HIDDEN = re.compile(rb'\sr="([0-9]+)"'), re.compile(rb'\shidden="(?:1|true)"')
#: What a cell holds, of any kind.
HELD = re.compile(rb"<(?:\w+:)?[vt]\b[^>]*>[^<]")


class Page(NamedTuple):
    """A sheet: its name, and where its XML lies in the file."""

    name: str
    part: str


class Area(NamedTuple):
    """A range of cells, and its name (B2:B13): rows `top` to `bottom` and columns `left` to `right` from 0, without the
    last ones."""

    name: str
    top: int
    bottom: int
    left: int
    right: int


def headings(file: Path) -> list[str]:
    """The columns of that sheet, in order; a second one of a name is called NAME.1.

    Raises:
        UserError: as `_sheet` does.
    """
    return [of_excel(name) for name in pd.read_excel(file, _sheet(file), dtype=str, nrows=0, engine="openpyxl")]


def cells(file: Path) -> pd.DataFrame:
    """All cells of that sheet as text, "" where one is empty; columns as `headings`.

    Raises:
        UserError: as `_sheet` does.
    """
    table = pd.read_excel(file, _sheet(file), dtype=object, keep_default_na=False, engine="openpyxl")
    return table.map(of_excel).astype(str).set_axis([of_excel(name) for name in table], axis=1)


def _sheet(file: Path) -> str | int:
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
    formulas: dict[int, dict[int, str]] = {}
    for attributes, formula in FORMULA.findall(_xml(file)):
        place = PLACE.search(attributes)
        if place and not TEXT.search(attributes):
            written = "=" + unescape(formula.decode("utf-8", "replace"))
            formulas.setdefault(_column(place[1]), {})[int(place[2]) - 1] = written
    return formulas


def merged(file: Path) -> list[Area]:
    """The ranges of merged cells of that sheet, from left to right and downwards. The first cell of a range alone has
    the value that all of them show."""
    areas = []
    for left, top, right, bottom in MERGED.findall(_xml(file)):
        name = f"{(left + top).decode()}:{(right + bottom).decode()}"
        areas.append(Area(name, int(top) - 1, int(bottom), _column(left), _column(right) + 1))
    return sorted(areas, key=lambda area: (area.left, area.top))


def hidden(file: Path) -> list[int]:
    """The rows of that sheet, from 1, that hold something below the first one, and are hidden, as a filter does."""
    xml = _xml(file)
    if not HIDDEN.search(xml):
        return []
    numbers, number = [], 0
    for attributes, held in ROW.findall(xml):
        # A row that does not say its number is the one after the last.
        number = int(said[1]) if (said := NUMBER.search(attributes)) else number + 1
        if number > 1 and HIDDEN.search(attributes) and HELD.search(held):
            numbers.append(number)
    return numbers


def _xml(file: Path) -> bytes:
    """What that sheet is stored as, empty if no sheet holds anything."""
    now = file.stat()
    pages = _filled(file, (now.st_size, now.st_mtime_ns))
    with zipfile.ZipFile(file) as book:
        return b"".join(book.read(page.part) for page in pages)


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
