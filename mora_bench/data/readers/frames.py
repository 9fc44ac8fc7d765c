"""Opens tables that other people made: CSV and Excel files of text, of which anything may be wrong."""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mora_bench.errors import UserError

#: The most bytes that an Excel file may have once unpacked.
UNPACKED = 500 << 20
#: A cell right of column ZZ, and the number of a row, in the XML of a sheet.
FAR, ROW = re.compile(rb'<c [^>]*r="([A-Z]{3}[0-9]+)"'), re.compile(rb'<row [^>]*r="([0-9]+)"')


def frame(file: Path, columns: Sequence[str], more: Sequence[str] = ()) -> pd.DataFrame:
    """A table with at least these columns, and `more` if it has them, all of it as text, "" where a cell is empty.

    Raises:
        UserError: it is no plain file, cannot be read, has no rows, or lacks a column.
    """
    if not file.is_file():
        raise UserError(f"{file}: {'not a plain file' if file.exists() else 'absent'}. Download it again.")
    try:
        if file.suffix == ".csv":
            there = header(file)
            if any("\0" in column for column in there):
                raise UserError(f"{file}: not UTF-8 (its header has NUL bytes, as UTF-16's has). Save it as UTF-8.")
            _check_columns(there, columns, file)
            found = pd.read_csv(file, dtype=str, keep_default_na=False, usecols=lambda name: name in (*columns, *more))
        else:
            _check_size(file)
            found = pd.read_excel(file, dtype=str, keep_default_na=False, engine="openpyxl")
            _check_columns(list(map(str, found.columns)), columns, file)
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 ({error}). Save it as UTF-8, as a spreadsheet's export can.") from error
    except UserError:
        raise
    except Exception as error:
        # Of a damaged file openpyxl and zipfile raise whatever comes up first.
        raise UserError(f"{file}: not a readable table ({str(error)[:300]}). Download it again.") from error
    if not isinstance(found.index, pd.RangeIndex):
        # pandas takes what stands left of as many fields as the header has for names of rows.
        raise UserError(f"{file}: a row has more fields than the header. Is a quote missing? Correct the table.")
    if found.empty:
        raise UserError(f"{file}: no rows below the header. Download it again.")
    return found


def header(file: Path) -> list[str]:
    """The columns of a CSV file, in order. A frame is not made of them: of 100,000 that takes half a minute."""
    found: dict[str, None] = {}

    def seen(name: Any) -> bool:
        found[str(name)] = None
        return len(found) == 1

    pd.read_csv(file, dtype=str, nrows=0, index_col=False, usecols=seen)
    return list(found)


def _check_columns(found: Sequence[str], columns: Sequence[str], file: Path) -> None:
    there = set(found)
    absent = [column for column in columns if column not in there]
    if absent:
        some = ", ".join(column[:80] for column in found[:40])
        raise UserError(f"{file}: no column {', '.join(map(repr, absent))}. Found: {some}.")


def _check_size(file: Path) -> None:
    """Refuse an Excel file that would fill the memory: large once unpacked, or nearly empty with one cell far off,
    before which readers build all others."""
    with zipfile.ZipFile(file) as book:
        if sum(part.file_size for part in book.infolist()) > UNPACKED:
            raise UserError(f"{file}: over {UNPACKED >> 20} MB once unpacked. Save it as CSV.")
        for name in (name for name in book.namelist() if name.startswith("xl/worksheets/")):
            sheet = book.read(name)
            far = FAR.search(sheet)
            rows = [int(number) for number in ROW.findall(sheet)]
            if far or (rows and max(rows) > 10 * len(rows) + 1000):
                cell = far[1].decode() if far else f"in row {max(rows)}"
                raise UserError(f"{file}: a cell far off ({cell}), which may hold a blank. Delete its column or row.")
