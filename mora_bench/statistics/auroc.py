"""The area under a ROC curve where samples come in clusters, such as the visits of a patient, and its interval."""

from statistics import NormalDist

import numpy as np
from scipy.stats import rankdata

#: Of few positives the variance is estimated too small too often; it is not believed below this share of its bound.
LEAST_OF_BOUND = 0.25


def auroc(scores: np.ndarray, positive: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """The area, and how many independent draws of a share are as precise.

    The variance is Obuchowski's for clustered data (Biometrics 53 (1997) 567-578); it is at most area * (1 - area) / k,
    with k the smaller one of the numbers of clusters that hold a positive and a negative (Birnbaum and Klose 1957).

    Args:
        scores: float [n]; positive: bool [n], some True and some False; clusters: whose sample it is, int [n].
    """
    ranks = rankdata(scores)
    above = np.empty(len(scores))
    above[positive] = (ranks[positive] - rankdata(scores[positive])) / (~positive).sum()
    above[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / positive.sum()
    area = float(above[positive].mean())
    _, owner = np.unique(clusters, return_inverse=True)
    count, sums, spread = [], [], []
    for side in (positive, ~positive):
        size = np.bincount(owner[side], minlength=owner.max() + 1)
        parts = np.bincount(owner[side], above[side], owner.max() + 1) - size * area
        holders = int((size > 0).sum())
        count.append(holders)
        sums.append(parts / side.sum())
        spread.append(holders / max(holders - 1, 1) * float((sums[-1] ** 2).sum()))
    both = owner.max() + 1
    variance = sum(spread) + 2 * both / max(both - 1, 1) * float((sums[0] * sums[1]).sum())
    fewest = min(count)
    exact = area * (1 - area)
    # An area of 1 has no spread, whatever the samples.
    draws = exact / variance if variance > 0 and exact > 0 else fewest
    return area, float(np.clip(draws, fewest, fewest / LEAST_OF_BOUND))


def interval(share: float, draws: float, level: float) -> tuple[float, float]:
    """Wilson's interval of a share (JASA 22 (1927) 209-212) of so many draws; it fails on either side with a
    chance of `level` at most."""
    z = -NormalDist().inv_cdf(level)
    middle = (share + z * z / (2 * draws)) / (1 + z * z / draws)
    half = z / (1 + z * z / draws) * (share * (1 - share) / draws + z * z / (4 * draws * draws)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def exceeds(share: float, draws: float, bound: float) -> float:
    """p-value of "the true share is at most `bound`": below a level exactly where the interval of that level lies above
    the bound."""
    return 1 - NormalDist().cdf((share - bound) / (bound * (1 - bound) / draws) ** 0.5)
