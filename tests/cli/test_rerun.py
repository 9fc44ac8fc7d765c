"""The cells of a folder again: predictions come back, and the scores are held against the old ones."""

import json
import shutil

import pandas as pd
import pytest
from by_hand import signed

from mora_bench.cli import main as cli
from mora_bench.records.store import Store

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A results folder without its predictions, as the project ships them."""
    out = tmp_path_factory.mktemp("done") / "results"
    toy = ["--datasets", "cxr", "--methods", "prior", "tfidf", "--seeds", "0", "--pool", "20", "--out", str(out)]
    assert cli.main(["grid", *toy, "--engine", "inline"]) == 0
    shutil.rmtree(out / "predictions")
    return out


def test_scores_are_the_same_and_predictions_are_there(done, tmp_path, capsys):
    again = tmp_path / "again"
    assert cli.main(["rerun", str(done), "--out", str(again)]) == 0
    assert f"with the scores of {done} to the last digit: 2 of 2 cells" in capsys.readouterr().out
    assert len(list((again / "predictions").iterdir())) == 2
    assert cli.main(["rerun", str(done), "--out", str(again), "--methods", "tfidf"]) == 0
    assert "1 cell: 1 done, 0 to do" in capsys.readouterr().out
    assert cli.main(["status", str(again)]) == 0
    assert capsys.readouterr().out == "2 cells: 2 done\n"


def test_a_score_that_differs_is_counted(done, tmp_path, capsys):
    other = tmp_path / "edited"
    shutil.copytree(done, other)
    for file in (other / "scores").iterdir():
        scores = json.loads(file.read_text())
        if scores["test"]["both"]["scores"]["f1_macro"]:
            scores["test"]["both"]["scores"]["f1_macro"] += 1e-9
            file.write_bytes(signed(scores))
    assert cli.main(["rerun", str(other), "--out", str(tmp_path / "again")]) == 1
    assert f"with the scores of {other} to the last digit: 1 of 2 cells" in capsys.readouterr().out


def test_a_file_that_is_not_believed_is_said_and_no_success(done, tmp_path, capsys):
    other = tmp_path / "edited"
    shutil.copytree(done, other)
    file = min((other / "scores").iterdir())
    file.write_text(file.read_text().replace("0.", "1.", 1))
    assert cli.main(["rerun", str(other), "--out", str(tmp_path / "again")]) == 1
    captured = capsys.readouterr()
    assert f"left out: {file}: not a scores (its content is not what was written" in captured.err
    assert "to the last digit: 1 of 1 cell\n" in captured.out


def test_cells_of_another_version_are_left_out(done, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mora_bench.training.guards.registry.version", lambda group, name, task="": "other")
    assert cli.main(["rerun", str(done), "--out", str(tmp_path / "again")]) == 1
    captured = capsys.readouterr()
    assert "left out: 1 cell: tfidf is of another version here" in captured.err
    assert "0 cells: 0 done, 0 to do" in captured.out


OTHER_DATA = (
    "icu is not the data that was trained on. Was that with another --limit, --plugin or --data-root? Give the same."
)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Two cells that --limit trained, and a row like one of them whose predictions were made elsewhere."""
    out = tmp_path_factory.mktemp("few") / "results"
    asked = ["--datasets", "icu", "--methods", "prior", "presence", "--seeds", "0", "--pool", "20", "--limit", "60"]
    assert cli.main(["grid", *asked, "--floors", "none", "--engine", "inline", "--out", str(out)]) == 0
    key, file = min(file.stem for file in (out / "records").iterdir()), str(out.parent / "mine.csv")
    like = ["import", str(out), "--like", key, "--limit", "60"]
    assert cli.main([*like, "--template", file]) == 0
    frame = pd.read_csv(file)
    frame[frame.columns[3:]] = 0.5
    frame.to_csv(file, index=False)
    assert cli.main([*like, file]) == 0
    return out


def test_cells_of_other_data_are_left_out_before_any_is_trained(few, tmp_path, capsys):
    """Here of fewer patients, until --limit says so; and what was made elsewhere, always."""
    again, elsewhere = tmp_path / "again", "left out: 1 cell: their predictions were made elsewhere, and only imported"
    assert cli.main(["rerun", str(few), "--out", str(again)]) == 1
    captured = capsys.readouterr()
    assert sorted(captured.err.splitlines()) == [elsewhere, f"left out: 2 cells: {OTHER_DATA}"]
    assert captured.out.splitlines() == ["0 cells: 0 done, 0 to do"]
    assert not again.exists()
    assert cli.main(["rerun", str(few), "--out", str(again), "--limit", "60"]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0] == elsewhere
    assert f"with the scores of {few} to the last digit: 2 of 2 cells" in captured.out


