"""Variances from few seeds, steadied by each other (empirical Bayes)."""

import numpy as np
from scipy.special import digamma, polygamma


def steadied(variances: np.ndarray, freedom: int, most: float) -> tuple[np.ndarray, float]:
    """Each sample variance drawn towards what all of them say, as far as they agree.

    Three seeds give a variance two degrees of freedom; a t test on it sees almost nothing. The variances of many
    differences of the same section are alike, and how alike they are is estimated: s_p^2 is the mean of a prior and the
    own variance, weighted by their degrees of freedom. Source: Smyth, Linear models and empirical Bayes methods,
    Stat. Appl. Genet. Mol. Biol. 3 (2004), section 6.2.

    Smyth's variances are independent. Those of pairs share rows, which makes them look more alike than they are, so
    the prior's degrees of freedom are halved; tests/statistics simulates that the level is then kept.

    Args:
        variances: float [P], unbiased, each with `freedom` degrees of freedom; those that are 0 are not learned from.
        most: the most degrees of freedom that the result may claim.

    Returns:
        The steadied variances [P] and their degrees of freedom.
    """
    known = variances[variances > 0]
    if len(known) < 2:
        return variances, float(freedom)
    logs = np.log(known) - digamma(freedom / 2) + np.log(freedom / 2)
    beyond_chance = logs.var(ddof=1) - polygamma(1, freedom / 2)
    center = logs.mean()
    if beyond_chance > 0:
        whole = 2 * _inverse_trigamma(beyond_chance)
        center += digamma(whole / 2) - np.log(whole / 2)
    else:
        whole = np.inf
    prior = min(whole / 2, max(most - freedom, 0))
    return (prior * np.exp(center) + freedom * variances) / (prior + freedom), prior + freedom


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value, by Newton's method on 1 / trigamma, which is nearly linear."""
    x = 0.5 + 1 / value
    for _ in range(100):
        found = polygamma(1, x)
        step = found * (1 - found / value) / polygamma(2, x)
        x += step
        if abs(step) < 1e-10 * x:
            break
    return float(x)
