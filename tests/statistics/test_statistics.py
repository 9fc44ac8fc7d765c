"""Tests of tests: the level over simulated grids, a planted difference at the stated power, textbook values."""

import numpy as np
import pytest
from scipy import stats
from simulate_statistics import before, drawn, now, powers, wrong

from mora_bench.statistics.agree import agreement, not_led
from mora_bench.statistics.differences import compared, everyone, resolution
from mora_bench.statistics.holm import adjusted
from mora_bench.statistics.interval import interval
from mora_bench.statistics.power import smallest
from mora_bench.statistics.ranks import critical_difference, ranked
from mora_bench.statistics.variances import steadied

GRIDS = 500
#: 5 % plus three standard errors of a share of so many.
ALLOWED = 0.05 + 3 * np.sqrt(0.05 * 0.95 / GRIDS)
#: Of benchmarks/simulate_statistics.py, which has some thousand, those that were worst: noise, deviations, rows, seeds.
SETTINGS = [
    ("normal", "alike", 6, 5), ("normal", "one tenfold", 12, 2), ("normal", "one tenfold", 12, 3),
    ("normal", "one to ten", 3, 3), ("normal", "one fivefold", 3, 3), ("normal", "half tenfold", 20, 3),
    ("heavy tails", "one tenfold", 6, 3), ("steps of 2", "one tenfold", 20, 3), ("steps of 0.5", "one a tenth", 2, 2),
    ("half the same", "alike", 6, 3), ("half far", "one to ten", 4, 3),
]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_rows_that_are_alike_are_told_apart_in_five_percent_of_grids_at_most(setting):
    assert wrong(now, *setting, GRIDS) <= ALLOWED


@pytest.mark.parametrize("setting", [SETTINGS[1], SETTINGS[7]])
def test_the_simulation_sees_what_was_wrong_before(setting):
    """One row of ten times the spread, two seeds; and three seeds of scores in steps, as few test samples give."""
    assert wrong(before, *setting, GRIDS) > ALLOWED


@pytest.mark.parametrize(("rows", "seeds"), [(3, 5), (6, 3), (12, 3)])
def test_rows_that_spread_alike_are_told_apart_nearly_as_often_as_before_and_as_the_table_says(rows, seeds):
    shares = powers(rows, seeds, GRIDS)
    # 0.9 and 0.8 over more grids, docs/statistics.md; the noise of these is 0.02.
    assert shares["beside 0.8"] > 0.85
    assert 0.74 < shares["at smallest"] < 0.88


def test_what_all_rows_share_in_a_seed_changes_nothing():
    scores, pairs = np.random.default_rng(0).normal(size=(5, 4)), everyone(5)
    shifted = scores + np.array([3.0, -5.0, 0.0, 9.0])
    for name in ("difference", "error", "holm", "smallest"):
        assert getattr(compared(shifted, pairs), name) == pytest.approx(getattr(compared(scores, pairs), name))


@pytest.mark.parametrize("seeds", [2, 5])
def test_scale_and_order_of_rows_change_no_p(seeds):
    scores, pairs = np.random.default_rng(1).normal(size=(6, seeds)), everyone(6)
    p = compared(scores, pairs).p
    assert compared(7 * scores, pairs).p == pytest.approx(p)
    assert np.sort(compared(scores[::-1], pairs).p) == pytest.approx(np.sort(p))


@pytest.mark.parametrize(("seeds", "p"), [(2, 0.5), (3, 0.25), (6, 2**-5)])
def test_equal_differences_have_the_p_of_a_test_of_signs(seeds, p):
    """They had 0, at two seeds, too. 0.6 - 0.5 and 0.7 - 0.6 differ as floats, which is no spread."""
    first = 0.1 * np.arange(seeds) + 0.5
    comparison = compared(np.array([first, first - 0.1]), [(0, 1)])
    assert comparison.p[0] == p
    assert comparison.significant()[0] == (p < 0.05)
    assert np.isnan(comparison.smallest).all()
    assert np.isnan(comparison.low[0]) == (p >= 0.05)


