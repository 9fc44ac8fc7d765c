"""Every stored prediction as a table: the scores of the tables follow from it, and ids stay hidden unless asked for."""

import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_cell, make_floor
from sklearn.metrics import f1_score, roc_auc_score

from mora_bench.cli.main import main
from mora_bench.cli.table_file import TableFile
from mora_bench.records.store import Store
from mora_bench.training.work import work


@pytest.fixture
def two(runtime, folder, cache, monkeypatch, tmp_path):
    """The results of a network and a floor, and their cells."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    cells = [make_cell(runtime, folder, method="head"), make_floor(runtime, folder, "late-fusion")]
    for cell in cells:
        work([cell], runtime)
    return cells, Store(runtime.out)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_scores_of_the_tables_follow_from_it(two, kind, capsys):
    cells, store = two
    assert main(["export", str(store.folder), "--out", f"p.{kind}"]) == 0
    table = pd.read_csv("p.csv", keep_default_na=False) if kind == "csv" else pd.read_parquet("p.parquet")
    assert f"{len(table):,} rows of 2 cells: p.{kind}" in capsys.readouterr().out
    assert not [*Path().glob(".p.*")]
    for cell in cells:
        scores = store.scores_of(cell)
        tested = table[(table["key"] == cell.key) & (table["side"] == "test")]
        for pattern, setting in scores.test.items():
            rows = tested[[pattern in scored.split("|") for scored in tested["scored under"]]]
            true = rows.pivot(index="id", columns="label", values="true").to_numpy()
            chance = rows.pivot(index="id", columns="label", values="probability").to_numpy()
            assert len(true) == setting.scores["n"]
            f1 = f1_score(true, chance > 0.5, average="macro", zero_division=0)
            assert f1 == pytest.approx(setting.scores["f1_macro"], abs=1e-9)
            both = true.any(0) & ~true.all(0)
            auroc = roc_auc_score(true[:, both], chance[:, both])
            assert auroc == pytest.approx(setting.scores["auroc"], abs=1e-6)
    assert {*table["shown"]} == {"text", "image", "text+image"}


def test_cells_are_chosen_and_ids_are_those_of_the_data(two, runtime, monkeypatch):
    cells, store = two
    monkeypatch.setattr("mora_bench.cells.runtime.default_cache", lambda: runtime.cache)
    words = ["export", str(store.folder), "--key", cells[0].key, "--out", "p.parquet"]
    assert main(words) == 0
    listed = pd.read_parquet("p.parquet")
    assert main([*words, "--ids", "--limit", "60"]) == 0
    with_ids = pd.read_parquet("p.parquet")
    assert {*with_ids["key"]} == {cells[0].key}
    # A twin is nobody: its ids stand in the lists as they are.
    pd.testing.assert_frame_equal(listed, with_ids)


def test_what_cannot_be_exported_is_said_and_nothing_is_left(two, capsys):
    cells, store = two
    store.prediction_file(cells[0]).unlink()
    Path("p.csv").write_text("before")
    assert main(["export", str(store.folder), "--out", "p.csv"]) == 0
    captured = capsys.readouterr()
    assert f"left out: {cells[0].label}" in captured.err
    assert "of 1 cell: p.csv" in captured.out
    store.prediction_file(cells[1]).unlink()
    written = Path("p.csv").read_text()
    assert main(["export", str(store.folder), "--out", "p.csv"]) == 2
    assert "no cell has predictions that can be exported. Nothing was written" in capsys.readouterr().err
    assert Path("p.csv").read_text() == written
    assert not [*Path().glob(".p.*")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "p.xlsx"], "expected a name that ends in .parquet or .csv"),
        (["--out", "p.csv", "--key", "0" * 16], "no such record"),
    ],
)
def test_what_makes_no_sense_is_refused(two, words, message, capsys):
    assert main(["export", str(two[1].folder), *words]) == 2
    assert message in capsys.readouterr().err


def test_probabilities_are_exact_enough_to_rank_by(two):
    cells, store = two
    assert main(["export", str(store.folder), "--key", cells[0].key, "--out", "p.parquet"]) == 0
    table = pd.read_parquet("p.parquet")
    stored = store.predictions(cells[0])
    complete = table[(table["side"] == "test") & (table["shown"] == "text+image")]
    logits = np.log(complete["probability"]) - np.log1p(-complete["probability"])
    np.testing.assert_allclose(logits.to_numpy(), stored["test_logits"][:, 2].ravel(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("parts", [1, 3])
def test_a_disk_that_is_full_is_said_of_the_table(tmp_path, kind, parts):
    rng, file = np.random.default_rng(0), tmp_path / f"p.{kind}"
    frame = pd.DataFrame({"id": np.arange(9000), "probability": rng.random(9000)})
    # More than a buffer holds where parts are written, less where only the end of the block writes.
    frame = frame if parts > 1 else frame[:300]
    file.write_text("older")

    def write():
        with TableFile(file) as table:
            for _ in range(parts):
                table.add(frame)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert error.value.filename == str(file)
    assert [*tmp_path.iterdir()] == [file]
    assert file.read_text() == "older"
