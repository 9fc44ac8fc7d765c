"""Opens tables that other people made, of which anything may be wrong: text files, Excel and Parquet."""

import csv
import gzip
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from mora_bench.data.readers.cells import ERROR
from mora_bench.data.readers.workbooks import sheet
from mora_bench.errors import UserError

#: The most bytes that a packed file may have once unpacked: an Excel file, of which several times as much is built, and
#: a text.
UNPACKED, UNPACKED_TEXT = 500 << 20, 4 << 30
#: The most letters of a field.
LONGEST_FIELD = 16 << 20
#: A cell right of column ZZ, and the number of a row, in the XML of a sheet.
FAR, ROW = re.compile(rb'<c [^>]*r="([A-Z]{3}[0-9]+)"'), re.compile(rb'<row [^>]*r="([0-9]+)"')
#: Separators between the fields of a text, in the order in which they are tried, and their names.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
#: Kinds of tables by the end of the file's name; a text may also be packed, as NAME.csv.gz.
TEXT, EXCEL, PARQUET = (".csv", ".tsv", ".tab", ".psv", ".txt"), (".xlsx", ".xlsm"), (".parquet", ".pq")
PACKED = ".gz"


@dataclass(frozen=True)
class Dialect:
    """How a table is written. `separator`: between the fields of a text, "" for other kinds."""

    kind: str
    separator: str = ""

    def __str__(self) -> str:
        return f"{self.kind}, fields separated by {SEPARATORS[self.separator]}" if self.separator else self.kind


def dialect(file: Path, columns: Sequence[str]) -> Dialect:
    """How a table is written that has these columns: the first separator under which all of them exist, else the
    one that makes the most columns.

    Raises:
        UserError: its name does not say what it is, or it cannot be read.
    """
    name = file.name.lower().removesuffix(PACKED)
    if name.endswith(EXCEL) and name == file.name.lower():
        return Dialect("Excel")
    if name.endswith(PARQUET) and name == file.name.lower():
        return Dialect("Parquet")
    if not name.endswith(TEXT):
        kinds = ", ".join((*TEXT, *EXCEL, *PARQUET))
        raise UserError(f"{file}: expected a table whose name ends in {kinds}, or a text that ends in {PACKED}.")
    best, most = "", 0
    for separator in SEPARATORS:
        headings = header(file, separator)
        if columns and {*columns} <= {*headings}:
            best = separator
            break
        if len(headings) > most:
            best, most = separator, len(headings)
    return Dialect("text" if name == file.name.lower() else "packed text", best)


def frame(file: Path, columns: Sequence[str], more: Sequence[str] = (), rowless: bool = False) -> pd.DataFrame:
    """A table with at least these columns, and `more` if it has them, all of it as text, "" where a cell is empty.

    Args:
        rowless: whether it may have no rows.

    Raises:
        UserError: it is no plain file, cannot be read, has no rows or several sheets, or lacks a column.
    """
    tables = [*parts(file, columns, more, rowless=rowless)]
    return tables[0] if tables else pd.DataFrame({name: pd.Series(dtype=str) for name in columns})


def parts(
    file: Path, columns: Sequence[str], more: Sequence[str] = (), rows: int | None = None, rowless: bool = False
) -> Iterator[pd.DataFrame]:
    """`frame` in parts of at most `rows` rows, whose indices go on; no more of a text or a Parquet file is in memory.
    All in one part if `rows` is not given; none of a table that has no rows and may have none (`rowless`).

    Raises:
        UserError: as `frame` does, when the part is reached.
    """
    any_row = False
    with _readable(file):
        style = dialect(file, columns)
        read = {"Excel": _excel, "Parquet": _parquet}.get(style.kind)
        tables = _text(file, style.separator, columns, more, rows) if read is None else read(file, columns, more, rows)
        for part in tables:
            if not isinstance(part.index, pd.RangeIndex):
                # pandas takes what stands left of as many fields as the header has for names of rows.
                raise UserError(
                    f"{file}: a row has more fields than the header. Is a quote missing? Correct the table."
                )
            if not part.empty:
                any_row = True
                yield part
    if not any_row and not rowless:
        raise UserError(f"{file}: no rows below the header. Expected a row a sample.")


