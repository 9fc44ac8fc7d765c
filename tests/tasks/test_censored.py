"""Scores under right-censoring: by hand, against scikit-survival where it is installed, and against the truth of drawn
samples whose times nobody censored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mora_bench.tasks import censored


def drawn(seed, n=300, years=False):
    """Times, events and a risk that tells something; with `years` rounded up to whole ones, so that many tie."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    happens, leaves = rng.exponential(3 * np.exp(-risk)), rng.uniform(0.5, 8, n)
    if years:
        happens, leaves = np.ceil(happens), np.ceil(leaves)
    return np.minimum(happens, leaves), happens <= leaves, risk + rng.normal(size=n), happens


def before(times, events, t):
    """G(t-) by its definition: the product, over times before t, of who stays."""
    stays = 1.0
    for at in np.unique(times[times < t]):
        at_risk = (times > at).sum() + ((times == at) & ~events).sum()
        stays *= 1 - ((times == at) & ~events).sum() / max(at_risk, 1)
    return stays


@pytest.mark.parametrize("years", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_counted_as_lost_before_they_are(seed, years):
    times, events, *_ = drawn(seed, 60, years)
    expected = [before(times, events, t) for t in times]
    np.testing.assert_allclose(censored.uncensored(times, events), expected, rtol=1e-12)
    assert (censored.uncensored(times, np.ones(60, bool)) == 1).all()


@pytest.mark.parametrize("years", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_those_of_the_definition(seed, years, monkeypatch):
    times, events, risk, _ = drawn(seed, 50, years)
    risk = risk.round(1)
    concordance, part, total = censored.pairs(times, events, risk), 0.0, 0
    for i in np.flatnonzero(events):
        for j in range(50):
            if times[j] > times[i] or (times[j] == times[i] and not events[j]):
                total += 1
                part += (risk[i] > risk[j]) + (risk[i] == risk[j]) / 2
    assert concordance.harrell == pytest.approx(part / total, abs=1e-12)
    monkeypatch.setattr(censored, "AT_ONCE", 100)
    few = censored.pairs(times, events, risk)
    assert (few.harrell, few.uno) == (concordance.harrell, concordance.uno)


def test_by_hand():
    """Four samples: events at 1 and 3, censored at 2 and 4."""
    times, events = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False])
    # At 2 one of three leaves, so that from then on two of three are left to see anything.
    assert censored.uncensored(times, events).tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    concordance = censored.pairs(times, events, np.array([2.0, 3.0, 1.0, 0.0]))
    # Of the first's three pairs two are in order, of the third's one: weights 1 and (3/2)^2.
    assert concordance.harrell == pytest.approx(3 / 4)
    assert concordance.uno == pytest.approx((2 + 9 / 4) / (3 + 9 / 4))
    chances = np.array([0.9, 0.5, 0.4, 0.2])
    # By 3: the first and the third had it, the fourth had not; the second is not known, and the last two stand for it.
    assert censored.brier(times, events, chances, 3) == pytest.approx((0.1**2 + 1.5 * 0.6**2 + 1.5 * 0.2**2) / 4)
    assert censored.auroc(times, events, chances, 3) == 1
    assert np.isnan(censored.auroc(times, events, chances, 0.5))
    assert np.isnan(censored.pairs(times, ~events & False, chances).harrell)


def test_the_share_is_kaplan_and_meiers():
    times, events = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False])
    assert [censored.share(times, events, h) for h in (0.5, 1, 3, 9)] == pytest.approx([0, 1 / 4, 5 / 8, 5 / 8])
    complete = censored.share(times, np.ones(4, bool), 2)
    assert complete == pytest.approx(1 / 2)


def test_who_is_censored_at_a_horizon_was_free_of_it_until_then():
    times, events = np.array([2.0, 2.0, 1.0]), np.array([True, False, False])
    had, seen = censored.known(times, events, 2.0)
    assert had.tolist() == [True, False, False]
    assert seen.tolist() == [True, True, False]
    # A pair of an event and a sample censored at the same time: the event came first.
    assert censored.pairs(times, events, np.array([1.0, 0.0, 5.0])).harrell == 1


