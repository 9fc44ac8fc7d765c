"""Time to event in discrete time: its loss, its prior, its scores, and what it equals where nobody is censored."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mora_bench import registry
from mora_bench.checks.task import check
from mora_bench.data.samples import View
from mora_bench.errors import UserError
from mora_bench.tasks import censored
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.tasks.named import metric_of, task_of
from mora_bench.tasks.time_to_event import TimeToEvent

TASK = TimeToEvent((1, 2, 5))


def targets_of(seed, n=80, years=False):
    rng = np.random.default_rng(seed)
    happens, leaves = rng.exponential(3, n), rng.uniform(0.2, 9, n)
    if years:
        happens, leaves = np.ceil(happens), np.ceil(leaves)
    return np.stack([np.minimum(happens, leaves), happens <= leaves], 1).astype(float)


def loss(task, logits, targets):
    return task.loss(torch.as_tensor(logits, dtype=torch.float64), torch.as_tensor(targets, dtype=torch.float64))


def test_it_keeps_the_rules():
    assert [(rule, wrong) for rule, wrong in check(registry.get(registry.TASKS, "time-to-event")) if wrong] == []


def test_its_name_holds_the_horizons():
    assert task_of("time-to-event:1,2.5").horizons.tolist() == [1, 2.5]
    assert task_of("time-to-event:30,90").question == "time to event, right-censored, by 30, 90"
    assert metric_of("time-to-event:30,90").title == "Harrell's concordance"
    for wrong in ("", "2,1", "0,1", "1,1", "a", "1,", "nan", "1,inf"):
        with pytest.raises(UserError, match="horizons above 0 that rise"):
            task_of(f"time-to-event:{wrong}")
    with pytest.raises(UserError, match="'multi-label:3': multi-label takes no argument"):
        task_of("multi-label:3")
    with pytest.raises(UserError, match="unknown task 'survival'; known:"):
        task_of("survival:1")


def test_the_likelihood_is_that_of_what_was_seen():
    """By hand: an event in the second interval, censored in the third, free of it for longer, censored at once."""
    targets = np.array([[1.5, 1], [3, 0], [7, 1], [0.5, 0]])
    logits = np.random.default_rng(0).normal(size=(4, 3))
    hazard = 1 / (1 + np.exp(-logits))
    expected = -(
        np.log((1 - hazard[0, 0]) * hazard[0, 1])
        # A third of the interval from 2 to 5, and a half of that up to 1.
        + np.log((1 - hazard[1, :2]).prod() * (1 - hazard[1, 2]) ** (1 / 3))
        + np.log((1 - hazard[2]).prod())
        + np.log((1 - hazard[3, 0]) ** 0.5)
    )
    assert loss(TASK, logits, targets).item() == pytest.approx(expected / 4, rel=1e-12)
    # An event at a horizon is one by then; who is censored at it was free of it until then.
    at = np.array([[2.0, 1], [2.0, 0]])
    assert TASK.truth(at).tolist()[0] == [0, 1, 1]
    np.testing.assert_array_equal(TASK.truth(at)[1], [0, 0, np.nan])
    assert loss(TASK, logits[:1], at[:1]).item() == pytest.approx(expected_of(hazard[0], event=1), rel=1e-12)
    assert loss(TASK, logits[:1], at[1:]).item() == pytest.approx(expected_of(hazard[0], free=2), rel=1e-12)


def expected_of(hazard, event=None, free=0):
    last = 1 if event is None else hazard[event]
    return -np.log((1 - hazard[: free if event is None else event]).prod() * last)


def test_a_batch_without_an_event_or_with_nothing_known_has_a_finite_loss():
    logits = torch.zeros(2, 3, requires_grad=True)
    for targets in ([[9.0, 0], [3, 0]], [[0.1, 0], [0.2, 0]], [[0.0, 0], [0, 0]]):
        batch_loss = TASK.loss(logits, torch.tensor(targets))
        (gradient,) = torch.autograd.grad(batch_loss, logits)
        assert torch.isfinite(batch_loss)
        assert torch.isfinite(gradient).all()
    assert batch_loss.item() == 0


@given(seed=st.integers(0, 10_000), years=st.booleans())
@settings(deadline=None, max_examples=25)
def test_nothing_depends_on_the_order_of_samples(seed, years):
    targets, order = targets_of(seed, 30, years), np.random.default_rng(seed).permutation(30)
    logits = np.random.default_rng(seed + 1).normal(size=(30, 3)).round(1)
    assert loss(TASK, logits, targets).item() == pytest.approx(loss(TASK, logits[order], targets[order]).item())
    first, again = TASK.scores(targets, logits), TASK.scores(targets[order], logits[order])
    assert first == pytest.approx(again, abs=1e-12, nan_ok=True)


@given(seed=st.integers(0, 10_000), years=st.booleans())
@settings(deadline=None, max_examples=25)
def test_the_prior_is_the_best_constant_and_probabilities_are_turned_back(seed, years):
    targets = targets_of(seed, 60, years)
    chances = TASK.prior(targets)
    assert (np.diff(chances) >= 0).all()
    start = torch.tensor(TASK.logits(chances[None]), dtype=torch.float64, requires_grad=True)
    TASK.loss(start.expand(60, -1), torch.tensor(targets)).backward()
    assert start.grad.abs().max() < 1e-4
    np.testing.assert_allclose(TASK.probabilities(TASK.logits(chances[None]))[0], chances, atol=2e-6)
    some = np.sort(np.random.default_rng(seed).random((20, 3)), axis=1)
    np.testing.assert_allclose(TASK.probabilities(TASK.logits(some)), some, atol=2e-6)


def test_an_event_at_a_horizon_is_one_by_then_in_training_too():
    """0.1 in single precision is after 0.1 in double."""
    task, targets = TimeToEvent((0.1, 0.7)), np.array([[0.1, 1], [0.7, 0]])
    samples = SimpleNamespace(
        table=SimpleNamespace(targets=targets, by_label=((), None)), present=np.ones((2, 1), bool)
    )
    viewed = View(samples, np.arange(2), np.ones((2, 1), bool)).targets
    assert viewed.dtype == torch.float64
    assert task.truth(viewed.numpy())[0].tolist() == [1, 1]
    logits = torch.tensor([[0.3, -0.2], [0.1, 0.5]])
    batch_loss = task.loss(logits, viewed)
    assert batch_loss.dtype == torch.float32
    hazard = 1 / (1 + np.exp(-logits.numpy()))
    assert batch_loss.item() == pytest.approx(-(np.log(hazard[0, 0]) + np.log(1 - hazard[1]).sum()) / 2, rel=1e-5)


def test_the_prior_is_kaplan_and_meiers_where_nobody_is_censored_between_horizons():
    targets = np.array([[1, 1], [1, 0], [2, 1], [2, 1], [5, 1], [6, 0], [7, 0], [8, 1]], float)
    # 8 at risk, one event; 6 at risk, two; 4 at risk, one.
    assert TASK.prior(targets).tolist() == pytest.approx([1 / 8, 1 - 7 / 8 * 4 / 6, 1 - 7 / 8 * 4 / 6 * 3 / 4])


def test_the_prior_is_the_life_tables_where_some_are_censored_between_horizons():
    """d / (n - c / 2) where those who are censored in an interval are, on average, halfway; and near the truth, where
    leaving them out of it is not."""
    targets = np.array([[0.5, 1], [0.25, 0], [0.75, 0], [3, 0]])
    assert TimeToEvent((1,)).prior(targets).tolist() == pytest.approx([1 / (4 - 2 / 2)])
    rng = np.random.default_rng(0)
    happens, leaves = rng.exponential(3, 200_000), rng.uniform(0.2, 9, 200_000)
    prior = TASK.prior(np.stack([np.minimum(happens, leaves), happens <= leaves], 1))
    assert prior.tolist() == pytest.approx((1 - np.exp(-np.array([1, 2, 5]) / 3)).tolist(), abs=0.01)
    targets = np.stack([np.minimum(happens, leaves), happens <= leaves], 1)
    known = TASK.truth(targets)
    at_risk = [(known[:, k - 1] == 0 if k else True) & ~np.isnan(known[:, k]) for k in range(3)]
    left_out = 1 - np.cumprod([1 - known[rows, k].mean() for k, rows in enumerate(at_risk)])
    assert left_out[2] == pytest.approx(0.86, abs=0.01)


def test_a_horizon_that_nobody_reaches_has_no_score():
    """399 samples, none of them followed to the horizon, all of whom it is said to happen to: an error of 0 before."""
    targets = targets_of(7, 399)
    task, sure = TimeToEvent((50.0,)), np.full((399, 1), 20.0)
    scores = task.scores(targets, sure)
    assert np.isnan(scores["brier_integrated"])
    assert np.isnan(scores["auroc"])
    (warning,) = [line for line in task.holds(targets) if "WARNING" in line]
    assert warning == "WARNING: horizon 50 has 0 samples that are followed to it without one: choose others."


def test_with_complete_follow_up_one_horizon_is_a_label():
    """The loss, the prior, the probabilities, the Brier score and the AUROC are those of a single label."""
    task, label, rng = TimeToEvent((2,)), MultiLabel(), np.random.default_rng(0)
    times = np.minimum(rng.exponential(3, 200), 4)
    targets, logits = np.stack([times, times < 4], 1), rng.normal(size=(200, 1)).astype(np.float32)
    true = (times <= 2).astype(np.uint8)[:, None]
    assert loss(task, logits, targets).item() == pytest.approx(loss(label, logits, true.astype(float)).item(), rel=1e-6)
    assert task.prior(targets).tolist() == pytest.approx(label.prior(true).tolist())
    np.testing.assert_allclose(task.probabilities(logits), label.probabilities(logits), atol=1e-12)
    ours, theirs = task.scores(targets, logits), label.scores(true, logits)
    assert ours["brier_integrated"] == pytest.approx(theirs["brier"], rel=1e-6)
    assert ours["auroc"] == pytest.approx(theirs["auroc"], rel=1e-12)
    np.testing.assert_array_equal(task.truth(targets), true)
    assert ours["events"] == true.sum()


def test_follow_up_ends_at_the_last_horizon():
    """What happens after it, and in which order, changes no score."""
    rng, targets = np.random.default_rng(3), targets_of(3)
    logits, later = rng.normal(size=(80, 3)), targets[:, 0] > 5
    other = targets.copy()
    other[later] = np.stack([rng.uniform(5.1, 50, later.sum()), rng.integers(0, 2, later.sum())], 1)
    assert TASK.scores(other, logits) == pytest.approx(TASK.scores(targets, logits), abs=1e-12)
    assert loss(TASK, logits, other).item() == loss(TASK, logits, targets).item()


def test_reliability_is_the_share_by_the_last_horizon_in_bins_of_the_probability():
    targets = targets_of(5, 400)
    logits = np.random.default_rng(5).normal(size=(400, 3))
    bins, chances = TASK.reliability(targets, logits), TASK.probabilities(logits)[:, -1]
    assert sum(bins["count"]) == 400
    in_bin = (chances >= 0.6) & (chances < 0.7)
    assert bins["count"][6] == in_bin.sum()
    assert bins["probability"][6] == pytest.approx(chances[in_bin].mean())
    assert bins["share"][6] == censored.share(targets[in_bin, 0], targets[in_bin, 1] > 0, 5)
    assert bins["share"][0] is None or bins["count"][0]


def test_thirds_by_risk_are_followed_by_kaplan_and_meier():
    targets = targets_of(6, 301)
    logits = np.random.default_rng(6).normal(size=(301, 3))
    groups, chances = TASK.risk_groups(targets, logits), TASK.probabilities(logits)
    assert groups["n"] == [101, 100, 100]
    assert groups["horizons"] == [1, 2, 5]
    assert (groups["times"][0], groups["times"][-1]) == (0, 5)
    # Expected time lost, by trapezoids from 0 on.
    by = np.pad(chances, ((0, 0), (1, 0)))
    lost = np.trapezoid(by, [0, 1, 2, 5], axis=1)
    highest = np.argsort(lost, kind="stable")[-100:]
    np.testing.assert_allclose(groups["predicted"][2], chances[highest].mean(0))
    times, events = targets[highest, 0], targets[highest, 1] > 0
    expected = [censored.share(times, events, at) for at in groups["times"]]
    np.testing.assert_allclose(groups["observed"][2], expected)
    means = np.mean(groups["predicted"], axis=1)
    assert (np.diff(means) > 0).all()
    assert TASK.risk_groups(targets[:2], logits[:2]) == {}


def test_shares_by_several_times_are_those_by_each():
    """By hand: of five, one has the event at 1, one is censored at 2, one has it at 3; a half of the other two at 4."""
    times, events = np.array([1.0, 2.0, 3.0, 4.0, 4.0]), np.array([True, False, True, True, False])
    shares = censored.shares(times, events, np.array([0, 1, 2.5, 3, 4, 9]))
    after = 0.8 * (2 / 3)
    np.testing.assert_allclose(shares, [0, 0.2, 0.2, 1 - after, 1 - after / 2, 1 - after / 2])


def test_the_integrated_score_is_scikit_survivals():
    metrics = pytest.importorskip("sksurv.metrics")
    from sksurv.util import Surv

    targets = targets_of(1, 300)
    logits = np.random.default_rng(1).normal(size=(300, 3))
    seen = Surv.from_arrays(targets[:, 1] > 0, targets[:, 0])
    theirs = metrics.integrated_brier_score(seen, seen, 1 - TASK.probabilities(logits), [1, 2, 5])
    assert TASK.scores(targets, logits)["brier_integrated"] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[1, 1], [-1, 0]], "sample number 1 has the time -1; expected one of 0 or more"),
        ([[1, 2], [9, 0]], "sample number 0 has the event 2; expected 1, or 0 for censored"),
        (
            [[1, 0], [9, 1]],
            "nobody has an event by the last horizon, 5, so there is nothing to learn; give a later one",
        ),
        ([[1, 0], [4, 1]], "nobody is followed until the last horizon, 5; give one of at most 4"),
        ([[1, 1], [4, 1]], None),
        ([[0, 1], [9, 0]], None),
    ],
)
def test_what_is_no_time_or_tells_nothing_is_refused(targets, message):
    assert TASK.problem(np.array(targets, float)) == message


def test_probabilities_that_fall_are_refused():
    assert TASK.improbable(np.array([0.1, 0.09, 0.5])) is None
    assert "they fall" in TASK.improbable(np.array([0.3, 0.1, 0.5]))
    assert TASK.mislabelled(("a", "b")) == "there are 2 labels for 3 horizons; expected one each"
