"""Tables that were once read wrongly without a word: each is refused now, or said, with what to do."""

import re
import zipfile

import numpy as np
import pandas as pd
import pytest

from mora_bench.cli.main import main
from mora_bench.data.groups import groups
from mora_bench.data.readers import frames, joined
from mora_bench.data.readers.measured import number
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.official import Official
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.spellings import spelling
from mora_bench.data.readers.vector_columns import columns_of
from mora_bench.data.sides import Side
from mora_bench.errors import UserError
from mora_bench.missing.contract import numbers


def rows(n=40, **more):
    columns = {
        "id": [f"v{i}" for i in range(n)],
        "patient": [f"p{i // 2}" for i in range(n)],
        "site": [f"s{i % 4}" for i in range(n)],
        "note": [f"note {i}" for i in range(n)],
        "age": [str(20 + i) for i in range(n)],
        "ill": [str(i % 2) for i in range(n)],
        "finding": ["abc"[i % 3] for i in range(n)],
        "split": ["train", "train", "train", "val", "test"] * (n // 5),
    }
    return pd.DataFrame(columns | more)


def written(folder, frame=None, name="visits.csv"):
    file = folder / name
    (rows() if frame is None else frame).to_csv(file, index=False)
    return file


def read(file, **more):
    options = {"labels": ("ill",), "text": ("note",), "id": "id"} | more
    return own_table("visits", file, **options).read(file.parent)


def test_rows_of_more_fields_than_the_header_are_refused_by_line(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text('id,note,ill\na,"red, sore",1\nb,red, sore,1\n')
    with pytest.raises(UserError, match=r"t.csv, line 3: 4 fields, and the header has 3. Is a quote missing"):
        frames.frame(file, ["id", "ill"])
    # Lines inside a quoted field, and blank ones, are none of their own.
    file.write_text('id,note,ill\na,"red,\nsore",1\n\nb,red,1\n')
    assert frames.frame(file, ["id", "ill"])["id"].tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_a_column_whose_name_stands_twice_is_refused(tmp_path, name):
    file, frame = tmp_path / name, pd.DataFrame([["a", "1", "2"]], columns=["id", "age", "age"])
    frame.to_excel(file, index=False) if name.endswith("xlsx") else frame.to_csv(file, index=False)
    with pytest.raises(UserError, match=r"two columns are called 'age'\. Rename one"):
        frames.frame(file, ["id", "age"])
    assert frames.frame(file, ["id"])["id"].tolist() == ["a"]


def test_whole_numbers_with_gaps_of_a_parquet_file_are_whole(tmp_path):
    pd.DataFrame({"year": [2018, None, 2020], "age": [1.5, 2.0, None]}).to_parquet(tmp_path / "t.parquet")
    frame = frames.frame(tmp_path / "t.parquet", ["year", "age"])
    assert frame.to_numpy().tolist() == [["2018", "1.5"], ["", "2"], ["2020", ""]]


@pytest.mark.parametrize("cell", ["1e39", "-3.5e38", "1e400"])
def test_numbers_that_single_precision_does_not_hold_are_none(tmp_path, cell):
    assert number(cell, False) is None
    file = written(tmp_path, rows(age=[cell, *map(str, range(39))]))
    with pytest.raises(UserError, match=r"column 'age' holds numbers, but not in row 2"):
        read(file, table=("age",))


def test_a_pattern_that_fits_nothing_of_a_patient_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"column 'patient' does not fit '\[0-9\]\*' in row 2: 'p0'"):
        read(written(tmp_path), patient="patient~[0-9]*")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"table": ("patient",), "patient": "patient"}, "column 'patient' names somebody"),
        ({"text": ("id",)}, "column 'id' names somebody"),
        ({"vector": ("v=ag*",), "weights": "age"}, "column 'age' holds the weights, and --vector v=ag[*] takes it"),
        ({"table": ("split",), "split": "split"}, "column 'split' is the split"),
        ({"empty_patient": "own"}, "--empty-patient own needs --patient COLUMN"),
    ],
)
def test_what_no_model_may_see_is_no_input(tmp_path, asked, message):
    with pytest.raises(UserError, match=message):
        read(written(tmp_path), **asked)


