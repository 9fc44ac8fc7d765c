"""Multi-class scores against scikit-learn, and what a dataset of that task has to be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mora_bench import registry
from mora_bench.checks.run import check
from mora_bench.tasks.multiclass import MultiClass, softmax


def test_it_keeps_its_contract():
    assert [(rule, problem) for rule, problem in check(registry.TASKS, "multi-class") if problem] == []


@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_scores_are_scikit_learns(seed, n, c):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, c, n)
    # Whole numbers, so that there are ties.
    logits = rng.integers(-2, 3, (n, c)).astype(np.float32)
    scores = MultiClass().scores(np.eye(c, dtype=np.uint8)[truth], logits)
    predicted, labels = logits.argmax(1), range(c)
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(truth, predicted))
    recalls = reference.recall_score(truth, predicted, labels=np.unique(truth), average=None, zero_division=0)
    assert scores["balanced_accuracy"] == pytest.approx(recalls.mean())
    f1 = reference.f1_score(truth, predicted, labels=labels, average=None, zero_division=0)
    assert scores["f1_per_class"] == pytest.approx(f1)
    assert scores["f1_macro"] == pytest.approx(f1.mean())
    both = [k for k in labels if 0 < (truth == k).sum() < n]
    # Rounded, because sums of the same terms in another order make samples differ that are tied.
    chances = softmax(logits).round(12)
    expected = [reference.roc_auc_score(truth == k, chances[:, k]) for k in both]
    assert scores["auroc"] == pytest.approx(np.mean(expected)) if both else np.isnan(scores["auroc"])
    assert scores["empty_classes"] == c - len(np.unique(truth))


def test_the_loss_is_the_cross_entropy_of_the_softmax():
    logits = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    targets = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 1, 1]]
    loss = MultiClass().loss(torch.from_numpy(logits), torch.from_numpy(targets))
    assert float(loss) == pytest.approx(-np.log((softmax(logits) * targets).sum(1)).mean(), rel=1e-5)


def test_a_sample_of_no_class_or_two_is_refused():
    assert MultiClass().problem(np.array([[1, 0], [0, 1]])) is None
    assert "sample number 1 has 2 classes" in MultiClass().problem(np.array([[1, 0], [1, 1]]))
    assert "sample number 0 has 0 classes" in MultiClass().problem(np.array([[0, 0], [1, 0]]))
