"""Predictions that were made elsewhere."""

import csv
import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import make_cell
from safetensors.numpy import load as loaded
from safetensors.numpy import save as saved
from safetensors.numpy import save_file

from mora_bench.cli import main as cli
from mora_bench.data import presence
from mora_bench.errors import UserError
from mora_bench.records.encoding import encode
from mora_bench.records.store import Store
from mora_bench.report.compare import compare
from mora_bench.report.write import read as contents
from mora_bench.training import import_predictions, masking, recorded
from mora_bench.training.cell import run_cells
from mora_bench.training.work import work


@pytest.fixture
def done(runtime, folder):
    """Two cells that ran here, in a results folder, and the first's outcome."""
    cells = [make_cell(runtime, folder, method="head", seed=s) for s in (0, 1)]
    for cell in cells:
        work([cell], runtime)
    (outcome,) = run_cells([cells[0]], runtime)
    return cells, outcome


def filled(cell, outcome, runtime, file):
    """Our own predictions of a cell, written as somebody else would."""
    asked = import_predictions.template(cell, runtime)
    names = presence.stratum_names(cell.modalities)
    labels = list(asked.columns[3:])
    _, sides = masking.own_sides(cell, runtime)
    for split in ("val", "test"):
        at = {id: i for i, id in enumerate(sides[split].ids)}
        rows = asked.index[asked["split"] == split]
        logits = np.array(
            [
                outcome.predictions[f"{split}_logits"][at[asked.loc[r, "id"]], names.index(asked.loc[r, "pattern"])]
                for r in rows
            ]
        )
        chances = 1 / (1 + np.exp(-logits.astype(float)))
        for c, label in enumerate(labels):
            asked[label] = asked[label].astype(object)
            asked.loc[rows, label] = [repr(float(v)) for v in chances[:, c]]
    asked.to_csv(file, index=False)
    return file


def test_our_own_predictions_get_our_own_scores(done, runtime, tmp_path):
    (cell, _), outcome = done
    file = filled(cell, outcome, runtime, tmp_path / "p.csv")
    mine = import_predictions.as_cell(cell, "mine")
    rows, labels = import_predictions.read(file)
    theirs = import_predictions.outcome(mine, rows, labels, runtime, adapts="updates its batch norms on them")
    assert theirs.record.competitor.adapts == "updates its batch norms on them"
    for pattern, setting in outcome.scores.test.items():
        for name, value in setting.scores.items():
            if isinstance(value, float):
                assert theirs.scores.test[pattern].scores[name] == pytest.approx(value, abs=1e-6, nan_ok=True), name
    assert theirs.record.data.realised == outcome.record.data.realised
    assert theirs.record.competitor.family == "not run here"


def test_the_same_from_tensors(done, runtime, tmp_path):
    (cell, _), outcome = done
    frame = pd.read_csv(filled(cell, outcome, runtime, tmp_path / "p.csv"), dtype=str)
    frame = frame[frame["split"] != "train"]
    longest = max(map(len, frame["id"]))
    names = presence.stratum_names(cell.modalities)
    save_file(
        {
            "ids": np.array([list(id.encode().ljust(longest, b"\0")) for id in frame["id"]], np.uint8),
            "pattern": np.array([names.index(p) for p in frame["pattern"]]),
            # Column by column is how pandas keeps them; what is saved must be row by row.
            "probabilities": np.ascontiguousarray(frame[frame.columns[3:]].to_numpy(dtype=np.float64)),
        },
        tmp_path / "p.safetensors",
    )
    one, two = (
        import_predictions.outcome(
            import_predictions.as_cell(cell, "mine"), *import_predictions.read(tmp_path / name), runtime
        )
        for name in ("p.csv", "p.safetensors")
    )
    # As files, in which a score without meaning is null and equals itself.
    assert encode(one.scores) == encode(two.scores)


def test_a_spreadsheet_may_save_them_with_semicolons_and_commas_or_as_a_workbook(tmp_path):
    frame = pd.DataFrame({"split": ["train", "test"], "id": ["007", "008"], "pattern": "complete"})
    frame["N"], frame["D"] = ["", "0.125"], ["", "1e-3"]
    frame.to_csv(tmp_path / "points.csv", index=False)
    frame.to_excel(tmp_path / "book.xlsx", index=False)
    frame.assign(N=["", "0,125"], D=["", "0,001"]).to_csv(tmp_path / "commas.csv", index=False, sep=";")
    for name in ("points.csv", "book.xlsx", "commas.csv"):
        rows, labels = import_predictions.read(tmp_path / name)
        assert (rows.ids, rows.patterns, labels) == (["008"], ["complete"], ["N", "D"])
        np.testing.assert_array_equal(rows.probabilities, [[0.125, 0.001]])


