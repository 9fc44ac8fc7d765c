"""What a modality changes in one prediction: closed forms, and what is usual."""

import numpy as np
import pytest
from scipy.special import logit
from stored import C, P, decider, side

from mora_bench.data import presence
from mora_bench.scoring.changes import ENOUGH, changes, usual
from mora_bench.scoring.decide import DecisionOptions
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel


def logits_of(*probabilities: float) -> np.ndarray:
    """One record of one label, under each pattern of two modalities."""
    return logit(np.array(probabilities))[None, :, None]


def test_two_modalities_are_credited_as_by_hand():
    contributions = changes(MultiLabel(), logits_of(0.5, 0.3, 0.9), np.array([[True, True]]), np.array([0.2]))
    # The first alone adds 0.3, after the second 0.6; the second 0.1 and 0.4.
    np.testing.assert_allclose(contributions[0, :, 0], [0.45, 0.25])


def test_a_modality_that_is_not_there_changes_nothing_and_the_other_one_all():
    contributions = changes(MultiLabel(), logits_of(0.5, 0.3, 0.9), np.array([[False, True]]), np.array([0.2]))
    assert np.isnan(contributions[0, 0, 0])
    assert contributions[0, 1, 0] == pytest.approx(0.1)


def test_a_modality_without_any_say_changes_nothing():
    contributions = changes(MultiLabel(), logits_of(0.2, 0.7, 0.7), np.array([[True, True]]), np.array([0.2]))
    np.testing.assert_allclose(contributions[0, :, 0], [0, 0.5], atol=1e-12)


@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()])
@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_changes_add_up_to_the_prediction(task, modalities):
    rng = np.random.default_rng(modalities)
    present = presence.pattern_presence(modalities)[rng.integers(0, 2**modalities - 1, 60)]
    logits = rng.normal(size=(60, 2**modalities - 1, C)).astype(np.float32)
    logits[~presence.able(present)] = np.nan
    constant = np.full(C, 1 / C)
    contributions = changes(task, logits, present, constant)
    assert (np.isnan(contributions) == ~present[:, :, None]).all()
    shown = logits[np.arange(60), presence.pattern_index(present)].astype(np.float64)
    np.testing.assert_allclose(np.nansum(contributions, 1), task.probabilities(shown) - constant, atol=1e-12)


def test_usual_are_nine_of_ten_validation_samples_shown_the_same():
    judge = decider(DecisionOptions(changes=True))
    for pattern in range(P):
        present = np.tile(presence.pattern_presence(2)[pattern], (len(judge.validation), 1))
        low, high = judge.usual(pattern)
        inside = (judge.changes(judge.validation.logits, present) >= low) & (
            judge.changes(judge.validation.logits, present) <= high
        )
        shown = presence.pattern_presence(2)[pattern]
        np.testing.assert_allclose(inside.mean(0)[shown], 0.9, atol=1 / len(judge.validation))
    assert not judge.remarks


def test_too_few_validation_samples_say_nothing_of_what_is_usual():
    judge = decider(DecisionOptions(changes=True), validation=side(ENOUGH - 1, 0))
    low, high = judge.usual(2)
    assert np.isnan([low, high]).all()
    assert judge.remarks == [
        "text+image: 19 validation samples can show it, and 20 are needed to say which changes are usual"
    ]
    assert usual(np.zeros((ENOUGH, 2, C))) is not None


def test_the_cell_s_own_scores_stand_beside_a_pattern():
    judge = decider(DecisionOptions(changes=True))
    sentence = judge.expected(2)
    task, stored = MultiLabel(), judge.test
    auroc = task.scores(stored.targets, stored.logits[:, 2])["auroc"]
    assert sentence.startswith("On the 300 test samples that are shown the same: ")
    assert f"{100 * auroc:.1f}" in sentence
