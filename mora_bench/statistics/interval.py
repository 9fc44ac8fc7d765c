"""The interval of a mean over seeds."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import t

from mora_bench.statistics.power import LEVEL


@dataclass(frozen=True)
class Means:
    """Means over seeds: mean, sample standard deviation, and a 95 % t interval of the mean, each float [C]; NaN where
    too few seeds have a score, one for the mean and two for the others."""

    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray


def means(scores: np.ndarray, overlap: float = 0.0) -> Means:
    """The means of C scores over the seeds that have them: float [S, C], NaN where there is none.

    Intervals carry the noise of training and of the test samples, because seeds test other samples; `overlap` as in
    `differences.compared`.
    """
    known = ~np.isnan(scores)
    count = known.sum(0)
    several = np.maximum(count, 2)
    mean = np.where(count > 0, np.where(known, scores, 0).sum(0) / np.maximum(count, 1), np.nan)
    squares = np.where(known, scores - mean, 0) ** 2
    std = np.where(count > 1, np.sqrt(squares.sum(0) / (several - 1)), np.nan)
    half = np.array([*map(_quantile, several.tolist())]) * std * np.sqrt(1 / several + overlap)
    return Means(mean, std, mean - half, mean + half)


@cache
def _quantile(seeds: int) -> float:
    """The half width of the interval in standard errors: few numbers of seeds are asked for, each very often."""
    return float(t.isf(LEVEL / 2, seeds - 1))


def interval(scores: np.ndarray, overlap: float = 0.0) -> tuple[float, float]:
    """The interval of `means` of one score: float [S] -> (low, high). NaN for fewer than two seeds."""
    over_seeds = means(scores[:, None], overlap)
    return float(over_seeds.low[0]), float(over_seeds.high[0])
