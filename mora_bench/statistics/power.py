"""The smallest difference that a comparison could detect."""

from functools import lru_cache

from scipy.optimize import brentq
from scipy.stats import nct, t

LEVEL, POWER = 0.05, 0.8


@lru_cache(maxsize=1024)
def smallest(freedom: float, tests: int, level: float = LEVEL, power: float = POWER) -> float:
    """The true difference, in standard errors, that a two-sided t test tells from 0 with the given power.

    `tests` is how many tests Holm's correction is for; the difference has to pass its first and hardest step.
    """
    limit = t.isf(level / tests / 2, freedom)

    def seen(difference: float) -> float:
        return nct.sf(limit, freedom, difference) - power

    high = 2 * limit + 4
    while seen(high) < 0:
        high *= 2
    return float(brentq(seen, 0, high, xtol=1e-4))
