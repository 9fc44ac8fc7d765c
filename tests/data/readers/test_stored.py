"""Values as Excel and Parquet store them: bytes, escapes, durations, merged cells, hidden rows, lists."""

import re
import zipfile
from datetime import datetime, time, timedelta

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mora_bench.data.readers import frames, joined, signal_tables
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.errors import UserError


def read(file, **asked):
    return own_table("t", file, labels=("y",), **asked).read(file.parent)


@pytest.fixture
def sheet(tmp_path):
    """A book of one sheet with 24 visits of 8 patients, and where it is saved."""
    book = openpyxl.Workbook()
    book.active.append(["patient", "site", "age", "y"])
    for i in range(24):
        book.active.append([f"p{i // 3}", "North" if i < 12 else "South", 40 + i // 3, i % 2])
    return book.active, tmp_path / "t.xlsx"


def stored(folder, name="t.parquet", **columns):
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


def rewritten(file, old, new):
    """A book whose parts hold `new` instead of `old`, as another program writes it."""
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name).replace(old, new) for name in book.namelist()}
    with zipfile.ZipFile(file, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int8(), pa.binary())])
def test_bytes_of_a_parquet_file_are_text(tmp_path, kind):
    """They had been the texts, categories and labels b'...'."""
    sexes = pa.array(["M", "Füß", None, ""], pa.string()).cast(pa.binary())
    file = stored(tmp_path, sex=sexes.cast(kind) if not pa.types.is_dictionary(kind) else sexes.dictionary_encode())
    assert frames.frame(file, ["sex"])["sex"].tolist() == ["M", "Füß", "", ""]


def test_bytes_that_are_no_text_are_refused_by_row(tmp_path):
    file = stored(tmp_path, id=pa.array([b"a", b"b", b"\xffz"], pa.binary()), y=["0", "1", "0"])
    with pytest.raises(UserError, match=r"column 'id' holds bytes that are no text in UTF-8, in row 4: '.*xffz'"):
        frames.frame(file, ["id"])
    with pytest.raises(UserError, match=r"in row 4: "):
        list(frames.parts(file, ["id"], rows=2))
    assert frames.frame(file, ["y"])["y"].tolist() == ["0", "1", "0"]


@pytest.mark.parametrize(
    ("values", "what"),
    [([["a", "b"], ["c"]], "list<element: string>"), ([{"a": 1.0}, {"a": 2.0}], "struct<a: double>")],
)
def test_lists_of_a_parquet_file_are_refused_with_what_to_write(tmp_path, values, what):
    with pytest.raises(UserError) as error:
        frames.frame(stored(tmp_path, dx=values), ["dx"])
    assert f"column 'dx': holds lists or records ({what})" in str(error.value)
    assert "several labels as one text (a;b); a vector as a column a number (e_0, e_1; --vector 'e=e_*')" in str(
        error.value
    )


def test_escapes_of_excel_are_what_they_stand_for(tmp_path):
    """A line break of Windows had been the word x000D."""
    book = openpyxl.Workbook()
    book.active.append(["no@1te", "y"])
    book.active.append(["Lungs clear.@1\nHeart normal.", 1])
    book.active.append(["a@2x000D_b", 0])
    book.active.append(["tab@3 x_x00_ 5_x", 0])
    book.save(tmp_path / "t.xlsx")
    for old, new in ((b"@1", b"_x000D_"), (b"@2", b"_x005F_"), (b"@3", b"_x0009_")):
        rewritten(tmp_path / "t.xlsx", old, new)
    assert frames.names(tmp_path / "t.xlsx") == ["no\rte", "y"]
    assert frames.frame(tmp_path / "t.xlsx", ["no\rte"])["no\rte"].tolist() == [
        "Lungs clear.\r\nHeart normal.",
        "a_x000D_b",
        "tab\t x_x00_ 5_x",
    ]


def test_all_other_cells_of_excel_are_as_pandas_reads_them_as_text(tmp_path):
    cells = [1, 2.0, 0.1, 1e20, 2**60, True, "a", "", None, "NA", " x ", "01", "nan", datetime(2020, 1, 2), time(7, 30)]
    pd.DataFrame({"v": cells, 5: cells}).to_excel(tmp_path / "t.xlsx", index=False)
    expected = pd.read_excel(tmp_path / "t.xlsx", dtype=str, keep_default_na=False)
    table = frames.frame(tmp_path / "t.xlsx", ["v", "5"])
    assert table["v"].tolist() == expected["v"].tolist()
    assert table["5"].tolist() == expected[5].tolist()
    assert table["v"].tolist()[:4] == ["1", "2", "0.1", "100000000000000000000"]


