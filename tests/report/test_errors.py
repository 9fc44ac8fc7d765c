"""Where rows err: confusion matrices and operating points as scikit-learn counts them, groups, figures."""

import csv
import io
import math

import msgspec
import numpy as np
import pytest
from by_hand import record
from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix

from mora_bench.records.risks import RiskGroups
from mora_bench.report.contract import Results, in_parts
from mora_bench.report.errors import Errors, risks, shares
from mora_bench.report.figures.calibration import CalibrationFigure
from mora_bench.report.figures.errors import ErrorsFigure
from mora_bench.report.figures.risks import RisksFigure
from mora_bench.report.page import Page
from mora_bench.tasks.metrics import best_thresholds
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel

LABELS = ["N", "D", "=G"]
BINS = {"probability": [0.1, 0.7], "share": [0.2, 0.6], "count": [30, 10]}


def drawn(seed, n=40, exclusive=False):
    rng = np.random.default_rng(seed)
    targets = np.eye(3)[rng.integers(0, 3, n)] if exclusive else rng.random((n, 3)) < 0.4
    return targets.astype(np.uint8), (2 * targets - 1 + rng.normal(0, 1.5, (n, 3))).astype(np.float32)


def results(confusions, task="multi-label", groups=None, risk_groups=None):
    """One row over as many seeds as there are confusions; `groups` of all seeds, or a list by seed."""
    pairs = []
    for seed, confusion in enumerate(confusions):
        entry, cell_scores = record("mora", seed, task=task)
        data = msgspec.structs.replace(entry.data, labels=LABELS)
        of_seed = groups[seed] if isinstance(groups, list) else groups or {}
        more = {"confusion": confusion, "reliability": BINS, "groups": of_seed, "risk_groups": risk_groups}
        test = {pattern: msgspec.structs.replace(setting, **more) for pattern, setting in cell_scores.test.items()}
        scores = msgspec.structs.replace(cell_scores, test=test, task=task)
        pairs.append((msgspec.structs.replace(entry, data=data), scores))
    return Results.of(*map(list, zip(*pairs, strict=True)))


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_labels_are_those_of_scikit_learn(seed):
    known, (targets, logits) = drawn(seed + 10), drawn(seed)
    counts = MultiLabel().confusion(known, targets, logits)
    for rule, thresholds in (("0.5", 0), ("validation", best_thresholds(*known))):
        matrices = multilabel_confusion_matrix(targets, logits > thresholds)
        assert counts[rule] == matrices.reshape(-1, 4).tolist()


def test_the_confusion_matrix_is_that_of_scikit_learn():
    targets, logits = drawn(0, exclusive=True)
    counts = MultiClass().confusion((targets, logits), targets, logits)
    assert counts == {"largest": confusion_matrix(targets.argmax(1), logits.argmax(1)).tolist()}


def test_without_validation_samples_there_is_one_rule():
    targets, logits = drawn(0)
    assert list(MultiLabel().confusion((targets[:0], logits[:0]), targets, logits)) == ["0.5"]


def test_shares_of_nobody_have_no_number():
    assert shares(np.array([3, 1, 2, 6])) == (0.75, 0.75, 6 / 7)
    assert [math.isnan(value) for value in shares(np.array([4, 0, 0, 0]))] == [True, False, True]


def test_counts_of_seeds_are_added_and_labels_are_no_formulas():
    first, second = ({"0.5": [[10, 2, 3, 5], [9, 1, 0, 10], [20, 0, 0, 0]]}, {"0.5": [[8, 4, 1, 7]] * 3})
    files = Errors().make(results([first, second]))
    rows = {(row["tested"], row["label"]): row for row in rows_of(files["errors-twin.csv"])}
    assert set(rows) == {
        (t, n) for t in ("complete", "image missing", "text missing", "both missing") for n in ("N", "D", "'=G")
    }
    row = rows["both missing", "N"]
    assert [row[name] for name in ("tn", "fp", "fn", "tp", "seeds", "decided")] == ["18", "6", "4", "12", "2", "0.5"]
    assert [float(row[n]) for n in ("recall", "specificity", "precision")] == pytest.approx([0.75, 0.75, 12 / 18])
    line = "| N | 16 | 24 | 12 / 4 / 6 | 75.0 | 75.0 | 66.7 |"
    assert line in " ".join(files["errors-twin.md"].decode().split())


def test_a_rule_of_a_task_of_ones_own_is_called_by_its_name():
    contents = results([{"mine": [[10, 2, 3, 5], [9, 1, 0, 10], [20, 0, 0, 0]]}])
    assert "found / missed / false, mine" in Errors().make(contents)["errors-twin.md"].decode()
    pytest.importorskip("matplotlib")
    assert "recall mine, %" in ErrorsFigure().make(contents)["errors-twin.svg"].decode()


def test_a_row_without_the_counts_of_each_seed_is_left_out():
    assert Errors().make(results([{"0.5": [[1, 0, 0, 1]] * 3}, {}])) == {}


