"""What a cell trained, on new records: the same probabilities as the record's, whatever is absent."""

import csv
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from conftest import make_cell, make_floor
from PIL import Image
from safetensors.numpy import load, save
from scipy.special import expit

from mora_bench.cli.main import main
from mora_bench.records import adapters
from mora_bench.records.encoding import encode
from mora_bench.records.store import Store
from mora_bench.scoring import conformal
from mora_bench.tasks.metrics import best_thresholds
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training import inference
from mora_bench.training.decoded import samples
from mora_bench.training.import_predictions import ImportedPredictions, as_cell, outcome, template
from mora_bench.training.inference import Applied
from mora_bench.training.work import work

LIMIT = 60


@pytest.fixture
def trained(runtime, folder, cache, monkeypatch, tmp_path):
    """A cell with its network saved, and a table of its test samples as new records."""
    import dataclasses

    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    cell = make_cell(runtime, folder, method="mora", impute="mean")
    work([cell], dataclasses.replace(runtime, save_adapters=True))
    stored = Store(runtime.out).predictions(cell)
    table = samples("odir", str(folder), 64, runtime).table
    rows = []
    for row in stored["test_rows"]:
        names = []
        for k, picture in enumerate(table.modalities["image"].values[row]):
            Image.fromarray(picture.read()).save(tmp_path / f"{row}_{k}.png")
            names.append(f"{row}_{k}.png")
        rows.append({"id": f"visit {row}", "text": table.modalities["text"].values[row], "image": "; ".join(names)})
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    return cell, runtime, stored, rows


def predicted(cell, runtime, *more):
    assert (
        main(["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT), "--out", "out.csv", *more]) == 0
    )
    with open("out.csv", newline="") as file:
        header, *rows = csv.reader(file)
    return header, [row[:2] for row in rows], np.array([row[2:10] for row in rows], float)


def test_new_records_get_the_probabilities_of_the_record(trained, capsys):
    cell, runtime, stored, rows = trained
    header, names, probabilities = predicted(cell, runtime)
    assert header[:2] == ["id", "had"]
    assert header[10:] == ["like it in training"]
    assert names == [[row["id"], "text+image"] for row in rows]
    np.testing.assert_allclose(probabilities, expit(stored["test_logits"][:, 2]), rtol=0, atol=2e-6)
    assert "ms each: out.csv" in capsys.readouterr().out


def test_a_share_that_calibrates_nothing_is_refused(trained, capsys):
    cell, runtime, _, _ = trained
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT), "--calibrate", "0.9"]
    assert main(words) == 2
    assert "--calibrate 0.9: it is the share that calibrates sets" in capsys.readouterr().err


def test_decisions_and_sets_are_those_of_the_stored_predictions(trained, tmp_path, capsys):
    cell, runtime, stored, _ = trained
    asked = ("--decide", "validation", "--coverage", "0.5", "--calibrate", "1")
    header, _, probabilities = predicted(cell, runtime, *asked)
    assert header[10:] == ["decision", "certain", "possible", "like it in training"]
    labels, cells = header[2:10], [row.split(",") for row in Path("out.csv").read_text().splitlines()[1:]]
    cut = best_thresholds(stored["val_targets"], stored["val_logits"][:, 2])
    assert [row[10] for row in cells] == [
        "|".join(np.array(labels)[logits > cut]) for logits in stored["test_logits"][:, 2]
    ]
    task = MultiLabel()
    answers, truth = task.answers(stored["test_logits"][:, 2]), task.answered(stored["test_targets"])
    sets = conformal.never_empty(conformal.sets(answers, conformal.limits(answers, truth, 0.5)), answers)
    assert [row[12] for row in cells] == ["|".join(np.array(labels)[members]) for members in sets[:, :, 1]]
    certain = sets[:, :, 1] & ~sets[:, :, 0]
    assert [row[11] for row in cells] == ["|".join(np.array(labels)[members]) for members in certain]
    shown = (load(Store(runtime.out).prediction_file(cell).read_bytes())["val_natural"]).all()
    assert shown
    printed = capsys.readouterr().err
    assert "text+image: sets calibrated on 6 test samples" in printed
    # Every part of the records is decided by the same rules.
    plain = Path("out.csv").read_text()
    for at_once in (1, 4):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("mora_bench.cli.predict.AT_ONCE", at_once)
            patched.setattr("mora_bench.cli.predict.PICTURED_AT_ONCE", at_once)
            _, _, again = predicted(cell, runtime, *asked)
        np.testing.assert_allclose(again, probabilities, rtol=0, atol=2e-6)
        assert [row.split(",")[10:] for row in Path("out.csv").read_text().splitlines()] == [
            row.split(",")[10:] for row in plain.splitlines()
        ]


