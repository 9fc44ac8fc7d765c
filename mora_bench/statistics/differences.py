"""Which of several rows differ: paired tests over seeds, corrected for their number, and what they could have seen.

The estimand is the mean difference over draws of split, mask, start and order at the given training size. Rows share
all of these in one seed, so a seed gives one paired difference. It carries the noise of training and, because every
seed tests other samples, that of the samples.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from mora_bench.statistics.holm import adjusted
from mora_bench.statistics.power import LEVEL, smallest
from mora_bench.statistics.variances import steadied


@dataclass(frozen=True)
class Pairs:
    """P paired comparisons, tested as one family.

    Attributes:
        first, second: int [P], the rows; difference: float [P], mean of first minus second.
        error: float [P], its standard error; freedom: degrees of freedom.
        p, holm: float [P], two-sided, alone and corrected for P tests.
        low, high: float [P], a 95 % interval of each difference alone.
        smallest: float [P], the true difference that would be told from 0 with 80 % power after the correction.
    """

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    error: np.ndarray
    freedom: float
    p: np.ndarray
    holm: np.ndarray
    low: np.ndarray
    high: np.ndarray
    smallest: np.ndarray

    def told(self) -> np.ndarray:
        """bool [P]: the two rows differ."""
        return self.holm < LEVEL


def compared(scores: np.ndarray, pairs: list[tuple[int, int]], overlap: float = 0.0) -> Pairs:
    """Compare pairs of rows.

    Args:
        scores: float [R, S], R rows under the same S seeds, S >= 2.
        pairs: the pairs to compare, each of two rows.
        overlap: test samples by training samples, where the seeds cut test and training sets from the same samples;
            0 where the test samples are drawn apart. Training sets of different seeds overlap then, and the variance
            over seeds understates that of the mean: it is multiplied by 1/S + overlap instead of 1/S. Source: Nadeau
            and Bengio, Inference for the generalization error, Machine Learning 52 (2003) 239-281.

    Raises:
        ValueError: fewer than two seeds, or a score that is NaN.
    """
    rows, seeds = scores.shape
    if seeds < 2 or np.isnan(scores).any():
        raise ValueError("a comparison needs two seeds or more, and a score for each row and seed")
    first, second = np.array(pairs, int).reshape(-1, 2).T
    apart = scores[first] - scores[second]
    freedom = seeds - 1
    used = len(np.unique([first, second])) if len(first) else rows
    variances, freedom_steadied = steadied(apart.var(1, ddof=1), freedom, (used - 1) * freedom)
    error = np.sqrt(variances * (1 / seeds + overlap))
    difference = apart.mean(1)
    # Rows that predict the same in every seed differ by exactly nothing.
    ratio = np.divide(difference, error, out=np.where(difference == 0, 0.0, np.inf), where=error > 0)
    p = 2 * t.sf(np.abs(ratio), freedom_steadied)
    half = t.isf(LEVEL / 2, freedom_steadied) * error
    least = smallest(round(freedom_steadied, 2), len(first)) * error if len(first) else error
    return Pairs(
        first, second, difference, error, freedom_steadied, p, adjusted(p), difference - half, difference + half, least
    )


def everyone(rows: int) -> list[tuple[int, int]]:
    """Every pair of R rows."""
    return [(i, j) for i in range(rows) for j in range(i + 1, rows)]


def not_told_from_the_best(means: np.ndarray, found: Pairs) -> np.ndarray:
    """bool [R]: the row with the highest mean, and every row that `found`, over every pair, cannot tell from it."""
    best = int(np.argmax(means))
    same = np.ones(len(means), bool)
    touched = found.told() & ((found.first == best) | (found.second == best))
    same[found.first[touched]] = same[found.second[touched]] = False
    same[best] = True
    return same
