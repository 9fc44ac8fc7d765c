"""New records of one's own table: the same columns as in training give the record's own probabilities."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit

from mora_bench.cli.main import main
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError
from mora_bench.records.store import Store

N = 60


pytestmark = pytest.mark.usefixtures("as_a_new_user")


@pytest.fixture
def clinic(tmp_path):
    """Films in a folder of their own, notes and measured values with gaps, two labels."""
    rng = np.random.default_rng(0)
    root = tmp_path / "clinic"
    (root / "films").mkdir(parents=True)
    rows = []
    for i in range(N):
        Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).save(root / "films" / f"{i}.png")
        film = f"{i}.png" if i % 5 else ""
        measured = [str(rng.integers(30, 90)) if i % 4 else "", ("f", "m", "")[i % 3], f"{rng.normal():.3f}"]
        rows.append([f"v{i}", film, "red and round" if i % 2 else "", *measured, str(i % 2), str(i // 2 % 2)])
    columns = ["id", "Chest film", "note", "age", "sex", "crp", "ill", "old"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "visits.csv", index=False)
    return root


def trained(clinic, folder, *more):
    """The keys of a cell with its network and of a floor, trained on the table."""
    words = ["data", "clinic/visits.csv", "--image", "Chest film", "--text", "note", "--table", "age", "sex", "crp"]
    words += ["--labels", "ill", "old", "--id", "id", "--pictures", "clinic/films", "--out", "out", "--seeds", "0"]
    words += ["--backbone", str(folder), "--methods", "mora", "--floors", "late-fusion", "--engine", "inline"]
    words += ["--recipe.epochs", "1", "--recipe.max-text", "32", "--save-adapters", *more]
    assert main(words) == 0
    records, _ = Store(clinic.parent / "out").records()
    return {record.cell.method: record.cell for record in records}


def predicted(cell, new, *more):
    words = [
        "predict",
        "out",
        cell.key,
        str(new),
        "--data-root",
        "clinic",
        "--plugin",
        "out/visits.py",
        "--out",
        "p.csv",
    ]
    assert main([*words, *more]) == 0
    with open("p.csv", newline="") as file:
        _, *rows = csv.reader(file)
    return {row[0]: (row[1], np.array(row[2:4], float)) for row in rows}


@pytest.mark.parametrize("method", ["mora", "late-fusion"])
def test_the_same_table_gives_the_probabilities_of_the_record(clinic, folder, method):
    cell = trained(clinic, folder)[method]
    stored = Store(clinic.parent / "out").predictions(cell)
    predictions = predicted(cell, "clinic/visits.csv", "--pictures", "clinic/films")
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    for row, logits in zip(stored["test_rows"], stored["test_logits"], strict=True):
        visit = frame.iloc[row]
        present = [bool(visit["Chest film"]), bool(visit["note"]), True]
        had, probabilities = predictions[visit["id"]]
        names = ["chest-film", "note", "table"]
        assert had == "+".join(name for name, yes in zip(names, present, strict=True) if yes)
        pattern = sum(1 << m for m, yes in enumerate(present) if yes) - 1
        assert probabilities == pytest.approx(expit(logits[pattern].astype(float)), abs=2e-6)


def parted(root):
    """The clinic's table as two: measured values in a table of their own with other separators, several rows of films a
    visit."""
    visits = pd.read_csv(root / "visits.csv", dtype=str, keep_default_na=False)
    labs = visits[["id", "crp", "age"]].assign(crp=visits["crp"].str.replace(".", ",", regex=False))
    labs[visits["note"] == ""].sample(frac=1, random_state=0).to_csv(root / "labs.csv", index=False, sep=";")
    films = visits[["id", "Chest film"]]
    films = pd.concat([films, films.iloc[::2]]).rename(columns={"id": "visit"})
    films.to_csv(root / "films.csv", index=False)
    rest = visits.drop(columns=["crp", "age", "Chest film"])
    rest.assign(visit=rest["id"]).to_csv(root / "visits.csv", index=False)


@pytest.mark.parametrize("method", ["mora", "late-fusion"])
@pytest.mark.parametrize("at_once", [7, 500])
def test_columns_of_further_tables_are_joined_as_in_training(clinic, folder, method, at_once, monkeypatch, capsys):
    parted(clinic)
    joins = ["--join", "labs.csv:id", "films.csv:visit:list"]
    cell = trained(clinic, folder, *joins)[method]
    monkeypatch.setattr("mora_bench.cli.predict.PICTURED_AT_ONCE", at_once)
    words = ["clinic/visits.csv", "--pictures", "clinic/films", *joins]
    predictions = predicted(cell, *words)
    assert len(predictions) == N
    stored = Store(clinic.parent / "out").predictions(cell)
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    for row, logits in zip(stored["test_rows"], stored["test_logits"], strict=True):
        had, probabilities = predictions[frame["id"][row]]
        pattern = sum(1 << m for m, name in enumerate(("chest-film", "note", "table")) if name in had.split("+")) - 1
        assert probabilities == pytest.approx(expit(logits[pattern].astype(float)), abs=2e-6)
    capsys.readouterr()
    assert main(["predict", "out", cell.key, words[0], "--data-root", "clinic", "--plugin", "out/visits.py"]) == 2
    assert "no column 'chest-film'" in capsys.readouterr().err


def test_a_further_table_that_fits_no_new_record_is_refused(clinic, folder, capsys):
    parted(clinic)
    joins = ["--join", "labs.csv:id", "films.csv:visit:list"]
    cell = trained(clinic, folder, *joins)["late-fusion"]
    labs = pd.read_csv(clinic / "labs.csv", dtype=str, sep=";")
    labs.assign(id="x" + labs["id"]).to_csv(clinic / "new-labs.csv", index=False, sep=";")
    words = ["predict", "out", cell.key, "clinic/visits.csv", "--data-root", "clinic", "--plugin", "out/visits.py"]
    joins[1] = "new-labs.csv:id"
    assert main([*words, "--pictures", "clinic/films", *joins, "--out", "p.csv"]) == 2
    assert "no row for any value of 'id' of clinic/visits.csv, such as 'v0'" in capsys.readouterr().err
    assert not Path("p.csv").exists()
    # A column of both tables is read from the first one, whatever it is called in training.
    joins[1] = "labs.csv:id"
    rest = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    rest.assign(**{"Chest film": "0.png"}).to_csv(clinic / "visits.csv", index=False)
    assert main([*words, "--pictures", "clinic/films", *joins, "--out", "p.csv"]) == 0


def test_one_record_gets_what_it_got_among_many(clinic, folder, capsys):
    """Its categories keep their numbers, and a film that is not there is one that it does not have."""
    cell = trained(clinic, folder)["mora"]
    many = predicted(cell, "clinic/visits.csv", "--pictures", "clinic/films")
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    for number in (1, 2, 10):
        frame.iloc[[number]].drop(columns=["ill", "old"]).to_csv("one.tsv", sep="\t", index=False)
        name = f"v{number}"
        had, probabilities = predicted(cell, "one.tsv", "--pictures", "clinic/films")[name]
        assert had == many[name][0]
        assert probabilities == pytest.approx(many[name][1], abs=2e-6)
    frame.loc[1, "Chest film"], frame.loc[1, "sex"] = "nowhere.png", "x"
    frame.iloc[[1]].to_csv("one.tsv", sep="\t", index=False)
    capsys.readouterr()
    had, _ = predicted(cell, "one.tsv", "--pictures", "clinic/films")["v1"]
    assert had == "note+table"
    assert "column 'sex': nobody had this in training, so it counts as empty: row 2: 'x'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="crp"), "no column 'crp'"),
        (lambda f: f.drop(columns="note"), "no column 'note'. Add it, empty where a record has nothing of it. Found: "),
        (lambda f: f.assign(crp="high"), "column 'crp' held numbers in training, and does not in row 2: 'high'"),
        (lambda f: f.assign(age="", sex="", crp="", note="", **{"Chest film": ""}), "has nothing of any modality"),
    ],
)
def test_new_records_that_do_not_fit_are_refused(clinic, folder, change, message, capsys):
    cell = trained(clinic, folder)["mora"]
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    change(frame).to_csv("new.csv", index=False)
    words = ["predict", "out", cell.key, "new.csv", "--data-root", "clinic", "--plugin", "out/visits.py"]
    assert main(words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("at_once", [5, 500])
def test_numbers_beyond_those_of_training_are_said_once_a_column(clinic, folder, at_once, monkeypatch, capsys):
    cell = trained(clinic, folder)["late-fusion"]
    monkeypatch.setattr("mora_bench.cli.predict.PICTURED_AT_ONCE", at_once)
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    ages = frame["age"][frame["age"] != ""].astype(int)
    crp = frame["crp"].astype(float)
    capsys.readouterr()
    predicted(cell, "clinic/visits.csv", "--pictures", "clinic/films")
    assert "the cell's data hold" not in capsys.readouterr().err
    # The ends of the range are within it.
    frame.loc[:2, "age"] = ["680", str(ages.max()), str(ages.min())]
    frame.loc[3:9, "age"] = ["-1.5", *["999"] * 6]
    frame.loc[10, "crp"] = "1e3"
    frame.to_csv("new.csv", index=False)
    predicted(cell, "new.csv", "--pictures", "clinic/films")
    parts = ["v0 (680), v3 (-1.5), v4 (999), v5 (999), v6 (999) and 3 more"]
    if at_once == 5:
        parts = ["v0 (680), v3 (-1.5), v4 (999)", "v5 (999), v6 (999), v7 (999), v8 (999), v9 (999)"]
    seen = f"numbers from {ages.min()} to {ages.max()}"
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("column ")]
    assert said == [
        *(
            f"column 'age': the cell's data hold {seen}, so trust the predictions of these less: {part}"
            for part in parts
        ),
        f"column 'crp': the cell's data hold numbers from {crp.min():g} to {crp.max():g}, so trust the predictions of "
        "these less: v10 (1000)",
    ]


def test_a_number_of_a_column_that_was_empty_in_training_is_said(clinic, tmp_path):
    visits = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    rows = [{"age": 50.0, "crp": None}, {"age": None, "crp": None}]
    table = Table(
        "visits", "real", ("ill", "old"), ("a", "b"), ("a", "b"), {"table": Column("table", tuple(rows))},
        np.eye(2, dtype=np.uint8),
    )  # fmt: skip
    visits[:2].assign(age="50", crp=["", "7.25"]).to_csv(tmp_path / "new.csv", index=False)
    (part,) = new_records(table, tmp_path / "new.csv", Views())
    assert part.notes == {
        "crp, beyond": "column 'crp': the cell's data hold no number, so trust the predictions of these less: v1 (7.25)"
    }


@pytest.mark.parametrize(
    ("renamed", "id", "where"),
    [
        ({"id": "visit"}, "visit", ", column 'visit' has nothing of any modality in row 3: 'v1'; row 6: 'v4'. Leave"),
        ({}, "", ", column 'id' has nothing of any modality in row 3: 'v1'; row 6: 'v4'. Leave"),
        ({"id": "visit"}, "", " has nothing of any modality in row 3, row 6. Leave"),
    ],
)
def test_a_record_without_anything_is_named_by_the_column_that_holds_its_name(clinic, tmp_path, renamed, id, where):
    visits = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    modalities = {"note": Column("text", ("a", "b"))}
    table = Table("visits", "real", ("ill", "old"), ("a", "b"), ("a", "b"), modalities, np.eye(2, dtype=np.uint8))
    new = visits[:5].assign(note=["x", "", "y", "z", ""]).rename(columns=renamed)
    new.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(UserError) as error:
        list(new_records(table, tmp_path / "new.csv", Views(), id=id))
    assert str(error.value) == f"{tmp_path / 'new.csv'}{where} it out."
