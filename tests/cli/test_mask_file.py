"""--mechanism mask:FILE from end to end: trained, scored again, run again, verified, packed, merged, published."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.cells.missing import UNIFORM
from mora_bench.cells.runtime import Runtime, default_cache
from mora_bench.cli import main as cli
from mora_bench.data import datasets
from mora_bench.files import digest
from mora_bench.missing import masks, supplied_mask
from mora_bench.records.equal import differences
from mora_bench.records.store import Store
from mora_bench.training import masking

SEEDS = ("0", "1")
TOY = ["--datasets", "odir", "--methods", "tfidf", "--seeds", *SEEDS, "--pool", "30"]
TOY += ["--engine", "inline"]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What one command read, the next does not know: it starts in a process of its own."""
    monkeypatch.setattr(supplied_mask, "_KNOWN", {})
    monkeypatch.setattr(supplied_mask, "_FILES", {})


def grid(out, *more):
    return cli.main(["grid", *TOY, "--out", str(out), *more])


def forget():
    supplied_mask._KNOWN.clear()
    supplied_mask._FILES.clear()


def sides_of(cell: Cell, out):
    return masking.own_sides(cell, Runtime(out=out, cache=default_cache()))[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A grid under our own mechanism, and what that kept, as a file: each side of each seed."""
    folder = tmp_path_factory.mktemp("made")
    assert grid(folder / "ours", "--rates", "0.5") == 0
    rows = []
    for record in Store(folder / "ours").records()[0]:
        cell = record.cell
        for side, part in sides_of(cell, folder / "ours").items():
            mask = masks.mask(masking.units(part), "both", 0.5, UNIFORM, data=cell.drawn_by, split=side, seed=cell.seed)
            rows += [
                (id, *map(int, row), {"val": "validation"}.get(side, side), cell.seed)
                for id, row in zip(part.ids, mask, strict=True)
            ]
    frame = pd.DataFrame(rows, columns=["id", "text", "image", "side", "seed"])
    frame.sample(frac=1, random_state=0).to_csv(folder / "mine.csv", index=False)
    assert grid(folder / "theirs", "--mechanism", f"mask:{folder / 'mine.csv'}", "--rates", "0.5", "0.9") == 0
    return folder


def by_seed(out):
    return {record.cell.seed: (record, Store(out).scores()[0]) for record in Store(out).records()[0]}


def test_our_own_mask_brought_as_a_file_gives_the_same_predictions_and_scores_to_the_digit(made):
    """Trained and tested under it, wherever the pattern is the file's own."""
    ours, theirs = (Store(made / name) for name in ("ours", "theirs"))
    known = {record.cell.seed: record for record in ours.records()[0]}
    assert sorted(known) == [0, 1]
    for record in theirs.records()[0]:
        first, second = (store.predictions(r.cell) for store, r in ((ours, known[record.cell.seed]), (theirs, record)))
        assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
        before, after = ours.scores_of(known[record.cell.seed].cell), theirs.scores_of(record.cell)
        for pattern in ("complete", "both"):
            assert before.val[pattern] == after.val[pattern]
            assert before.test[pattern].scores["f1_macro"] == after.test[pattern].scores["f1_macro"]
            assert before.test[pattern].strata == after.test[pattern].strata
            assert before.test[pattern].realised == after.test[pattern].realised
        assert record.data.effects == known[record.cell.seed].data.effects
        # It has one rate, and no curve over others.
        assert (after.rates, after.curve, after.curves) == ([], {}, {})


def test_the_rate_is_the_files_own_and_other_rates_collapse_onto_it(made, capsys):
    cells = [record.cell for record in Store(made / "theirs").records()[0]]
    frame = pd.read_csv(made / "mine.csv")
    rate = round(float((frame[frame.side == "train"][["text", "image"]].min(axis=1) == 0).mean()), 4)
    assert {(cell.missing, cell.rate, cell.test_rate) for cell in cells} == {("both", rate, rate)}
    asked = ["--mechanism", f"mask:{made / 'mine.csv'}", "--rates", "0.5", "0.9", "--plan"]
    assert grid(made / "theirs", *asked) == 0
    captured = capsys.readouterr()
    assert f"because mask:{cells[0].mechanism.brought} has a rate of its own" in captured.out
    assert "The mask fixes this rate; --rates has no effect" in captured.err
    assert "No significant association with missingness" in captured.err
    assert grid(made / "theirs", *asked, "--test-rate", "0.3") == 2
    assert "has a rate of its own; leave it out" in capsys.readouterr().err


def test_no_path_is_written_anywhere(made):
    for file in (made / "theirs").rglob("*"):
        if file.is_file() and file.suffix in (".json", ".md", ".csv", ".html"):
            text = file.read_text()
            assert "mine.csv" not in text
            assert str(made / "mine.csv") not in text


def test_another_path_is_the_same_cell_and_another_digit_is_another(made, tmp_path, capsys):
    shutil.copy(made / "mine.csv", tmp_path / "elsewhere.csv")
    assert grid(made / "theirs", "--mechanism", f"mask:{tmp_path / 'elsewhere.csv'}", "--plan") == 0
    assert "2 done" in capsys.readouterr().out
    mask = Store(made / "theirs").records()[0][0].cell.mechanism.brought
    forget()
    # By its digest, from the folder alone.
    assert grid(made / "theirs", "--mechanism", f"mask:{mask}", "--plan") == 0
    assert "2 done" in capsys.readouterr().out
    frame = pd.read_csv(made / "mine.csv")
    frame.loc[0, ["text", "image"]] = 1 - frame.loc[0, ["text", "image"]]
    frame.to_csv(tmp_path / "changed.csv", index=False)
    assert grid(made / "theirs", "--mechanism", f"mask:{tmp_path / 'changed.csv'}", "--plan") == 0
    assert "2 to do" in capsys.readouterr().out
    forget()
    assert grid(tmp_path / "empty", "--mechanism", f"mask:{mask}", "--plan") == 2
    assert "has no mask with this digest" in capsys.readouterr().err


def test_what_is_not_of_the_data_is_refused_by_row_and_what_lacks_by_name(made, tmp_path, capsys):
    frame = pd.read_csv(made / "mine.csv", dtype=str)
    for name, changed, message in (
        ("unknown", frame.replace({"id": {"17": "x17"}}), r"1 of its ids are no sample of odir.*: row \d+: 'x17'"),
        ("absent", frame[~((frame.id == "17") & (frame.seed == "1"))], "no row for 1 of .* seed 1: '17'"),
        ("seed", frame[frame.seed == "0"], "no row for .* of .* training samples, seed 1"),
        ("side", frame[frame.side != "test"], "no row for 30 of 30 test samples, seed 0"),
    ):
        changed.to_csv(tmp_path / f"{name}.csv", index=False)
        assert grid(tmp_path / "out", "--mechanism", f"mask:{tmp_path / f'{name}.csv'}", "--plan") == 2
        assert re.search(message, capsys.readouterr().err)
    # For training alone it needs no rows to test; then another mechanism tests.
    asked = ["--mechanism", f"mask:{tmp_path / 'side.csv'}", "--test-mechanism", "uniform"]
    assert grid(tmp_path / "out", *asked) == 0
    record = Store(tmp_path / "out").records()[0][0]
    assert record.data.realised["test"]["complete"] == 1
    assert record.data.realised["train"]["complete"] < 1


def test_it_scores_again_runs_again_is_verified_packed_merged_and_published(made, tmp_path, capsys):
    out = tmp_path / "theirs"
    shutil.copytree(made / "ours", out)
    # Scored under the file, what was trained without it.
    assert cli.main(["rescore", str(out), "--test-mechanism", f"mask:{made / 'mine.csv'}"]) == 0
    captured = capsys.readouterr()
    assert "2 cells scored again" in captured.out
    assert "No significant association with missingness" in captured.err
    (mask,) = {scores.scoring.missing.brought for scores in Store(out).scores()[0] if scores.scoring.missing}
    (rate,) = {scores.test_rate for scores in Store(out).scores()[0] if scores.scoring.missing}
    assert rate == pytest.approx(0.5, abs=0.02)
    assert any(f"mask-{mask}" in file.name for file in (out / "tables").iterdir())
    for number, command in enumerate((["verify", str(out)], ["pack", str(out)], ["verify", str(out)])):
        forget()
        assert cli.main(command) == 0, number
    assert (out / "masks.parquet").is_file()
    assert not list((out / "masks").glob("*.json"))
    forget()
    assert cli.main(["merge", str(out), str(made / "theirs"), "--into", str(tmp_path / "merged")]) == 0
    assert cli.main(["publish", str(tmp_path / "merged"), "--into", str(tmp_path / "public"), "--title", "x"]) == 0
    for name in ("merged", "public"):
        assert [file.name.partition("-")[0] for file in (tmp_path / name / "masks").iterdir()] == [mask]
    forget()
    capsys.readouterr()
    assert cli.main(["verify", str(tmp_path / "merged")]) == 0


def test_what_was_trained_under_a_file_is_scored_under_another_mechanism(made, tmp_path, capsys):
    out = tmp_path / "theirs"
    shutil.copytree(made / "theirs", out)
    forget()
    capsys.readouterr()
    assert cli.main(["rescore", str(out), "--test-mechanism", "uniform", "--test-rate", "0.3"]) == 0
    captured = capsys.readouterr()
    assert "2 cells scored again" in captured.out
    # The file takes nothing from what is tested.
    assert captured.err == ""
    again = [scores for scores in Store(out).scores()[0] if scores.scoring.missing]
    assert [(scores.scoring.missing.mechanism, scores.test_rate) for scores in again] == [("uniform", 0.3)] * 2
    lost = [1 - scores.test["both"].realised["complete"] for scores in again]
    assert lost == pytest.approx([0.3, 0.3], abs=0.04)
    forget()
    (mask,) = (out / "masks").iterdir()
    mask.unlink()
    assert cli.main(["rescore", str(out), "--test-mechanism", "uniform", "--test-rate", "0.4"]) == 1
    trained = Store(out).records()[0][0].cell
    first = replace(trained, scoring=Scoring(UNIFORM, 0.4))
    assert capsys.readouterr().err.splitlines() == [
        f"left out: {first.label} and 1 more: mask:{trained.mechanism.brought}: {out / 'masks'} has no mask with this "
        "digest whose ids can be matched here. Give its file again, as mask:FILE.",
        f"{out}: no cell was scored again; nothing was written.",
    ]


def test_rerun_takes_the_mask_from_the_folder(made, tmp_path, capsys, monkeypatch):
    """Its file may be gone; of ids without a side or a seed, which count for all."""
    names = list(datasets.load("odir", None).ids) + list(datasets.pool("odir", 0, 20).ids)
    rng = np.random.default_rng(0)
    rows = [(id, *row) for id, row in zip(names, rng.integers(0, 2, (len(names), 2)), strict=True)]
    pd.DataFrame(rows, columns=["id", "text", "image"]).to_csv(tmp_path / "mine.csv", index=False)
    toy = ["--datasets", "odir", "--methods", "prior", "--seeds", "0", "--pool", "20", "--engine", "inline"]
    asked = [*toy, "--mechanism", f"mask:{tmp_path / 'mine.csv'}", "--out", str(tmp_path / "first")]
    assert cli.main(["grid", *asked]) == 0
    assert "rows would remove every modality of a sample; these samples keep all" in capsys.readouterr().err
    (tmp_path / "mine.csv").unlink()
    forget()
    assert cli.main(["rerun", str(tmp_path / "first"), "--out", str(tmp_path / "again")]) == 0
    assert "to the last digit: 1 of 1 cell\n" in capsys.readouterr().out
    (first,), (again,) = (Store(tmp_path / name).scores()[0] for name in ("first", "again"))
    assert differences(first, again) == []
    (mask,) = (tmp_path / "first" / "masks").iterdir()
    mask.unlink()
    forget()
    assert cli.main(["rerun", str(tmp_path / "first"), "--out", str(tmp_path / "third")]) == 1
    captured = capsys.readouterr()
    assert f"left out: 1 cell: mask:{mask.name.partition('-')[0]}: {tmp_path / 'first' / 'masks'} has" in captured.err


def test_a_copy_that_was_edited_or_is_gone_is_named(made, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(made / "theirs", out)
    (file,) = (out / "masks").iterdir()
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"01"', b'"11"', 1))
    forget()
    assert cli.main(["verify", str(out), "--files"]) == 1
    assert f"{file}: {file.stem}: not what was written" in capsys.readouterr().err
    # Named as if it were what was written: its content is not the mask of the key.
    edited = file.read_bytes()
    file.unlink()
    named = file.with_name(f"{file.stem.partition('-')[0]}-{digest([edited])}.json")
    named.write_bytes(edited)
    assert cli.main(["verify", str(out)]) == 1
    captured = capsys.readouterr()
    assert "is not what was brought, or of other data" in captured.err
    assert "1 finding, 0 not looked at" in captured.out
    named.unlink()
    assert cli.main(["verify", str(out), "--files"]) == 1
    assert "a mask that cells read, and it is not here" in capsys.readouterr().err
    # The same command lays it there again, though all is done.
    assert grid(out, "--mechanism", f"mask:{made / 'mine.csv'}") == 0
    assert [f.read_bytes() for f in (out / "masks").iterdir()] == [content]


CLINIC = """
import numpy as np
from mora_bench.api import Column, Dataset, Table

def read(root):
    rng = np.random.default_rng(0)
    ill = rng.random(90) < 0.5
    return Table(
        name="clinic", source="real", labels=("ill", "well"),
        ids=tuple(f"Smith {i}" for i in range(90)), patients=tuple(f"Jones {i // 2}" for i in range(90)),
        modalities={
            "note": Column("text", tuple("fever" if own else "fine" for own in ill)),
            "letter": Column("text", tuple(None if i % 9 == 0 else "see note" for i in range(90))),
        },
        targets=np.stack([ill, ~ill], 1).astype(np.uint8),
    )

CLINIC = Dataset("a clinic", find=lambda root: root, read=read)
"""


@pytest.mark.parametrize("unit", ["sample", "patient"])
def test_ids_of_patients_are_hashed_in_the_copy_and_told_again(unit, tmp_path, capsys):
    (tmp_path / "clinic.py").write_text(CLINIC)
    (tmp_path / "data").mkdir()
    names = [f"Smith {i}" for i in range(90)] if unit == "sample" else [f"Jones {i}" for i in range(45)]
    rng = np.random.default_rng(0)
    rows = [(id, *row) for id, row in zip(names, rng.integers(0, 2, (len(names), 2)), strict=True)]
    pd.DataFrame(rows, columns=["id", "note", "letter"]).to_csv(tmp_path / "mine.csv", index=False)
    where = ["--plugin", str(tmp_path / "clinic.py"), "--data-root", str(tmp_path / "data")]
    asked = ["grid", "--datasets", "clinic", "--methods", "tfidf", "--seeds", "0", "--folds", "5", *where]
    asked += ["--mechanism", f"mask:{tmp_path / 'mine.csv'}", "--mask-unit", unit, "--out", str(tmp_path / "out")]
    assert cli.main([*asked, "--engine", "inline"]) == 0
    lacking = {"sample": 5, "patient": 3}[unit]
    assert f" {lacking} rows keep a modality that is missing in the data; it stays missing" in capsys.readouterr().err
    (file,) = (tmp_path / "out" / "masks").iterdir()
    held = json.loads(file.read_text())
    assert "Smith" not in file.read_text()
    assert "Jones" not in file.read_text()
    assert len({row[2] for row in held["rows"]}) == len(names)
    record = next(r for r in Store(tmp_path / "out").records()[0] if r.cell.method == "tfidf")
    presence = {row[0]: row[1:] for row in rows}
    if unit == "patient":
        presence = {f"Smith {i}": presence[f"Jones {i // 2}"] for i in range(90)}
    lacks = sum(presence[f"Smith {i}"][1] == 0 or i % 9 == 0 for i in range(90)) / 90
    shown = np.average([record.data.realised[s]["without_letter"] for s in ("train", "val", "test")],
                       weights=[record.data.realised[s]["n"] for s in ("train", "val", "test")])  # fmt: skip
    # A row that leaves nothing gives all back, so what is shown lacks at most that.
    assert lacks - 0.35 < shown <= lacks
    forget()
    assert cli.main(["verify", str(tmp_path / "out"), *where]) == 0
    forget()
    assert cli.main(["verify", str(tmp_path / "out"), *where[:2]]) == 3
    assert "its ids are stored as hashes; give the real clinic with --data-root" in capsys.readouterr().err
    forget()
    assert cli.main(["rerun", str(tmp_path / "out"), "--out", str(tmp_path / "again"), *where]) == 0
    assert "with the scores of " in capsys.readouterr().out


def test_the_script_of_the_docs_makes_a_mask_that_is_planned(tmp_path, capsys, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "own.md").read_text().partition("## A mask that you bring")[2]
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", text, re.S)[1], {})
    asked = ["--datasets", "odir", "--methods", "tfidf", "--mechanism", "uniform", "mask:mine.csv", "--plan"]
    assert cli.main(["grid", *asked, "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert "6 cells (6 of them without a network): 6 to do" in captured.out
    assert "mine.csv) on odir: of 800 training samples (seed 0) it takes a modality from" in captured.err