@pytest.mark.parametrize(
    ("ids", "message"),
    [([" v0 ", "v0"], "id 'v0' stands in row 2 too"), (["v0", " "], "column 'id' is empty in row 3")],
)
def test_ids_are_unique_and_there_without_blanks_around_them(tmp_path, ids, message):
    file = written(tmp_path, rows(id=[*ids, *(f"w{i}" for i in range(38))]))
    with pytest.raises(UserError, match=message):
        read(file)


def test_each_table_is_read_by_its_own_dialect(tmp_path):
    """1,000 in quotes is no number of a table of commas; 0,81 is one in a table of semicolons."""
    frame = rows()
    frame.to_csv(tmp_path / "semicolons.csv", sep=";", index=False)
    written(tmp_path, frame[["id"]].assign(count="1,000"), "counts.csv")
    table = read(tmp_path / "semicolons.csv", table=("count",), join=("counts.csv:id",))
    assert table.modalities["table"].values[0] == {"count": "1,000"}
    with pytest.raises(UserError, match=r"semicolons.csv, column 'count' is no number above 0 in row 2: '1,000'"):
        read(tmp_path / "semicolons.csv", weights="count", join=("counts.csv:id",))
    written(tmp_path)
    frame[["id"]].assign(lab="0,81").to_csv(tmp_path / "lab.csv", sep=";", index=False)
    table = read(tmp_path / "visits.csv", table=("lab",), join=("lab.csv:id",))
    assert table.modalities["table"].values[0] == {"lab": 0.81}
    assert read(tmp_path / "visits.csv", join=("lab.csv:id",), weights="lab").weights[0] == 0.81


def test_joins_need_a_key_that_is_there_and_say_what_both_tables_have(tmp_path):
    file = written(tmp_path, rows(patient=["", *(f"p{i}" for i in range(1, 40))]))
    written(tmp_path, pd.DataFrame({"patient": ["", "p2"], "crp": ["77", "5"], "age": ["1", "2"]}), "more.csv")
    records = read(file, table=("crp",), join=("more.csv:patient",)).modalities["table"].values
    # A row without a patient is not that of the further table without one.
    assert (records[0], records[2]) == (None, {"crp": 5.0})
    lines = joined.notes(file, [joined.Join.of("more.csv:patient", tmp_path)], ["age", "crp"])
    assert lines[1] == "more.csv: its 'age' is not read; that of visits.csv is"
    written(tmp_path, pd.DataFrame({"patient": ["P2"], "crp": ["5"]}), "other.csv")
    with pytest.raises(UserError, match=r"no row for any value of 'patient' of .*, such as 'p1'; there it is 'P2'"):
        read(file, table=("crp",), join=("other.csv:patient",))


def test_groups_on_two_sides_of_an_official_split_are_said(tmp_path):
    file = written(tmp_path)
    lines = notes(file, Columns(("ill",), text=("note",), id="id", group=("site",), split="split"))
    assert "column 'site': 4 groups" in lines
    assert any(
        line.startswith("WARNING: 4 groups of column 'site' are on two sides of the official split") for line in lines
    )
    some = written(tmp_path, rows(site=["NA", *["s"] * 39]), "some.csv")
    assert "column 'site': 1 group" in notes(some, Columns(("ill",), text=("note",), id="id", group=("site",)))[-1]
    with pytest.raises(UserError, match="column 'site': every cell is empty, so it names no group"):
        read(written(tmp_path, rows(site=[""] * 40), "none.csv"), group=("site",))


def test_group_and_a_split_by_rows_exclude_each_other(tmp_path, capsys):
    asked = ["data", str(written(tmp_path)), "--text", "note", "--labels", "ill", "--group", "site", "--split", "row"]
    assert main([*asked, "--plan", "--out", str(tmp_path / "out")]) == 2
    assert "--split row: parts groups, which --group and --groups keep together" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("spec", "what"), [("year:train=1,2;test=2,3", "'2' is named"), ("year:train=1;train=2;test=3", "'train' is named")]
)
def test_a_value_has_one_side(spec, what):
    with pytest.raises(UserError, match=f"{what} twice"):
        Official.of(spec)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"labels": ("finding",), "exclusive": True}, "--exclusive is for labels that are written as 0 and 1"),
        ({"labels": ("finding",), "uncertain": "0"}, "--uncertain is for labels that are written as 0 and 1"),
        ({"none_label": "a"}, "--none-label is for labels that are written as names; column 'ill' holds 0 and 1"),
        ({"separator": ","}, "--separator is for labels that are written as names"),
        ({"labels": ("finding",), "none_label": "No Finding"}, "no cell is 'No Finding', as --none-label says"),
    ],
)
def test_an_option_that_means_nothing_for_these_labels_is_refused(tmp_path, asked, message):
    with pytest.raises(UserError, match=message):
        read(written(tmp_path), **asked)


