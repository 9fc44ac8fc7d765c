"""Tables as clinics write them: dialects, columns of measured values, labels that are left open, names of pictures."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mora_bench.data.modalities.pictures import side_by_side
from mora_bench.data.readers import frames, separated
from mora_bench.data.readers.measured import measured
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.targets import Policy, targets
from mora_bench.data.readers.text_columns import texts
from mora_bench.errors import UserError

ROWS = {
    "id": ["a", "b", "c"],
    "note": ["red, round; old", "", "x\ty|z"],
    "age": ["50", "7,5", ""],
    "ill": ["1", "0", "1"],
}


def written(folder, name):
    """The rows as a file of a kind."""
    file, frame = folder / name, pd.DataFrame(ROWS)
    if name.endswith(".parquet"):
        frame["ill"] = frame["ill"].astype(int)
        frame.to_parquet(file)
    elif name.endswith(".xlsx"):
        frame.to_excel(file, index=False)
    else:
        separator = {"c": ",", "s": ";", "t": "\t", "b": "|"}[name[0]]
        text = frame.to_csv(sep=separator, index=False)
        file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode("utf-8-sig"))
    return file


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("c.csv", "text, fields separated by commas"),
        ("s.csv", "text, fields separated by semicolons"),
        ("t.tsv", "text, fields separated by tabs"),
        ("t.TXT", "text, fields separated by tabs"),
        ("b.txt", "text, fields separated by bars"),
        ("s.csv.gz", "packed text, fields separated by semicolons"),
        ("x.xlsx", "Excel"),
        ("p.parquet", "Parquet"),
    ],
)
def test_the_same_rows_in_every_kind_of_file(tmp_path, name, expected):
    file = written(tmp_path, name)
    columns = ["ill", "note", "age"]
    assert str(frames.dialect(file, columns)) == expected
    assert frames.names(file) == list(ROWS)
    frame = frames.frame(file, columns)
    assert {column: frame[column].tolist() for column in columns} == {column: ROWS[column] for column in columns}


def test_what_is_no_table_is_said(tmp_path):
    for name, content, message in [
        ("a.xls", b"x", "expected a table whose name ends in .csv, .tsv"),
        ("a.csv.zip", b"x", "expected a table whose name ends in .csv, .tsv"),
        ("a.parquet", b"x", "not a readable table"),
        ("a.csv.gz", b"x", "not a readable table"),
        ("a.csv", b"id;note\na;b\n", "no column 'ill'. Found: id, note."),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as error:
            frames.frame(tmp_path / name, ["id", "ill"])
        assert message in str(error.value)
    pd.DataFrame({"id": ["a"], "ill": [["1"]]}).to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(UserError, match="column 'ill': holds lists or records"):
        frames.frame(tmp_path / "lists.parquet", ["id", "ill"])


def test_a_packed_text_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(separated, "UNPACKED", 1000)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,ill\n" + b"a,1\n" * 1000))
    with pytest.raises(UserError, match="GB once unpacked"):
        frames.frame(tmp_path / "a.csv.gz", ["id"])


def column(*cells):
    return pd.Series(cells, name="value")


@pytest.mark.parametrize(
    ("cells", "kind", "commas", "values", "why"),
    [
        (["1", " 2.5", "", "NA"], None, False, [1, 2.5, None, None], "all 2 cells that are not empty are numbers"),
        (["1", "7,5"], None, True, [1, 7.5], "all 2 cells"),
        (["00321", "0321", "321"], None, False, ["00321", "0321", "321"], "begin with 0, such as 00321"),
        (["00321", "0321", "321"], "number", False, [321, 321, 321], "as you say"),
        (["a", "b", "7", ""], None, False, ["a", "b", "7", None], "2 of 3 cells are no numbers"),
        (["a", "b", "b"], None, False, ["a", "b", "b"], "no number in it, 2 values"),
        (["1", "2", "<0.01"], "category", False, ["1", "2", "<0.01"], "as you say"),
        (
            ["1", "2", "<0.01"],
            "number",
            False,
            [1, 2, None],
            "1 cells that are no numbers count as empty: row 4: '<0.01'",
        ),
        (["1", "-.5e3", "+2."], None, False, [1, -500, 2], "all 3"),
        (["", ""], None, False, [None, None], "no number in it, 0 values"),
    ],
)
def test_what_a_column_holds(tmp_path, cells, kind, commas, values, why):
    measurement = measured(column(*cells), kind, tmp_path / "t.csv", commas)
    assert list(measurement.values) == values
    assert why in measurement.why


@pytest.mark.parametrize("odd", ["<0.01", "7,5", "50+", "1_000", "inf", "1 000", "0x10"])
def test_a_column_of_numbers_but_for_a_few_cells_is_refused(tmp_path, odd):
    with pytest.raises(UserError) as error:
        measured(column("1", "2", "3", odd), None, tmp_path / "t.csv", False)
    assert f"column 'value' holds numbers, but not in row 5: {odd!r}. Correct them, or say value:number" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("form", "what", "do"),
    [
        ("{} mg/l", "numbers with something behind them", "Write numbers alone, all in one unit"),
        ("{}%", "numbers with something behind them", "Write numbers alone"),
        ("<{},5 x10^9/l", "numbers with something behind them", "Write numbers alone"),
        ("2020-07-{}", "dates", "Give the time between two dates as a number"),
        ("{}.07.1950", "dates", "Give the time between two dates"),
        ("7/{}/50 10:30", "dates", "Give the time between two dates"),
        ("{}-Jul-2020", "dates", "Give the time between two dates"),
        ("{}JUL20:10:30", "dates", "Give the time between two dates"),
        ("{}. März 1950", "dates", "Give the time between two dates"),
        ("Aug {}, 1950", "dates", "Give the time between two dates"),
        ("202007{}", "dates", "Give the time between two dates"),
        ("202007{}1030", "dates", "Give the time between two dates"),
        ("202007{}.0", "dates", "Give the time between two dates"),
        ("\u2212{}.25", "numbers with a minus that is no hyphen", "Write -2.25 with a hyphen"),
    ],
)
def test_measures_with_units_and_dates_are_no_categories(form, what, do):
    """They had been as many categories as rows."""
    cells = [form.format(i) for i in range(10, 28)]
    with pytest.raises(UserError) as error:
        measured(column(*cells, "none", "late"), None, "t.csv", False)
    assert f"t.csv, column 'value' holds {what} in row 2: {cells[0]!r}; row 3: {cells[1]!r}" in str(error.value)
    assert f"and 13 more. {do}" in str(error.value)
    assert str(error.value).endswith("or say value:category.")
    assert measured(column(*cells), "category", "t.csv", False).values == tuple(cells)


def test_numbers_of_which_a_few_could_be_dates_are_numbers():
    """Of digits alone some may be dates by chance; most cannot."""
    cells = ["20200731", "19991231", "2020", "7", "20201301", "20200732", "18991231", "22000101", "1e7"]
    assert measured(column(*cells), None, "t.csv", False).values == tuple(map(float, cells))
    dates = [f"202007{day}" for day in range(10, 28)]
    assert measured(column(*dates), "number", "t.csv", False).values[:2] == (20200710, 20200711)
    # Two days may be two campaigns.
    assert measured(column(*["20200710", "20200711"] * 9), None, "t.csv", False).kind == "number"


def test_negative_numbers_of_any_kinds_are_no_categories():
    """A column mostly of them had been one."""
    for minus in "\u2212\u2013\uff0d":
        with pytest.raises(
            UserError, match=rf"holds numbers with a minus that is no hyphen in row 2: '{minus}1'; row 3"
        ):
            measured(column(*[f"{minus}1", f"{minus}2", "0"] * 9), None, "t.csv", False)
    assert measured(column(*["10\u201320", "20\u201330"] * 9), None, "t.csv", False).kind == "category"


@pytest.mark.parametrize("form", ["12-ABC-20{}", "may {}", "A{}-Jul-2020", "{}-Jul", "2020{}"])
def test_names_that_are_no_dates_are_no_dates(form):
    assert measured(column(*[form.format(i) for i in range(28, 46)]), None, "t.csv", False).values[0] is not None


@pytest.mark.parametrize(
    "cells", [["18 years", "65 years"] * 9, ["20-29", "30-39", "<20"], ["T1", "T2"], ["2020-07-28"] * 9]
)
def test_categories_that_begin_with_a_number(cells):
    assert measured(column(*cells), None, "t.csv", False).kind == "category"


def test_categories_that_hardly_repeat_are_said(tmp_path):
    names = [f"name{'abcdefghij'[i % 10]}{'klmn'[i // 10]}" for i in range(40)]
    frame = pd.DataFrame({"who": names, "site": ["n", "s"] * 20, "ill": ["1", "0", "0", "1"] * 10})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert [line for line in notes(tmp_path / "t.csv", Columns(("ill",), table=("who", "site"))) if "WARN" in line] == [
        "WARNING: column 'who' has categories that hardly repeat, of which little can be learned. Is it a category?"
    ]


@given(st.lists(st.floats(-3e38, 3e38), min_size=1))
def test_numbers_as_python_writes_them_are_numbers(values):
    measurement = measured(column(*map(repr, values)), None, "t.csv", False)
    assert (measurement.kind, list(measurement.values)) == ("number", values)


def labelled(cells, **policy):
    return targets(pd.DataFrame({"ill": cells}), ["ill"], "t.csv", Policy(**policy))


@pytest.mark.parametrize("mark", ["<NA>", "#N/A", "NaT", "n.a.", ".", "-nan", "1.#QNAN", " N.A. ", "#NV"])
def test_marks_of_an_empty_cell(mark):
    """pandas, R, SAS and Excel write them; they had been texts, categories and classes."""
    assert texts(column("red", mark), [], "t.csv").values == ("red", None)
    assert measured(column("1", mark, "2"), None, "t.csv", False).values == (1, None, 2)
    assert measured(column("a", mark, "b"), None, "t.csv", False).values == ("a", None, "b")
    with pytest.raises(UserError, match=r"column 'ill' has no label in row 3"):
        labelled(["a", mark, "b"])
    assert targets(pd.DataFrame({"a": ["1", mark]}), ["a"], "t.csv", Policy(empty="leave-out")).kept.tolist() == [1, 0]


@pytest.mark.parametrize("mark", ["-", "--", "k.A.", "not done", "<0.5"])
def test_one_mark_among_numbers_is_refused_however_often_it_stands_there(mark):
    """With it in half of the rows, the numbers had been categories."""
    with pytest.raises(UserError) as error:
        measured(column("1", mark, mark, mark.upper(), "2"), None, "t.csv", False)
    rows = f"row 3: {mark!r}; row 4: {mark!r}; row 5: {mark.upper()!r}"
    assert f"t.csv, column 'value' holds numbers, but not in {rows}. Correct them, or say value:number" in str(
        error.value
    )
    assert measured(column("1", mark, mark, "2"), "number", "t.csv", False).values == (1, None, None, 2)


@pytest.mark.parametrize("form", ["<{}", "> {}.5", "{}*", "{}.25+", "({}.5)", "{},5", "{},", "\u2264{}"])
@pytest.mark.parametrize("plain", [0, 10, 15])
def test_numbers_with_marks_in_half_of_the_cells_or_more_are_no_categories(form, plain):
    """They had been as many categories, with a word that half of the cells are no numbers."""
    marked = [form.format(i) for i in range(10, 30)]
    cells = [*marked, *map(str, range(plain)), "late"]
    with pytest.raises(UserError) as error:
        measured(column(*cells), None, "t.csv", False)
    rows = f"in row 2: {marked[0]!r}; row 3: {marked[1]!r}"
    assert f"t.csv, column 'value' holds numbers with marks beside them, or commas, {rows}" in str(error.value)
    say = "value:number (they count as empty) or value:category." if plain else "value:category."
    assert str(error.value).endswith(f"and 15 more. Write numbers alone, with a decimal point, or say {say}")
    assert measured(column(*cells), "category", "t.csv", False).values == tuple(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["0", "1+", "2+", "3+"] * 9,
        ["<5", "5-9", ">9", "7"] * 9,
        ["1,2", "1,3", "2"] * 9,
        [f"{i}a" if i % 2 else f"{i}" for i in range(30)],
        [f"*{i}" for i in range(30)],
        [f"{i}/{i + 1}" for i in range(30)],
    ],
)
def test_categories_that_have_numbers_in_them_stay(cells):
    assert measured(column(*cells), None, "t.csv", False).kind == "category"


def test_numbers_that_a_user_says_are_there_are(tmp_path):
    """A column without any had been announced as numbers, and held nothing."""
    frame = pd.DataFrame({"ill": ["1", "0"] * 10, "glu": [f"{i} mg" for i in range(20)], "age": range(20)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError) as error:
        own_table("t", tmp_path / "t.csv", labels=["ill"], table=["glu:number", "age"]).read(tmp_path)
    assert "column 'glu' holds no number, and is to hold numbers, in row 2: '0 mg'; row 3: '1 mg'" in str(error.value)
    frame.assign(glu=["5", *frame["glu"][1:]]).to_csv(tmp_path / "t.csv", index=False)
    table = own_table("t", tmp_path / "t.csv", labels=["ill"], table=["glu:number", "age"]).read(tmp_path)
    assert [row["glu"] for row in table.modalities["table"].values] == [5, *[None] * 19]


@pytest.mark.parametrize("mark", ["-", "--", "\u2013", "?"])
def test_marks_that_may_be_values_are_said(tmp_path, mark):
    """A - may mean that a test was negative, so it is left as it is."""
    frame = pd.DataFrame({"id": list("abcd"), "note": ["red", mark, "old", mark], "ill": ["1", "0", "1", "0"]})
    frame = frame.assign(test=["+", mark, "+", "+"], site=["Ulm", "Ulm", "Bonn", mark], who=["p", "NA", "q", "NA"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    columns = {"text": ("note",), "table": ("test",), "group": ("site",), "patient": "who", "id": "id"}
    do = "Empty these cells if nothing is there."
    assert [line for line in notes(tmp_path / "t.csv", Columns(("ill",), **columns)) if "WARNING" in line] == [
        f"WARNING: column 'who': row 3: 'NA'; row 5: 'NA' counts as the name of one patient. {do}",
        f"WARNING: column 'note': row 3: {mark!r}; row 5: {mark!r} counts as a text. {do}",
        f"WARNING: column 'test': row 3: {mark!r} counts as a category. {do}",
        f"WARNING: column 'site': row 5: {mark!r} counts as a group. {do}",
    ]
    assert f"{mark!r} is taken for a label of its own (row 2: {mark!r})" in " ".join(labelled([mark, "+", "+"]).notes)


def test_rows_without_a_label():
    with pytest.raises(
        UserError, match=r"column 'ill' has no label in row 3: ''; row 4: 'nan'. Say what such rows are"
    ):
        labelled(["a", "", "nan", "b"])
    outcome = labelled(["a", "", "nan", "b"], empty="leave-out")
    assert (outcome.task, outcome.labels, outcome.kept.tolist()) == (
        "multi-class",
        ("a", "b"),
        [True, False, False, True],
    )
    assert outcome.notes == ("2 rows without a certain label are left out",)
    outcome = labelled(["a", "", "nan", "b"], empty="negative")
    assert (outcome.task, outcome.values.tolist()) == ("multi-label", [[1, 0], [0, 0], [0, 0], [0, 1]])
    assert outcome.notes == ("2 rows have none of the labels",)


def test_uncertain_labels_as_chexpert_writes_them():
    frame = pd.DataFrame({"a": ["1", "-1", "0", ""], "b": ["0", "1", "-1.0", "1"]})
    with pytest.raises(
        UserError, match=r"column 'a' is uncertain in row 3: '-1'. Say what an uncertain label counts as"
    ):
        targets(frame, ["a", "b"], "t.csv", Policy(empty="negative"))
    with pytest.raises(UserError, match=r"column 'a' is empty in row 5"):
        targets(frame, ["a", "b"], "t.csv", Policy(uncertain="0"))
    ones = targets(frame, ["a", "b"], "t.csv", Policy(empty="negative", uncertain="1"))
    assert ones.values.tolist() == [[1, 0], [1, 1], [0, 1], [0, 1]]
    assert "label 'a': 1 uncertain, taken for 1, 1 empty, taken for 0" in ones.notes
    zeros = targets(frame, ["a", "b"], "t.csv", Policy(empty="negative", uncertain="0"))
    assert zeros.values.tolist() == [[1, 0], [0, 1], [0, 0], [0, 1]]
    out = targets(frame, ["a", "b"], "t.csv", Policy(empty="leave-out", uncertain="leave-out"))
    assert out.kept.tolist() == [True, False, False, False]
    with pytest.raises(UserError, match="no row has a label"):
        targets(frame[1:], ["a", "b"], "t.csv", Policy(empty="leave-out", uncertain="leave-out"))


def test_a_label_that_is_neither():
    with pytest.raises(UserError, match=r"column 'b' is neither 0 nor 1 in row 3: '2'"):
        targets(pd.DataFrame({"a": ["1", "0"], "b": ["0", "2"]}), ["a", "b"], "t.csv", Policy())


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["severe", "Severe", "mild"], "'Severe', 'severe' are labels of their own. Write them alike"),
        (["no-finding", "no finding"], "are labels of their own"),
        (
            ["COVID-19, ARDS", "flu"],
            "'COVID-19, ARDS' count as one label each. If ',' separates labels, say --separator ','",
        ),
        (["a/b/c", "d"], "If '/' separates labels"),
        (["a+b", "a"], "If '+' separates labels"),
        (["1", "1.0", "2", "2", "3"], "'1', '1.0' are labels of their own. Write them alike"),
        (["02", "2", "3"], "'02', '2' are labels of their own"),
        (["unknown", "a"], "'unknown' is taken for a label of its own (row 2: 'unknown')"),
        (["a", "a; Unknown", "['b', 'Unknown']"], "of its own (row 3: 'a; Unknown'; row 4: \"['b', 'Unknown']\")"),
    ],
)
def test_likely_slips_are_said(cells, message):
    assert message in " ".join(labelled(cells).notes)


MOSTLY_NO = ["1", *["0"] * 38]


@pytest.mark.parametrize(
    ("cells", "rows"),
    [
        (["yes", "no", "Y", "N", "TRUE", "f"], "row 7: 'f'"),
        (["yes", "no", "no", "No?", ""], "row 5: 'No?'"),
        ([*MOSTLY_NO, "2"], "row 41: '2'"),
        ([*MOSTLY_NO, "0;1"], "row 41: '0;1'"),
    ],
)
def test_an_odd_cell_among_yes_and_no_is_refused_by_row(cells, rows):
    """It had made a class of each spelling without a word."""
    with pytest.raises(UserError) as error:
        labelled(cells, empty="leave-out")
    assert f"t.csv, column 'ill' says yes and no, or 1 and 0, but not in {rows}. Correct them, or say" in str(
        error.value
    )


def test_classes_beside_yes_and_no():
    outcome = labelled(["yes", "no", "no", "late"], exclusive=True)
    assert (outcome.task, outcome.labels) == ("multi-class", ("late", "no", "yes"))
    with pytest.raises(UserError, match=r"column 'ill' names several labels in row 5: 'no;late'"):
        labelled(["yes", "no", "no", "no;late"], exclusive=True)
    # Numbers that are not rare are classes; where nobody says yes, no is a name; a name may mean none of the others.
    assert labelled(["0", "0", "0", "1", "2"]).labels == ("0", "1", "2")
    assert labelled(["no", "no", "no", "mass"]).labels == ("mass", "no")
    assert labelled(["no", "no", "y", "mass"], none_label="no").labels == ("mass", "y")
    slips = labelled(["yes", "Y", "no", "late"], exclusive=True).notes
    assert slips == ("WARNING: 'Y', 'yes' are labels of their own. Write them alike if they are one.",)


def test_what_is_no_slip_is_not_warned_of():
    assert labelled(["HER2+", "HER2-", "luminal A", "luminal B"]).notes == ()
    assert labelled(["grade 1", "grade 2", "R&D"]).notes == ()


def test_a_separator_that_the_user_names():
    outcome = labelled(["COVID-19, ARDS", "flu; ARDS"], separator=",")
    assert outcome.labels == ("ARDS", "COVID-19", "flu; ARDS")


@pytest.fixture
def visits(tmp_path):
    """Forty rows: films, an age, a column that negates the label."""
    (tmp_path / "films").mkdir()
    for i in range(40):
        Image.fromarray(np.full((20, 20), i, np.uint8)).save(tmp_path / "films" / f"{i}.PNG")
    ill = [str(i % 2) for i in range(40)]
    rows = {"film": [f"films\\{i}.PNG" for i in range(40)], "well": ["no" if label == "1" else "yes" for label in ill]}
    rows |= {"ill": ill, "age": [str(20 + i) for i in range(40)]}
    pd.DataFrame(rows).to_csv(tmp_path / "visits.csv", index=False)
    return tmp_path


def test_paths_of_windows_lead_to_the_same_files(visits):
    table = own_table("v", "visits.csv", labels=["ill"], image=["film"]).read(visits)
    assert table.present.all()


@pytest.mark.parametrize("wrong", ["films/3.png", "films/3.jpg", "films/nothing.PNG"])
def test_names_of_pictures_that_are_not_there(visits, wrong):
    file = visits / "visits.csv"
    file.write_text(file.read_text().replace("films\\3.PNG", wrong))
    beside = "" if "nothing" in wrong else f" ({wrong.removeprefix('films/')!r} is there as '3.PNG')"
    with pytest.raises(UserError) as error:
        own_table("v", "visits.csv", labels=["ill"], image=["film"]).read(visits)
    message = f"column 'film' names pictures that are not there in row 5: {wrong!r}. Correct the names{beside}, or say"
    assert message in str(error.value)
    allowed = own_table("v", "visits.csv", labels=["ill"], image=["film"], table=["age"], absent_pictures="allow")
    assert allowed.read(visits).present.sum(0).tolist() == [39, 40]


@pytest.mark.parametrize(
    ("cell", "do"),
    [
        ('["{}.PNG", "5.PNG"]', "Write several paths of a cell as a.png;b.png, without brackets and quotes."),
        ("['{}.PNG' '5.PNG']", "Write several paths of a cell as a.png;b.png, without brackets and quotes."),
        ("http://pacs/{}.PNG", "Addresses are not followed: download the files, and write where they lie."),
        ("*{}.PNG", "Patterns are not looked up: write each path, with ; between them (a.png;b.png)."),
        ("{}.PNG, 5.PNG", "A comma separates no paths: write '0.PNG;5.PNG'."),
        ("{}.0.PNG", "'0.0.PNG' is there as '0.PNG': write whole numbers without .0."),
        ("{}.000.PNG", "'0.000.PNG' is there as '0.PNG': write whole numbers without .0."),
        ("a, {}.PNG", "Say where the paths begin (--pictures FOLDER ...)."),
        ("v1.{}.PNG", "Say where the paths begin (--pictures FOLDER ...)."),
    ],
)  # fmt: skip
def test_cells_of_pictures_that_are_no_paths_are_refused_with_what_to_write(visits, cell, do):
    """Where the paths begin had been asked for, and nothing else."""
    frame = pd.read_csv(visits / "visits.csv", dtype=str).assign(film=[cell.format(i) for i in range(40)])
    frame.to_csv(visits / "visits.csv", index=False)
    with pytest.raises(UserError) as error:
        own_table("v", "visits.csv", labels=["ill"], image=["film"], pictures="films").read(visits)
    assert "column 'film': none of its" in str(error.value)
    assert str(error.value).endswith(do)
    frame.loc[1:, "film"] = [f"{i}.PNG" for i in range(1, 40)]
    frame.to_csv(visits / "visits.csv", index=False)
    with pytest.raises(UserError) as error:
        own_table("v", "visits.csv", labels=["ill"], image=["film"], pictures="films").read(visits)
    first = "Correct the names" if do.startswith("Say where") else do[:-1]
    assert "column 'film' names pictures that are not there in row 2: " in str(error.value)
    assert f"{first}, or say --absent-pictures allow: then these samples have no picture." in str(error.value)


def test_a_label_among_the_inputs(visits):
    with pytest.raises(UserError, match="column 'ill' is a label, and would be shown to the model"):
        own_table("v", "visits.csv", labels=["ill"], table=["age", "ill:category"])
    lines = notes(visits / "visits.csv", Columns(("ill",), table=("age", "well")))
    assert lines == [
        "visits.csv: text, fields separated by commas, 40 rows",
        "column 'age': number (all 40 cells that are not empty are numbers)",
        "column 'well': category (no number in it, 2 values)",
        "WARNING: column 'well' says who has label 'ill', and who has not. Is it an input?",
    ]


def test_a_measured_column_is_told_by_the_rows_that_are_kept(visits):
    # As REDCap exports a repeating instrument: rows of its own, without what the others hold.
    file = visits / "visits.csv"
    frame = pd.read_csv(file, dtype=str).assign(crp="")
    labs = pd.DataFrame({"crp": ["<5", "7.1", "8.2"]})
    pd.concat([frame, labs]).to_csv(file, index=False)
    columns = {"labels": ("ill",), "text": ("well",), "empty_label": "leave-out"}
    for ask in (
        lambda: notes(file, Columns(**columns, table=("crp",))),
        lambda: own_table("v", "visits.csv", **columns, table=["crp"]).read(visits),
    ):
        with pytest.raises(UserError) as error:
            ask()
        assert str(error.value) == (
            f"{file}, column 'crp': empty in all 40 rows that are read. Leave it out of --table. Rows that are left "
            "out hold 3 values, as rows of a repeating instrument do (REDCap): save such rows as a table of their own, "
            "for --signal, or for --join if it has one row a key."
        )
    frame.loc[:, "crp"] = [str(row) for row in range(40)]
    pd.concat([frame, labs]).to_csv(file, index=False)
    lines = notes(file, Columns(**columns, table=("crp",)))
    assert "column 'crp': number (all 40 cells that are not empty are numbers)" in lines


def test_an_empty_measured_column_is_refused(visits):
    file = visits / "visits.csv"
    pd.read_csv(file, dtype=str).assign(crp="NA").to_csv(file, index=False)
    with pytest.raises(UserError) as error:
        own_table("v", "visits.csv", labels=["ill"], table=["age", "crp"]).read(visits)
    assert str(error.value) == (f"{file}, column 'crp': empty in all 40 rows that are read. Leave it out of --table.")


def test_rows_that_are_left_out_are_left_out_of_everything(visits):
    file = visits / "visits.csv"
    frame = pd.read_csv(file, dtype=str)
    frame.loc[[1, 5], "ill"] = "-1"
    frame.to_csv(file, index=False)
    columns = {"labels": ["ill"], "image": ["film"], "table": ["age:number"], "covariates": ["age"]}
    table = own_table("v", "visits.csv", **columns, uncertain="leave-out").read(visits)
    assert len(table) == 38
    assert table.ids[:3] == ("row 2", "row 4", "row 5")
    assert table.covariates["age"][:3] == ("20", "22", "23")
    assert [row["age"] for row in table.modalities["table"].values[:3]] == [20, 22, 23]
    assert table.targets[:, 0].sum() == 18


def test_paths_that_are_made_of_columns_in_several_folders(tmp_path):
    """As PAD-UFES-20 (three folders), BRSET (no suffix) and MIMIC-CXR (p10/p10000032/s50414267/ID.jpg) have them."""
    rows = [("10000032", "a", "imgs_part_1"), ("10000032", "b", "imgs_part_2"), ("11000033", "c", "imgs_part_2")]
    for number, (subject, name, part) in enumerate(rows):
        folder = tmp_path / "images" / part / f"p{subject[:2]}" / f"p{subject}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 20), number, np.uint8)).save(folder / f"{name}.png")
    frame = pd.DataFrame(rows, columns=["subject", "name", "part"]).assign(ill=["1", "0", "1"])
    (tmp_path / "meta").mkdir()
    frame.to_csv(tmp_path / "meta" / "meta.csv", index=False)
    columns = {
        "labels": ["ill"], "patient": "subject", "image": ["film=p{subject:.2}/p{subject}/{name}.png"],
        "pictures": ("../images/imgs_part_1", "../images/imgs_part_2"),
    }  # fmt: skip
    table = own_table("m", "meta/meta.csv", **columns).read(tmp_path)
    assert table.shape == {"film": "image"}
    assert [value[0].path.name for value in table.modalities["film"].values] == ["a.png", "b.png", "c.png"]
    frame.loc[1, "name"] = ""
    frame.to_csv(tmp_path / "meta" / "meta.csv", index=False)
    assert own_table("m", "meta/meta.csv", **columns).read(tmp_path).present[:, 0].tolist() == [True, False, True]
    frame.loc[1, "name"] = "../../../../meta/meta.csv"
    frame.to_csv(tmp_path / "meta" / "meta.csv", index=False)
    with pytest.raises(UserError, match="column 'film' leads out of"):
        own_table("m", "meta/meta.csv", **columns).read(tmp_path)


def test_new_pictures_whose_paths_are_made_of_a_column_of_their_name(tmp_path):
    """Their names alone had been looked for as paths."""
    for number in range(3):
        Image.fromarray(np.full((20, 20), number, np.uint8)).save(tmp_path / f"{number}.png")
    frame = pd.DataFrame({"film": ["0", "1", "2"], "ill": ["1", "0", "1"]})
    frame.to_csv(tmp_path / "visits.csv", index=False)
    dataset = own_table("visits", "visits.csv", labels=["ill"], image=["film={film}.png"])
    trained_on = dataset.read(tmp_path)
    (part,) = new_records(trained_on, tmp_path / "visits.csv", Views(), made=dataset.made)
    assert part.table.modalities["film"].values == trained_on.modalities["film"].values
    assert part.notes == {}


@pytest.fixture
def eyes(tmp_path):
    """Pictures of two eyes of three patients, but for the left one of the first; cells name both."""
    for number in range(3):
        for side, grey in (("L", 50), ("R", 200)):
            Image.fromarray(np.full((20, 20), grey, np.uint8)).save(tmp_path / f"{number}{side}.png")
    (tmp_path / "0L.png").unlink()
    return tmp_path


def pairs(folder, cells, **columns):
    """Of each sample the brightness of the halves of what is shown; None where there is no picture."""
    frame = pd.DataFrame(cells, columns=["eyes"] if isinstance(cells[0], str) else ["l", "r"])
    frame.assign(ill=[0, 1, 0], age=[50, 60, 70]).to_csv(folder / "eyes.csv", index=False)
    dataset = own_table("e", "eyes.csv", **({"labels": ["ill"], "image": ["eyes"], "table": ["age"]} | columns))
    table = dataset.read(folder)
    (part,) = new_records(table, folder / "eyes.csv", Views(), made=dataset.made)
    values = table.modalities["eyes"].values
    assert part.table.modalities["eyes"].values == values
    shown = [side_by_side([p and p.read() for p in value]) if value else None for value in values]
    return [a if a is None else [int(half.mean()) for half in np.split(a, a.shape[1] // 20, axis=1)] for a in shown]


def test_one_of_two_pictures_that_is_absent_leaves_its_place_white(eyes):
    """The other one had filled the whole picture, as no pair's does."""
    both, right, left = [50, 200], [255, 200], [50, 255]
    allow = {"absent_pictures": "allow"}
    assert pairs(eyes, ["0L.png;0R.png", "1L.png;1R.png", "2L.png|2R.png"], **allow) == [right, both, both]
    assert pairs(eyes, ["; 0R.png", "1L.png ; 1R.png", "2L.png;nan"]) == [right, both, left]
    assert pairs(eyes, ["NA;0R.png", "1L.png;", ";"]) == [right, left, None]
    by_columns = {"image": ["eyes={l};{r}"]}
    assert pairs(eyes, [("", "0R.png"), ("1L.png", "1R.png"), ("", "")], **by_columns) == [right, both, None]
    assert pairs(eyes, [("0L.png", ""), ("1L.png", "1R.png"), ("2L.png", "")], **allow, **by_columns) == [
        None, both, left
    ]  # fmt: skip


