"""Holm's correction for many tests."""

import numpy as np


def adjusted(p: np.ndarray, least: int = 1) -> np.ndarray:
    """Holm's adjusted p-values, in the order given: float [..., m] -> [..., m], m tests a family.

    A hypothesis is refused at level a where its adjusted value is below a; the chance that any true one is refused is
    then at most a, whatever the dependence, if each p-value alone holds its level. Source: Holm, A simple sequentially
    rejective multiple test procedure, Scand. J. Statist. 6 (1979) 65-70.

    `least`: no test is corrected for fewer than so many (of m), although others were refused before it.
    """
    order = np.argsort(p, axis=-1, kind="stable")
    tests = p.shape[-1]
    left = np.maximum(np.arange(tests, 0, -1), min(least, tests))
    steps = np.minimum(1, left * np.take_along_axis(p, order, -1))
    corrected = np.empty(p.shape)
    np.put_along_axis(corrected, order, np.maximum.accumulate(steps, -1), -1)
    return corrected