def test_networks_that_predict_the_same_do_not_make_the_smallest_difference_nothing():
    scores = np.random.default_rng(2).normal(size=(4, 3))
    scores[1] = scores[0]
    comparison = compared(scores, everyone(4))
    assert comparison.p[0] == 1
    assert comparison.smallest.min() > 0.1
    low, high = resolution(compared(np.array([scores[0], scores[0]]), [(0, 1)]).smallest)
    assert np.isnan([low, high]).all()


def test_the_smallest_difference_is_a_range_where_pairs_differ_in_it():
    assert resolution(np.array([1.0, 1.1, 0.9, np.nan])) == (1.0, 1.0)
    assert resolution(np.array([1.0, 1.1, 0.9, 3.0])) == (0.9, 3.0)
    rng = np.random.default_rng(4)
    loud = rng.normal(size=(6, 10)) * np.array([10, 1, 1, 1, 1, 1])[:, None]
    low, high = resolution(compared(loud, everyone(6)).smallest)
    assert high > 2 * low


def test_few_seeds_see_more_together_than_each_pair_alone():
    grids = np.concatenate([*drawn("normal", "alike", 18, 3, 50)])
    together = np.median([compared(grid, everyone(18)).smallest for grid in grids])
    alone = np.mean([smallest(2, 153) * (g[0] - g[1]).std(ddof=1) / np.sqrt(3) for g in grids])
    assert together < alone / 3


def cross_validated(rng: np.random.Generator, folds: int = 10, size: int = 200) -> np.ndarray:
    """Accuracy [2, folds] of two least-squares classifiers, each on its own, equally telling features of the same
    patients; every fold is tested by models of the other folds."""
    truth = rng.integers(0, 2, size)
    features = truth[:, None, None] * 0.5 + rng.normal(size=(size, 2, 8))
    fold = rng.permutation(size) % folds
    accuracy = np.empty((2, folds))
    for k in range(folds):
        for method in range(2):
            x = np.c_[np.ones(size), features[:, method]]
            weights = np.linalg.lstsq(x[fold != k], truth[fold != k] - 0.5, rcond=None)[0]
            accuracy[method, k] = ((x[fold == k] @ weights > 0) == truth[fold == k]).mean()
    return accuracy


def test_folds_of_one_cohort_keep_the_level_when_their_overlap_is_counted():
    rng = np.random.default_rng(5)
    grids = [cross_validated(rng) for _ in range(GRIDS)]
    shares = [
        np.mean([compared(grid, [(0, 1)], overlap).significant().any() for grid in grids]) for overlap in (0, 1 / 9)
    ]
    assert shares[1] <= ALLOWED
    assert shares[1] < shares[0]


def test_two_rows_give_the_paired_t_test():
    scores = np.random.default_rng(0).normal(size=(2, 7))
    comparison = compared(scores, [(0, 1)])
    expected = stats.ttest_rel(*scores)
    low, high = expected.confidence_interval()
    assert comparison.p[0] == pytest.approx(expected.pvalue)
    assert comparison.holm[0] == pytest.approx(expected.pvalue)
    assert (comparison.low[0], comparison.high[0]) == pytest.approx((low, high))


def test_the_interval_of_a_mean_is_the_t_interval():
    values = np.array([0.4, 0.5, 0.7])
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert interval(values) == pytest.approx((expected.low, expected.high))
    low, high = interval(values, 0.125)
    assert (high - low) / (expected.high - expected.low) == pytest.approx(np.sqrt(1 + 3 * 0.125))
    assert np.isnan(interval(values[:1])).all()


def test_rows_that_predict_the_same_are_not_told_apart():
    scores = np.array([[0.5, 0.6, 0.4]] * 3 + [[0.101, 0.2, 0.0]])
    comparison = agreement(scores[None], [True], everyone(4))
    assert comparison.pairs[0].holm[0] == 1
    assert not_led(comparison, 4).tolist() == [True, True, True, False]


