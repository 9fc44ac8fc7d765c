"""Variances of paired differences from few seeds, steadied by each other as far as the rows are alike."""

from dataclasses import dataclass

import numpy as np
from scipy.special import polygamma
from scipy.stats import f as f_distribution

#: Of rows that are alike, the share that is set apart by chance is this over the degrees of freedom of a variance.
SET_APART = 0.1
#: A pair's variance below the pooled one counts this much of the way from it, at most.
TRUST_IN_QUIET = 1 / 3
#: Of the degrees of freedom that the rows' correlations leave to the pooled variance, the part that is claimed.
CLAIMED = 0.9
#: Standard deviations below this part of the largest score are rounding, and count as 0.
ROUNDING = 1e-9
#: Logarithms are taken of no variance below this part of the pooled one.
LEAST = 1e-3


@dataclass(frozen=True)
class Steadied:
    """Variances of the differences of every two of R rows; leading axes are grids.

    Attributes:
        variance: float [..., R, R]; freedom: float [..., R, R], its degrees of freedom.
        apart: bool [..., R, R]: one of the two rows spreads unlike the others, and the variance is the pair's alone.
    """

    variance: np.ndarray
    freedom: np.ndarray
    apart: np.ndarray


def chance_apart(freedom: int) -> float:
    """The chance that a row which is like the others is set apart."""
    return SET_APART / freedom


def steadied(scores: np.ndarray, several: bool = False) -> Steadied:
    """The variance of each paired difference, drawn towards that of all pairs as far as these agree.

    Three seeds give a variance two degrees of freedom; a t test on it sees almost nothing. Where the rows of a section
    spread alike their pairs can share one variance. Where they do not, the shared one finds differences that do not
    exist. So:

    1. The variance of a pair is the mean of its own and the pooled one (the mean over pairs), weighted by degrees of
       freedom. Those of the pooled one are estimated from how much the pairs' variances differ beyond chance: Smyth,
       Linear models and empirical Bayes methods, Stat. Appl. Genet. Mol. Biol. 3 (2004), section 6.2.
    2. They are never more than what the rows' covariances leave, trace(C)^2 / trace(C^2) a seed: rows that move
       together are fewer than they look. As in Huynh and Feldt, J. Educ. Stat. 1 (1976) 69-82.
    3. A row that spreads more than the others, by an F test that sets one alike row in 10 (S - 1) apart, lends and
       borrows nothing: its pairs have the larger of their own and the steadied variance, and S - 1 degrees of freedom.
       (After Phipson et al., Robust hyperparameter estimation, Ann. Appl. Stat. 10 (2016) 946-963.) Where several
       scores are asked together, their variances, each in units of its mean, are also added, and a row that is set
       apart by the sum is set apart in every score: what one score misses would be tested with too small a variance,
       as often as there are scores.

    With two seeds nobody can say whether rows are alike: a row of ten times the spread looks like the others in one
    grid of eight. With two rows there is nothing to share. Each pair has its own variance then.

    `benchmarks/simulate_statistics.py` simulates what this gives; the constants above are set by it.

    Args:
        scores: float [..., R, S], R >= 2 rows under the same S >= 2 seeds.
        several: whether the last leading axis is scores of the same rows, [..., K, R, S], and not grids.
    """
    rows, seeds = scores.shape[-2:]
    freedom = seeds - 1
    variance = _variances(scores)
    alone = Steadied(variance, np.full(variance.shape, float(freedom)), np.zeros(variance.shape, bool))
    if rows < 3 or seeds < 3:
        return alone
    upper = variance[..., *np.triu_indices(rows, 1)]
    pooled = upper.mean(-1)[..., None, None]
    borrowed = np.minimum(_alike(upper, freedom), _left(scores))[..., None, None]
    mean = (borrowed * pooled + freedom * variance) / (borrowed + freedom)
    mean = np.maximum(mean, pooled + TRUST_IN_QUIET * (variance - pooled))
    loud = _loud(variance, freedom)
    if several:
        scale = np.where(pooled > 0, pooled, 1.0)
        loud = loud | _loud((variance / scale).sum(-3), freedom)[..., None, :]
    apart = loud[..., :, None] | loud[..., None, :]
    return Steadied(
        np.where(apart, np.maximum(variance, mean), mean), np.where(apart, freedom, borrowed + freedom), apart
    )


def _variances(scores: np.ndarray) -> np.ndarray:
    """Unbiased variances over seeds of the differences of every two rows: [..., R, S] -> [..., R, R]."""
    rows = scores.shape[-2]
    first, second = np.triu_indices(rows, 1)
    of_pairs = (scores[..., first, :] - scores[..., second, :]).var(-1, ddof=1)
    of_pairs[of_pairs < (ROUNDING * np.abs(scores).max((-2, -1))[..., None]) ** 2] = 0
    matrix = np.zeros((*scores.shape[:-1], rows))
    matrix[..., first, second] = matrix[..., second, first] = of_pairs
    return matrix


def _alike(variances: np.ndarray, freedom: int) -> np.ndarray:
    """The degrees of freedom of the pooled variance as a prior of each pair's, infinite where chance alone could make
    these differ: [..., P] -> [...]."""
    known = np.maximum(variances, LEAST * variances.mean(-1, keepdims=True))
    # Where no pair differs there is nothing to steady.
    logs = np.log(np.where(known > 0, known, 1.0))
    beyond_chance = logs.var(-1, ddof=1) - polygamma(1, freedom / 2)
    return np.where(beyond_chance > 0, 2 * _inverse_trigamma(np.maximum(beyond_chance, 1e-9)), np.inf)


def _left(scores: np.ndarray) -> np.ndarray:
    """The degrees of freedom that a prior may have at most, by the rows' covariances: [..., R, S] -> [...]."""
    rows, seeds = scores.shape[-2:]
    freedom = seeds - 1
    noise = scores - scores.mean(-2, keepdims=True)
    noise = noise - noise.mean(-1, keepdims=True)
    # The S x S products have the traces of the R x R covariances, and are smaller.
    products = np.swapaxes(noise, -1, -2) @ noise / freedom
    trace = np.trace(products, axis1=-2, axis2=-1)
    of_square = (products**2).sum((-2, -1)) - trace**2 / freedom
    # Unbiased for the trace of the squared covariance matrix of normal noise.
    of_square = of_square * freedom**2 / ((freedom - 1) * (freedom + 2))
    alike = np.divide(trace**2, of_square, out=np.full(trace.shape, np.inf), where=of_square > 0)
    return np.clip(CLAIMED * freedom * alike - freedom, 0, (rows - 2) * freedom)


def _loud(variance: np.ndarray, freedom: int) -> np.ndarray:
    """bool [..., R]: the rows whose pairs vary more than the pairs of the others do."""
    rows = variance.shape[-1]
    of_row = variance.sum(-1)
    others = (variance.sum((-2, -1))[..., None] / 2 - of_row) / ((rows - 1) * (rows - 2) / 2)
    # A pair's variance is that of its row and, as large where rows are alike, that of another.
    limit = (f_distribution.isf(chance_apart(freedom), freedom, (rows - 2) * freedom) + 1) / 2
    return of_row / (rows - 1) > limit * np.maximum(others, 0)


def _inverse_trigamma(values: np.ndarray) -> np.ndarray:
    """x with trigamma(x) = value, by Newton's method on 1 / trigamma, which is nearly linear and convex."""
    x = 0.5 + 1 / values
    for _ in range(30):
        x = x + polygamma(1, x) * (1 - polygamma(1, x) / values) / polygamma(2, x)
    return x
