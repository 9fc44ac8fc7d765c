"""Numbers with marks between thousands are refused wherever numbers are read; they had been a thousandth of it."""

import numpy as np
import pandas as pd
import pytest

from mora_bench.data.readers import signal_tables
from mora_bench.data.readers.measured import measured
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.thousands import read_as_decimals, refuse_thousands
from mora_bench.errors import UserError

#: Counts as an American program writes them, 700 to 2,374, and in which rows thousands stand.
COUNTS = [f"{700 + 93 * i:,}" for i in range(19)]
THOUSANDS = r"holds numbers whose comma may part thousands or decimals, in row 6: '1,072'; .* and 10 more"
#: Decimals, of which some have three digits and some have not: 0,0, 1,125, 2,25.
DECIMALS = [f"{1.125 * i}".replace(".", ",") for i in range(19)]


def table(values=COUNTS, **more):
    columns = {"v": list(values), "w": ["1"] * len(values), "y": [str(i % 2) for i in range(len(values))]}
    return pd.DataFrame(columns | more)


def written(folder, frame, name="t.tsv"):
    file = folder / name
    if name.endswith("xlsx"):
        frame.to_excel(file, index=False)
    elif name.endswith("parquet"):
        frame.to_parquet(file)
    else:
        frame.to_csv(file, sep={"tsv": "\t", "psv": "|", "csv": ";"}[name[-3:]], index=False)
    return file


def read(file, **asked):
    asked = {"labels": ("y",), "table": ("w",)} | asked
    return own_table("t", file, **asked).read(file.parent)


@pytest.mark.parametrize(
    ("cells", "mark", "named"),
    [
        (["700", "979", "1,072"], "comma", "row 4: '1,072'"),
        (["12.5", "1,072", "1,5"], "comma", "row 3: '1,072'"),
        (["7,5", "1.200", "950", "87.000"], "point", "row 3: '1.200'; row 5: '87.000'"),
        (["7,5", "1.200"], "point", "row 3: '1.200'"),
        (["-950", "+1.200"], "point", "row 3: '\\+1.200'"),
    ],
)
def test_a_column_that_may_hold_thousands(tmp_path, cells, mark, named):
    message = rf"t.csv, column 'v' holds numbers whose {mark} may part thousands or decimals, in {named}\. Write"
    with pytest.raises(UserError, match=message):
        refuse_thousands(pd.Series(cells, name="v"), "t.csv", ";")


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        # All with three decimals, one with fewer, one below 1: the comma is a decimal one.
        (["1,072", "1,165"], ";"),
        (["7,5", "1,072", "950"], ";"),
        (["0,250", "1,250", "2"], "\t"),
        (["7,5", "7.5", "2"], ";"),
        # Beside whole numbers a point is a decimal one but where semicolons separate fields.
        (["1.125", "2"], "\t"),
        (["1.125", "2"], ""),
        (["1.125", "2", "3.5"], ";"),
        (["1.0e3", "1.125", "2"], ";"),
        # No commas stand in numbers there.
        (["700", "1.072", "1,072"], ","),
        (["about 1,072", "2", "2020-01-01"], ";"),
        (["", "none"], ";"),
        ([], ";"),
    ],
)
def test_a_column_whose_numbers_are_plain(cells, separator):
    refuse_thousands(pd.Series(cells, name="v", dtype=str), "t.csv", separator)


@pytest.mark.parametrize("name", ["t.tsv", "t.psv", "t.csv", "t.xlsx", "t.parquet"])
def test_thousands_are_refused_as_measured_values_in_every_kind_of_table(tmp_path, name):
    with pytest.raises(UserError, match=rf"{name}, column 'v' {THOUSANDS}"):
        read(written(tmp_path, table(), name), table=("v",))
    with pytest.raises(UserError, match=THOUSANDS):
        read(written(tmp_path, table(), name), table=("v:number",))
    assert read(written(tmp_path, table(), name), table=("v:category",)).modalities["table"].values[4] == {"v": "1,072"}
    values = read(written(tmp_path, table(DECIMALS), name), table=("v",)).modalities["table"].values
    assert [row["v"] for row in values[:5]] == [0, 1.125, 2.25, 3.375, 4.5]


def test_numbers_that_a_program_stores_are_none_with_thousands(tmp_path):
    for name in ("t.xlsx", "t.parquet"):
        values = read(written(tmp_path, table([1.125, *range(2, 20)]), name), table=("v",)).modalities["table"].values
        assert [row["v"] for row in values[:3]] == [1.125, 2, 3]


@pytest.mark.parametrize(
    "asked",
    [
        {"vector": ("e=v*",)},
        {"weights": "v"},
        {"covariates": ("v",)},
        {"labels": (), "time": "v", "event": "y", "horizons": (1000.0,)},
    ],
)
def test_thousands_are_refused_wherever_a_table_says_a_number(tmp_path, asked):
    with pytest.raises(UserError, match=rf"t.tsv, column 'v' {THOUSANDS}"):
        read(written(tmp_path, table()), **asked)