def test_holm_by_hand():
    assert adjusted(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_no_test_is_corrected_for_fewer_than_asked():
    """The order is 0.005, 0.01, 0.03, 0.04; the last two would be corrected for two tests and one."""
    assert adjusted(np.array([0.01, 0.04, 0.03, 0.005]), 3) == pytest.approx([0.03, 0.12, 0.09, 0.02])


def test_rows_that_spread_alike_share_a_variance_and_a_loud_one_does_not():
    alike = np.random.default_rng(0).normal(size=(20, 10))
    estimates = steadied(alike)
    pairs = np.triu_indices(20, 1)
    unpooled = np.array([(alike[i] - alike[j]).var(ddof=1) for i, j in zip(*pairs, strict=True)])
    assert estimates.variance[pairs].std() < unpooled.std() / 2
    assert estimates.freedom[pairs].min() > 20
    loud = alike * np.array([50, *[1] * 19])[:, None]
    estimates = steadied(loud)
    assert estimates.apart[0, 1:].all()
    assert not estimates.apart[1:, 1:].any()
    assert (estimates.freedom[0, 1:] == 9).all()
    assert (estimates.variance[0, 1:] >= (loud[0] - loud[1:]).var(1, ddof=1) * (1 - 1e-9)).all()


@pytest.mark.parametrize("shape", [(2, 6), (5, 2)])
def test_two_rows_or_two_seeds_share_nothing(shape):
    scores = np.random.default_rng(0).normal(size=shape)
    estimates = steadied(scores)
    assert estimates.variance[0, 1] == pytest.approx((scores[0] - scores[1]).var(ddof=1))
    assert (estimates.freedom == shape[1] - 1).all()


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
    ranking = ranked(np.array([[0.9, 0.8, 0.8]] * 4 + [[0.5, 0.5, 0.5]]))
    assert ranking.mean == pytest.approx([(4 + 2) / 5, (4 * 2.5 + 2) / 5, (4 * 2.5 + 2) / 5])
    # Every block with a first place has the same ranks: chi^2 is that of 4 blocks without ties within it.
    assert ranking.p == pytest.approx(stats.chi2.sf(8, 2), rel=1e-6)


def test_nothing_is_told_after_a_global_test_that_is_not_significant():
    """The first and the last row are first and last in five blocks of six; four rows between them are all average."""
    forward, back = [6, 5, 4, 3, 2, 1], [6, 2, 3, 4, 5, 1]
    ranking = ranked(np.array([forward, back, forward, back, forward, [1, 2, 3, 4, 5, 6]], float))
    assert ranking.mean == pytest.approx([11 / 6, 3.5, 3.5, 3.5, 3.5, 31 / 6])
    assert ranking.mean[-1] - ranking.mean[0] > ranking.critical
    assert ranking.p == pytest.approx(stats.chi2.sf(6 * 12 / 42 * 2 * (20 / 12) ** 2, 5))
    assert 0.05 < ranking.p < 0.1
    assert not ranking.differ
    assert not ranking.worse.any()
    wide = ranked(np.array([[3.0, 2, 1]] * 12))
    assert wide.worse.tolist() == [False, True, True]


def test_rows_that_tie_everywhere_have_a_p():
    ranking = ranked(np.full((5, 3), 0.5))
    assert (ranking.p, ranking.differ, ranking.worse.any()) == (1.0, False, False)


@pytest.mark.parametrize("shape", [(4, 5), (9, 2)])
def test_too_few_blocks_or_rows_are_refused(shape):
    with pytest.raises(ValueError, match="too few for a test of ranks"):
        ranked(np.zeros(shape))


def test_a_single_seed_is_refused():
    with pytest.raises(ValueError, match="two seeds"):
        compared(np.zeros((3, 1)), everyone(3))