def test_blanks_beside_pictures_that_are_no_pairs_mean_nothing(eyes):
    assert pairs(eyes, ["0R.png;", "1R.png;", "2R.png"]) == [[200], [200], [200]]
    assert pairs(eyes, ["0R.png", "1L.png;1R.png", "2R.png"]) == [[200], [50, 200], [200]]
    assert pairs(eyes, ["0R.png;;", "1L.png;;1R.png", "2R.png"]) == [[200], [50, 200], [200]]


def test_new_pictures_in_a_bag_have_no_places(eyes):
    frame = pd.DataFrame({"eyes": ["0R.png;1L.png;1R.png", "1R.png", "2R.png"], "ill": [0, 1, 0]})
    frame.to_csv(eyes / "eyes.csv", index=False)
    trained_on = own_table("e", "eyes.csv", labels=["ill"], image=["eyes"]).read(eyes)
    (eyes / "new.csv").write_text("eyes\n0L.png;0R.png\n;1R.png\n")
    (part,) = new_records(trained_on, eyes / "new.csv", Views())
    values = part.table.modalities["eyes"].values
    assert [[picture.path.name for picture in value] for value in values] == [["0R.png"], ["1R.png"]]


def test_a_name_that_means_none_of_the_others():
    outcome = labelled(["No Finding", "Mass|Nodule", "no finding"], none_label="No Finding")
    assert (outcome.labels, outcome.values.tolist()) == (("Mass", "Nodule"), [[0, 0], [1, 1], [0, 0]])
    assert outcome.notes == ("2 rows have 'No Finding': none of the labels",)
    with pytest.raises(UserError, match=r"has 'No Finding' beside a label in row 2"):
        labelled(["No Finding|Mass", "Mass"], none_label="No Finding")


