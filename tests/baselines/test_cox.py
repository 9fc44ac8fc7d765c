"""Cox regression: its likelihood by hand and by numbers, order and ties, and that it is scikit-survival's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mora_baselines.cox import CoxRegression, likelihood
from scipy import sparse

TASK = "time-to-event:1,3"


def drawn(seed, n=80, years=False, features=3):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, features))
    happens, leaves = rng.exponential(3 * np.exp(-values[:, 0])), rng.uniform(0.5, 8, n)
    if years:
        happens, leaves = np.ceil(happens), np.ceil(leaves)
    return values, np.stack([np.minimum(happens, leaves), happens <= leaves], 1).astype(float)


def falling(targets, risks):
    order = np.argsort(-targets[:, 0], kind="stable")
    return targets[order, 0], targets[order, 1] > 0, risks[order]


def test_by_hand():
    """Two events at 1, one at 2, one censored at 3; risks of 1, 2, 3 and 4 as hazards."""
    targets = np.array([[1, 1], [1, 1], [2, 1], [3, 0]], float)
    value, _ = likelihood(*falling(targets, np.log([1.0, 2, 3, 4])))
    # Efron: the second of the tied events sees half of their hazards of 3.
    assert value == pytest.approx(np.log(1 / 10) + np.log(2 / 8.5) + np.log(3 / 7))


@given(seed=st.integers(0, 10_000), years=st.booleans())
@settings(deadline=None, max_examples=20)
def test_slopes_are_those_of_the_likelihood(seed, years):
    targets = drawn(seed, 12, years)[1]
    times, events, risks = falling(targets, np.random.default_rng(seed).normal(size=12))
    _, slopes = likelihood(times, events, risks)
    steps = np.eye(12) * 1e-5
    numbers = [
        (likelihood(times, events, risks + step)[0] - likelihood(times, events, risks - step)[0]) / 2e-5
        for step in steps
    ]
    np.testing.assert_allclose(slopes, numbers, atol=1e-6)


@pytest.mark.parametrize("years", [False, True])
def test_the_order_of_samples_changes_nothing_and_sparse_features_are_dense_ones(years):
    values, targets = drawn(1, years=years)
    order = np.random.default_rng(0).permutation(len(values))
    probabilities = CoxRegression(10.0, TASK).fit(values, targets).predict(values)
    again = CoxRegression(10.0, TASK).fit(values[order], targets[order]).predict(values)
    np.testing.assert_allclose(again, probabilities, atol=1e-5)
    thin = CoxRegression(10.0, TASK).fit(sparse.csr_array(values), targets).predict(sparse.csr_array(values))
    np.testing.assert_allclose(thin, probabilities, atol=1e-9)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert (probabilities[:, 1] > probabilities[:, 0]).all()


def test_without_an_effect_it_is_the_breslow_estimate():
    """A penalty that lets no coefficient be: the baseline alone, one event among those at risk after the other."""
    values, targets = drawn(2)
    probabilities = CoxRegression(1e-9, TASK).fit(values, targets).predict(values[:1])[0]
    times, events = targets[:, 0], targets[:, 1] > 0
    hazards = [sum(1 / (times >= t).sum() for t in times[events] if t <= horizon) for horizon in (1, 3)]
    assert probabilities == pytest.approx(1 - np.exp(-np.array(hazards)), rel=1e-6)


def test_one_event_or_none_is_no_error():
    values, targets = drawn(3, 20)
    targets[:, 1] = 0
    assert CoxRegression(1.0, TASK).fit(values, targets).predict(values).max() == 0
    targets[4, 1] = 1
    assert np.isfinite(CoxRegression(1.0, TASK).fit(values, targets).predict(values)).all()


@pytest.mark.parametrize("years", [False, True])
def test_coefficients_are_scikit_survivals(years):
    linear = pytest.importorskip("sksurv.linear_model")
    from sksurv.util import Surv

    values, targets = drawn(4, 150, years)
    theirs = linear.CoxPHSurvivalAnalysis(alpha=0.1, ties="efron", n_iter=1000, tol=1e-12)
    theirs.fit(values, Surv.from_arrays(targets[:, 1] > 0, targets[:, 0]))
    np.testing.assert_allclose(CoxRegression(10.0, TASK).fit(values, targets).coefficients, theirs.coef_, atol=1e-4)
