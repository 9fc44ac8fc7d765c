"""Values as Excel and Parquet store them, as the text that a table's cells are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from mora_bench.data.readers.cells import ERROR, refuse


def of_excel(value: Any) -> str:
    """A cell of Excel as pandas gives it with the type object: NaN where a formula failed, "" where it is empty."""
    if isinstance(value, str):
        return _unescaped(value)
    return ERROR if isinstance(value, float) and math.isnan(value) else _text(value)


def _unescaped(text: str) -> str:
    """A text without the escapes by which Excel writes what XML does not hold, and carriage returns: _x000D_
    (ST_Xstring of ECMA-376)."""
    if "_x" not in text:
        return text
    from openpyxl.utils.escape import unescape

    return str(unescape(text))


def of_parquet(values: Sequence[Any], name: str, first: int, file: Path) -> list[str]:
    """The cells of a column of a Parquet file, "" where one is empty; bytes are text in UTF-8.

    Args:
        first: the row of the first one, from 0, below the header.

    Raises:
        UserError: bytes that are no such text.
    """
    texts = [_decoded(value) if isinstance(value, bytes) else _text(value) for value in values]
    odd = [text is None for text in texts]
    if any(odd):
        shown = ["" if value is None else value.decode(errors="backslashreplace") for value in values]
        column = pd.Series(shown, pd.RangeIndex(first, first + len(values)), name=name)
        refuse(column, odd, file, "holds bytes that are no text in UTF-8,", "Write text, or numbers, into it.")
    return [text for text in texts if text is not None]


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _text(value: Any) -> str:
    # A missing number is NaN where pandas wrote the file.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, timedelta):
        return _clock(value)
    # pandas writes whole numbers with gaps as floating ones, and a key or a year is no 2018.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else str(value)


def _clock(duration: timedelta) -> str:
    """A duration as a spreadsheet shows it, in hours that count on over midnight: 24:10:00."""
    seconds, rest = divmod(abs(duration // timedelta(microseconds=1)), 10**6)
    sign, fraction = "-" * (duration < timedelta(0)), f".{rest:06d}" * bool(rest)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"