def test_each_modality_s_change_is_that_of_the_stored_predictions_and_a_page_shows_it(trained, tmp_path, capsys):
    cell, runtime, stored, rows = trained
    rows[0]["image"] = ""
    rows[1]["id"] = "<b>\u202evisit"
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    header, _, probabilities = predicted(cell, runtime, "--changes", "--page", "page.html", "--decide", "0.5")
    labels = header[2:10]
    at = header.index("like it in training") + 1
    pairs = [f"{label} by {name}" for label in labels for name in ("text", "image")]
    assert header[at:] == [*pairs, "unusual"]
    frame = pd.read_csv("out.csv")
    changed = frame[pairs].to_numpy(float).reshape(-1, 8, 2)
    task = MultiLabel()
    constant = task.prior(stored["val_targets"].astype(float))
    chances = expit(stored["test_logits"].astype(float))
    text, image, both = np.moveaxis(chances, 1, 0)
    by_hand = np.stack([(text - constant + both - image) / 2, (image - constant + both - text) / 2], 2)
    by_hand[0] = np.stack([text[0] - constant, np.full(8, np.nan)], 1)
    np.testing.assert_allclose(changed, by_hand, atol=2e-6)
    np.testing.assert_allclose(np.nansum(changed, 2), probabilities - constant, atol=4e-6)
    assert "'" not in Path("out.csv").read_text()
    # Six validation samples are too few to say what is usual.
    assert frame["unusual"].isna().all()
    assert "6 validation samples can show it, and 20 are needed" in capsys.readouterr().err
    page = Path("page.html").read_text()
    assert page.count('<section class="record"') == len(rows)
    assert "&lt;b&gt;\\u202evisit" in page
    assert "<b>" not in page.partition("<body>")[2]
    assert "Has text; lacks image." in page
    assert page.count("<svg") == 8 * (2 * len(rows) - 1)


def test_a_page_of_too_many_records_is_refused_and_nothing_is_written(trained, monkeypatch, capsys):
    cell, runtime, _, rows = trained
    monkeypatch.setattr("mora_bench.cli.pages.MOST", len(rows) - 1)
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT), "--out", "out.csv"]
    assert main([*words, "--page", "page.html"]) == 2
    assert f"a page holds at most {len(rows) - 1} records" in capsys.readouterr().err
    assert not Path("out.csv").exists()
    assert not Path("page.html").exists()


def test_predict_writes_over_nothing_that_it_reads(trained, tmp_path, capsys):
    cell, runtime, _, _ = trained
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT)]
    before = Path("new.csv").read_text()
    for more, message in (
        (["--out", "new.csv"], "--out new.csv: it is the table that is read"),
        (["--page", "./new.csv"], "--page new.csv: it is the table that is read"),
        (["--out", "same", "--page", "same"], "--page same: it is what --out writes"),
        (["--page", str(tmp_path)], "a folder. Expected the name of a file"),
    ):
        assert main([*words, *more]) == 2
        assert message in capsys.readouterr().err
    assert Path("new.csv").read_text() == before


def test_nothing_is_printed_of_a_table_that_cannot_be_read_and_paths_to_nowhere_are_said(trained, tmp_path, capsys):
    cell, runtime, _, rows = trained
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT)]
    (tmp_path / "elsewhere").mkdir()
    assert main([*words, "--pictures", "elsewhere"]) == 0
    captured = capsys.readouterr()
    assert f"column 'image': none of its {len(rows)} files is below" in captured.err
    Path("new.csv").write_text("id,image\na,x.png\n")
    assert main(words) == 2
    assert capsys.readouterr().out == ""


def test_a_prediction_that_is_no_number_is_refused(trained, monkeypatch, capsys):
    cell, runtime, _, rows = trained
    apply = inference.apply
    nothing = lambda *arguments, **options: Applied(np.nan * apply(*arguments, **options).logits, 1.0)  # noqa: E731
    monkeypatch.setattr(inference, "apply", nothing)
    assert main(["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT), "--decide", "0.5"]) == 2
    captured = capsys.readouterr()
    assert f"'{rows[0]['id']}': its prediction is no number ({len(rows)} such records)" in captured.err
    assert captured.out == ""


def test_what_hardly_anybody_showed_in_training_is_said(trained, tmp_path, capsys):
    cell, runtime, _, rows = trained
    for row in rows[:2]:
        row["image"] = ""
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    predicted(cell, runtime)
    like = [int(row.split(",")[10]) for row in Path("out.csv").read_text().splitlines()[1:]]
    record = Store(runtime.out).record(cell)
    train = record.data.realised["train"]
    assert like[0] == round(train["n"] * train["without_image"])
    assert like[2] == round(train["n"] * train["complete"])
    rare = [pattern for pattern, count in zip(("text", "text+image"), (like[0], like[2]), strict=True) if count < 10]
    printed = capsys.readouterr().err
    for pattern in ("text", "text+image"):
        assert (f"{pattern}: rare in training" in printed) == (pattern in rare)


def test_decisions_need_the_predictions_that_the_cell_stored(trained, capsys):
    cell, runtime, _, _ = trained
    Store(runtime.out).prediction_file(cell).unlink()
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT), "--out", "out.csv"]
    assert main([*words, "--decide", "0.5"]) == 0
    assert main([*words, "--decide", "recall=0.9"]) == 2
    assert f"{cell.key}" in capsys.readouterr().err
    assert main([*words, "--decide", "often"]) == 2
    assert "--decide often: expected 0.5, validation, or recall=R" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["frozen", "late-fusion", "latent"])