def test_a_vector_s_columns_are_in_the_order_of_their_names():
    assert columns_of("v=e_*", ["e_10", "id", "e_2", "e_1"], "t.csv") == ["e_1", "e_2", "e_10"]


def test_decimal_commas_in_a_table_of_commas_are_said(tmp_path):
    columns = Columns(("ill",), text=("note",), table=("age",), id="id")
    with pytest.raises(
        UserError, match="column 'age' holds numbers with marks beside them, or commas, in row 2: '0,5'"
    ):
        notes(written(tmp_path, rows(age=[f"{i},5" for i in range(40)])), columns)
    lines = notes(written(tmp_path, rows(age=[f"{i % 3},5" for i in range(40)])), columns)
    assert any(
        "with decimal commas, of which a table whose fields are separated by commas has none" in s for s in lines
    )


def test_groups_may_name_rows_that_are_left_out(tmp_path):
    file = written(tmp_path, rows(ill=["", *(str(i % 2) for i in range(39))]))
    written(tmp_path, pd.DataFrame({"id": ["v0", "v1"], "group": ["g", "g"]}), "groups.csv")
    table = read(file, groups="groups.csv", empty_label="leave-out")
    assert table.inseparable[0][:2] == ("g", "")


def test_files_of_vectors_are_of_one_length(tmp_path):
    for i in range(40):
        np.save(tmp_path / f"v{i}.npy", np.ones(5 if i == 7 else 4))
    with pytest.raises(
        UserError, match=r"names a vector of another length than 4, the first one's, in row 9: 'v7.npy'"
    ):
        read(written(tmp_path), vector=("v={id}.npy",))


def test_covariates_hold_nothing_where_a_cell_says_so_and_points(tmp_path):
    """One NA had made a category of each age, and a group of its own that left no other one a score."""
    ages, sexes = [f"{20 + i},5" for i in range(37)], ["f", "m", "NA", "x,1"] * 10
    frame = rows(age=[*ages, "NA", "none", "  "], sex=sexes, dose=["1,5", "low", "high", "NA"] * 10)
    frame.to_csv(tmp_path / "visits.csv", sep=";", index=False)
    table = read(tmp_path / "visits.csv", covariates=("age", "sex", "dose"))
    assert table.covariates["age"] == (*(f"{20 + i}.5" for i in range(37)), "", "", "")
    assert table.covariates["sex"] == ("f", "m", "", "x,1") * 10
    # Among names, 1,5 is a name.
    assert table.covariates["dose"] == ("1,5", "low", "high", "") * 10
    assert np.isclose(numbers(table.covariates["age"])[[0, 18, 36, 37]], [-1.6861, 0, 1.6861, 0], atol=1e-3).all()
    assert {*groups(table, Side(table, np.arange(40)))} >= {"age<38.5", "age>=38.5", "sex=f", "sex=m"}
    # Commas separate the fields: no cell has a decimal one, and all others stay as they are.
    assert read(written(tmp_path, rows(age=[" 07 "] * 40)), covariates=("age",)).covariates["age"] == (" 07 ",) * 40


def test_errors_in_a_joined_table_name_the_table_that_has_the_rows(tmp_path):
    file = written(tmp_path, rows().drop(columns="age"))
    crp = ["1"] * 38 + ["0", "<5"]
    pd.DataFrame({"id": [f"v{i}" for i in reversed(range(40))], "crp": crp}).to_csv(tmp_path / "lab.csv", index=False)
    with pytest.raises(UserError, match=r"visits\.csv, column 'crp' holds numbers, but not in row 2: '<5'\."):
        read(file, table=("crp",), join=("lab.csv:id",))
    with pytest.raises(UserError, match=r"visits\.csv, column 'crp' is no number above 0 in row 2: '<5'; row 3: '0'\."):
        read(file, weights="crp", join=("lab.csv:id",))


