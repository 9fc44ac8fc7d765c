"""Grades in order: its scores are scikit-learn's, its loss the likelihood of the grade."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, mean_absolute_error, roc_auc_score

from mora_bench import registry
from mora_bench.checks.task import check
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.tasks.ordinal import Ordinal, cumulative, kappa
from mora_bench.tasks.shared import shared

TASK = Ordinal()


def drawn(seed, n=60, grades=4, rare=False):
    rng = np.random.default_rng(seed)
    true = rng.choice(grades, n, p=[0.9, 0.1, *[0.0] * (grades - 2)] if rare else None)
    return np.eye(grades, dtype=np.uint8)[true], rng.normal(size=(n, grades - 1)).round(1)


def loss(logits, targets, weights=None):
    weights = None if weights is None else torch.as_tensor(weights)
    return TASK.loss(
        torch.as_tensor(logits, dtype=torch.float64), torch.as_tensor(targets, dtype=torch.float64), weights
    )


def test_it_keeps_the_rules():
    assert [(rule, wrong) for rule, wrong in check(registry.get(registry.TASKS, "ordinal")) if wrong] == []


@given(seed=st.integers(0, 10_000), rare=st.booleans(), grades=st.integers(2, 6))
@settings(deadline=None, max_examples=40)
@pytest.mark.filterwarnings("ignore")
def test_scores_are_scikit_learns(seed, rare, grades):
    targets, logits = drawn(seed, grades=grades, rare=rare)
    true, decided = targets.argmax(1), TASK.decide(logits).argmax(1)
    scores = TASK.scores(targets, logits)
    expected = cohen_kappa_score(true, decided, weights="quadratic", labels=range(grades))
    assert scores["kappa_quadratic"] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert scores["mae"] == pytest.approx(mean_absolute_error(true, decided))
    assert scores["accuracy"] == pytest.approx(accuracy_score(true, decided))
    expected = f1_score(true, decided, average="macro", labels=range(grades), zero_division=0)
    assert scores["f1_macro"] == pytest.approx(expected)
    falls = cumulative(logits)
    reached = expit(falls)
    areas = [
        roc_auc_score(true >= k + 1, falls[:, k]) for k in range(grades - 1)
        if 0 < (true >= k + 1).sum() < len(true)
    ]  # fmt: skip
    assert scores["auroc"] == pytest.approx(np.mean(areas) if areas else np.nan, nan_ok=True)
    steps = [((true >= k + 1) - reached[:, k]) ** 2 for k in range(grades - 1)]
    assert scores["rps"] == pytest.approx(np.mean(steps), abs=1e-9)


def test_the_median_grade_is_decided():
    """By hand: probabilities of 0.3, 0.3, 0.4 have the median 1, the second, though the third is the most probable."""
    logits = TASK.logits(np.array([[0.3, 0.3, 0.4], [0.6, 0.2, 0.2], [0.1, 0.2, 0.7]]))
    assert TASK.decide(logits).argmax(1).tolist() == [1, 0, 2]
    np.testing.assert_allclose(TASK.probabilities(logits)[0], [0.3, 0.3, 0.4], atol=1e-6)
    # Of two that are as good the lower one, however a half is rounded.
    for grades, middle in ((2, 0), (4, 1), (6, 2)):
        assert TASK.decide(TASK.logits(np.full((1, grades), 1 / grades))).argmax() == middle
    assert TASK.decide(TASK.logits(np.array([[0.5, 0, 0, 0.5]]))).argmax() == 0


def test_no_cuts_of_the_expected_grade_have_a_higher_kappa_and_the_median_has_a_lower_one():
    rng = np.random.default_rng(0)
    chances = rng.dirichlet([2, 0.5, 0.4], 60)
    targets = np.eye(3, dtype=np.uint8)[(chances.cumsum(1) < rng.random((60, 1))).sum(1)]
    task = Ordinal()
    scores, attainable = (measured(targets, task.logits(chances)) for measured in (task.scores, task.attainable))
    expected, true = chances @ np.arange(3), targets.argmax(1)
    grades = [np.digitize(expected, [a, b]) for a in expected for b in expected if a <= b]
    best = max(cohen_kappa_score(true, decided, weights="quadratic") for decided in grades)
    assert attainable["kappa_quadratic"] == pytest.approx(best)
    assert scores["kappa_quadratic"] < best - 0.02
    same = {name: scores[name] for name in ("mae", "auroc", "rps")}
    assert attainable == same | {"kappa_quadratic": attainable["kappa_quadratic"]}
    one_grade = np.eye(3, dtype=np.uint8)[np.zeros(5, int)]
    assert np.isnan(task.attainable(one_grade, task.logits(chances[:5]))["kappa_quadratic"])


@given(seed=st.integers(0, 10_000), grades=st.integers(2, 6), scale=st.sampled_from([0.1, 1.0, 20.0]))
@settings(deadline=None, max_examples=40)
def test_the_loss_is_the_likelihood_of_the_grade_and_no_grade_is_negative(seed, grades, scale):
    targets, logits = drawn(seed, grades=grades)
    chances = TASK.probabilities(logits * scale)
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-12)
    assert (np.diff(cumulative(logits * scale), axis=1) <= 0).all()
    if scale <= 1:
        expected = -np.log((chances * targets).sum(1)).mean()
        assert loss(logits * scale, targets).item() == pytest.approx(expected, rel=1e-9)
    assert torch.isfinite(loss(logits * scale * 1000, targets))


@given(seed=st.integers(0, 10_000), grades=st.integers(2, 6))
@settings(deadline=None, max_examples=25)
def test_probabilities_are_turned_back(seed, grades):
    chances = softmax(np.random.default_rng(seed).normal(size=(30, grades)), axis=1)
    np.testing.assert_allclose(TASK.probabilities(TASK.logits(chances)), chances, atol=1e-5)


def test_reliability_is_that_of_the_steps_together():
    targets, logits = drawn(3, 300)
    chances, reached = expit(cumulative(logits)), targets.argmax(1)[:, None] >= np.arange(1, 4)
    in_bin, bins = (chances >= 0.3) & (chances < 0.4), TASK.reliability(targets, logits)
    assert bins["count"][3] == in_bin.sum()
    assert bins["share"][3] == pytest.approx(reached[in_bin].mean())
    assert sum(bins["count"]) == 900


def test_two_grades_are_one_label():
    targets, logits = drawn(0, grades=2)
    one = targets[:, 1:].astype(float)
    plain = MultiLabel().loss(torch.as_tensor(logits), torch.as_tensor(one)).item()
    assert loss(logits, targets).item() == pytest.approx(plain)
    assert TASK.scores(targets, logits)["auroc"] == pytest.approx(MultiLabel().scores(targets[:, 1:], logits)["auroc"])
    assert TASK.scores(targets, logits)["rps"] == pytest.approx(MultiLabel().scores(targets[:, 1:], logits)["brier"])


def test_class_weights_are_those_of_classes():
    targets, logits = drawn(1)
    assert TASK.balanced(targets).tolist() == MultiClass().balanced(targets).tolist()
    weights = np.array([1.0, 2.0, 0.5, 3.0])
    losses = np.array([loss(logits[[i]], targets[[i]]).item() for i in range(len(targets))])
    sample_weights = targets @ weights
    assert loss(logits, targets, weights).item() == pytest.approx(
        (sample_weights * losses).sum() / sample_weights.sum()
    )


def test_kappa_of_folds_is_that_of_all_samples_and_none_is_no_number():
    parts = [drawn(seed) for seed in range(3)]
    joined = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    assert TASK.pooled([TASK.counts(*part) for part in parts]) == pytest.approx(TASK.score(*joined))
    assert np.isnan(kappa(np.diag([5, 0, 0])))


def test_strata_are_compared_over_the_grades_that_all_of_them_have():
    """One set lacks the highest grade, so the step to it is in neither mean."""
    targets, logits = drawn(2, 200)
    few = targets.argmax(1) < 3
    classes = shared([targets[few], targets[~few | (np.arange(200) % 2 > 0)]])
    assert classes.positive.tolist() == [True, True, True, False]
    scores = TASK.scores_over(targets, logits, classes)
    assert scores["classes"] == 3
    true, falls = targets.argmax(1), cumulative(logits)
    assert scores["auroc"] == pytest.approx(np.mean([roc_auc_score(true > k, falls[:, k]) for k in range(2)]))


def test_grades_are_two_or_more_and_one_a_sample():
    assert TASK.mislabelled(("none",)) == "1 label; grades are two or more, in order"
    assert "ordinal needs exactly one" in TASK.problem(np.array([[1, 1], [1, 0]]))
