"""Several scores that must agree: the rule by hand, its level and power over simulated grids."""

import numpy as np
import pytest
from simulate_statistics import _any, correlated, opposed, together

from mora_bench.statistics.agree import agreed, agreement, not_led
from mora_bench.statistics.differences import compared_by, corrected, everyone
from mora_bench.statistics.variances import steadied

GRIDS = 400
#: What chance allows a share of 5 % to be in so many grids, three standard errors above it.
ALLOWED = 0.05 + 3 * (0.05 * 0.95 / GRIDS) ** 0.5


@pytest.mark.parametrize(
    ("better", "holm", "leads", "depends"),
    [
        ((1, 1, 1), (0.2, 0.04, 0.9), 1, False),
        ((-1, -1, -1), (0.01, 0.01, 0.01), -1, False),
        ((1, 1, 1), (0.06, 0.05, 0.9), 0, False),
        ((1, -1, 1), (0.01, 0.9, 0.01), 0, True),
        ((1, -1, 1), (0.06, 0.9, 0.06), 0, False),
        # By the second score the two are the same: it does not agree that one leads.
        ((1, 0, 1), (0.01, 1.0, 0.01), 0, True),
        ((0, 0, 0), (1.0, 1.0, 1.0), 0, False),
    ],
)
def test_a_lead_needs_every_sign_and_one_score_that_tells(better, holm, leads, depends):
    verdict = agreed(np.array(better)[:, None], np.array(holm)[:, None])
    assert (int(verdict[0][0]), bool(verdict[1][0])) == (leads, depends)


def test_holm_is_over_pairs_and_scores():
    """Six tests: 0.005 x 6, 0.01 x 5, 0.02 x 4, and of three rows none for fewer than the four of a row's pairs."""
    p = np.array([[0.01, 0.5, 0.9], [0.005, 0.02, 0.6]])
    assert corrected(p, 3) == pytest.approx(np.array([[0.05, 1, 1], [0.03, 0.08, 1]]))


def test_scores_of_other_directions_are_turned():
    """A lower error and a higher share are the same sign."""
    rng = np.random.default_rng(0)
    share = np.array([[0.5], [0.4]]) + rng.normal(0, 0.001, (2, 5))
    comparison = agreement(np.stack([share, 1 - share]), [True, False], [(0, 1)])
    assert comparison.leads.tolist() == [1]
    assert agreement(np.stack([share, share]), [True, False], [(0, 1)]).depends.tolist() == [True]


def test_rows_that_none_leads_are_marked_where_one_leads_another():
    scores = np.array([[0.5, 0.51, 0.49, 0.5], [0.5, 0.505, 0.495, 0.501], [0.1, 0.11, 0.09, 0.1]])[None]
    assert not_led(agreement(scores, [True], everyone(3)), 3).tolist() == [True, True, False]
    assert not not_led(agreement(scores[:, :2], [True], everyone(2)), 2).any()


def test_one_score_is_compared_as_if_there_were_no_others():
    scores = np.random.default_rng(1).normal(size=(1, 5, 4))
    alone = steadied(scores[0])
    together_ = steadied(scores, several=True)
    assert (together_.variance[0] == alone.variance).all()
    assert (together_.apart[0] == alone.apart).all()


def test_the_smallest_difference_counts_the_scores():
    """It has to pass the first step of Holm over all pairs and scores."""
    scores = np.random.default_rng(1).normal(size=(1, 4, 6))
    (one,), many = compared_by(scores, everyone(4)), compared_by(np.repeat(scores, 3, 0), everyone(4))
    assert (many[0].smallest > one.smallest).all()
    assert (many[0].p == one.p).all()


@pytest.mark.parametrize(
    ("kind", "spreads", "rows", "seeds", "r"),
    [
        ("normal", "half tenfold", 3, 3, 0.6),
        ("steps of 0.5", "half tenfold", 3, 3, 0.8),
        ("normal", "one tenfold, by one score", 3, 3, 0.8),
        ("normal", "alike", 6, 5, 0.3),
    ],
)
def test_false_leads_are_as_rare_as_promised(kind, spreads, rows, seeds, r):
    """The settings of benchmarks/simulate_statistics.py that were worst; a lead is never more frequent than a test that
    tells."""
    leads, apart = _any(together(scores) for scores in correlated(kind, spreads, (rows, seeds), GRIDS, r))
    assert leads <= apart
    assert leads <= ALLOWED


def test_a_score_that_is_against_it_forbids_a_lead():
    (line, *_) = opposed(6, 5, GRIDS)
    assert line["all three"] > 0.8
    assert line["1/2"] < 0.05
    assert line["three times all, third turned, 1"] < 0.05
