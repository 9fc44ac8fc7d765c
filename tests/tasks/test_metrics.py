"""Scores on toys with known answers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score, roc_curve

from mora_bench.scoring.pick import pick, stratified
from mora_bench.tasks.metrics import at_recall, best_thresholds, calibration_error, log_odds, reliability
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel

TASK = MultiLabel()
TARGETS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]])


def test_known_f1():
    logits = np.array([[1, -1, -1], [1, 1, -1], [1, 1, 1], [-1, -1, -1]], float)
    scores = TASK.scores(TARGETS, logits)
    assert scores["f1_per_class"] == pytest.approx([0.8, 1.0, 0.0])
    assert scores["f1_macro"] == pytest.approx(0.6)
    assert scores["f1_micro"] == pytest.approx(2 * 4 / (2 * 4 + 2))
    assert scores["empty_classes"] == 1
    assert TASK.score(TARGETS, logits) == pytest.approx(0.6)


def test_auroc_and_map_skip_classes_with_one_outcome():
    logits = np.array([[2, 0, 9], [1, 3, -9], [0, 2, 9], [-1, -1, 9]], float)
    scores = TASK.scores(TARGETS, logits)
    assert scores["auroc"] == scores["map"] == 1.0


def test_no_samples_and_no_defined_class():
    assert TASK.scores(TARGETS[:0], np.zeros((0, 3))) == {"n": 0}
    assert math.isnan(TASK.score(TARGETS[:0], np.zeros((0, 3))))
    assert math.isnan(TASK.scores(TARGETS[:1], np.zeros((1, 3)))["auroc"])


def test_each_sample_is_scored_under_its_own_pattern():
    # Patterns in order: text only, image only, both.
    logits = np.arange(12, dtype=float).reshape(4, 3, 1)
    present = np.array([[1, 0], [0, 1], [1, 1], [1, 1]], bool)
    assert pick(logits, present).ravel().tolist() == [0, 4, 8, 11]


def test_a_pattern_that_was_not_predicted_is_an_error():
    logits = np.full((1, 3, 1), np.nan)
    with pytest.raises(ValueError, match="no prediction"):
        pick(logits, np.array([[True, True]]))


def test_strata_partition_the_samples():
    rng = np.random.default_rng(0)
    targets, logits = rng.integers(0, 2, (30, 4)), rng.normal(size=(30, 3, 4))
    present = np.array([[1, 0], [0, 1], [1, 1]], bool)[rng.integers(0, 3, 30)]
    overall, strata = stratified(TASK, targets, logits, present, ("text", "image"))
    assert sum(s["n"] for s in strata.values()) == overall["n"] == 30
    only_text = present[:, 0] & ~present[:, 1]
    assert strata["text_only"]["f1_macro"] == TASK.score(targets[only_text], logits[only_text, 0])


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            arrays(np.uint8, (n, 3), elements=st.integers(0, 1)),
            # Few values, so that many are tied.
            arrays(np.float32, (n, 3), elements=st.sampled_from([-2, -1, -0.5, 0, 0.25, 1, 3])),
        )
    )
)
def test_all_scores_are_scikit_learns(both):
    targets, logits = both
    scores = TASK.scores(targets, logits)
    for average in ("macro", "micro"):
        assert scores[f"f1_{average}"] == pytest.approx(f1_score(targets, logits > 0, average=average, zero_division=0))
    assert scores["f1_per_class"] == pytest.approx(f1_score(targets, logits > 0, average=None, zero_division=0))
    assert TASK.score(targets, logits) == scores["f1_macro"]
    mixed = (targets.min(0) == 0) & (targets.max(0) == 1)
    if mixed.any():
        assert scores["auroc"] == pytest.approx(roc_auc_score(targets[:, mixed], logits[:, mixed], average="macro"))
        assert scores["map"] == pytest.approx(
            average_precision_score(targets[:, mixed], logits[:, mixed], average="macro")
        )
    else:
        assert math.isnan(scores["auroc"])
        assert math.isnan(scores["map"])


def test_the_released_mean_leaves_out_classes_that_nobody_has_or_predicts():
    """torchmetrics 0.9: one such class of three turns a mean of 0.6 into 0.9 (fidelity: 0.504 against 0.479)."""
    logits = np.array([[1, -1, -1], [1, 1, -1], [1, 1, -1], [-1, -1, -1]], float)
    scores = TASK.scores(TARGETS, logits)
    assert scores["f1_per_class"] == pytest.approx([0.8, 1.0, 0.0])
    assert scores["f1_macro"] == pytest.approx(0.6)
    assert scores["f1_macro_seen"] == pytest.approx(0.9)


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.uint8, st.tuples(st.integers(2, 40), st.just(3)), elements=st.integers(0, 1)),
    st.integers(0, 1000),
    st.booleans(),
)
def test_thresholds_give_the_highest_f1_that_any_threshold_gives(targets, seed, ties):
    logits = np.random.default_rng(seed).normal(size=targets.shape)
    logits = logits.round(0) if ties else logits
    chosen = best_thresholds(targets, logits)
    for c in range(targets.shape[1]):
        predicted, true = logits[:, c] > np.append(logits[:, c] - 1e-9, np.inf)[:, None], targets[:, c] > 0
        best = (2 * (predicted & true).sum(1) / np.maximum(predicted.sum(1) + true.sum(), 1)).max()
        assert f1_score(targets[:, c], logits[:, c] > chosen[c], zero_division=0) == pytest.approx(best)


def test_thresholds_are_those_of_the_other_samples():
    known = np.array([[0], [0], [1], [1]]), np.array([[-2.0], [1.0], [2.0], [3.0]])
    targets, logits = np.array([[1], [0], [1]]), np.array([[1.2], [1.6], [5.0]])
    assert TASK.tuned(known, targets, logits) == {"f1_macro_tuned": pytest.approx(f1_score([1, 0, 1], [0, 1, 1]))}
    assert TASK.tuned((known[0][:0], known[1][:0]), targets, logits) == {}


@settings(deadline=None)
@given(st.integers(0, 500), st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_operating_points_are_those_of_the_roc_curve(seed, recall):
    rng = np.random.default_rng(seed)
    targets, logits = rng.integers(0, 2, (30, 1)), rng.normal(size=(30, 1)).round(1)
    targets[:2, 0] = 0, 1
    precision, specificity = at_recall(targets, logits, recall)
    fall_out, sensitivity, _ = roc_curve(targets[:, 0], logits[:, 0], drop_intermediate=False)
    first = np.flatnonzero(sensitivity >= recall - 1e-9)[0]
    assert specificity[0] == pytest.approx(1 - fall_out[first])
    positives = targets.sum()
    hits, wrong = sensitivity[first] * positives, fall_out[first] * (30 - positives)
    assert precision[0] == pytest.approx(hits / (hits + wrong))


def test_calibration_by_hand():
    """Two bins: 0.2 said of four of which one is true; 0.9 said of two of which both are."""
    chances = np.array([0.2, 0.2, 0.2, 0.2, 0.9, 0.9])
    right = np.array([1, 0, 0, 0, 1, 1])
    mean, share, count = reliability(chances, right)
    assert (mean[2], share[2], count[2]) == (pytest.approx(0.2), 0.25, 4)
    assert (mean[9], share[9], count[9]) == (pytest.approx(0.9), 1.0, 2)
    assert mean[0] is None
    assert calibration_error(chances, right) == pytest.approx((4 * 0.05 + 2 * 0.1) / 6)


def test_the_brier_score_is_scikit_learns():
    rng = np.random.default_rng(0)
    targets, logits = rng.integers(0, 2, (40, 3)), rng.normal(size=(40, 3))
    expected = np.mean([brier_score_loss(targets[:, c], 1 / (1 + np.exp(-logits[:, c]))) for c in range(3)])
    assert TASK.scores(targets, logits)["brier"] == pytest.approx(expected)
    one_hot = np.eye(3, dtype=int)[rng.integers(0, 3, 40)]
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert MultiClass().scores(one_hot, logits)["brier"] == pytest.approx(((chances - one_hot) ** 2).sum(1).mean())


@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()])
def test_pooled_scores_are_those_of_all_samples_at_once(task):
    rng = np.random.default_rng(0)
    targets, logits = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, 90)], rng.normal(size=(90, 4))
    folds = np.split(np.arange(90), [20, 50])
    counts = [task.counts(targets[rows], logits[rows]) for rows in folds]
    assert task.pooled(counts) == pytest.approx(task.score(targets, logits))


@given(
    values=arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(2, 7)), elements=st.floats(-90, 90, width=32)),
    ties=st.booleans(),
)
@settings(deadline=None)
def test_log_odds_are_those_of_a_softmax_and_tie_where_only_the_order_of_the_others_differs(values, ties):
    values = np.round(values / 30) if ties else values
    odds = log_odds(values)
    for c in range(values.shape[1]):
        others = np.delete(values.astype(float), c, 1)
        np.testing.assert_allclose(odds[:, c], values[:, c] - logsumexp(others, axis=1), rtol=1e-12, atol=1e-12)
    turned = values[:, [0, *range(1, values.shape[1])[::-1]]]
    assert (log_odds(turned)[:, 0] == odds[:, 0]).all()


@pytest.mark.parametrize("n", [1, 5, 60])
def test_the_first_score_of_classes_alone_is_that_among_all(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        targets = np.eye(5, dtype=np.uint8)[rng.integers(0, 5, n)]
        logits = rng.normal(size=(n, 5)).astype(np.float32)
        assert MultiClass().score(targets, logits) == MultiClass().scores(targets, logits)["f1_macro"]
