"""The one sheet of an Excel file that is a table."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from mora_bench.errors import UserError


def sheet(file: Path) -> str | int:
    """The name of the one sheet that can be seen and holds anything; the first one's place, 0, if none does.

    Raises:
        UserError: several sheets do, because one of them would be read and the others not.
    """
    now = file.stat()
    filled = _filled(file, (now.st_size, now.st_mtime_ns))
    if len(filled) > 1:
        raise UserError(
            f"{file}: {len(filled)} sheets hold something: {', '.join(map(repr, filled))}. Expected one. Save the one "
            "that is meant as a file of its own, or remove the others."
        )
    return filled[0] if filled else 0


@cache
def _filled(file: Path, version: tuple[int, int]) -> tuple[str, ...]:
    """The names of the sheets that can be seen and hold anything."""
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    try:
        names = []
        for page in book.worksheets:
            # Some programs write a wrong size of the sheet.
            page.reset_dimensions()
            if page.sheet_state == "visible" and _holds(page.iter_rows(values_only=True)):
                names.append(page.title)
        return tuple(names)
    finally:
        book.close()


def _holds(rows: Iterable[Iterable[Any]]) -> bool:
    """Whether a cell is not blank."""
    return any(cell is not None and str(cell).strip() for row in rows for cell in row)
