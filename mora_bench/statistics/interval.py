"""The interval of a mean over seeds."""

import numpy as np
from scipy.stats import t

from mora_bench.statistics.power import LEVEL


def interval(scores: np.ndarray, overlap: float = 0.0) -> tuple[float, float]:
    """A 95 % t interval of the mean over draws of split, mask, start and order: float [S] -> (low, high).

    It carries the noise of training and of the test samples, because seeds test other samples; `overlap` as in
    `differences.compared`. NaN for fewer than two seeds.
    """
    seeds = len(scores)
    if seeds < 2:
        return float("nan"), float("nan")
    half = t.isf(LEVEL / 2, seeds - 1) * scores.std(ddof=1) * np.sqrt(1 / seeds + overlap)
    return float(scores.mean() - half), float(scores.mean() + half)
