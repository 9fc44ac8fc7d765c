"""Which of several rows differ: paired tests over seeds, corrected for their number, and the differences they detect.

The estimand is the mean difference over draws of split, mask, start and order at the given training size. Rows share
all of these in one seed, so a seed gives one paired difference. It carries the noise of training and, because every
seed tests other samples, that of the samples.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, t

from mora_bench.statistics.holm import adjusted
from mora_bench.statistics.power import LEVEL, POWER, smallest
from mora_bench.statistics.variances import chance_apart, steadied

#: Pairs agree on the smallest detectable difference where so many of them lie within this factor of the median.
MANY, AGREE = 0.9, 1.25
#: How often steadying fails rows that are alike, in chances that one of them is set apart; simulated.
LOST = 3


@dataclass(frozen=True)
class Pairs:
    """P paired comparisons, tested as one family.

    Attributes:
        first, second: int [P], the rows; difference: float [P], mean of first minus second.
        error: float [P], its standard error; freedom: float [P], degrees of freedom.
        p, holm: float [P], two-sided, alone and corrected for P tests.
        low, high: float [P], a 95 % interval of each difference alone; NaN where equal differences leave it unknown.
        smallest: float [P], the true difference that would be detected with 80 % power after the correction; NaN
            where all differences are equal over seeds, which says nothing of it.
    """

    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    p: np.ndarray
    holm: np.ndarray
    low: np.ndarray
    high: np.ndarray
    smallest: np.ndarray

    def significant(self) -> np.ndarray:
        """bool [P]: the two rows differ."""
        return self.holm < LEVEL


@dataclass(frozen=True)
class PairedTests:
    """P t tests of paired differences; leading axes are grids.

    Attributes:
        difference, error, freedom, p: float [..., P], as in `Pairs`.
        apart: bool [..., P]: one of the two rows spreads unlike the others.
    """

    difference: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    p: np.ndarray
    apart: np.ndarray


def paired_tests(
    scores: np.ndarray, first: np.ndarray, second: np.ndarray, overlap: float = 0.0, several: bool = False
) -> PairedTests:
    """Test pairs of rows, for many grids at once.

    Where the differences of two rows are equal in every seed, and those of all other rows, too, a t test has no
    variance to go by. The exact test of signs is left: two in 2^S of all ways to turn the differences' signs give
    equal ones, so p = 2^(1 - S).

    Args:
        scores: float [..., R, S]; first, second: int [P]; overlap: as in `compared`.
        several: whether the last leading axis is scores of the same rows, as in `variances.steadied`.
    """
    seeds = scores.shape[-1]
    shared = steadied(scores, several)
    variance, freedom, apart = (array[..., first, second] for array in (shared.variance, shared.freedom, shared.apart))
    error = np.sqrt(variance * (1 / seeds + overlap))
    difference = (scores[..., first, :] - scores[..., second, :]).mean(-1)
    ratio = np.divide(difference, error, out=np.zeros(error.shape), where=error > 0)
    signs = np.where(difference == 0, 1.0, _of_signs(seeds))
    return PairedTests(difference, error, freedom, np.where(error > 0, 2 * t.sf(np.abs(ratio), freedom), signs), apart)


def compared(scores: np.ndarray, pairs: list[tuple[int, int]], overlap: float = 0.0) -> Pairs:
    """Compare pairs of rows by one score.

    Args:
        scores: float [R, S], R rows under the same S seeds, S >= 2; each of them is in a pair.
        pairs: the pairs to compare, each of two rows.
        overlap: test samples by training samples, where the seeds cut test and training sets from the same samples;
            0 where the test samples are drawn apart. Training sets of different seeds overlap then, and the variance
            over seeds understates that of the mean: it is multiplied by 1/S + overlap instead of 1/S. Source: Nadeau
            and Bengio, Inference for the generalization error, Machine Learning 52 (2003) 239-281.

    Raises:
        ValueError: fewer than two seeds, or a score that is NaN.
    """
    (comparison,) = compared_by(scores[None], pairs, overlap)
    return comparison


def compared_by(scores: np.ndarray, pairs: list[tuple[int, int]], overlap: float = 0.0) -> tuple[Pairs, ...]:
    """Compare pairs of rows by K scores, as one family of K x P tests.

    Args:
        scores: float [K, R, S]; pairs, overlap: as in `compared`, whose errors it raises.
    """
    kinds, rows, seeds = scores.shape
    if seeds < 2 or np.isnan(scores).any():
        raise ValueError("a comparison needs two seeds or more, and a score for each row and seed")
    first, second = np.array(pairs, int).reshape(-1, 2).T
    tests = paired_tests(scores, first, second, overlap, several=True)
    half = t.isf(LEVEL / 2, tests.freedom) * tests.error
    if _of_signs(seeds) >= LEVEL:
        half = np.where(tests.error > 0, half, np.nan)
    low, high = tests.difference - half, tests.difference + half
    holm = corrected(tests.p, rows)
    least = detectable(tests, seeds, rows, kinds)
    columns = (tests.difference, tests.error, tests.freedom, tests.p, holm, low, high, least)
    return tuple(Pairs(first, second, *(column[k] for column in columns)) for k in range(kinds))


def corrected(p: np.ndarray, rows: int) -> np.ndarray:
    """The p-values of pairs of R rows by K scores after Holm's correction: float [..., K, P] -> [..., K, P].

    All K x P tests are one family: Holm's bound needs no independence, and scores of the same predictions have none.
    Holm's last steps test single pairs at 5 % and need p-values that are right one by one. Where a variance is shared
    that of a pair with a loud row among three is not, so no pair is corrected for fewer tests than a row has pairs.
    """
    kinds, pairs = p.shape[-2:]
    flat = p.reshape(*p.shape[:-2], kinds * pairs)
    return adjusted(flat, least=kinds * (rows - 1)).reshape(p.shape)


def detectable(paired: PairedTests, seeds: int, rows: int, kinds: int = 1) -> np.ndarray:
    """The true difference of each pair that is detected with 80 % power: float [..., P].

    Two rows that are like the others may be set apart by chance, and are hardly told apart then; or variances seem to
    differ by chance, and less is shared. The other grids have to make up for these. A deviation of a few seeds alone
    is too small in more than half of all grids; what is printed goes by the one that is too small in half of them.

    Args:
        kinds: by how many scores the pairs are compared in one family.
    """
    shares = rows > 2 and seeds > 2
    power = POWER / (1 - LOST * chance_apart(seeds - 1)) if shares else POWER
    tests = kinds * paired.p.shape[-1]
    alone = (seeds - 1) / chi2.median(seeds - 1)
    known = zip(paired.freedom.flat, paired.apart.flat, strict=True)
    errors = [
        smallest(round(freedom, 1), tests, power=power)
        if shares and not apart
        else smallest(seeds - 1, tests) * np.sqrt(alone)
        for freedom, apart in known
    ]
    return np.where(paired.error > 0, np.reshape(errors, paired.error.shape) * paired.error, np.nan)


def resolution(smallest: np.ndarray) -> tuple[float, float]:
    """The smallest detectable difference of a section, from those of its P pairs: the least and the largest.

    Twice the median where nine pairs in ten lie within a quarter of it; NaN where no pair's is known.
    """
    known = smallest[~np.isnan(smallest)]
    if not len(known):
        return float("nan"), float("nan")
    middle = float(np.median(known))
    near = (known <= middle * AGREE) & (known >= middle / AGREE)
    return (middle, middle) if near.mean() >= MANY else (float(known.min()), float(known.max()))


def _of_signs(seeds: int) -> float:
    """The p-value of differences that are equal, and not 0, in all seeds."""
    return 2.0 ** (1 - seeds)


def everyone(rows: int) -> list[tuple[int, int]]:
    """Every pair of R rows."""
    return [(i, j) for i in range(rows) for j in range(i + 1, rows)]