@given(seed=st.integers(0, 10_000), years=st.booleans())
@settings(deadline=None, max_examples=30)
def test_scores_do_not_depend_on_the_order_of_samples_nor_on_the_scale_of_risks(seed, years):
    times, events, risk, _ = drawn(seed, 40, years)
    order = np.random.default_rng(seed).permutation(40)
    chances = 1 / (1 + np.exp(-risk))
    first, again = censored.pairs(times, events, risk), censored.pairs(times[order], events[order], risk[order])
    assert again.harrell == pytest.approx(first.harrell, abs=1e-12, nan_ok=True)
    assert again.uno == pytest.approx(first.uno, abs=1e-12, nan_ok=True)
    assert censored.pairs(times, events, chances).harrell == pytest.approx(first.harrell, abs=1e-12, nan_ok=True)
    assert 0 <= censored.auroc(times, events, chances, 2.0) <= 1
    ours, theirs = (censored.brier(t, e, c, 2.0) for t, e, c in (
        (times, events, chances), (times[order], events[order], chances[order])
    ))  # fmt: skip
    assert ours == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("years", [False, True])
def test_weights_give_what_would_be_if_nobody_were_censored(years):
    """In 40 draws of 2,000 the mean is within three standard errors of the same scores of the uncensored times. With
    weights of G(t), the score of whole years is a tenth too high."""
    gaps = {"brier": [], "auroc": [], "uno": []}
    for seed in range(40):
        times, events, risk, happens = drawn(seed, 2000, years)
        chances, all_seen = 1 / (1 + np.exp(-risk)), np.ones(2000, bool)
        for horizon in (1.0, 3.0):
            gaps["brier"].append(
                censored.brier(times, events, chances, horizon) - ((happens <= horizon) - chances).__pow__(2).mean()
            )
            gaps["auroc"].append(
                censored.auroc(times, events, chances, horizon) - censored.auroc(happens, all_seen, chances, horizon)
            )
        ends = [censored.until(t, e, 3.0) for t, e in ((times, events), (happens, all_seen))]
        gaps["uno"].append(censored.pairs(*ends[0], risk).uno - censored.pairs(*ends[1], risk).uno)
    for name, differences in gaps.items():
        error = np.std(differences, ddof=1) / np.sqrt(len(differences))
        assert abs(np.mean(differences)) < 3 * error, (name, np.mean(differences), error)
        assert error < 0.002


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_scikit_survivals(seed):
    """Times that do not tie, where G(t) and G(t-) are the same at each event; Harrell's also where they tie."""
    sksurv = pytest.importorskip("sksurv.metrics")
    from sksurv.util import Surv

    times, events, risk, _ = drawn(seed, 200)
    chances, seen = 1 / (1 + np.exp(-risk)), Surv.from_arrays(events, times)
    concordance = censored.pairs(times, events, risk)
    assert concordance.harrell == pytest.approx(sksurv.concordance_index_censored(events, times, risk)[0], abs=1e-9)
    assert concordance.uno == pytest.approx(sksurv.concordance_index_ipcw(seen, seen, risk)[0], abs=1e-9)
    last = 3.0
    ours = censored.pairs(*censored.until(times, events, last), risk).uno
    assert ours == pytest.approx(sksurv.concordance_index_ipcw(seen, seen, risk, tau=last)[0], abs=1e-9)
    _, theirs = sksurv.brier_score(seen, seen, 1 - chances[:, None].repeat(2, 1), [1.0, 3.0])
    assert [censored.brier(times, events, chances, h) for h in (1.0, 3.0)] == pytest.approx(theirs.tolist(), abs=1e-9)
    theirs, _ = sksurv.cumulative_dynamic_auc(seen, seen, chances, [1.0, 3.0])
    assert [censored.auroc(times, events, chances, h) for h in (1.0, 3.0)] == pytest.approx(theirs.tolist(), abs=1e-9)
    times, events, risk, _ = drawn(seed, 200, years=True)
    theirs = sksurv.concordance_index_censored(events, times, risk.round(1))[0]
    assert censored.pairs(times, events, risk.round(1)).harrell == pytest.approx(theirs, abs=1e-9)