def test_a_workbook_of_several_sheets_is_refused_by_their_names(tmp_path):
    """The first one had been read, and the others left out without a word."""
    file, frame = tmp_path / "t.xlsx", pd.DataFrame({"id": ["a"], "ill": ["1"]})

    def save(hidden=(), **sheets):
        with pd.ExcelWriter(file, engine="openpyxl") as writer:
            for name, part in sheets.items():
                part.to_excel(writer, sheet_name=name, index=False)
                writer.sheets[name].sheet_state = "hidden" if name in hidden else "visible"

    empty, blank = pd.DataFrame(), pd.DataFrame([" "], columns=[None])
    save(north=frame, plan=empty, south=frame.assign(id="b"))
    for reader in (frames.names, lambda file: frames.frame(file, ["id"])):
        with pytest.raises(
            UserError, match=r"t\.xlsx: 2 sheets hold something: 'north', 'south'\. Expected one\. Save"
        ):
            reader(file)
    for id, hidden in (("b", ("notes",)), ("d", ())):
        others = {name: frame.assign(id="c") for name in hidden}
        save(hidden, **others, plan=empty, south=frame.assign(id=id), last=blank)
        assert frames.names(file) == ["id", "ill"]
        assert frames.frame(file, ["id"])["id"].tolist() == [id]


def workbook(folder, wrong, name="visits.xlsx", frame=None):
    """The rows as an Excel file in which formulas failed; `wrong`: by column and row of a spreadsheet the error."""
    from openpyxl import Workbook

    book, frame = Workbook(), rows() if frame is None else frame
    book.active.append(list(frame))
    for row in frame.itertuples(index=False):
        book.active.append(list(row))
    for (column, row), error in wrong.items():
        cell = book.active.cell(row, list(frame).index(column) + 1)
        cell.value, cell.data_type = error, "e"
    book.save(folder / name)
    return folder / name


def test_formulas_of_excel_without_values_are_refused_in_columns_that_are_read(tmp_path):
    """They had been read as empty cells."""
    frame = rows().astype(object)
    frame.loc[[3, 5], "age"] = "=A5&B5<2", "=1+1"
    frame.loc[4, "site"] = "=A6"
    file = workbook(tmp_path, {}, frame=frame)
    with pytest.raises(UserError) as error:
        read(file, table=("age",))
    assert str(error.value) == (
        f"{file}, column 'age' holds formulas whose values are not stored, in row 5: '=A5&B5<2'; row 7: '=1+1'. Open "
        "the file in a spreadsheet program, which computes them, and save it."
    )
    assert len(read(file)) == len(frame)


def test_formulas_of_excel_with_values_are_read_also_where_these_are_empty_texts(tmp_path):
    formulas = {
        b'<c r="B2"><f>1+1</f><v>2</v></c>': "2",
        b'<c r="B2" t="str"><f>""</f><v></v></c>': "",
        b'<c r="B2" s="1" t="str"><f t="shared" si="0"/><v>ab</v></c>': "ab",
        b'<c r="B2"><f t="shared" si="0"/></c>': None,
        b'<x:c r="B2"><x:f>1+1</x:f><x:v /></x:c>': None,
    }
    frame = pd.DataFrame({"id": ["a"], "age": ["=1+1"]})
    for cell, expected in formulas.items():
        prefix = b' xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        with zipfile.ZipFile(workbook(tmp_path, {}, "made.xlsx", frame)) as book:
            parts = {name: book.read(name) for name in book.namelist()}
        sheet = parts["xl/worksheets/sheet1.xml"].replace(b"<worksheet", b"<worksheet" + prefix)
        parts["xl/worksheets/sheet1.xml"] = re.sub(rb'<c r="B2".*?</c>', cell, sheet)
        file = tmp_path / "t.xlsx"
        with zipfile.ZipFile(file, "w") as book:
            for name, content in parts.items():
                book.writestr(name, content)
        if expected is None:
            with pytest.raises(UserError, match=r"column 'age' holds formulas whose values are not stored, in row 2"):
                frames.frame(file, ["age"])
        else:
            assert frames.frame(file, ["age"])["age"].tolist() == [expected]