def test_thousands_of_a_joined_table_are_refused_by_its_own_separator(tmp_path):
    main = table(id=[f"p{i}" for i in range(19)]).drop(columns="v")
    main.to_csv(tmp_path / "main.csv", index=False)
    written(tmp_path, table(id=main["id"]).drop(columns=["y", "w"]))
    with pytest.raises(UserError, match=THOUSANDS):
        read(tmp_path / "main.csv", table=("v",), join=("t.tsv:id",))


def test_thousands_of_new_records_are_refused(tmp_path):
    trained_on = read(written(tmp_path, table(range(19))), table=("v",))
    with pytest.raises(UserError, match=THOUSANDS):
        list(new_records(trained_on, written(tmp_path, table(), "new.tsv"), Views()))


def test_thousands_in_tables_of_signals_are_refused(tmp_path):
    file = written(tmp_path, table())
    with pytest.raises(UserError, match=rf"column 'v' {THOUSANDS}"):
        signal_tables.of_one(file, SignalEntry.of("x={id}.tsv:rate=1;channels=v"))
    with pytest.raises(UserError, match=rf"column 'v' {THOUSANDS}"):
        signal_tables.of_one(file, SignalEntry.of("x={id}.tsv:time=v;step=1;unit=h;channels=w"))
    file = written(tmp_path, table(DECIMALS))
    series = signal_tables.of_one(file, SignalEntry.of("x={id}.tsv:rate=1;channels=v"))
    np.testing.assert_allclose(series.values[:4, 0], [0, 1.125, 2.25, 3.375], rtol=1e-6)


def test_thousands_in_the_times_from_which_signals_count_are_refused(tmp_path):
    main = written(tmp_path, table(id=[f"p{i}" for i in range(19)]))
    written(tmp_path, pd.DataFrame({"id": ["p0"], "t": ["701"], "hr": ["70"]}), "charts.tsv")
    with pytest.raises(UserError, match=rf"t.tsv, column 'v' {THOUSANDS}"):
        read(main, signal=("x=charts.tsv:key=id;time=t;since=v;unit=h;step=1",))


@pytest.mark.parametrize(
    "form", ["{},072", "{},072.50", "1.{}.072,5", "{}'072", "{}\u2019072", "{} 072", "{}\u202f072"]
)
def test_numbers_that_all_have_marks_between_thousands_are_no_categories(form):
    """They had been as many categories as rows, and a table of commas was said to need points."""
    cells = [form.format(i) for i in range(10, 30)] if "1." not in form else [form.format(i) for i in range(100, 120)]
    column = pd.Series(cells, name="v")
    with pytest.raises(
        UserError, match=r"column 'v' holds numbers with marks between thousands in row 2: .*or say v:cat"
    ):
        measured(column, None, "t.csv", commas=False)
    assert measured(pd.Series(cells[:2] * 10), None, "t.csv", commas=False).kind == "category"


def test_three_decimals_behind_a_comma_are_no_thousands_where_no_comma_separates_fields():
    column = pd.Series([f"{i},072" for i in range(10, 30)], name="v")
    assert measured(column, None, "t.csv", commas=True).values[:2] == (10.072, 11.072)


@pytest.mark.parametrize(
    ("cells", "separator", "comma", "said"),
    [
        (["1,072", "", "2,374"], "\t", "comma", "1,072 is 1.072"),
        (["12,500", "nan"], "", "comma", "12,500 is 12.500"),
        (["1.072", "2.374"], ";", "point", "1.072 is 1.072"),
        (["1,072", "2,374"], ",", "", ""),
        (["1.072", "2.374"], "\t", "", ""),
        (["1,072", "0,374"], "\t", "", ""),
        (["1,072", "2,37"], "\t", "", ""),
        (["1,072", "late"], "\t", "", ""),
        (["", ""], "\t", "", ""),
        ([], ";", "", ""),
    ],
)
def test_numbers_that_all_may_be_of_thousands_are_said(cells, separator, comma, said):
    note = (
        f"column 'v': three digits stand behind the {comma} of each number, which is read as a decimal one: {said}. "
        "Write 1072 without it if it parts thousands"
    )
    assert read_as_decimals(pd.Series(cells, name="v", dtype=str), separator) == [note] * bool(said)


@pytest.mark.parametrize(
    "asked",
    [
        {"labels": ("y",), "table": ("v", "w"), "covariates": ("v",)},
        {"labels": ("y",), "table": ("w",), "covariates": ("v",)},
        {"labels": ("y",), "table": ("w",), "weights": "v"},
        {"table": ("w",), "time": "v", "event": "y", "horizons": (5.0,)},
    ],
)
def test_what_is_said_of_them_is_said_wherever_a_table_holds_them(tmp_path, asked):
    """1072 had been read as 1.072 without a word."""
    file = written(tmp_path, table([f"{i},072" for i in range(1, 20)]))
    assert [line[:60] for line in notes(file, Columns(**asked)) if "digits" in line] == [
        "column 'v': three digits stand behind the comma of each numb"
    ]