def test_a_matrix_of_classes_has_recall_and_precision():
    files = Errors().make(results([{"largest": [[4, 1, 0], [2, 6, 0], [0, 1, 0]]}], "multi-class"))
    text = " ".join(files["errors-twin.md"].decode().split())
    assert "| N | 4 | 1 | 0 | 80.0 |" in text
    assert "| D | 2 | 6 | 0 | 75.0 |" in text
    assert "| precision, % | 66.7 | 75.0 | — | |" in text
    counts = {
        (row["true"], row["predicted"]): row["count"]
        for row in rows_of(files["errors-twin.csv"])
        if row["tested"] == "complete"
    }
    assert counts["D", "N"] == "2"
    assert len(counts) == 9


def test_groups_are_means_over_seeds_with_all_their_samples():
    groups = {"sex=F": {"n": 4, "f1_macro": 0.5, "auroc": None}, "sex=M": {"n": 6, "f1_macro": 0.25}}
    files = Errors().make(results([{}, {}], groups=groups))
    rows = [row for row in rows_of(files["groups-twin.csv"]) if row["tested"] == "both missing"]
    assert [(row["group"], row["n"], row["score"], float(row["mean"])) for row in rows] == [
        ("sex=F", "8", "f1_macro", 0.5), ("sex=M", "12", "f1_macro", 0.25),
    ]  # fmt: skip
    text = " ".join(files["errors-twin.md"].decode().split())
    assert "| group | n | F1 at 0.5 |" in text
    assert "| sex=F | 8 | 50.0 |" in text
    assert "mean over seeds, over the classes that all groups of a covariate have." in text


def test_a_group_that_one_fold_tests_is_its_mean_there():
    """As sites are, each of which is left out once."""
    first = {"site=a": {"n": 6, "f1_macro": 0.5}, "site=b": {"n": 0, "f1_macro": None}}
    second = {"site=a": {"n": 0, "f1_macro": None}, "site=b": {"n": 4, "f1_macro": 0.25}, "site=c": {"n": 0}}
    contents = results([{"0.5": [[1, 0, 0, 1]] * 3}] * 2, groups=[first, second])
    files = Errors().make(contents)
    rows = [row for row in rows_of(files["groups-twin.csv"]) if row["tested"] == "both missing"]
    assert [(row["group"], row["seeds"], row["n"], float(row["mean"])) for row in rows] == [
        ("site=a", "1", "6", 0.5), ("site=b", "1", "4", 0.25),
    ]  # fmt: skip
    text = " ".join(files["errors-twin.md"].decode().split())
    assert "mean over seeds that test the group" in text
    assert "| site=b (1 of 2 seeds) | 4 | 25.0 |" in text


def test_groups_none_of_which_has_a_score_are_a_sentence():
    groups = {name: {"n": 4, "f1_macro": None, "auroc": None} for name in ("sex=F", "sex=M", "sex=NA")}
    files = Errors().make(results([{}, {}], groups=groups))
    assert files == {}
    text = Errors().make(results([{"0.5": [[1, 0, 0, 1]] * 3}], groups=groups))["errors-twin.md"].decode()
    why = "Scores are over the classes that all groups of a covariate have, and a small group may have none."
    assert text.endswith(f"\n\nNo group has a score. {why}\n")
    assert "By group" not in text


def test_groups_by_risk_are_means_over_seeds_on_the_page_and_in_a_figure():
    groups = RiskGroups(
        times=[0.0, 2.5, 5.0],
        horizons=[5.0],
        n=[10, 10, 10],
        predicted=[[0.1], [0.3], [0.7]],
        observed=[[0.0, 0.1, 0.2]] * 3,
    )
    contents = results([{}, {}], risk_groups=groups)
    (section,) = contents.comparisons[0].sections
    (row,) = section.rows
    merged = risks(contents, row, "both")
    assert merged.n == [20, 20, 20]
    assert merged.predicted == pytest.approx(np.array(groups.predicted))
    assert risks(results([{}, {}]), row, "both") is None
    page = Page().make(contents)["report.html"]
    assert b'"risks":{"times":[0.0,2.5,5.0]' in b"".join(in_parts(page)).replace(b" ", b"")
    pytest.importorskip("matplotlib")
    text = RisksFigure().make(contents)["risks-twin.svg"].decode()
    assert "highest third" in text
    assert RisksFigure().make(results([{}, {}])) == {}


def test_shares_that_had_an_event_are_steps(monkeypatch):
    groups = RiskGroups(times=[0.0, 2.5, 5.0], horizons=[5.0], n=[9], predicted=[[0.1]], observed=[[0.0, 0.1, 0.2]])
    figures = []
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("mora_bench.report.figures.style.files", lambda name, figure: figures.append(figure) or {})
    RisksFigure().make(results([{}], risk_groups=groups))
    followed, predicted = figures[0].axes[0].lines
    assert (followed.get_drawstyle(), predicted.get_linestyle()) == ("steps-post", "None")
    assert followed.get_xydata().tolist() == [[0, 0], [2.5, 10], [5, 20]]


@pytest.mark.parametrize("confusion", [{"0.5": [[10, 2, 3, 5]] * 3}, {"largest": [[4, 1, 0]] * 3}])
def test_figures_show_labels_and_bins(confusion):
    pytest.importorskip("matplotlib")
    contents = results([confusion, confusion], "multi-label" if "0.5" in confusion else "multi-class")
    text = ErrorsFigure().make(contents)["errors-twin.svg"].decode()
    assert "=G" in text
    assert ("recall at 0.5, %" in text) == ("0.5" in confusion)
    assert "predicted probability, %" in CalibrationFigure().make(contents)["calibration-twin.svg"].decode()
