"""An official split: its sides are kept, a leak between them is said, and a table without validation draws one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mora_bench.cli.main import main
from mora_bench.data import splits
from mora_bench.data.readers.official import Official, notes
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.report.frame import overlap

N = 60
pytestmark = pytest.mark.usefixtures("as_a_new_user")


@pytest.fixture
def visits(tmp_path):
    def write(sides, name="visits.csv"):
        rows = [
            [f"v{i}", f"p{i // 2}", f"{'red' if i % 2 else 'pale'} and {i} round", i % 2, side]
            for i, side in enumerate(sides)
        ]
        (tmp_path / "clinic").mkdir(exist_ok=True)
        pd.DataFrame(rows, columns=["id", "patient", "note", "ill", "fold"]).to_csv(
            tmp_path / "clinic" / name, index=False
        )
        return ["data", f"clinic/{name}", "--text", "note", "--labels", "ill", "--id", "id", "--patient", "patient"]

    return write


def frame(*values):
    return pd.DataFrame({"fold": values})


@pytest.mark.parametrize(
    ("spec", "values", "sides"),
    [
        ("fold", ("Train", "VALID", "test "), ("train", "val", "test")),
        ("fold", ("training", "dev", "holdout"), ("train", "val", "test")),
        ("fold:train=0,1;val=2;test=3", ("0", "3", "2", "1"), ("train", "test", "val", "train")),
        ("fold:train=a;test=b", ("A", "b"), ("train", "test")),
    ],
)
def test_values_are_named_or_known(tmp_path, spec, values, sides):
    assert Official.of(spec).sides(frame(*values), tmp_path / "x.csv") == sides


@pytest.mark.parametrize(
    ("spec", "values", "words"),
    [
        ("fold", ("train", "test", "x"), r"column 'fold': of no side of a split in row 4: 'x'.*Name the values"),
        ("fold", ("train", "", "test"), "of no side of a split in row 3: ''"),
        ("fold", ("train", "val"), "no row is for test. A split needs train and test"),
        ("fold:test=0", ("0", "0"), "no row is for train"),
        (
            "fold",
            ("dev", "Dev", "holdout"),
            r"no row is for train. A split needs train and test. Here 'dev' is val \(2 rows\), 'holdout' is test "
            r"\(1 rows\). Name the values, as in --split 'fold:train=dev;test=holdout'\.",
        ),
        ("fold:tests=0", ("0",), r"--split fold:tests=0: expected COLUMN:train=A,B"),
        ("fold:train=", ("0",), "expected COLUMN:train=A,B"),
    ],
)
def test_what_is_no_split_is_refused(tmp_path, spec, values, words):
    with pytest.raises(UserError, match=words):
        Official.of(spec).sides(frame(*values), tmp_path / "x.csv")


def test_a_patient_on_two_sides_is_said():
    lines = notes(["train", "train", "val", "test"], ["a", "b", "c", "b"], "fold")
    assert lines[0] == "column 'fold': official split, train 2, val 1, test 1"
    assert lines[1].startswith("WARNING: 1 patients are on two sides of the official split")
    assert notes(["train", "test"], ["a", "b"], "fold")[1].startswith("the official split has no validation side")


def test_validation_is_drawn_from_training_by_groups_and_seed():
    tokens = np.arange(90, dtype=np.uint64) // 3
    sides = ["train"] * 72 + ["test"] * 18
    drawn = [splits.official(sides, tokens, data="x real", seed=seed) for seed in (0, 1)]
    for rows in drawn:
        assert rows["test"].tolist() == list(range(72, 90))
        assert 6 <= len(rows["val"]) <= 9
        assert not {*tokens[rows["val"]]} & {*tokens[rows["train"]]}
        assert sorted([*rows["train"], *rows["val"]]) == list(range(72))
    assert drawn[0]["val"].tolist() != drawn[1]["val"].tolist()
    parts = splits.official(["val", "train", "test"], tokens[:3], data="x real", seed=0)
    assert {name: rows.tolist() for name, rows in parts.items()} == {"train": [1], "val": [0], "test": [2]}


def test_a_grid_keeps_the_official_split_and_says_so(visits, capsys):
    sides = ["train"] * 40 + ["val"] * 10 + ["test"] * 10
    words = visits(sides)
    asked = [*words, "--split", "fold", "--methods", "tfidf", "--floors", "none", "--engine", "inline", "--out", "out"]
    assert main([*asked, "--seeds", "0", "1"]) == 0
    assert "column 'fold': official split, train 40, val 10, test 10" in capsys.readouterr().out
    records = Store(Path("out")).records()[0]
    assert {(r.cell.split, r.cell.folds) for r in records} == {("official", 0)}
    assert {overlap(record) for record in records} == {0.0}
    predictions = Store(Path("out")).predictions(records[0].cell)
    assert predictions["test_rows"].tolist() == list(range(50, 60))
    assert predictions["val_rows"].tolist() == list(range(40, 50))
    text = (Path("out") / "tables" / "comparison-real.md").read_text()
    assert "Split as published, the same for all seeds: intervals do not cover who was tested" in text


def test_another_split_can_be_drawn_and_none_is_made_up(visits, capsys):
    words = [
        *visits(["train"] * 40 + ["test"] * 20),
        "--methods",
        "prior",
        "--floors",
        "none",
        "--plan",
        "--seeds",
        "0",
    ]
    assert main([*words, "--split", "patient"]) == 0
    assert "official" not in capsys.readouterr().out
    assert main([*words, "--split", "nowhere"]) == 2
    assert "no column 'nowhere'" in capsys.readouterr().err
    assert main([*words, "--split", "note"]) == 2
    assert "column 'note' is the split, and would be shown to the model" in capsys.readouterr().err
    assert main(["grid", "--datasets", "odir", "--split", "official", "--plan", "--limit", "60"]) == 2
    assert "--split official: odir has no official split" in capsys.readouterr().err
