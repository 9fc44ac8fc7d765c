"""Tables that other people made: their width costs nothing, and their rows are counted as a spreadsheet does."""

import gzip
import time

import pandas as pd
import pytest

from mora_bench.data.readers import frames
from mora_bench.data.readers.cells import named
from mora_bench.data.readers.own import names_of, own_table
from mora_bench.errors import UserError
from mora_bench.training import import_predictions


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A table of 100,000 columns."""
    file = tmp_path_factory.mktemp("wide") / "wide.csv"
    lines = [",".join(f"c{column}" for column in range(100_000)), ",".join(["1"] * 100_000)]
    file.write_text("\n".join([*lines, lines[1]]) + "\n")
    return file


def test_two_columns_of_100_000_are_read_within_seconds(wide):
    begun = time.process_time()
    frame = frames.frame(wide, ["c99999", "c0"])
    assert time.process_time() - begun < 5
    assert frame.shape == (2, 2)
    assert list(frame["c99999"]) == ["1", "1"]


def test_a_column_that_is_not_among_them_is_said(wide):
    with pytest.raises(UserError, match=r"wide\.csv: no column 'text'\. Found: c0, c1, .*c39\.$"):
        frames.frame(wide, ["c0", "text"])


def test_blanks_around_the_name_of_a_column_are_shown(tmp_path):
    (tmp_path / "t.csv").write_text("ID ; Y;a b;age\u00a0\n1;0;x;50\n", "utf-8")
    with pytest.raises(UserError) as error:
        frames.frame(tmp_path / "t.csv", ["ID", "Y", "age"])
    assert str(error.value).endswith(r"no column 'ID', 'Y', 'age'. Found: 'ID ', ' Y', a b, 'age\xa0'.")


def test_no_predictions_have_so_many_columns(wide):
    with pytest.raises(UserError, match=r"wide\.csv: over 10,000 columns; expected id, pattern and one a label"):
        import_predictions.read(wide)


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path):
    """Blank lines are no rows, but are counted; a row of several lines is one, and so is an empty cell in quotes."""
    file = tmp_path / "t.csv"
    file.write_text('\n\nid,age\na,"1\n\n2"\n\n \t\nb,2\n,\nc,3\n\n')
    for rows in (None, 1, 3):
        table = pd.concat([*frames.parts(file, ["id", "age"], rows=rows)])
        assert table.index.tolist() == [2, 5, 6, 7]
        assert table["id"].tolist() == ["a", "b", "", "c"]
    assert named(table["age"], [False, True, False, True]) == "row 7: '2'; row 9: '3'"
    assert names_of(table[["age"]], None, file).tolist() == ["row 4", "row 7", "row 8", "row 9"]
    file.write_text('id\n""\n\nb\n')
    assert frames.frame(file, ["id"])["id"].to_dict() == {0: "", 2: "b"}


def test_a_bad_cell_below_blank_lines_is_named_by_its_row(tmp_path):
    """It had been named two rows above the one that holds it."""
    file, values = tmp_path / "t.csv", "".join(f"{i},note,{i % 2}\n" for i in range(9))
    file.write_text(f"age,note,ill\n\n\n{values}abc,note,1\n")
    with pytest.raises(UserError, match=r"column 'age' holds numbers, but not in row 13: 'abc'"):
        own_table("t", file, labels=["ill"], table=["age"]).read(tmp_path)
    table = own_table("t", file, labels=["ill"], text=["note"]).read(tmp_path)
    assert (table.ids[0], table.ids[-1]) == ("row 4", "row 13")


@pytest.mark.parametrize(
    ("line", "separator"), [("sep=;", ";"), ("\ufeffsep=;", ";"), ('"sep=;"', ";"), ("sep=\t", "\t")]
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_first_line_that_declares_the_separator(tmp_path, line, separator, name):
    """Excel takes such a line for no row, and does not count it."""
    rows = [["id", "a,b", "age"], ["a", "x", "7,5"], ["b", "", "8"]]
    text = "\r\n".join([line, *map(separator.join, rows), ""]).encode()
    file = tmp_path / name
    file.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert frames.names(file) == rows[0]
    assert frames.dialect(file, ()).separator == separator
    assert frames.frame(file, ["id", "age"]).to_dict("list") == {"id": ["a", "b"], "age": ["7,5", "8"]}
    (table,) = frames.parts(file, ["id"])
    assert table.index.tolist() == [0, 1]
    file = tmp_path / "long.csv"
    file.write_bytes(text + separator.join("cdef").encode())
    with pytest.raises(UserError, match=r"long.csv, line 5: 4 fields, and the header has 3"):
        frames.frame(file, ["id"])


def test_a_separator_that_is_declared_and_not_read_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("sep=:\nid:age\na:1\n")
    with pytest.raises(UserError, match=r"t.csv: declares the separator ':'; expected commas, semicolons, tabs, bars"):
        frames.frame(tmp_path / "t.csv", ["id"])
    # A column may be called like that.
    (tmp_path / "t.csv").write_text("sep=a,id\n1,2\n")
    assert frames.names(tmp_path / "t.csv") == ["sep=a", "id"]
