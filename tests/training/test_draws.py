"""Predictors that draw what is missing: their spread, from the draws to predictions, scores, tables and exports."""

import csv
import io

import msgspec
import numpy as np
import pandas as pd
import pytest
from by_hand import predictor, record
from conftest import make_floor
from plugins import drawing

from mora_bench import registry
from mora_bench.checks import predictor as rules
from mora_bench.cli.main import main
from mora_bench.data import presence
from mora_bench.records.encoding import decode, encode
from mora_bench.records.schema import Scores
from mora_bench.records.store import Store
from mora_bench.report import tables
from mora_bench.report.compare import compare
from mora_bench.report.frame import cells
from mora_bench.scoring.protocol import kept_at
from mora_bench.training import rescore
from mora_bench.training.work import work

COMPLETE = 2


@pytest.fixture
def results(runtime, folder, cache, monkeypatch, tmp_path):
    """A results folder with a cell that draws and one that does not."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry._plugins[registry.PREDICTORS], "drawn", (drawing.Drawn, "0", None))
    made = [make_floor(runtime, folder, name) for name in ("drawn", "prior")]
    for cell in made:
        work([cell], runtime)
    return Store(runtime.out), *made


def test_the_spread_is_stored_beside_the_mean_of_the_draws(results):
    store, drawn, prior = results
    saved, other = store.predictions(drawn), store.predictions(prior)
    assert {*saved} - {*other} == {"val_spread", "test_spread"}
    for side in ("val", "test"):
        spread, able = saved[f"{side}_spread"], presence.able(saved[f"{side}_natural"])
        assert spread.dtype == np.float32
        assert spread.shape == saved[f"{side}_logits"].shape
        assert (spread[:, COMPLETE][able[:, COMPLETE]] == 0).all()
        assert (spread[:, :COMPLETE][able[:, :COMPLETE]] == drawing.STEP).all()
        assert np.isnan(spread[~able]).all()
        # The logits are those of the mean, which does not hang on the pattern here.
        assert np.unique(saved[f"{side}_logits"][able], axis=0).shape[0] == 1


def test_scores_hold_its_mean_under_each_mask_and_are_scored_again_alike(results, runtime):
    store, drawn, prior = results
    scores = store.scores_of(drawn)
    (side,) = [s for n, s in rescore.predicted_of(drawn, store.predictions(drawn), runtime).items() if n == "test"]
    for pattern, setting in scores.test.items():
        (kept,) = kept_at(drawn, "test", side.units, pattern, [drawn.test_rate])
        lacking = ~presence.combine(side.units.natural, kept).all(1)
        assert setting.spread == pytest.approx(drawing.STEP * lacking.mean(), abs=1e-9)
    assert scores.test["both"].spread > scores.test["complete"].spread
    assert all(setting.spread is msgspec.UNSET for setting in scores.val.values())
    assert rescore.contradiction(store, drawn, scores, runtime) is None
    forged = msgspec.json.decode(encode(scores))
    forged["test"]["both"]["spread"] = 0.25
    known = msgspec.convert(forged, Scores)
    assert "test.both.spread is 0.25" in rescore.contradiction(store, drawn, known, runtime)
    assert b"spread" not in encode(store.scores_of(prior))
    assert main(["verify", str(store.folder), "--limit", "60"]) == 0


def test_a_file_with_an_impossible_spread_is_refused(results):
    store, drawn, _ = results
    scores = store.scores_of(drawn)
    assert decode(encode(scores), Scores).test == scores.test
    scores.test["both"].spread = 0.6
    with pytest.raises(msgspec.ValidationError, match=r"<= 0\.5"):
        decode(encode(scores), Scores)


def test_exports_and_new_predictions_have_a_column_where_something_draws(results, runtime):
    store, drawn, prior = results
    assert main(["export", str(store.folder), "--out", "all.csv"]) == 0
    table = pd.read_csv("all.csv")
    for key, shown, expected in (
        (drawn.key, "text", drawing.STEP),
        (drawn.key, "text+image", 0),
        (prior.key, "text", None),
    ):
        known = table[(table["key"] == key) & (table["shown"] == shown)]["spread"]
        assert known.isna().all() if expected is None else (known == expected).all()
    assert main(["export", str(store.folder), "--out", "one.csv", "--key", prior.key]) == 0
    assert [*pd.read_csv("one.csv").columns] == [*table.columns][:-1]
    pd.DataFrame({"id": ["a"], "text": ["cataract"], "image": [""]}).to_csv("new.csv", index=False)
    for cell in (drawn, prior):
        assert main(["predict", str(store.folder), cell.key, "new.csv", "--limit", "60", "--out", "out.csv"]) == 0
        answers = pd.read_csv("out.csv")
        assert answers.filter(like="spread").to_numpy().tolist() == ([[drawing.STEP] * 8] if cell is drawn else [[]])
    assert [*answers.columns][-1] == "like it in training"


def tabled(spread):
    done, scored = predictor("drawn", missing="both")
    settings = {name: msgspec.structs.replace(setting, spread=spread) for name, setting in scored.test.items()}
    return done, msgspec.structs.replace(scored, test=settings)


def compared(*pairs):
    return compare(cells(*zip(*pairs, strict=True)))


def test_tables_have_one_column_where_a_row_draws():
    (table,) = compared(record(), tabled(0.0625), predictor("prior"))
    assert [row.spread for row in table.sections[0].rows if row.label == "drawn"] == [0.0625]
    heading = "SD over draws, both missing"
    text = tables.markdown(table)
    blocks = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    with_it = [block for block in blocks if heading in block[0]]
    assert len(with_it) == 1
    shown = {line.split("|")[2].strip(): line.split("|")[-2].strip() for line in with_it[0][2:]}
    assert shown["drawn"] == "6.2"
    assert shown["prior"] == shown["mora (r=4, blocks 0)"] == "—"
    assert all(len({line.count("|") for line in block}) == 1 for block in blocks)
    assert sum(note.startswith("SD over draws (drawn): ") for note in table.notes) == 1
    latex = tables.latex(table)
    assert heading in latex
    assert len({line.count(" & ") for line in latex.splitlines() if line.endswith(r" \\") and " & " in line}) == 1
    column = [row[heading] for row in csv.DictReader(io.StringIO(tables.comma_separated(table)))]
    assert sorted(column) == ["", "", "0.0625"]
    (table,) = compared(record(), predictor("prior"))
    for render in (tables.markdown, tables.latex, tables.comma_separated):
        assert "draws" not in render(table)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (drawing.OffItsMean, "the mean of draws and what predict gives differ by 0.12 with no text"),
        (drawing.DrawsOfNothing, "draws of complete samples differ by 0.25; nothing of them is missing"),
        (drawing.DrawsByBatch, "standard deviations over draws of the same samples in another order differ by 0.12"),
        (drawing.DrawsTogether, "standard deviations over draws of the same samples among fewer differ by 0.047"),
        (drawing.DrawsSometimes, "draws gave None with all shown; expected draws under every pattern, or under none"),
        (drawing.DrawsOnce, "draws gave [1, 20, 8]; expected [D, 20, 8] with D of 2 or more"),
        (drawing.BeyondOne, "draws gave numbers that are no probabilities"),
    ],
)
def test_check_tells_those_that_break_a_rule(kind, message):
    assert [problem for _, problem in rules.check(kind) if problem] == [message]


def test_check_finds_nothing_wrong_with_one_that_draws_as_it_should():
    assert [problem for _, problem in rules.check(drawing.Drawn) if problem] == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (drawing.DrawsSometimes, "DrawsSometimes.draws gave None under some patterns alone"),
        (drawing.BeyondOne, "BeyondOne.draws gave numbers that are no probabilities"),
    ],
)
def test_a_cell_of_such_a_one_fails_and_says_why(kind, message, runtime, folder, monkeypatch):
    monkeypatch.setitem(registry._plugins[registry.PREDICTORS], "drawn", (kind, "0", None))
    cell = make_floor(runtime, folder, "drawn")
    work([cell], runtime)
    assert message in Store(runtime.out).record_of(cell.key).error
