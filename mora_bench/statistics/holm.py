"""Holm's correction for many tests."""

import numpy as np


def adjusted(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values, in the order given: float [m] -> [m].

    A hypothesis is refused at level a where its adjusted value is below a; the chance that any true one is refused is
    then at most a, whatever the dependence. Source: Holm, A simple sequentially rejective multiple test procedure,
    Scand. J. Statist. 6 (1979) 65-70.
    """
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1, np.arange(len(p), 0, -1) * p[order])
    found = np.empty(len(p))
    found[order] = np.maximum.accumulate(steps)
    return found
