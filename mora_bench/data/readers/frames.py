"""Opens tables that other people made, of which anything may be wrong: text files, Excel and Parquet."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mora_bench.data.readers import foreign, separated, workbooks
from mora_bench.data.readers.cells import NAMED, refuse
from mora_bench.data.readers.separated import PACKED, SEPARATORS, check_once, header
from mora_bench.data.readers.stored import of_parquet
from mora_bench.errors import UserError
from mora_bench.text import listed, number_of

#: The most bytes that an Excel file may have once unpacked; several times as much is built of it.
UNPACKED = 500 << 20
#: A cell right of column ZZ, and the number of a row, in the XML of a sheet.
FAR, ROW = re.compile(rb'<c [^>]*r="([A-Z]{3}[0-9]+)"'), re.compile(rb'<row [^>]*r="([0-9]+)"')
#: Kinds of tables by the end of the file's name; a text may also be packed, as NAME.csv.gz.
TEXT, EXCEL, PARQUET = (".csv", ".tsv", ".tab", ".psv", ".txt"), (".xlsx", ".xlsm"), (".parquet", ".pq")


@dataclass(frozen=True)
class Dialect:
    """How a table is written. `separator`: between the fields of a text, "" for other kinds."""

    kind: str
    separator: str = ""

    def __str__(self) -> str:
        return f"{self.kind}, fields separated by {SEPARATORS[self.separator]}" if self.separator else self.kind


def dialect(file: Path, columns: Sequence[str]) -> Dialect:
    """How a table is written that has these columns; its separator as `separator_of` finds it.

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
        how = foreign.remedy(file)
        raise UserError(
            f"{file}: expected a table whose name ends in {kinds}, or a text that ends in {PACKED}. {how}".strip()
        )
    return Dialect("text" if name == file.name.lower() else "packed text", separated.separator_of(file, columns))


