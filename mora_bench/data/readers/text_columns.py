"""Columns of a table that hold texts, or say in which files these are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mora_bench.data.readers.cells import text
from mora_bench.data.readers.path_columns import FIELD, Absent, located
from mora_bench.data.table import Column
from mora_bench.errors import UserError

#: The most bytes of a file of text: no report is as long, and a column of pictures is soon noticed.
MOST = 1 << 20


def from_files(entry: str) -> bool:
    """Whether a column of texts, as it is asked for, is one of files: "report={study}.txt", and not "report"."""
    return "=" in entry and FIELD.search(entry.partition("=")[2]) is not None


def texts(column: pd.Series) -> Column:
    """A column of texts."""
    return Column("text", tuple(map(text, column)))


def texts_of_files(column: pd.Series, bases: Sequence[Path], file: Path, absent: Absent) -> Column:
    """The texts of the files that a column of paths names, several of a cell one after the other; None where none is
    there, or all are empty.

    Args:
        bases, file, absent: as in `located`.

    Raises:
        UserError: as `located`, or a file that is no text in UTF-8 or longer than `MOST`.
    """
    cells = [[_text(path) for path in paths] for paths in located(column, bases, file, absent, "texts")]
    return Column("text", tuple(text("\n".join(filter(None, contents))) for contents in cells))


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path}: a folder; expected a file of text.")
    if path.stat().st_size > MOST:
        raise UserError(f"{path}: {path.stat().st_size:,} bytes; expected a text of at most {MOST:,}.")
    try:
        return path.read_text("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: no text in UTF-8 (byte {error.start}). Convert it: iconv -t UTF-8.") from None