def test_errors_of_excel_are_empty_cells_and_counted(tmp_path):
    """One had ended in a traceback, or in advice to mend code."""
    wrong = {("age", 7): "#N/A", ("age", 9): "#DIV/0!", ("note", 3): "#REF!", ("site", 4): "#N/A"}
    file = workbook(tmp_path, wrong)
    table = read(file, table=("age",), covariates=("site",))
    assert [row and row["age"] for row in table.modalities["table"].values[4:9]] == [24, None, 26, None, 28]
    assert table.modalities["note"].values[:3] == ("note 0", None, "note 2")
    assert table.covariates["site"][:4] == ("s0", "s1", "", "s3")
    lines = notes(file, Columns(("ill",), text=("note",), table=("age",), id="id", covariates=("site",)))
    what = "cells that hold an error of Excel, and count as empty"
    assert f"WARNING: column 'age': {what} (2): row 7: '#ERROR!'; row 9: '#ERROR!'" in lines
    assert f"WARNING: column 'note': {what} (1): row 3: '#ERROR!'" in lines
    # A text file holds the words that Excel shows, in the language of who saved it.
    age = [*map(str, range(20, 58)), "#DIV/0!", "#NV"]
    file = written(tmp_path, rows(age=age))
    assert [row and row["age"] for row in read(file, table=("age",)).modalities["table"].values[37:]] == [
        57,
        None,
        None,
    ]
    lines = notes(file, Columns(("ill",), text=("note",), table=("age",), id="id"))
    assert f"WARNING: column 'age': {what} (2): row 40: '#DIV/0!'; row 41: '#NV'" in lines


@pytest.mark.parametrize(
    ("column", "asked", "message"),
    [
        ("ill", {}, r"column 'ill' is empty in row 5: '#ERROR!'. Say what an empty label counts as"),
        ("finding", {"labels": ("finding",)}, r"column 'finding' has no label in row 5: '#ERROR!'"),
        ("id", {}, r"column 'id' is empty in row 5: '#ERROR!'. Give every row a name"),
        ("patient", {"patient": "patient"}, r"column 'patient' is empty in row 5: '#ERROR!'. Give every row one"),
        ("age", {"weights": "age"}, r"column 'age' is no number above 0 in row 5: '#ERROR!'"),
        ("split", {"split": "split"}, r"column 'split': of no side of a split in row 5: '#ERROR!'"),
    ],
)
def test_an_error_of_excel_where_a_cell_must_hold_something_is_refused_by_row(tmp_path, column, asked, message):
    with pytest.raises(UserError, match=message):
        read(workbook(tmp_path, {(column, 5): "#N/A"}), **asked)


def test_an_error_of_excel_is_nobody_s_key(tmp_path):
    """The same error on both sides of a join is no match."""
    file = workbook(tmp_path, {("patient", 2): "#N/A"})
    more = pd.DataFrame({"patient": ["x", "p1", "p1"], "crp": ["7", "5", "x"]})
    workbook(tmp_path, {("patient", 2): "#N/A", ("crp", 4): "#N/A"}, "more.xlsx", more)
    records = read(file, table=("crp",), join=("more.xlsx:patient:list",)).modalities["table"].values
    assert records[:5] == (None, None, {"crp": 5.0}, {"crp": 5.0}, None)
    lines = joined.notes(file, [joined.Join.of("more.xlsx:patient", tmp_path)], ["crp"])
    assert lines[0].startswith(
        "more.xlsx: rows for 2 of 40 values of 'patient'; none for row 2: '#ERROR!'; row 3: 'p0'"
    )


def test_errors_of_excel_among_new_records_are_said(tmp_path):
    trained_on = read(written(tmp_path), table=("age",))
    file = workbook(tmp_path, {("age", 3): "#N/A"}, "new.xlsx")
    (new,) = new_records(trained_on, file, Views())
    assert new.table.modalities["table"].values[1] is None
    assert new.notes["age, errors"].endswith("count as empty (1): row 3: '#ERROR!'")


@pytest.mark.parametrize(
    ("one", "other"),
    [("P00", "p00"), ("P 00", "P00"), ("100", "100.0"), ("0100", "100"), ("P007-2", "p7-02"), ("100.00", "0100")],
)
def test_spellings_of_a_name(one, other):
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(("one", "other"), [("1.05", "1.5"), ("1.2.0", "1.2"), ("100", "10"), ("P00", "P"), ("0", "")])
def test_other_names_are_no_spellings(one, other):
    assert spelling(one) != spelling(other)


