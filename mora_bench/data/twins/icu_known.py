"""What can be known of the ICU twin: exact posteriors of a reader who misses nothing that a modality tells.

Conditions are independent, and so is what tells of them. So the posterior of each condition is a product over
modalities, and what is asked of all of them (a grade, a cause, a survival) is computed from these eight numbers.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from mora_bench.data.twins.ceilings import Known
from mora_bench.data.twins.icu_patients import CONDITIONS, FALSE, HAZARD, MODALITIES, UNMEASURED, Stay, shares


@lru_cache(maxsize=16)
def known(*present: bool) -> tuple[Known, ...]:
    """The distribution of what film, note, record and vital signs, where present, let one know of each condition."""
    found = []
    for condition in CONDITIONS.values():
        told = []
        for name, share, there in zip(MODALITIES, shares(condition), present, strict=True):
            seen = 1.0 if name in ("film", "note") else 1 - UNMEASURED
            both = [(seen * share, seen * FALSE), (seen * (1 - share), seen * (1 - FALSE)), (1 - seen, 1 - seen)]
            told.append(both if there else [(1.0, 1.0)])
        outcomes = [np.prod(each, axis=0) for each in product(*told)]
        yes, no = condition.rate * np.array(outcomes)[:, 0], (1 - condition.rate) * np.array(outcomes)[:, 1]
        mass = yes + no
        keep = mass > 0
        found.append(Known(yes[keep] / mass[keep], mass[keep], yes[keep]))
    return tuple(found)


def posteriors(patients: Stay, present: np.ndarray) -> np.ndarray:
    """The probability of each condition of each of n patients, float [n, 8], for a reader of the modalities `present`,
    bool [n, 4]."""
    told, seen = patients.told, patients.measured & present[:, None]
    share = np.stack([shares(condition) for condition in CONDITIONS.values()])
    yes = np.where(seen, np.where(told, share, 1 - share), 1).prod(2)
    no = np.where(seen, np.where(told, FALSE, 1 - FALSE), 1).prod(2)
    rate = np.array([condition.rate for condition in CONDITIONS.values()])
    return rate * yes / (rate * yes + (1 - rate) * no)


def grades(chances: np.ndarray, most: int) -> np.ndarray:
    """The probabilities of having 0, 1, ..., `most` conditions or more, float [n, most + 1]."""
    found = np.zeros((len(chances), chances.shape[1] + 1))
    found[:, 0] = 1
    for own in chances.T:
        found[:, 1:] = found[:, 1:] * (1 - own[:, None]) + found[:, :-1] * own[:, None]
        found[:, 0] *= 1 - own
    return np.concatenate([found[:, :most], found[:, most:].sum(1, keepdims=True)], 1)


def causes(chances: np.ndarray) -> np.ndarray:
    """The probabilities that each condition is the first that a patient has, and that there is none, float [n, 9]."""
    free = np.cumprod(1 - chances, axis=1)
    before = np.pad(free[:, :-1], ((0, 0), (1, 0)), constant_values=1)
    return np.concatenate([chances * before, free[:, -1:]], 1)


def deaths(chances: np.ndarray, horizons: Sequence[float]) -> np.ndarray:
    """The probabilities of death by each horizon, in days, float [n, H]."""
    which = np.array(list(product([0, 1], repeat=chances.shape[1])))
    weight = np.ones((len(chances), len(which)))
    for own, there in zip(chances.T, which.T, strict=True):
        weight *= np.where(there, own[:, None], 1 - own[:, None])
    risks = np.array([condition.risk for condition in CONDITIONS.values()])
    hazard = HAZARD * np.exp(which @ risks)
    # Times are written down in tenths of a day, rounded up, so that deaths by a horizon stay the same.
    return np.stack([weight @ -np.expm1(-hazard * horizon) for horizon in horizons], 1)