def separator(file: Path) -> str:
    """What stands between the fields of a table, "" if it is no text. Where it is no comma, numbers may have a decimal
    comma."""
    return dialect(file, names(file)).separator


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
    """`frame` in parts of at most `rows` rows, whose indices go on, as a spreadsheet counts rows (from 0, below the
    header); no more of a text or a Parquet file is in memory.
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
            return workbooks.headings(file)
        if style.kind == "Parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(file).names)
        return header(file, style.separator)


def notes(file: Path) -> list[str]:
    """A warning of rows of an Excel file that a spreadsheet program hides, and that are read; none if none is.

    Raises:
        UserError: it is no plain file, cannot be read, or has several sheets.
    """
    with _readable(file):
        rows = workbooks.hidden(file) if file.name.lower().endswith(EXCEL) else []
    if not rows:
        return []
    what = f"{number_of(len(rows), 'row')} that the sheet hides, as a filter does, are read like all others"
    named = listed([f"row {row}" for row in rows], NAMED)
    return [f"WARNING: {file.name}: {what}: {named}. Remove them if they are not meant."]


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
        if what := foreign.mistaken(file):
            raise UserError(f"{file}: not a readable table. {what}") from error
        raise UserError(f"{file}: not UTF-8 ({error}). Save it as UTF-8, as a spreadsheet's export can.") from error
    except UserError:
        raise
    except Exception as error:
        # Of a damaged file openpyxl, zipfile and pyarrow raise whatever comes up first.
        what = foreign.mistaken(file) or "Download it again."
        raise UserError(f"{file}: not a readable table ({str(error)[:300]}). {what}") from error


def _text(
    file: Path, separator: str, columns: Sequence[str], more: Sequence[str], rows: int | None
) -> Iterator[pd.DataFrame]:
    headings = header(file, separator)
    if any("\0" in column for column in headings):
        raise UserError(f"{file}: not UTF-8 (its header has NUL bytes, as UTF-16's has). Save it as UTF-8.")
    check_columns(headings, columns, file)
    yield from separated.parts(file, separator, {*columns, *more}, rows)


def _excel(file: Path, columns: Sequence[str], more: Sequence[str], rows: int | None) -> Iterator[pd.DataFrame]:
    _check_size(file)
    table = workbooks.cells(file)
    # pandas calls a second column of a name NAME.1.
    again = [name for name in (*columns, *more) if f"{name}.1" in table.columns and name in table.columns]
    check_once([*table.columns, *again], {*again}, file)
    check_columns(list(table.columns), columns, file)
    _check_calculated(table, {*columns, *more}, file)
    _check_merged(table, {*columns, *more}, file)
    step = rows or max(len(table), 1)
    yield from (table[first : first + step] for first in range(0, len(table), step))


def _check_calculated(table: pd.DataFrame, wanted: set[str], file: Path) -> None:
    """Refuse formulas without values in the columns that are wanted: they would be read as empty cells."""
    formulas = workbooks.uncalculated(file)
    for at, name in enumerate(table.columns):
        # Rows are counted from below the header.
        cells = {row - 1: formula for row, formula in formulas.get(at, {}).items() if row}
        if cells and name in wanted:
            do = "Open the file in a spreadsheet program, which computes them, and save it."
            what = "holds formulas whose values are not stored,"
            refuse(pd.Series(cells, name=name).sort_index(), [True] * len(cells), file, what, do)


def _check_merged(table: pd.DataFrame, wanted: set[str], file: Path) -> None:
    """Refuse merged cells that show a value in columns that are wanted: all but the first one would be read as
    empty."""
    areas = [area for area in workbooks.merged(file) if area.top == 0 or _at(table, area.top - 1, area.left)]
    for at, name in enumerate(table.columns) if areas else ():
        # The header is row 0; only the first cell of an area has its value.
        lost = [a.name for a in areas if a.left <= at < a.right and a.bottom > max(a.top + (at == a.left), 1)]
        if lost and name in wanted:
            raise UserError(
                f"{file}, column {name!r}: cells are merged, of which the first one alone holds the value: "
                f"{listed(lost, NAMED)}. Unmerge them, and write the value into each cell that it is of."
            )


def _at(table: pd.DataFrame, row: int, column: int) -> str:
    """A cell without blanks around it, "" where the table has none."""
    return str(table.iat[row, column]).strip() if row < len(table) and column < table.shape[1] else ""


def _parquet(file: Path, columns: Sequence[str], more: Sequence[str], rows: int | None) -> Iterator[pd.DataFrame]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    check_once(schema.names, {*columns, *more}, file)
    check_columns(schema.names, columns, file)
    wanted = [name for name in schema.names if name in {*columns, *more}]
    nested = [name for name in wanted if pa.types.is_nested(schema.field(name).type)]
    if nested:
        raise UserError(
            f"{file}, column {nested[0]!r}: holds lists or records ({schema.field(nested[0]).type}). Write one value a "
            "cell; several labels as one text (a;b); a vector as a column a number (e_0, e_1; --vector 'e=e_*')."
        )
    with pq.ParquetFile(file) as opened:
        first = 0
        for batch in opened.iter_batches(rows or max(opened.metadata.num_rows, 1), columns=wanted):
            index = pd.RangeIndex(first, first + len(batch))
            values = {name: of_parquet(batch.column(name).to_pylist(), name, first, file) for name in wanted}
            yield pd.DataFrame(values, index=index)
            first += len(batch)


def check_columns(headings: Sequence[str], columns: Sequence[str], file: Path, do: str = "") -> None:
    """Refuse a table without columns that are asked for.

    Args:
        headings: those that it has; do: what to do besides, a sentence.

    Raises:
        UserError: naming the file, the absent columns and those that are there.
    """
    known = set(headings)
    absent = [column for column in columns if column not in known]
    if absent:
        # Blanks around a name, and what cannot be seen, show between quotes alone.
        plain = [column.isprintable() and column == column.strip() for column in headings]
        shown = [name[:80] if seen else repr(name[:80]) for name, seen in zip(headings, plain, strict=True)]
        some = ", ".join(shown[:40])
        raise UserError(f"{file}: no column {', '.join(map(repr, absent))}.{' ' * bool(do)}{do} Found: {some}.")


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
