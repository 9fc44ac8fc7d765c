"""The ceilings of the ICU twin: exact posteriors of a reader who misses nothing that a modality tells.

Conditions are independent, and so is what tells of them. So the posterior of each condition is a product over
modalities, and what is asked of all of them (a grade, a cause, a survival) is computed from these eight numbers.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from mora_bench.data.twins.ceilings import Posterior
from mora_bench.data.twins.icu_patients import CONDITIONS, FALSE, HAZARD, MODALITIES, UNMEASURED, Stay, shares


@lru_cache(maxsize=16)
def known(*present: bool) -> tuple[Posterior, ...]:
    """The distribution of what film, note, record and vital signs, where present, let one know of each condition."""
    distributions = []
    for condition in CONDITIONS.values():
        likelihoods = []
        for name, share, shown in zip(MODALITIES, shares(condition), present, strict=True):
            seen = 1.0 if name in ("film", "note") else 1 - UNMEASURED
            both = [(seen * share, seen * FALSE), (seen * (1 - share), seen * (1 - FALSE)), (1 - seen, 1 - seen)]
            likelihoods.append(both if shown else [(1.0, 1.0)])
        outcomes = [np.prod(combination, axis=0) for combination in product(*likelihoods)]
        yes, no = condition.rate * np.array(outcomes)[:, 0], (1 - condition.rate) * np.array(outcomes)[:, 1]
        mass = yes + no
        keep = mass > 0
        distributions.append(Posterior(yes[keep] / mass[keep], mass[keep], yes[keep]))
    return tuple(distributions)


def posteriors(patients: Stay, present: np.ndarray) -> np.ndarray:
    """The probability of each condition of each of n patients, float [n, 8], for a reader of the modalities `present`,
    bool [n, 4]."""
    tells, seen = patients.tells, patients.measured & present[:, None]
    share = np.stack([shares(condition) for condition in CONDITIONS.values()])
    yes = np.where(seen, np.where(tells, share, 1 - share), 1).prod(2)
    no = np.where(seen, np.where(tells, FALSE, 1 - FALSE), 1).prod(2)
    rate = np.array([condition.rate for condition in CONDITIONS.values()])
    return rate * yes / (rate * yes + (1 - rate) * no)


def grades(chances: np.ndarray, most: int) -> np.ndarray:
    """The probabilities of having 0, 1, ..., `most` conditions or more, float [n, most + 1]."""
    probabilities = np.zeros((len(chances), chances.shape[1] + 1))
    probabilities[:, 0] = 1
    for chance in chances.T:
        probabilities[:, 1:] = probabilities[:, 1:] * (1 - chance[:, None]) + probabilities[:, :-1] * chance[:, None]
        probabilities[:, 0] *= 1 - chance
    return np.concatenate([probabilities[:, :most], probabilities[:, most:].sum(1, keepdims=True)], 1)


def causes(chances: np.ndarray) -> np.ndarray:
    """The probabilities that each condition is the first that a patient has, and that there is none, float [n, 9]."""
    free = np.cumprod(1 - chances, axis=1)
    before = np.pad(free[:, :-1], ((0, 0), (1, 0)), constant_values=1)
    return np.concatenate([chances * before, free[:, -1:]], 1)


def deaths(chances: np.ndarray, horizons: Sequence[float]) -> np.ndarray:
    """The probabilities of death by each horizon, in days, float [n, H]."""
    which = np.array(list(product([0, 1], repeat=chances.shape[1])))
    weight = np.ones((len(chances), len(which)))
    for chance, has in zip(chances.T, which.T, strict=True):
        weight *= np.where(has, chance[:, None], 1 - chance[:, None])
    risks = np.array([condition.risk for condition in CONDITIONS.values()])
    hazard = HAZARD * np.exp(which @ risks)
    # Times are written down in tenths of a day, rounded up, so that deaths by a horizon stay the same.
    return np.stack([weight @ -np.expm1(-hazard * horizon) for horizon in horizons], 1)