HOURS = (22, 23.5, 24 + 1 / 6, 25)


def hours_of_excel(folder):
    book = openpyxl.Workbook()
    book.active.append(["t", "hr"])
    for k, hour in enumerate(HOURS):
        book.active.append([hour / 24, 60 + k])
        book.active.cell(k + 2, 1).number_format = "[h]:mm"
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


def hours_of_parquet(folder):
    return stored(folder, t=pa.array([timedelta(hours=hour) for hour in HOURS], pa.duration("s")), hr=[60, 61, 62, 63])


@pytest.mark.parametrize("written", [hours_of_excel, hours_of_parquet])
def test_times_that_count_on_over_midnight_are_read(tmp_path, written):
    """24:10 had been '1 day, 0:10:00', and no time."""
    file = written(tmp_path)
    assert frames.frame(file, ["t"])["t"].tolist() == ["22:00:00", "23:30:00", "24:10:00", "25:00:00"]
    series = signal_tables.of_one(file, SignalEntry.of("x={id}.xlsx:time=t;step=1;unit=h"))
    assert series.values[22:, 0].tolist() == [60, 61, 62, 63]


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0:00:00"),
        (timedelta(days=-1, hours=23), "-1:00:00"),
        (timedelta(days=50, seconds=5, microseconds=250_000), "1200:00:05.250000"),
        (pd.Timedelta("2 days 00:00:01"), "48:00:01"),
    ],
)
def test_durations_are_hours(tmp_path, duration, text):
    assert frames.frame(stored(tmp_path, t=pa.array([duration], pa.duration("us"))), ["t"])["t"].tolist() == [text]


@pytest.mark.parametrize(
    ("areas", "column", "named"),
    [
        (["B2:B13", "B14:B25"], "site", "B2:B13, B14:B25"),
        (["C2:C4"], "age", "C2:C4"),
        # One row of two columns: the second one is lost.
        (["B5:C5"], "age", "B5:C5"),
        # A header of two rows, of which the second one would be a sample.
        (["A1:A2"], "patient", "A1:A2"),
    ],
)
def test_merged_cells_are_refused_in_columns_that_are_read(sheet, areas, column, named):
    """One of three visits had had the value, and the others none."""
    page, file = sheet
    for area in areas:
        page.merge_cells(area)
    page.parent.save(file)
    message = (
        f"t.xlsx, column {column!r}: cells are merged, of which the first one alone holds the value: {named}. Unme"
    )
    with pytest.raises(UserError, match=re.escape(message)):
        frames.frame(file, [column])
    others = [name for name in ("patient", "site", "age", "y") if name != column]
    assert len(frames.frame(file, others)) == 24


def test_merged_cells_that_show_nothing_or_stand_in_one_row_of_a_column_are_read(sheet):
    page, file = sheet
    page.append(["p9", "", "", 1])
    for area in ("B26:C26", "B5:C5", "F2:G9", "C1:D1"):
        page.merge_cells(area)
    page.parent.save(file)
    table = frames.frame(file, ["patient", "site"])
    assert len(table) == 25
    assert table["site"].tolist() == [*["North"] * 12, *["South"] * 12, ""]


def test_hidden_rows_are_said(sheet):
    """All 24 had been read without a word where a sheet shows 16."""
    page, file = sheet
    for row in (*range(2, 26, 3), 40, 1):
        page.row_dimensions[row].hidden = True
    page.parent.save(file)
    line = (
        "WARNING: t.xlsx: 8 rows that the sheet hides, as a filter does, are read like all others: row 2, row 5, "
        "row 8, row 11, row 14 and 3 more. Remove them if they are not meant."
    )
    assert line in notes(file, Columns(("y",), table=("age",)))
    assert line in joined.notes(stored(file.parent, y=["1"]), [joined.Join.of("t.xlsx:y", file.parent)], [])
    trained_on = read(file, table=("age",))
    (new,) = new_records(trained_on, file, Views())
    assert line in new.notes.values()
    assert len(new.table) == 24


def test_sheets_without_hidden_rows_and_other_tables_are_not_warned_of(sheet):
    page, file = sheet
    page.column_dimensions["B"].hidden = True
    page.parent.save(file)
    assert frames.notes(file) == frames.notes(stored(file.parent, y=["1"])) == []
    rewritten(file, b'<row r="3"', b'<row hidden="1"')
    assert frames.notes(file)[0].startswith("WARNING: t.xlsx: 1 row that the sheet hides")
    assert "row 3." in frames.notes(file)[0]