def test_a_patient_in_several_spellings_is_said(tmp_path):
    """Each had been a patient, on any side of a split, without a word."""
    patients = [["100", "100.0", "0100"][i % 3] if i < 6 else f"p{i // 2}" for i in range(40)]
    ids = ["v0", *(f"v{i}" for i in range(2, 40)), "V 0"]
    file = written(tmp_path, rows(patient=patients, id=ids, site=["Ulm", "ULM", "Bonn", "Köln"] * 10))
    lines = notes(file, Columns(("ill",), text=("note",), id="id", patient="patient", group=("site",)))
    do = "of their own, and differ in case, blanks, .0 or leading zeros alone. Write them alike if they are one."
    assert f"WARNING: column 'patient': '0100', '100', '100.0' are patients {do}" in lines
    assert f"WARNING: column 'id': 'V 0', 'v0' are ids {do}" in lines
    assert f"WARNING: column 'site': 'ULM', 'Ulm' are groups {do}" in lines
    assert not any("of their own" in line for line in notes(file, Columns(("ill",), text=("note",), patient="ill")))


def test_a_join_that_fails_by_spelling_says_so(tmp_path):
    file = written(tmp_path, rows(id=["1.0", "a1", *map(str, range(2, 40))]))
    more = pd.DataFrame({"id": [*map(str, range(40)), "A1"], "crp": [*map(str, range(40)), "7"]})
    written(tmp_path, more, "lab.csv")
    lines = joined.notes(file, [joined.Join.of("lab.csv:id", tmp_path)], ["crp"])
    assert lines == [
        "lab.csv: rows for 38 of 40 values of 'id'; none for row 2: '1.0'; row 3: 'a1'",
        "WARNING: lab.csv: 2 of 40 values of 'id' are spelled otherwise there, so that these rows have nothing of it: "
        "'1.0' is '1' there. Write both columns alike.",
    ]


def test_a_join_of_new_records_that_fails_by_spelling_says_so(tmp_path):
    file = written(tmp_path, rows().drop(columns=["age"]))
    written(tmp_path, rows()[["id", "age"]], "lab.csv")
    join = joined.Join.of("lab.csv:id", tmp_path)
    trained_on = read(file, table=("age",), join=("lab.csv:id",))
    new = written(tmp_path, rows()[["id", "note"]][:4], "new.csv")
    (whole,) = new_records(trained_on, new, Views(), joins=[join])
    assert not whole.notes
    written(tmp_path, pd.DataFrame({"id": ["v0", "V1", "v 2"], "age": ["20", "21", "22"]}), "lab.csv")
    first, second = new_records(trained_on, new, Views(), at_once=2, joins=[join])
    assert [row and row["age"] for row in first.table.modalities["table"].values] == [20, None]
    assert [*first.notes.values()] == [
        "lab.csv: rows for 1 of 2 values of 'id'; none for row 3: 'v1'",
        "WARNING: lab.csv: 1 of 2 values of 'id' are spelled otherwise there, so that these rows have nothing of it: "
        "'v1' is 'V1' there. Write both columns alike.",
    ]
    assert [*second.notes.values()] == [
        "lab.csv: rows for 0 of 2 values of 'id'; none for row 4: 'v2'; row 5: 'v3'",
        "WARNING: lab.csv: 1 of 2 values of 'id' are spelled otherwise there, so that these rows have nothing of it: "
        "'v2' is 'v 2' there. Write both columns alike.",
    ]


def test_a_column_of_two_further_tables_is_that_of_the_first_one_and_said(tmp_path):
    file = written(tmp_path)
    for name, first in (("a.csv", 70), ("b.csv", 150)):
        written(tmp_path, rows(weight=[str(first + i) for i in range(40)])[["id", "weight", "age"]], name)
    for one, other, weight in (("a.csv", "b.csv", 70), ("b.csv", "a.csv", 150)):
        options = (f"{one}:id", f"{other}:id")
        trained_on = read(file, table=("weight", "age"), join=options)
        assert trained_on.modalities["table"].values[0] == {"weight": weight, "age": 20}
        joins = [joined.Join.of(option, tmp_path) for option in options]
        said = [
            f"{one}: its 'age' is not read; that of visits.csv is",
            f"{other}: its 'weight' is not read; that of {one} is",
            f"{other}: its 'age' is not read; that of visits.csv is",
        ]
        lines = joined.notes(file, joins, ["weight", "age", "ill"])
        assert [line for line in lines if "rows for" not in line] == said
        (new,) = new_records(trained_on, file, Views(), joins=joins)
        assert [*new.notes.values()] == said
