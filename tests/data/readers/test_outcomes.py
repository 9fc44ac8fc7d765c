"""What is to be predicted beyond labels: grades with an order, and the time until something happens."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mora_bench.data.audit import problems
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.doctor.holds import diagnosis
from mora_bench.errors import UserError

N = 40
TIMES = {"time": "days", "event": "died", "horizons": (10.0, 30.0)}


@pytest.fixture
def file(tmp_path):
    rows = [
        {"id": f"s{i}", "note": f"note {i}", "days": i + 1, "died": i % 2, "status": ["alive", "dead"][i % 2],
         "grade": ["none", "mild", "severe"][i % 3], "level": str(i % 5)}
        for i in range(N)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "stays.csv", index=False)
    return tmp_path / "stays.csv"


def table_of(file, **columns):
    return own_table("stays", file, text=("note",), id="id", **columns).read(file.parent)


def wrong(table):
    return [problem for _, problem in problems(table) if problem]


def changed(file, **cells):
    """The table with other cells, by column and row."""
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    for column, by_row in cells.items():
        for row, cell in by_row.items():
            frame.loc[row, column] = cell
    frame.to_csv(file, index=False)
    return file


def test_times_and_events(file):
    table = table_of(file, **TIMES)
    assert (table.task, table.labels) == ("time-to-event:10,30", ("by 10", "by 30"))
    assert table.targets.dtype == np.float64
    assert table.targets.tolist() == [[i + 1, i % 2] for i in range(N)]
    assert table.by_label == ((), pytest.approx(np.zeros((N, 0))))
    assert wrong(table) == []
    named = table_of(file, **TIMES | {"event": "status=dead"})
    assert (named.targets == table.targets).all()
    assert named.fingerprint() == table.fingerprint()
    text = diagnosis(table)
    assert "15 events by the last horizon, 30; 15 samples censored before it, 10 free of it for longer" in text
    assert "events by horizon: 10 5, 30 15" in text
    assert "positives" not in text
    # Times are not cut to a byte where they are hashed.
    assert table_of(changed(file, days={0: "257"}), **TIMES).fingerprint() != table.fingerprint()


def test_rows_without_a_time_or_an_event_are_refused_or_left_out(file):
    changed(file, days={3: ""}, died={5: "NA"})
    with pytest.raises(UserError, match=r"column 'days' is empty in row 5: ''. Say --empty-label leave-out"):
        table_of(file, **TIMES)
    table = table_of(file, **TIMES, empty_label="leave-out")
    assert len(table) == N - 2
    assert {"s3", "s5"}.isdisjoint(table.ids)
    columns = Columns(text=("note",), id="id", **TIMES, empty_label="leave-out")
    assert "2 rows without a time and an event are left out" in notes(file, columns)


@pytest.mark.parametrize(
    ("cells", "columns", "message"),
    [
        ({"days": {1: "2024-01-31"}}, {}, r"column 'days' is no number of 0 or more in row 3: '2024-01-31'. Give the"),
        ({"days": {1: "-2"}}, {}, "is no number of 0 or more in row 3: '-2'"),
        (
            {"days": {i: f"202001{1 + i % 31:02}" for i in range(N)}},
            {},
            r"column 'days' holds dates in row 2: '20200101'; .* Give the time since the start as a number, such as",
        ),
        ({"died": {2: "lost"}}, {}, r"column 'died' is neither 0 nor 1 in row 4: 'lost'.*--event died=VALUE"),
        ({}, {"event": "status=gone"}, "no cell of column 'status' is 'gone'; there is 'alive', 'dead'"),
        ({}, {"horizons": (30.0, 10.0)}, "--horizons 30 10: expected numbers above 0 that rise"),
        ({}, {"event": ""}, "--time, --event, --horizons: all three are needed"),
        ({}, {"horizons": (1.0, float("nan"))}, "--horizons 1 nan: expected numbers above 0 that rise"),
        ({}, {"horizons": (1.0, float("inf"))}, "--horizons 1 inf: expected numbers above 0 that rise"),
        ({}, {"labels": ("grade",)}, "no labels, or a time beside them"),
        ({}, {"grades": ("none", "mild")}, "--grades is for labels, and --time is given"),
        ({}, {"empty_label": "negative"}, "--empty-label negative is for labels, and --time is given"),
        ({}, {"table": ("days",)}, "column 'days' says what is to be predicted, and would be shown to the model"),
        ({}, {"table": ("status",), "event": "status=dead"}, "column 'status' says what is to be predicted"),
    ],
)
def test_what_is_no_time_or_no_event_is_named(file, cells, columns, message):
    changed(file, **cells)
    with pytest.raises(UserError, match=message):
        table_of(file, **TIMES | columns)


def test_a_number_that_could_be_a_date_among_others_is_a_time(file):
    changed(file, days={1: "20200101"})
    assert table_of(file, **TIMES).targets[1, 0] == 20200101


def test_what_counts_as_censored_is_said(file):
    """A value in another case is the same; others are censored, and a user sees which."""
    changed(file, status={1: "DEAD", 0: "lost"})
    named = TIMES | {"event": "status=dead"}
    assert (table_of(file, **named).targets[:, 1] == [i % 2 for i in range(N)]).all()
    lines = notes(file, Columns(text=("note",), id="id", **named))
    counts = "'dead' 19, 'DEAD' 1 is the event; censored: 'alive' 19, 'lost' 1"
    assert f"WARNING: column 'status': {counts}. Does each of these mean that it had not happened?" in lines
    numbers = changed(file, died={1: "1.0"})
    assert (table_of(numbers, **TIMES | {"event": "died=1"}).targets[:, 1] == [i % 2 for i in range(N)]).all()


def test_a_column_that_says_who_is_censored_is_asked_about(file):
    """By its name 1 is censored, and by the rule 1 is an event."""
    frame = pd.read_csv(file, dtype=str).rename(columns={"died": "censored"})
    frame.to_csv(file, index=False)
    asked = TIMES | {"event": "censored"}
    lines = notes(file, Columns(text=("note",), id="id", **asked))
    do = "Where it has 1 for censored, say --event censored=0."
    assert f"WARNING: column 'censored' has 1 for an event. {do}" in lines
    turned = table_of(file, **TIMES | {"event": "censored=0"})
    assert (turned.targets[:, 1] == 1 - table_of(file, **asked).targets[:, 1]).all()


def test_targets_are_double_precision(file):
    """In single precision an event at 0.1 is after a horizon of 0.1."""
    table = table_of(file, **TIMES)
    (problem,) = wrong(dataclasses.replace(table, targets=table.targets.astype(np.float32)))
    assert "they are of type float32; expected float64, time and event" in problem


def test_a_table_nobody_can_learn_from_is_refused_by_the_audit(file):
    changed(file, died=dict.fromkeys(range(N), "0"))
    (problem,) = wrong(table_of(file, **TIMES))
    assert "nobody has an event by the last horizon, 30, so there is nothing to learn" in problem


def test_grades_stand_in_the_order_that_is_said(file):
    table = table_of(file, labels=("grade",), grades=("none", "mild", "severe"))
    assert (table.task, table.labels) == ("ordinal", ("none", "mild", "severe"))
    assert table.targets.argmax(1).tolist() == [i % 3 for i in range(N)]
    assert wrong(table) == []
    numbers = table_of(file, labels=("level",), grades=("0", "1", "2", "3", "4"))
    assert numbers.targets.argmax(1).tolist() == [i % 5 for i in range(N)]
    # As tables are written whose other cells are empty.
    changed(file, grade={0: "NONE", 1: "Mild"}, level={1: "1.0"})
    assert (table_of(file, labels=("grade",), grades=("none", "mild", "severe")).targets == table.targets).all()
    again = table_of(file, labels=("level",), grades=("0", "1", "2", "3", "4"))
    assert (again.targets == numbers.targets).all()


@pytest.mark.parametrize(
    ("cells", "columns", "message"),
    [
        ({"grade": {1: "worse"}}, {}, r"column 'grade' is not one of the grades in row 3: 'worse'.*known: none, mild"),
        ({"grade": {1: ""}}, {}, "has no label in row 3"),
        ({"grade": {1: ""}}, {"empty_label": "negative"}, "--empty-label negative means nothing beside --grades"),
        ({}, {"grades": ("none", "None", "mild")}, "--grades: 'none' stands there twice, case and spelling aside"),
        ({}, {"separator": ","}, "--separator means nothing beside --grades: a row has one grade"),
        ({"grade": {1: "none; mild"}}, {}, "is not one of the grades in row 3"),
        ({}, {"labels": ("died", "level")}, "--grades is for labels that are written as names"),
    ],
)
def test_what_is_no_grade_is_named(file, cells, columns, message):
    changed(file, **cells)
    with pytest.raises(UserError, match=message):
        table_of(file, **{"labels": ("grade",), "grades": ("none", "mild", "severe")} | columns)
