"""Texts whose rows are lines, and whose fields stand between separators; also packed ones."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
import pandas as pd

from mora_bench.errors import UserError

#: The most bytes that a packed text may have once unpacked.
UNPACKED = 4 << 30
#: The most letters of a field.
LONGEST_FIELD = 16 << 20
#: Separators between the fields of a text, in the order in which they are tried, and their names.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
#: The end of the name of a packed text.
PACKED = ".gz"
#: A first line by which Excel is told the separator. It is no row, and Excel does not count it.
DECLARED = re.compile(r'"?sep=([^"\r\n])"?\s*')


def separator_of(file: Path, columns: Sequence[str]) -> str:
    """The separator that the first line of a text declares; else the first one under which all columns exist, else the
    one that makes the most columns.

    Raises:
        UserError: another one is declared than those that are read.
    """
    said = _declared(file)
    if said and said not in SEPARATORS:
        raise UserError(f"{file}: declares the separator {said!r}; expected {', '.join(SEPARATORS.values())}.")
    best, most = "", 0
    for separator in (said,) if said else SEPARATORS:
        headings = header(file, separator)
        if columns and {*columns} <= {*headings}:
            return separator
        if len(headings) > most:
            best, most = separator, len(headings)
    return best


def header(file: Path, separator: str = ",") -> list[str]:
    """The columns of a text, in order. A frame is not made of them: of 100,000 that takes half a minute."""
    headings: dict[str, None] = {}

    def seen(name: Any) -> bool:
        headings[str(name)] = None
        return len(headings) == 1

    skipped = int(bool(_declared(file)))
    pd.read_csv(file, sep=separator, dtype=str, nrows=0, index_col=False, usecols=seen, skiprows=skipped)
    return list(headings)


def parts(file: Path, separator: str, wanted: set[str], rows: int | None) -> Iterator[pd.DataFrame]:
    """The wanted columns of a text as text, in parts of at most `rows` rows, in one if it is not given. Their index is
    that of the row below the header, from 0, as a spreadsheet counts them: blank lines are no rows, and are counted.

    Raises:
        UserError: it is too long once unpacked; a row has more fields than the header; a wanted column stands twice.
    """
    if file.name.lower().endswith(PACKED):
        _check_unpacked(file)
    blank = _blanks(file, separator, wanted)
    options: dict[str, Any] = {"sep": separator, "dtype": str, "keep_default_na": False}
    options |= {"usecols": lambda name: name in wanted, "skiprows": int(bool(_declared(file)))}
    first = 0
    for part in _read(file, options, rows):
        if not isinstance(part.index, pd.RangeIndex):
            # pandas takes what stands left of as many fields as the header has for names of rows.
            raise UserError(f"{file}: a row has more fields than the header. Is a quote missing? Correct the table.")
        numbers = np.arange(first, first + len(part))
        first += len(part)
        yield part.set_axis(pd.Index(numbers + np.searchsorted(blank, numbers, side="right"))) if len(blank) else part


def _read(file: Path, options: dict[str, Any], rows: int | None) -> Iterator[pd.DataFrame]:
    if rows is None:
        yield pd.read_csv(file, **options)
        return
    with pd.read_csv(file, chunksize=rows, **options) as reader:
        yield from reader


def check_once(names: Sequence[str], wanted: set[str], file: Path) -> None:
    """Refuse a table in which a column that is read has another one's name.

    Raises:
        UserError: one has.
    """
    twice = [name for name in wanted if list(names).count(name) > 1]
    if twice:
        raise UserError(f"{file}: two columns are called {sorted(twice)[0]!r}. Rename one.")


def _blanks(file: Path, separator: str, wanted: set[str]) -> np.ndarray:
    """For each blank line of a text how many rows stand above it, int [lines], in order. A text is refused in which a
    row has more fields than the header, of which pandas would drop the last ones, or a wanted column stands twice."""
    csv.field_size_limit(LONGEST_FIELD)
    blank: list[int] = []
    names: list[str] | None = None
    count = 0
    skipped = bool(_declared(file))
    with _opened(file, "utf-8-sig") as stream:
        rows = csv.reader(stream, delimiter=separator)
        for row in rows:
            if skipped and rows.line_num == 1:
                continue
            # As pandas has it; a quoted field that is empty makes a row.
            if not row or (len(row) == 1 and row[0] and not row[0].strip(" \t")):
                blank.append(count)
            elif names is None:
                names = row
                check_once(names, wanted, file)
            else:
                count += 1
                if len(row) > len(names):
                    raise UserError(
                        f"{file}, line {rows.line_num}: {len(row)} fields, and the header has {len(names)}. Is a quote "
                        "missing around a text that holds the separator? Correct the table."
                    )
    return np.array(blank, int)


def _opened(file: Path, encoding: str, errors: str = "strict") -> TextIO:
    opened = gzip.open if file.name.lower().endswith(PACKED) else open
    return cast(TextIO, opened(file, "rt", encoding=encoding, errors=errors, newline=""))


def _declared(file: Path) -> str:
    """The separator that the first line of a text declares (sep=;), "" if it declares none."""
    with _opened(file, "utf-8-sig", "replace") as stream:
        said = DECLARED.fullmatch(stream.readline(20))
    return said[1] if said else ""


@cache
def _short(file: Path, version: tuple[int, int]) -> bool:
    """Whether a packed text is short enough."""
    size = 0
    with gzip.open(file) as stream:
        while part := stream.read(1 << 20):
            size += len(part)
            if size > UNPACKED:
                return False
    return True


def _check_unpacked(file: Path) -> None:
    now = file.stat()
    if not _short(file, (now.st_size, now.st_mtime_ns)):
        raise UserError(f"{file}: over {UNPACKED >> 30} GB once unpacked. Write fewer rows or columns.")
