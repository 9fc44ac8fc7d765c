"""Decisions by pattern: thresholds are of validation samples under the same pattern, sets of test samples."""

import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import f1_score
from stored import C, P, decider, side

from mora_bench.data import presence
from mora_bench.errors import UserError
from mora_bench.scoring import conformal
from mora_bench.scoring.decide import DecisionOptions, StoredPredictions
from mora_bench.tasks.metrics import recall_thresholds
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel


@pytest.mark.parametrize("pattern", range(P))
def test_thresholds_are_the_best_of_validation_under_the_same_pattern(pattern):
    judge = decider(DecisionOptions("validation"))
    targets, logits = judge.validation.targets, judge.validation.logits[:, pattern]
    present = np.tile(presence.pattern_presence(2)[pattern], (len(targets), 1))
    scores = f1_score(targets, judge.decisions(logits, present), average=None)
    for c in range(C):
        best = max(f1_score(targets[:, c], logits[:, c] >= cut) for cut in logits[:, c])
        assert scores[c] == pytest.approx(best)


def test_records_of_several_patterns_are_decided_each_by_its_own():
    judge, new = decider(DecisionOptions("validation")), side(90, 5)
    index = np.arange(90) % P
    logits, present = new.logits[np.arange(90), index], presence.pattern_presence(2)[index]
    together = judge.decisions(logits, present)
    for pattern in range(P):
        assert (together[index == pattern] == (logits[index == pattern] > judge.thresholds(pattern))).all()
    assert len({tuple(judge.thresholds(pattern)) for pattern in range(P)}) == P


@pytest.mark.parametrize("recall", [0.0, 0.5, 0.9, 1.0])
def test_a_required_recall_is_reached_and_by_no_more_than_one_positive(recall):
    targets, logits = side(200, 2).targets, side(200, 2).logits[:, 2]
    decided = logits > recall_thresholds(targets, logits, recall)
    hits, positives = (decided & (targets > 0)).sum(0), targets.sum(0)
    assert (hits >= recall * positives).all()
    assert (hits <= np.maximum(np.ceil(recall * positives), 1)).all()


def test_a_label_that_nobody_had_is_never_decided_or_always_and_that_is_said():
    targets = side(50, 0).targets.copy()
    targets[:, 1] = 0
    rare = StoredPredictions(targets, side(50, 0).logits, np.ones((50, 2), bool), np.arange(50, dtype=np.uint64))
    for asked, decided, word in [("validation", False, "never"), ("recall=0.9", True, "always")]:
        judge = decider(DecisionOptions(asked), validation=rare)
        assert (judge.decisions(side(20, 4).logits[:, 2], np.ones((20, 2), bool))[:, 1] == decided).all()
        assert judge.remarks == [f"text+image: no validation sample has b, so it is {word} decided there"]


@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()], ids=["multi-label", "multi-class"])
def test_sets_hold_new_records_of_every_pattern_within_the_closed_form(task):
    """The mean of 500 draws of who calibrates."""
    one, asked = not task.one_by_one, DecisionOptions(coverage=0.8)
    test = side(400, 1, one=one)
    held = {pattern: [] for pattern in range(P)}
    bound = 0.0
    for seed in range(500):
        ours, others = test.parted(0.5, seed)
        for pattern, shares in held.items():
            targets, logits, _ = ours.under(pattern)
            least = conformal.limits(task.answers(logits), task.answered(targets), asked.coverage)
            bound = max(bound, 1 / (len(targets) + 1))
            targets, logits, _ = others.under(pattern)
            shares.append(conformal.covered(conformal.sets(task.answers(logits), least), task.answered(targets)).mean())
    for coverages in held.values():
        # The draws share 400 records, which are exchangeable among themselves: no error of theirs is left in the mean.
        error = np.std(coverages) / np.sqrt(len(coverages))
        assert 0.8 - 3 * error <= np.mean(coverages) <= 0.8 + bound + 3 * error


def test_groups_stay_together_and_the_share_is_about_what_was_asked():
    ours, others = side(4000, 1).parted(0.25, 3)
    assert not set(ours.groups) & set(others.groups)
    assert len(ours) + len(others) == 4000
    assert 0.2 < len(ours) / 4000 < 0.3


def test_what_is_said_of_sets():
    natural = np.ones((300, 2), bool)
    natural[:6, 1] = False
    judge = decider(DecisionOptions(coverage=0.9), test=side(300, 1, natural))
    sets = judge.sets(side(50, 7).logits[:, 0], np.tile([True, False], (50, 1)))
    assert sets.shape == (50, C, 2)
    assert sets.any(2).all()
    (remark,) = judge.remarks
    assert remark.startswith("text: sets calibrated on ")
    assert " that lack the rest in the data) and leave " in remark
    few = decider(DecisionOptions(coverage=0.9), test=side(10, 1))
    assert few.sets(side(5, 7).logits[:, 2], np.ones((5, 2), bool)).all()
    assert "test samples calibrate, and 90% needs 9: no answer is ruled out" in few.remarks[0]


def test_sets_of_classes_are_of_one_question():
    judge = decider(
        DecisionOptions(coverage=0.9), MultiClass(), validation=side(50, 0, one=True), test=side(300, 1, one=True)
    )
    assert judge.sets(side(20, 3).logits[:, 2], np.ones((20, 2), bool)).shape == (20, 1, C)
    assert (MultiClass().decide(logit(np.array([[0.2, 0.5, 0.1, 0.2]]))) == [[False, True, False, False]]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decide": "0.4"}, "--decide 0.4: expected 0.5, validation, or recall=R"),
        ({"decide": "recall=1.5"}, "--decide recall=1.5: expected"),
        ({"coverage": 1.0}, "--coverage 1: expected a share from 0.5 to below 1"),
        ({"coverage": -0.9}, "--coverage -0.9: expected"),
        ({"coverage": 0.9, "calibrate": 0.0}, "--calibrate 0: expected a share above 0"),
        ({"calibrate": 0.3}, "--calibrate 0.3: it is the share that calibrates sets. Ask for sets by --coverage"),
        ({"decide": "validation", "calibrate": 0.5}, "--calibrate 0.5: it is the share"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        DecisionOptions(**options)


def test_a_task_that_chooses_one_class_has_no_thresholds():
    with pytest.raises(UserError, match="multi-class classification decides one label of a sample"):
        decider(DecisionOptions("recall=0.9"), MultiClass())