def test_the_template_shows_training_samples_as_the_mask_does(done, runtime):
    (cell, _), outcome = done
    asked = import_predictions.template(cell, runtime)
    shares = asked[asked["split"] == "train"]["pattern"].value_counts(normalize=True)
    assert shares["complete"] == pytest.approx(outcome.record.data.realised["train"]["complete"])
    assert set(asked["pattern"]) == {"complete", "text_only", "image_only"}


def test_they_are_a_row_that_is_compared_and_no_floor(done, runtime, tmp_path):
    cells, _ = done
    for cell in cells:
        (outcome,) = run_cells([cell], runtime)
        file = filled(cell, outcome, runtime, tmp_path / f"{cell.seed}.csv")
        theirs = import_predictions.outcome(
            import_predictions.as_cell(cell, "mine"), *import_predictions.read(file), runtime
        )
        Store(runtime.out).write(theirs.record.cell, theirs.record, theirs.predictions, theirs.scores)
    (table,) = compare(contents(runtime.out).cells)
    (section,) = table.sections
    assert [(row.label, row.family) for row in section.rows] == [("head", "fine-tuning"), ("mine", "not run here")]
    assert [row.seeds for row in section.rows] == [2, 2]
    assert not section.floors
    assert section.among("score both") is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="pattern"), r"no column 'pattern'\. Found: split, id"),
        (lambda f: f.iloc[:-1], r"1 predictions are absent, the first of test sample .*, complete"),
        (lambda f: pd.concat([f, f.iloc[-1:]]), "occur twice"),
        (lambda f: f.assign(N="1.5"), "expected probabilities from 0 to 1"),
        (lambda f: f.assign(N=f["N"].where(f["split"] == "train", "much")), r"column 'N': 'much' is no number\."),
        (lambda f: f.assign(id="x"), "no validation or test sample of this cell has that id"),
        (lambda f: f.assign(pattern="none"), "unknown pattern; known: text_only, image_only, complete"),
        (lambda f: f.assign(comment="sure"), r"p\.csv: no label is called 'comment'; remove the column\.$"),
        (lambda f: f.assign(fold="1", by="me"), r"p\.csv: no label is called 'fold', 'by'; remove these columns\.$"),
        (lambda f: f.rename(columns={"N": "n"}), "its label columns are n, D, G, C, A, H, M, O; expected N, D"),
        (lambda f: f.drop(columns="N"), "its label columns are D, G, C, A, H, M, O; expected N, D"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(done, runtime, tmp_path, change, message):
    (cell, _), outcome = done
    file = filled(cell, outcome, runtime, tmp_path / "p.csv")
    change(pd.read_csv(file, dtype=str, keep_default_na=False)).to_csv(file, index=False)
    with pytest.raises(UserError, match=message):
        import_predictions.outcome(import_predictions.as_cell(cell, "mine"), *import_predictions.read(file), runtime)


@pytest.mark.parametrize("cell", ["", "abc", "nan", "0,5"])
def test_the_first_cell_that_is_no_number_is_named_by_row_id_and_column(tmp_path, cell):
    file, count = tmp_path / "p.csv", 100_000
    frame = pd.DataFrame({"split": "test", "id": [f"s{k}" for k in range(count)], "pattern": "complete", "N": "0.5"})
    frame.loc[:9, "split"] = "train"
    # Rows of training samples have no probabilities.
    frame["D"] = ["", *["0.25"] * (count - 1)]
    frame.loc[[count - 2, count - 1], "D"] = cell
    frame.to_csv(file, index=False)
    rows, _ = import_predictions.read(file)
    # As a spreadsheet counts, where the header is row 1.
    assert rows.fault == (
        f"{file}, row {count} (s{count - 2}, complete), column 'D': '{cell}' is no number. "
        "Expected a probability from 0 to 1."
    )


@pytest.mark.parametrize(("name", "separator"), [("p.csv", ";"), ("p.csv", ","), ("p.xlsx", "")])
def test_rows_of_empty_cells_alone_are_left_out(tmp_path, name, separator):
    rows = [["test", "a", "complete", "0.5"], [""] * 4, ["test", "b", "complete", "odd"], [""] * 4, [""] * 4]
    frame = pd.DataFrame(rows, columns=["split", "id", "pattern", "N"])
    file = tmp_path / name
    frame.to_csv(file, index=False, sep=separator) if separator else frame.to_excel(file, index=False)
    read, _ = import_predictions.read(file)
    assert read.ids == ["a", "b"]
    # The empty row between them counts.
    assert read.fault.startswith(f"{file}, row 4 (b, complete), column 'N': 'odd' is no number.")


def test_a_row_without_an_id_is_not_left_out(tmp_path):
    file = tmp_path / "p.csv"
    file.write_text("id,pattern,N\na,complete,0.5\n,,0.5\n")
    assert import_predictions.read(file)[0].ids == ["a", ""]


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        import_predictions.read(tmp_path / "none.csv")
    (tmp_path / "p.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match="expected tensors ids, pattern and probabilities"):
        import_predictions.read(tmp_path / "p.safetensors")


def test_the_command_refuses_what_it_cannot_do(done, runtime, tmp_path, capsys):
    (cell, _), _ = done
    base = ["import", str(runtime.out)]
    for more, message in (
        ([], "give either a file of predictions, or --template"),
        (["p.csv", "--like", cell.key, "--name", "mora"], "is a competitor of this suite"),
        (["p.csv", "--like", cell.key, "--name", "A b"], "small letters"),
        (["p.csv", "--like", "nothing"], f"names no finished record of {runtime.out}. There are: "),
        (["p.csv", "--like", "../records/x"], "names no finished record"),
    ):
        assert cli.main([*base, *more]) == 2
        assert message in capsys.readouterr().err


def test_the_command_writes_a_template_that_it_then_reads(folder, tmp_path, capsys):
    out = tmp_path / "r"
    grid = ["grid", "--out", str(out), "--datasets", "cxr", "--methods", "tfidf", "--seeds", "0", "--pool", "40"]
    assert cli.main([*grid, "--workers", "1"]) == 0
    (key,) = (file.stem for file in (out / "records").glob("*.json"))
    file = tmp_path / "mine.csv"
    assert cli.main(["import", str(out), "--like", key, "--template", str(file)]) == 0
    with open(file) as text:
        rows = list(csv.reader(text))
    body = [[*row[:3], *["0.9"] * (len(row) - 3)] for row in rows[1:]]
    with open(file, "w", newline="") as text:
        csv.writer(text).writerows([rows[0], *body])
    capsys.readouterr()
    assert cli.main(["import", str(out), str(file), "--like", key, "--name", "mine"]) == 0
    printed = capsys.readouterr().out
    assert "| not run here | mine" in printed.replace("   ", " ").replace("  ", " ")
    records = [record for record in Store(out).records()[0] if record.cell.method == "mine"]
    assert len(records) == 1
    assert dataclasses.asdict(records[0].cell)["recipe"] is None


@pytest.fixture
def grades(runtime, folder, tmp_path):
    """A cell of a task with exactly one true class, and what is asked of its samples, every answer filled in."""
    cell = make_cell(runtime, folder, dataset="odir-grade", method="head", task="multi-class")
    asked = import_predictions.template(cell, runtime)
    labels = list(asked.columns[3:])
    asked[labels] = 1 / len(labels)
    return cell, asked, tmp_path / "p.csv"


@pytest.mark.parametrize("total", [0, 1.8])
def test_probabilities_of_exactly_one_class_must_sum_to_1(grades, runtime, total):
    cell, asked, file = grades
    labels = list(asked.columns[3:])
    asked.loc[asked.index[-1], labels] = total / len(labels)
    asked.to_csv(file, index=False)
    rows, names = import_predictions.read(file)
    last = f"{file}, row {len(asked) + 1} ({rows.ids[-1]}, complete)"
    probabilities = ", ".join([f"{total / len(labels):g}"] * len(labels))
    expected = (
        f"{last}: {probabilities}: they sum to {total:g}; expected 1, within 0.02, because exactly one class is true."
    )
    with pytest.raises(UserError) as error:
        import_predictions.outcome(import_predictions.as_cell(cell, "mine"), rows, names, runtime)
    assert str(error.value) == expected


def test_probabilities_of_two_digits_are_near_enough_to_1(grades, runtime):
    cell, asked, file = grades
    asked[list(asked.columns[3:])] = ["0.33"] * 3
    asked.to_csv(file, index=False)
    outcome = import_predictions.outcome(
        import_predictions.as_cell(cell, "mine"), *import_predictions.read(file), runtime
    )
    assert outcome.record.status == "done"


def test_a_transposed_array_is_stored_as_what_it_shows(done, runtime):
    """A file of safetensors cannot tell that its values were scrambled: NumPy's strides are not written."""
    (cell, _), outcome = done
    _, sides = masking.own_sides(cell, runtime)
    logits = {"val": outcome.predictions["val_logits"]}
    turned = np.ascontiguousarray(logits["val"].T).T
    assert not turned.flags.c_contiguous
    again = loaded(saved(recorded.predictions(sides, {"val": turned})))
    np.testing.assert_array_equal(again["val_logits"], logits["val"])
    # The reason: as it is, it comes back as something else.
    assert not np.array_equal(loaded(saved({"x": turned}))["x"], turned, equal_nan=True)
