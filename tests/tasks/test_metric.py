"""A score knows itself: direction, range, unit; what does not say them is refused."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss

import mora_bench.api
from mora_bench import registry
from mora_bench.checks.rules import BrokenRule
from mora_bench.checks.task import check, device, directed, scored, towards
from mora_bench.data.groups import by_covariate
from mora_bench.errors import UserError
from mora_bench.scoring.pick import compared
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.tasks.named import metric_of, task_of
from mora_bench.tasks.shared import shared

ERRORS = Path(__file__).parents[1] / "plugins" / "errors.py"
SHARE = Metric("share", True, (0, 1), "decisions", 100, "of samples", "this test")
RMSE = Metric("RMSE", False, (0, math.inf), "probabilities", 1, "over samples", "this test")


@pytest.fixture(autouse=True)
def _plugin():
    registry.load_plugins([ERRORS])


def test_values_are_turned_ranked_and_shown_by_it():
    values = np.array([[3.0, 1.0], [2.0, 5.0]])
    assert RMSE.oriented(values).tolist() == [[-3.0, -1.0], [-2.0, -5.0]]
    assert SHARE.oriented(values) is values
    assert (RMSE.best(values).tolist(), RMSE.worst(values).tolist()) == ([2.0, 1.0], [3.0, 5.0])
    assert (SHARE.best(values).tolist(), SHARE.worst(values).tolist()) == ([3.0, 5.0], [2.0, 1.0])
    assert sorted([math.nan, 30.0, 0.1], key=RMSE.key) == [pytest.approx(math.nan, nan_ok=True), 30.0, 0.1]
    assert RMSE.key(None) == -math.inf
    assert (RMSE.shown(30.0), SHARE.shown(0.3), RMSE.shown(math.nan), SHARE.shown(None)) == ("30.00", "30.0", "—", "—")
    assert SHARE.shown(0.0123, finer=1, sign=True) == "+1.23"
    # What rounds to nothing is no loss.
    assert (SHARE.shown(-0.0001), SHARE.shown(-0.0001, sign=True)) == ("0.0", "+0.0")
    assert (RMSE.heading, SHARE.heading) == ("RMSE", "share x 100")
    assert (RMSE.named, SHARE.named) == ("RMSE, lower is better", "share x 100")
    assert (RMSE.better_end, SHARE.better_end) == (0, 1)
    assert RMSE.outside(-0.1)
    assert not RMSE.outside(1e9)
    assert not RMSE.outside(math.nan)
    assert RMSE.plain()["high"] is None
    assert (SHARE.needs_threshold, RMSE.needs_threshold) == (True, False)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("title", " ", "title is ' '; expected text"),
        ("convention", "", "convention is ''; expected text"),
        ("higher_is_better", "yes", "expected True or False"),
        ("bounds", (1, 0), "expected (low, high)"),
        ("bounds", None, "expected (low, high)"),
        ("of", "guesses", "expected one of decisions, probabilities, ranks"),
        ("scale", 0, "expected 100 for shares in percent, else 1"),
    ],
)
def test_a_part_that_no_metric_can_have_is_refused(part, value, message):
    with pytest.raises(UserError) as refused:
        replace(SHARE, **{part: value})
    assert message in str(refused.value)


def test_a_name_alone_is_refused_with_what_to_write(tmp_path):
    """Which way is better is not to be guessed."""
    file = tmp_path / "named.py"
    file.write_text(ERRORS.read_text().replace('{"wrong": WRONG, "rmse": RMSE}', '{"wrong": "wrong labels"}'))
    with pytest.raises(UserError) as refused:
        registry.load_plugins([file])
    assert "Wrong: metrics['wrong'] is 'wrong labels', which does not say which way is better" in str(refused.value)
    assert "higher_is_better=False, bounds=(0, math.inf)" in str(refused.value)
    with pytest.raises(UserError, match="watched is 'f1_macro'; expected a metric without a threshold: auroc, map"):
        type("Other", (MultiLabel,), {"watched": "f1_macro", "metrics": MultiLabel.metrics})
    with pytest.raises(UserError, match="primary is 'f2'; expected one of metrics: f1_macro"):
        type("Other", (MultiLabel,), {"primary": "f2", "metrics": MultiLabel.metrics})


def test_a_task_declares_which_scores_must_agree():
    assert MultiLabel.agree == ("f1_macro", "f1_macro_tuned", "auroc")
    assert MultiLabel.beside == ("map",)
    assert MultiClass.agree == ("f1_macro", "auroc")
    # One that declares none is judged by its primary score, also where it takes its metrics from another.
    assert task_of("wrong").agree == ("wrong",)
    assert task_of("months").agree == ("rmse",)


@pytest.mark.parametrize(
    ("agree", "beside", "message"),
    [
        (("f1_macro", "f2"), (), "agree names 'f2'; expected some of metrics: f1_macro"),
        (("auroc", "f1_macro"), (), r"agree is \('auroc', 'f1_macro'\); expected the primary score first"),
        ((), (), r"agree is \(\); expected the primary score first"),
        ("f1_macro", (), "agree is 'f1_macro'; expected names of metrics"),
        (("f1_macro", "auroc"), ("auroc",), "agree and beside name 'auroc' twice"),
        (("f1_macro",), ("brier", 3), r"beside is \('brier', 3\); expected names of metrics"),
    ],
)
def test_scores_that_are_none_cannot_agree(agree, beside, message):
    with pytest.raises(UserError, match=message):
        type("Own", (MultiLabel,), {"metrics": MultiLabel.metrics, "agree": agree, "beside": beside})


def test_metrics_are_found_by_task():
    assert metric_of("months").title == "RMSE in months"
    assert metric_of("multi-class", "brier").bounds == (0, 2)
    with pytest.raises(UserError, match="task 'months' has no metric 'f1'; it has wrong, rmse"):
        metric_of("months", "f1")
    assert mora_bench.api.Metric is Metric
    assert mora_bench.api.finite_logit(np.array([0.5])) == 0


@pytest.mark.parametrize("name", ["multi-label", "multi-class", "wrong", "months"])
def test_tasks_keep_their_rules(name):
    assert [(rule, problem) for rule, problem in check(registry.get(registry.TASKS, name)) if problem] == []


def broken(**metrics):
    kind = registry.get(registry.TASKS, "wrong")
    return type("Broken", (kind,), {"metrics": {**kind.metrics, **metrics}})()


def test_a_rule_says_what_a_metric_is_not():
    wrong, rmse = (task_of("wrong").metrics[name] for name in ("wrong", "rmse"))
    with pytest.raises(Exception, match=r"rmse is .*, outside its bounds 0 to 1"):
        scored(broken(rmse=replace(rmse, bounds=(0, 1))))
    with pytest.raises(Exception, match=r"wrong: perfect logits score 0, random ones .*, and higher is better"):
        directed(broken(wrong=replace(wrong, higher_is_better=True)))
    with pytest.raises(Exception, match="wrong: perfect logits score 0; the better end of its bounds is -1"):
        directed(broken(wrong=replace(wrong, bounds=(-1, 1))))


class Exchanged(MultiLabel):
    def loss(self, predicted, wanted, weights=None):
        return torch.nn.functional.binary_cross_entropy_with_logits(wanted, predicted)


class ByTheTruth(MultiLabel):
    """It learns from the true labels alone."""

    losses = {"truths": None}

    def loss_by(self, name, predicted, wanted):
        return -(wanted * predicted).mean()


@pytest.mark.parametrize(("kind", "loss"), [(Exchanged, "the loss"), (ByTheTruth, "the loss 'truths'")])
def test_a_loss_that_ignores_untrue_labels_is_found(kind, loss):
    message = (
        rf"^{loss} goes from (\S+) to \1 when the logits of untrue labels fall; it must fall\. Its arguments are the "
        r"logits, then the targets: they may be exchanged$"
    )
    with pytest.raises(BrokenRule, match=message):
        towards(kind())


class WeightsOnTheCpu(MultiLabel):
    losses = {"weighed": None}

    def loss(self, predicted, wanted, weights=None):
        return self.loss_by("weighed", predicted, wanted)

    def loss_by(self, name, predicted, wanted):
        weights = torch.linspace(1, 2, wanted.shape[1])
        return torch.nn.functional.binary_cross_entropy_with_logits(predicted, wanted, weights)


def test_a_loss_that_leaves_a_tensor_on_the_cpu_is_found():
    with pytest.raises(BrokenRule, match=r"^on a GPU WeightsOnTheCpu would mix devices \(.*test_metric.py, line \d+\)"):
        device(WeightsOnTheCpu())
    device(MultiLabel())


def of_classes(classes, n):
    """Targets with n samples of each of some of 8 classes, and logits that are right."""
    targets = np.repeat(np.eye(8, dtype=np.uint8)[list(classes)], n, axis=0)
    return targets, (20.0 * targets - 10).astype(np.float32)


@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()])
def test_strata_are_compared_over_the_classes_that_all_of_them_have(task):
    """A stratum of 16 samples, every one right, lacks three of eight classes: 62.5 beside 99.2 before."""
    few, many = of_classes(range(2), 8), of_classes(range(8), 15)
    few = few[0].copy(), few[1].copy()
    # Five classes in 16 samples.
    few[0][:], few[1][:] = (part[: 16 * 1] for part in (of_classes([0, 1, 2, 3], 4)))
    few[0][15], few[1][15] = (part[0] for part in of_classes([4], 1))
    targets, logits = (np.concatenate(pair) for pair in zip(few, many, strict=True))
    # One of the many is wrong.
    logits[16 + 15 * 7] = -10.0, *[-10.0] * 6, -9.0
    logits[16 + 15 * 7, 6] = 10.0
    small = np.arange(len(targets)) < 16
    alone = task.scores(targets[small], logits[small])
    assert alone["f1_macro"] == pytest.approx(0.625)
    scores = compared(task, targets, logits, {"text only": small, "complete": ~small, "image only": small & ~small})
    assert scores["text only"]["f1_macro"] == scores["complete"]["f1_macro"] == 1.0
    assert scores["text only"]["auroc"] == 1.0
    assert (scores["text only"]["classes"], scores["text only"]["n"]) == (5, 16)
    assert scores["complete"]["classes_ranked"] == 5
    assert scores["image only"] == {"n": 0}
    # Of a class that one of them lacks there is no score; the one that is wrong is none that both have.
    assert np.isnan(scores["complete"]["f1_per_class"][7])
    assert task.scores(targets[~small], logits[~small])["f1_macro"] < 1


@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()])
def test_groups_of_one_covariate_are_compared_over_the_classes_that_all_have(task):
    """Women lack one of eight classes: 87.5 before; age has groups of its own."""
    women, men = of_classes(range(7), 5), of_classes(range(8), 5)
    targets, logits = (np.concatenate(pair) for pair in zip(women, men, strict=True))
    is_woman = np.arange(len(targets)) < 35
    assert task.scores(targets[is_woman], logits[is_woman])["f1_macro"] == pytest.approx(0.875)
    groups = {"sex=f": is_woman, "sex=m": ~is_woman, "age<50": ~is_woman, "age>=50": ~is_woman}
    sorted_ = by_covariate(groups)
    assert {name: list(members) for name, members in sorted_.items()} == {
        "sex": ["sex=f", "sex=m"], "age": ["age<50", "age>=50"],
    }  # fmt: skip
    sex, age = (compared(task, targets, logits, sorted_[name]) for name in ("sex", "age"))
    assert sex["sex=f"]["f1_macro"] == sex["sex=m"]["f1_macro"] == 1.0
    assert sex["sex=m"]["classes"] == 7
    assert age["age<50"]["classes"] == 8


@pytest.mark.parametrize("task", [MultiLabel(), MultiClass()])
def test_sets_without_a_class_in_common_have_no_score(task):
    targets, logits = (np.concatenate(p) for p in zip(of_classes([0], 4), of_classes([1], 4), strict=True))
    first = np.arange(8) < 4
    by_set = compared(task, targets, logits, {"a": first, "b": ~first})
    for scores in by_set.values():
        assert scores["classes"] == scores["classes_ranked"] == 0
        assert all(math.isnan(scores[name]) for name in ("f1_macro", "auroc", "f1_macro_seen"))
        assert scores["brier"] < 1e-6
    assert shared([targets[:0]]) is None


def test_the_calibration_error_of_labels_does_not_cancel():
    """The same rate for labels whose rates are .02 to .6: 0 if pooled."""
    rates = np.array([2, 10, 20, 35, 45, 60])
    targets = (np.arange(100)[:, None] < rates).astype(np.uint8)
    mean = rates.mean() / 100
    scores = MultiLabel().scores(targets, np.full((100, 6), np.log(mean / (1 - mean))))
    assert scores["calibration_error_pooled"] == pytest.approx(0, abs=1e-12)
    assert scores["calibration_error"] == pytest.approx(np.abs(rates / 100 - mean).mean())
    assert scores["calibration_error"] == pytest.approx(0.18, abs=0.005)


def test_probabilities_that_round_to_one_are_ranked():
    """In float32 a softmax of logits that differ by 18 and by 25 is 1.0 for both, and in float64 by 40 and 45."""
    for low, high in ((18, 25), (40, 45)):
        logits = np.array([[0, low], [0, high]], np.float32)
        assert MultiClass().scores(np.eye(2, dtype=np.uint8), logits)["auroc"] == 1.0
        assert MultiClass().scores(np.eye(2, dtype=np.uint8)[::-1], logits)["auroc"] == 0.0


def test_the_brier_score_of_two_classes_is_twice_that_of_one():
    rng = np.random.default_rng(0)
    targets, logits = np.eye(2, dtype=np.uint8)[rng.integers(0, 2, 40)], rng.normal(size=(40, 2))
    chance = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    brier = MultiClass().scores(targets, logits)["brier"]
    assert brier == pytest.approx(2 * brier_score_loss(targets[:, 1], chance))
    surely_wrong = MultiClass().scores(targets, -50.0 * (2.0 * targets - 1))["brier"]
    assert surely_wrong == pytest.approx(2.0) == MultiClass.metrics["brier"].bounds[1]
    assert "twice scikit-learn's" in MultiClass.metrics["brier"].convention
