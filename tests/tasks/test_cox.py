"""Cox's loss against its definition and scikit-survival; what a batch without an event or in another order gives."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.tasks.cox import log_hazards, partial_likelihood
from mora_bench.tasks.time_to_event import TimeToEvent

TASK = TimeToEvent([1, 2, 4])


def by_hand(risks, times, events):
    """Efron's approximation, term by term."""
    total = 0.0
    for time in sorted({t for t, had in zip(times, events, strict=True) if had}):
        tied = [r for r, t, had in zip(risks, times, events, strict=True) if had and t == time]
        at_risk = sum(math.exp(r) for r, t in zip(risks, times, strict=True) if t >= time)
        together = sum(map(math.exp, tied))
        total -= sum(tied)
        total += sum(math.log(at_risk - k / len(tied) * together) for k in range(len(tied)))
    return total


samples = st.lists(
    st.tuples(st.floats(-3, 3), st.integers(1, 5), st.booleans()), min_size=1, max_size=12
)  # times are tied often


def tensors(rows):
    risks, times, events = zip(*rows, strict=True)
    return torch.tensor(risks, dtype=torch.float64), torch.tensor(times, dtype=torch.float64), torch.tensor(events)


@given(samples, st.randoms())
def test_it_is_efrons_whatever_the_order_and_the_level_of_the_risks(rows, random):
    risks, times, events = tensors(rows)
    value = partial_likelihood(risks, times, events).item()
    assert value == pytest.approx(by_hand(risks.tolist(), times.tolist(), events.tolist()), abs=1e-9)
    assert partial_likelihood(risks + 100, times, events).item() == pytest.approx(value, abs=1e-6)
    random.shuffle(rows)
    assert partial_likelihood(*tensors(rows)).item() == pytest.approx(value, abs=1e-9)


def test_a_pair_has_the_logarithm_of_its_odds():
    risks = torch.tensor([0.7, -0.4])
    value = partial_likelihood(risks, torch.tensor([1.0, 2.0]), torch.tensor([True, False]))
    assert value.item() == pytest.approx(math.log1p(math.exp(-1.1)), abs=1e-6)


@pytest.mark.parametrize("targets", [[[3.0, 0.0], [9.0, 0.0]], [[9.0, 1.0], [5.0, 1.0]], [[0.0, 0.0]]])
def test_a_batch_without_an_event_until_the_last_horizon_teaches_time_alone(targets):
    wanted = torch.tensor(targets)
    predicted = torch.randn(len(targets), 3, requires_grad=True)
    loss = TASK.loss_by("cox", predicted, wanted)
    assert loss.item() == pytest.approx(TASK.loss(predicted, wanted).item(), abs=1e-6)
    loss.backward()
    assert predicted.grad.isfinite().all()


def test_risks_that_float_cannot_tell_apart_from_certainty_give_finite_gradients():
    predicted = torch.tensor([[80.0] * 3, [-200.0] * 3, [-200.0] * 3], requires_grad=True)
    loss = TASK.loss_by("cox", predicted, torch.tensor([[1.0, 1.0], [0.5, 1.0], [3.0, 0.0]]))
    loss.backward()
    assert loss.isfinite()
    assert predicted.grad.isfinite().all()


def test_the_times_themselves_order_samples_within_an_interval():
    """In discrete time two events of one interval are alike."""
    wanted = torch.tensor([[2.5, 1.0], [3.5, 1.0]])
    logits = torch.tensor([[0.5] * 3, [-0.5] * 3])
    assert TASK.loss(logits, wanted).item() == pytest.approx(TASK.loss(logits.flip(0), wanted).item())
    assert TASK.loss_by("cox", logits, wanted) < TASK.loss_by("cox", logits.flip(0), wanted)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=5))
def test_log_hazards_are_those_of_the_cumulative_hazard(logits):
    hazards = 1 / (1 + np.exp(-np.array(logits)))
    expected = np.log(-np.log1p(-np.minimum(hazards, 1 - 1e-16)))
    given_logits = torch.tensor(logits, dtype=torch.float64)
    np.testing.assert_allclose(log_hazards(given_logits).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("tied", [False, True])
def test_its_best_linear_risk_is_scikit_survivals(tied):
    linear_model = pytest.importorskip("sksurv.linear_model")
    from sksurv.util import Surv

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    times = rng.exponential(np.exp(-x @ [0.8, -0.5]))
    times = np.ceil(times * 3) if tied else times
    events = rng.random(200) < 0.7
    theirs = linear_model.CoxPHSurvivalAnalysis(ties="efron").fit(x, Surv.from_arrays(events, times)).coef_
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = partial_likelihood(torch.tensor(x) @ weights, torch.tensor(times), torch.tensor(events))
        loss.backward()
        return loss

    optimiser.step(closure)
    np.testing.assert_allclose(weights.detach().numpy(), theirs, atol=1e-5)
