"""Scores on toys with known answers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from mora_bench.scoring.pick import pick, stratified
from mora_bench.tasks.multilabel import MultiLabel

TASK = MultiLabel()
TARGETS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]])


def test_known_f1():
    logits = np.array([[1, -1, -1], [1, 1, -1], [1, 1, 1], [-1, -1, -1]], float)
    found = TASK.scores(TARGETS, logits)
    assert found["f1_per_class"] == pytest.approx([0.8, 1.0, 0.0])
    assert found["f1_macro"] == pytest.approx(0.6)
    assert found["f1_micro"] == pytest.approx(2 * 4 / (2 * 4 + 2))
    assert found["empty_classes"] == 1
    assert TASK.score(TARGETS, logits) == pytest.approx(0.6)


def test_auroc_and_map_skip_classes_with_one_outcome():
    logits = np.array([[2, 0, 9], [1, 3, -9], [0, 2, 9], [-1, -1, 9]], float)
    found = TASK.scores(TARGETS, logits)
    assert found["auroc"] == found["map"] == 1.0


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
    found, strata = stratified(TASK, targets, logits, present, ("text", "image"))
    assert sum(s["n"] for s in strata.values()) == found["n"] == 30
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
    found = TASK.scores(targets, logits)
    for average in ("macro", "micro"):
        assert found[f"f1_{average}"] == pytest.approx(f1_score(targets, logits > 0, average=average, zero_division=0))
    assert found["f1_per_class"] == pytest.approx(f1_score(targets, logits > 0, average=None, zero_division=0))
    assert TASK.score(targets, logits) == found["f1_macro"]
    mixed = (targets.min(0) == 0) & (targets.max(0) == 1)
    if mixed.any():
        assert found["auroc"] == pytest.approx(roc_auc_score(targets[:, mixed], logits[:, mixed], average="macro"))
        assert found["map"] == pytest.approx(
            average_precision_score(targets[:, mixed], logits[:, mixed], average="macro")
        )
    else:
        assert math.isnan(found["auroc"])
        assert math.isnan(found["map"])