def test_a_floor_is_fitted_again_and_gives_the_probabilities_of_its_record(name, trained, folder, tmp_path):
    _, runtime, _, rows = trained
    cell = make_floor(runtime, folder, name)
    work([cell], runtime)
    stored = Store(runtime.out).predictions(cell)
    for k, row in enumerate(rows[:2]):
        row["text" if k % 2 else "image"] = ""
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    header, names, probabilities = predicted(cell, runtime)
    assert [had for _, had in names] == ["text", "image", *["text+image"] * (len(rows) - 2)]
    expected = [expit(stored["test_logits"][k, k if k < 2 else 2]) for k in range(len(rows))]
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=2e-6)
    drawn = pd.read_csv("out.csv")[header[11:]].to_numpy()
    assert drawn.shape[1] == 8 * (name == "latent")
    if name == "latent":
        expected = [stored["test_spread"][k, k if k < 2 else 2] for k in range(len(rows))]
        np.testing.assert_allclose(drawn, expected, rtol=0, atol=2e-6)
        assert drawn[:2].min() > 0 == np.abs(drawn[2:]).max()


def test_predictions_that_were_made_elsewhere_predict_nothing_new(trained, capsys):
    _, runtime, _, _ = trained
    store = Store(runtime.out)
    cell = as_cell(store.record_of(next(iter(store.keys()))).cell, "theirs")
    rows = template(cell, runtime)
    probabilities = np.full((len(rows), 8), 0.5)[(rows["split"] != "train").to_numpy()]
    rows = rows[rows["split"] != "train"]
    imported = outcome(
        cell, ImportedPredictions([*rows["id"]], [*rows["pattern"]], probabilities, Path("new.csv")), None, runtime
    )
    store.write(cell, imported.record, imported.predictions, imported.scores, None, imported.split)
    assert main(["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT)]) == 2
    assert "it has no trained model to predict with (predictions that were made elsewhere)" in capsys.readouterr().err


def test_whatever_is_absent_is_absent(trained, tmp_path):
    cell, runtime, stored, rows = trained
    for k, row in enumerate(rows):
        row["text" if k % 2 else "image"] = ""
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    _, names, probabilities = predicted(cell, runtime)
    assert [had for _, had in names] == ["image" if k % 2 else "text" for k in range(len(rows))]
    expected = [expit(stored["test_logits"][k, k % 2]) for k in range(len(rows))]
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "", "image": ""}, "column 'id' has nothing of any modality in row 2: 'visit"),
        ({"image": "../x.png"}, "leads out of"),
        ({"image": "a.png;b.png;c.png;1_0.png"}, "over 2 pictures in a cell"),
    ],
)
def test_what_does_not_fit_is_refused(trained, tmp_path, change, message, capsys):
    cell, runtime, _, rows = trained
    rows[0] |= change
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    assert main(["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT)]) == 2
    assert message in capsys.readouterr().err


def test_other_data_and_other_files_are_refused(trained, tmp_path, capsys):
    cell, runtime, _, rows = trained
    assert main(["predict", str(runtime.out), cell.key, "new.csv"]) == 2
    assert "data" in capsys.readouterr().err
    assert main(["predict", str(runtime.out), "0" * 16, "new.csv"]) == 2
    assert "absent. Expected the key of a record" in capsys.readouterr().err
    pd.DataFrame(rows).drop(columns="text").to_csv(tmp_path / "new.csv", index=False)
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT)]
    assert main(words) == 2
    assert "no column 'text'" in capsys.readouterr().err
    shutil.rmtree(Store(runtime.out).adapter_folder(cell))
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    assert main(words) == 2
    assert "Run the cell's grid with --save-adapters and a new --out" in capsys.readouterr().err


@pytest.mark.parametrize("task", [MultiLabel, MultiClass])
def test_probabilities_are_the_inverse_of_logits(task):
    wanted = np.array([[0.2, 0.5, 0.3], [0.05, 0.9, 0.05]])
    np.testing.assert_allclose(task().probabilities(task().logits(wanted)), wanted, rtol=0, atol=1e-6)


def test_a_record_that_no_scores_vouch_for_predicts_nothing(trained, capsys):
    """What was trained is negated, its digest in the record is made anew, and the record is signed again."""
    cell, runtime, _, _ = trained
    store = Store(runtime.out)
    file = store.adapter_folder(cell) / "trained.safetensors"
    file.write_bytes(save({name: -array for name, array in load(file.read_bytes()).items()}))
    adapter = adapters.identity(adapters.read(store.adapter_folder(cell)))
    store.record_documents.write(cell.key, encode(msgspec.structs.replace(store.record(cell), adapter=adapter)))
    words = ["predict", str(runtime.out), cell.key, "new.csv", "--limit", str(LIMIT), "--out", "out.csv"]
    assert main(words) == 2
    assert "no file of scores names its digest: the record was changed after scoring" in capsys.readouterr().err