def test_lists_as_python_writes_them():
    outcome = labelled(["['a', 'pleural effusion']", "[]", '["a"]', "['b'"], empty="negative")
    assert outcome.labels == ("['b'", "a", "pleural effusion")
    assert outcome.values.tolist() == [[0, 1, 1], [0, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_columns_that_exclude_each_other():
    frame = pd.DataFrame({"MEL": ["1.0", "0.0", "0.0"], "NV": ["0", "1", "0"], "BCC": ["0", "0", "1"]})
    outcome = targets(frame, list(frame), "t.csv", Policy())
    assert outcome.task == "multi-label"
    assert outcome.notes == ("each row has one label exactly: say --exclusive if the labels exclude each other",)
    assert targets(frame, list(frame), "t.csv", Policy(exclusive=True)).task == "multi-class"
    frame.loc[2, "MEL"] = "1"
    with pytest.raises(UserError, match=r"column 'MEL, NV, BCC' is not 1 in one of them alone in row 4: '1 0 1'"):
        targets(frame, list(frame), "t.csv", Policy(exclusive=True))


@pytest.fixture
def reports(tmp_path):
    """Reports, films of which some reports have two or none, and ages: joined by uid, as Indiana's are."""
    for name in ("a", "b", "c"):
        Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "reports.csv").write_text("uid,text,ill\n1,clear,0\n2 ,opacity,1\n3,,1\n")
    (tmp_path / "films.csv").write_text("uid;film\n2;a.png\n1;b.png\n1;c.png\n")
    (tmp_path / "ages.tsv").write_text("uid\tage\n3\t71\n2\t50\n")
    return tmp_path


def test_columns_of_further_tables_stand_beside_those_of_the_first(reports):
    columns = {"labels": ["ill"], "text": ["text"], "image": ["film"], "table": ["age"], "id": "uid"}
    joins = ("films.csv:uid:list", "ages.tsv:uid")
    table = own_table("r", "reports.csv", **columns, join=joins).read(reports)
    films = [value and [picture.path.name for picture in value] for value in table.modalities["film"].values]
    assert films == [["b.png", "c.png"], ["a.png"], None]
    assert [value and value["age"] for value in table.modalities["table"].values] == [None, 50, 71]
    assert table.ids == ("1", "2", "3")
    lines = notes(reports / "reports.csv", Columns(("ill",), text=("text",), table=("age",), join=joins))
    assert "films.csv: rows for 2 of 3 values of 'uid'; none for row 4: '3'" in lines
    assert "ages.tsv: rows for 2 of 3 values of 'uid'; none for row 2: '1'" in lines


@pytest.mark.parametrize(
    ("join", "message"),
    [
        ("films.csv:uid", "films.csv, column 'uid' has several rows for one value in row 4: '1'. Make one row of them"),
        ("films.csv", "--join 'films.csv': expected FILE:COLUMN"),
        ("nowhere.csv:uid", "nowhere.csv: no such file"),
        ("films.csv:text:list", "no column 'text'. Found: uid, film"),
        ("ages.tsv:uid", "no column 'film' in any of them"),
    ],
)
def test_joins_that_cannot_be_made(reports, join, message):
    with pytest.raises(UserError) as error:
        own_table("r", "reports.csv", labels=["ill"], image=["film"], join=(join,)).read(reports)
    assert message in str(error.value)
