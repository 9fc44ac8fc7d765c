"""Tests of tests: the level over simulated grids, a planted difference at the stated power, textbook values."""

import numpy as np
import pytest
from scipy import stats

from mora_bench.statistics.differences import compared, everyone, not_told_from_the_best
from mora_bench.statistics.holm import adjusted
from mora_bench.statistics.interval import interval
from mora_bench.statistics.power import smallest
from mora_bench.statistics.ranks import critical_difference, ranked
from mora_bench.statistics.variances import steadied

GRIDS = 1000
#: 5 % plus three standard errors of a share of 1,000.
ALLOWED = 0.05 + 3 * np.sqrt(0.05 * 0.95 / GRIDS)


def spread(case: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Standard deviation of each row over seeds: all alike, all different, or a third of them far quieter."""
    if case == "alike":
        return np.full(rows, 2.0)
    if case == "different":
        return np.sqrt(16 / rng.chisquare(4, rows))
    return np.where(np.arange(rows) < rows // 3, 0.7, 3.0)


def drawn(case: str, rows: int, seeds: int, rng: np.random.Generator) -> np.ndarray:
    """A grid in which all rows are alike in the mean: noise of the seed, shared, and noise of the row."""
    return rng.normal(0, 1.5, seeds) + spread(case, rows, rng)[:, None] * rng.normal(size=(rows, seeds))


@pytest.mark.parametrize("case", ["alike", "different", "two kinds"])
@pytest.mark.parametrize(("rows", "seeds"), [(3, 3), (6, 3), (18, 2), (18, 3), (18, 5), (3, 16)])
def test_rows_that_are_alike_are_told_apart_in_five_percent_of_grids_at_most(rows, seeds, case):
    rng = np.random.default_rng([rows, seeds, len(case)])
    pairs = everyone(rows)
    wrong = sum(compared(drawn(case, rows, seeds, rng), pairs).told().any() for _ in range(GRIDS))
    assert wrong / GRIDS <= ALLOWED


@pytest.mark.parametrize(("rows", "seeds"), [(3, 16), (6, 5), (18, 3)])
def test_the_resolution_that_is_printed_is_the_difference_that_is_seen_with_its_power(rows, seeds):
    """One row is better than all others by D; D is what 80 % of grids see, and the printed one is within 10 % of it."""
    rng = np.random.default_rng([rows, seeds])
    grids = [drawn("alike", rows, seeds, rng) for _ in range(GRIDS)]
    pairs = everyone(rows)
    printed = float(np.mean([np.median(compared(grid, pairs).smallest) for grid in grids]))

    def seen(difference: float) -> float:
        planted = np.zeros((rows, 1))
        planted[0] = difference
        return float(np.mean([compared(grid + planted, pairs).told()[0] for grid in grids]))

    assert seen(1.1 * printed) >= 0.8 >= seen(0.9 * printed)


def test_few_seeds_see_more_together_than_each_pair_alone():
    rng = np.random.default_rng(3)
    grids = [drawn("alike", 18, 3, rng) for _ in range(50)]
    together = np.mean([compared(grid, everyone(18)).smallest.mean() for grid in grids])
    alone = np.mean([smallest(2, 153) * (g[0] - g[1]).std(ddof=1) / np.sqrt(3) for g in grids])
    assert together < alone / 3


def cross_validated(rng: np.random.Generator, folds: int = 10, size: int = 200) -> np.ndarray:
    """Accuracy [2, folds] of two least-squares classifiers, each on its own, equally telling features of the same
    patients; every fold is tested by models of the other folds."""
    truth = rng.integers(0, 2, size)
    features = truth[:, None, None] * 0.5 + rng.normal(size=(size, 2, 8))
    fold = rng.permutation(size) % folds
    found = np.empty((2, folds))
    for k in range(folds):
        for method in range(2):
            x = np.c_[np.ones(size), features[:, method]]
            weights = np.linalg.lstsq(x[fold != k], truth[fold != k] - 0.5, rcond=None)[0]
            found[method, k] = ((x[fold == k] @ weights > 0) == truth[fold == k]).mean()
    return found


def test_folds_of_one_cohort_keep_the_level_when_their_overlap_is_counted():
    rng = np.random.default_rng(5)
    grids = [cross_validated(rng) for _ in range(GRIDS)]
    wrong = [np.mean([compared(grid, [(0, 1)], overlap).told().any() for grid in grids]) for overlap in (0, 1 / 9)]
    assert wrong[1] <= ALLOWED
    assert wrong[1] < wrong[0]


def test_two_rows_give_the_paired_t_test():
    scores = np.random.default_rng(0).normal(size=(2, 7))
    found = compared(scores, [(0, 1)])
    expected = stats.ttest_rel(*scores)
    low, high = expected.confidence_interval()
    assert found.p[0] == pytest.approx(expected.pvalue)
    assert found.holm[0] == pytest.approx(expected.pvalue)
    assert (found.low[0], found.high[0]) == pytest.approx((low, high))


def test_the_interval_of_a_mean_is_the_t_interval():
    values = np.array([0.4, 0.5, 0.7])
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert interval(values) == pytest.approx((expected.low, expected.high))
    low, high = interval(values, 0.125)
    assert (high - low) / (expected.high - expected.low) == pytest.approx(np.sqrt(1 + 3 * 0.125))
    assert np.isnan(interval(values[:1])).all()


def test_rows_that_predict_the_same_are_not_told_apart():
    scores = np.array([[0.5, 0.6, 0.4]] * 3 + [[0.1, 0.2, 0.0]])
    found = compared(scores, everyone(4))
    assert found.holm[0] == 1
    assert not_told_from_the_best(scores.mean(1), found).tolist() == [True, True, True, False]


def test_holm_by_hand():
    assert adjusted(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_variances_that_agree_are_pooled_and_those_that_do_not_are_left():
    rng = np.random.default_rng(0)
    alike, freedom = steadied(rng.chisquare(2, 500) / 2, 2, 1000)
    assert freedom > 10
    assert alike.std() < 0.2
    wild = np.exp(rng.normal(0, 8, 500)) * rng.chisquare(2, 500) / 2
    left, freedom = steadied(wild, 2, 1000)
    assert freedom < 2.2
    assert np.corrcoef(np.log(left), np.log(wild))[0, 1] > 0.9


def test_the_power_of_a_t_test_by_hand():
    """For many degrees of freedom: z(0.975) + z(0.8) = 1.960 + 0.842."""
    assert smallest(1e6, 1) == pytest.approx(2.80, abs=0.005)
    assert smallest(1e6, 10) == pytest.approx(stats.norm.isf(0.0025) + stats.norm.isf(0.2), abs=0.005)


@pytest.mark.parametrize(("rows", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_the_textbooks(rows, q):
    """Demsar 2006, table 5 (a), q at 5 %."""
    assert critical_difference(rows, 14) == pytest.approx(q * np.sqrt(rows * (rows + 1) / 84), abs=2e-3)


def test_the_critical_difference_of_the_textbooks_example():
    """Demsar 2006, section 3.2.4: four classifiers on 14 data sets, 1.25 at 5 % and 1.12 at 10 %."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert critical_difference(4, 14, 0.1) == pytest.approx(1.12, abs=5e-3)


def test_ranks_by_hand():
    """Ties share their ranks; four blocks agree and one has them all equal."""
    found = ranked(np.array([[0.9, 0.8, 0.8]] * 4 + [[0.5, 0.5, 0.5]]))
    assert found.mean == pytest.approx([(4 + 2) / 5, (4 * 2.5 + 2) / 5, (4 * 2.5 + 2) / 5])
    # Every block with a first place has the same ranks: chi^2 is that of 4 blocks without ties within it.
    assert found.p == pytest.approx(stats.chi2.sf(8, 2), rel=1e-6)


@pytest.mark.parametrize("shape", [(4, 5), (9, 2)])
def test_too_few_blocks_or_rows_are_refused(shape):
    with pytest.raises(ValueError, match="cannot be told apart"):
        ranked(np.zeros(shape))


def test_a_single_seed_is_refused():
    with pytest.raises(ValueError, match="two seeds"):
        compared(np.zeros((3, 1)), everyone(3))