def names(file: Path) -> list[str]:
    """The columns of a table of any kind, in order.

    Raises:
        UserError: it is no plain file, cannot be read, or has several sheets.
    """
    with _readable(file):
        style = dialect(file, ())
        if style.kind == "Excel":
            _check_size(file)
            return list(map(str, pd.read_excel(file, sheet(file), dtype=str, nrows=0, engine="openpyxl").columns))
        if style.kind == "Parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(file).names)
        return header(file, style.separator)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Turn whatever a reader of a table raises into what a user can act on."""
    if not file.is_file():
        raise UserError(
            f"{file}: {'not a plain file' if file.exists() else 'no such file'}. Correct its name or place."
        )
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not UTF-8 ({error}). Save it as UTF-8, as a spreadsheet's export can.") from error
    except UserError:
        raise
    except Exception as error:
        # Of a damaged file openpyxl, zipfile and pyarrow raise whatever comes up first.
        raise UserError(f"{file}: not a readable table ({str(error)[:300]}). Download it again.") from error


def header(file: Path, separator: str = ",") -> list[str]:
    """The columns of a text, in order. A frame is not made of them: of 100,000 that takes half a minute."""
    headings: dict[str, None] = {}

    def seen(name: Any) -> bool:
        headings[str(name)] = None
        return len(headings) == 1

    pd.read_csv(file, sep=separator, dtype=str, nrows=0, index_col=False, usecols=seen)
    return list(headings)


def _text(
    file: Path, separator: str, columns: Sequence[str], more: Sequence[str], rows: int | None
) -> Iterator[pd.DataFrame]:
    if file.name.lower().endswith(PACKED):
        _check_unpacked(file)
    headings = header(file, separator)
    if any("\0" in column for column in headings):
        raise UserError(f"{file}: not UTF-8 (its header has NUL bytes, as UTF-16's has). Save it as UTF-8.")
    _check_columns(headings, columns, file)
    wanted = {*columns, *more}
    _check_fields(file, separator, wanted)
    options = {"sep": separator, "dtype": str, "keep_default_na": False, "usecols": lambda name: name in wanted}
    if rows is None:
        yield pd.read_csv(file, **options)
    else:
        with pd.read_csv(file, chunksize=rows, **options) as reader:
            yield from reader


def _check_fields(file: Path, separator: str, wanted: set[str]) -> None:
    """Refuse a text in which a row has more fields than the header, of which pandas would drop the last ones, or a
    column that is read has another one's name."""
    csv.field_size_limit(LONGEST_FIELD)
    opened = gzip.open if file.name.lower().endswith(PACKED) else open
    with opened(file, "rt", encoding="utf-8-sig", newline="") as stream:
        rows = csv.reader(stream, delimiter=separator)
        names = next((row for row in rows if row), [])
        _check_once(names, wanted, file)
        for row in rows:
            if len(row) > len(names):
                raise UserError(
                    f"{file}, line {rows.line_num}: {len(row)} fields, and the header has {len(names)}. Is a quote "
                    "missing around a text that holds the separator? Correct the table."
                )


def _check_once(names: Sequence[str], wanted: set[str], file: Path) -> None:
    twice = [name for name in wanted if list(names).count(name) > 1]
    if twice:
        raise UserError(f"{file}: two columns are called {sorted(twice)[0]!r}. Rename one.")


def _excel(file: Path, columns: Sequence[str], more: Sequence[str], rows: int | None) -> Iterator[pd.DataFrame]:
    _check_size(file)
    # pandas has no text for a cell whose formula failed.
    table = pd.read_excel(file, sheet(file), dtype=str, keep_default_na=False, engine="openpyxl").fillna(ERROR)
    # pandas calls a second column of a name NAME.1.
    again = [name for name in (*columns, *more) if f"{name}.1" in table.columns and name in table.columns]
    _check_once([*map(str, table.columns), *again], {*again}, file)
    _check_columns(list(map(str, table.columns)), columns, file)
    step = rows or max(len(table), 1)
    yield from (table[first : first + step] for first in range(0, len(table), step))


def _parquet(file: Path, columns: Sequence[str], more: Sequence[str], rows: int | None) -> Iterator[pd.DataFrame]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    _check_once(schema.names, {*columns, *more}, file)
    _check_columns(schema.names, columns, file)
    wanted = [name for name in schema.names if name in {*columns, *more}]
    nested = [name for name in wanted if pa.types.is_nested(schema.field(name).type)]
    if nested:
        raise UserError(f"{file}, column {nested[0]!r}: holds lists or records. Write one value a cell.")
    with pq.ParquetFile(file) as opened:
        first = 0
        for batch in opened.iter_batches(rows or max(opened.metadata.num_rows, 1), columns=wanted):
            index = pd.RangeIndex(first, first + len(batch))
            values = {name: [_as_text(value) for value in batch.column(name).to_pylist()] for name in wanted}
            yield pd.DataFrame(values, index=index)
            first += len(batch)


def _as_text(value: Any) -> str:
    # A missing number is NaN where pandas wrote the file.
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    # pandas writes whole numbers with gaps as floating ones, and a key or a year is no 2018.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else str(value)


@cache
def _unpacked(file: Path, version: tuple[int, int]) -> bool:
    """Whether a packed text is short enough."""
    size = 0
    with gzip.open(file) as stream:
        while part := stream.read(1 << 20):
            size += len(part)
            if size > UNPACKED_TEXT:
                return False
    return True


def _check_unpacked(file: Path) -> None:
    now = file.stat()
    if not _unpacked(file, (now.st_size, now.st_mtime_ns)):
        raise UserError(f"{file}: over {UNPACKED_TEXT >> 30} GB once unpacked. Write fewer rows or columns.")


def _check_columns(headings: Sequence[str], columns: Sequence[str], file: Path) -> None:
    known = set(headings)
    absent = [column for column in columns if column not in known]
    if absent:
        some = ", ".join(column[:80] for column in headings[:40])
        raise UserError(f"{file}: no column {', '.join(map(repr, absent))}. Found: {some}.")


def _check_size(file: Path) -> None:
    """Refuse an Excel file that would fill the memory: large once unpacked, or nearly empty with one cell far off,
    before which readers build all others."""
    with zipfile.ZipFile(file) as book:
        if sum(part.file_size for part in book.infolist()) > UNPACKED:
            raise UserError(f"{file}: over {UNPACKED >> 20} MB once unpacked. Save it as CSV.")
        for name in (name for name in book.namelist() if name.startswith("xl/worksheets/")):
            cells = book.read(name)
            far = FAR.search(cells)
            rows = [int(number) for number in ROW.findall(cells)]
            if far or (rows and max(rows) > 10 * len(rows) + 1000):
                cell = far[1].decode() if far else f"in row {max(rows)}"
                raise UserError(f"{file}: a cell far from the table ({cell}), maybe blank. Delete its column or row.")