def test_other_verbs_say_the_same_of_other_data(few, tmp_path, capsys):
    store = Store(few)
    records = store.records()[0]
    cell = next(record.cell for record in records if not record.imported)
    (mine,) = (record for record in records if record.imported)
    assert cli.main(["predict", str(few), cell.key, "new.csv"]) == 2
    assert capsys.readouterr().err == f"mora_bench: {cell.label}: {OTHER_DATA}\n"
    assert cli.main(["import", str(few), "--like", cell.key, "--template", str(tmp_path / "t.csv")]) == 2
    assert capsys.readouterr().err == f"mora_bench: {cell.label}: {OTHER_DATA}\n"
    assert cli.main(["export", str(few), "--out", str(tmp_path / "e.csv"), "--ids"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"left out: {records[0].cell.label} and 2 more: {OTHER_DATA}",
        f"mora_bench: {few}: no cell has predictions that can be exported. Nothing was written.",
    ]
    assert cli.main(["export", str(few), "--out", str(tmp_path / "e.csv"), "--ids", "--limit", "60"]) == 0
    assert " rows of 3 cells: " in capsys.readouterr().out
    assert cli.main(["verify", str(few), "--limit", "60"]) == 0
    assert "3 scored again, 1 data set read anew; 0 findings, 0 not looked at" in capsys.readouterr().out
    assert cli.main(["predict", str(few), mine.key, "new.csv", "--limit", "60"]) == 2
    why = "it has no trained model to predict with (predictions that were made elsewhere)"
    assert capsys.readouterr().err == f"mora_bench: {store.record_file(mine.cell)}: {why}.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "mora"], "--methods mora: no finished record of "),
        (["--methods", "prior", "tfdif"], "--methods tfdif: no finished record of "),
        (["--datasets", "odri"], "--datasets odri: no finished record of "),
        (["--device", "cuda"], "--device cuda: this machine has no CUDA device"),
        (["--data-root", "."], "0 cells"),
    ],
)
def test_what_is_not_there_to_run(done, tmp_path, capsys, arguments, message):
    assert cli.main(["rerun", str(done), "--out", str(tmp_path / "again"), *arguments]) != 0
    captured = capsys.readouterr()
    assert message in captured.out + captured.err


def test_the_folder_itself_is_no_place_for_it(done, capsys):
    assert cli.main(["rerun", str(done), "--out", str(done)]) == 2
    assert "is the folder itself" in capsys.readouterr().err


def test_cells_are_chosen_by_key_and_by_seed(done, tmp_path, capsys):
    key = min(file.stem for file in (done / "records").iterdir())
    assert cli.main(["rerun", str(done), "--out", str(tmp_path / "a"), "--key", key[:8], "--seeds", "0"]) == 0
    assert "to the last digit: 1 of 1 cell\n" in capsys.readouterr().out
    assert [file.stem for file in (tmp_path / "a" / "records").iterdir()] == [key]
    assert cli.main(["rerun", str(done), "--out", str(tmp_path / "b"), "--seeds", "7"]) == 2
    assert "--seeds 7: no finished record of" in capsys.readouterr().err
    assert cli.main(["rerun", str(done), "--out", str(tmp_path / "b"), "--key", key, "ffff-none"]) == 2
    assert "--key ffff-none: no finished record of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("where", "code", "message"), [("new", 1, "in the old file alone"), ("old", 0, "in the new file")]
)
def test_a_number_that_only_one_file_has_is_said(done, tmp_path, capsys, where, code, message):
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(done, old)
    assert cli.main(["rerun", str(old), "--out", str(new), "--methods", "tfidf"]) == 0
    capsys.readouterr()
    (name,) = [file.name for file in (new / "scores").iterdir()]
    file = (new if where == "new" else old) / "scores" / name
    scores = json.loads(file.read_text())
    del scores["test"]["both"]["scores"]["f1_macro"]
    file.write_bytes(signed(scores))
    assert cli.main(["rerun", str(old), "--out", str(new), "--methods", "tfidf"]) == code
    assert f"1 numbers are {message}" in capsys.readouterr().err


AGES = """
import numpy as np
from mora_bench.api import Column, Dataset, Table

N = 60


def read(root):
    sick = np.arange(N) % 2
    return Table(
        name="ages", source="real", labels=("sick", "tall"), ids=tuple(map(str, range(20, 20 + N))),
        patients=tuple(map(str, range(20, 20 + N))),
        modalities={
            "text": Column("text", tuple(f"note {'opaque' if one else 'clear'}" for one in sick)),
            "lab": Column("table", tuple({"x": float(i % 7)} for i in range(N))),
        },
        targets=np.stack([sick, np.arange(N) % 3 == 0], 1).astype(np.uint8),
        covariates={"age": tuple(str(79 - i) for i in range(N))},
    )


AGES = Dataset("a clinic", find=lambda root: root / "here", read=read)
"""


def test_ids_that_look_like_ages_change_no_group_and_no_score(tmp_path, capsys):
    """Somebody is 57 and somebody's number is 57: the groups by age stay, and the scores come back."""
    (tmp_path / "here").touch()
    plugin = tmp_path / "ages.py"
    plugin.write_text(AGES)
    out, data = tmp_path / "out", ["--plugin", str(plugin), "--data-root", str(tmp_path)]
    grid = ["grid", "--datasets", "ages", "--methods", "prior", "presence", "--floors", "none", "--folds", "3"]
    assert cli.main([*grid, "--seeds", "0", "1", "--engine", "inline", *data, "--out", str(out)]) == 0
    scores = [json.loads(file.read_text()) for file in (out / "scores").iterdir()]
    assert all(set(document["test"]["complete"]["groups"]) == {"age<49.5", "age>=49.5"} for document in scores)
    key = min(file.stem for file in (out / "records").iterdir())
    assert cli.main(["rerun", str(out), *data, "--out", str(tmp_path / "a"), "--key", key]) == 0
    assert "to the last digit: 1 of 1 cell\n" in capsys.readouterr().out
    assert cli.main(["rerun", str(out), *data, "--out", str(tmp_path / "b"), "--seeds", "1"]) == 0
    assert "to the last digit: 2 of 2 cells\n" in capsys.readouterr().out
