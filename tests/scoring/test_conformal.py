"""Sets that hold the truth at a stated rate: the closed form, and what real predictions give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.scoring import conformal
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel

COVERAGES = (0.5, 0.8, 0.9, 0.95)


@given(n=st.integers(0, 40), coverage=st.sampled_from(COVERAGES), seed=st.integers(0, 9))
def test_the_limit_is_the_stated_order_statistic(n, coverage, seed):
    """Of n + 1 equally likely ranks of a new record's p among the n, those up to k hold it."""
    p = np.random.default_rng(seed).permutation(np.arange(1, n + 1)) / (n + 1)
    answers, truth = np.stack([1 - p, p], 1)[:, None], np.ones((n, 1), int)
    (limit,) = conformal.limits(answers, truth, coverage)
    rank = int(np.ceil(round((n + 1) * coverage, 9)))
    if n < conformal.enough(coverage):
        assert rank > n
        assert limit == 0
    else:
        assert (p >= limit).sum() == rank
        # A new p falls into one of the n + 1 gaps, each as likely: k of them lie above the limit.
        assert coverage <= rank / (n + 1) + 1e-12 <= coverage + 1 / (n + 1) + 1e-9


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()], ids=["multi-label", "multi-class"])
def test_500_draws_hold_the_truth_within_the_closed_form(task, coverage):
    rng, n, m, C = np.random.default_rng(3), 39, 400, 4
    held = []
    for _ in range(500):
        logits = rng.normal(size=(n + m, C))
        chances = task.probabilities(logits + rng.normal(size=C))
        if task.one_by_one:
            targets = (rng.random(chances.shape) < chances).astype(np.uint8)
        else:
            targets = np.eye(C, dtype=np.uint8)[[rng.choice(C, p=row) for row in chances]]
        answers, truth = task.answers(logits), task.answered(targets)
        least = conformal.limits(answers[:n], truth[:n], coverage)
        held.append(conformal.covered(conformal.sets(answers[n:], least), truth[n:]).mean())
    error = np.std(held) / np.sqrt(len(held))
    assert coverage - 3 * error <= np.mean(held) <= coverage + 1 / (n + 1) + 3 * error


def test_a_set_is_never_empty_and_only_grows():
    answers = np.array([[[0.3, 0.7]], [[0.02, 0.98]]])
    sets = conformal.sets(answers, np.array([0.8]))
    assert sets.tolist() == [[[False, False]], [[False, True]]]
    assert conformal.never_empty(sets, answers).tolist() == [[[False, True]], [[False, True]]]


def test_too_few_records_rule_out_nothing():
    assert conformal.enough(0.9) == 9
    assert conformal.enough(0.95) == 19
    answers, truth = np.tile([[[0.01, 0.99]]], (8, 1, 1)), np.ones((8, 1), int)
    assert conformal.sets(answers, conformal.limits(answers, truth, 0.9)).all()
    assert not conformal.sets(
        answers, conformal.limits(np.concatenate([answers, answers]), np.ones((16, 1), int), 0.9)
    )[:, :, 0].any()
