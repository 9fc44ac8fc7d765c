"""Where one curve falls below another."""

from collections.abc import Sequence

import numpy as np


def falls_below(
    rates: Sequence[float], values: Sequence[float] | np.ndarray, floor: Sequence[float] | np.ndarray
) -> float | None:
    """The lowest rate at which a curve is below a floor's, between rates by straight lines; None if at none.

    Args:
        values, floor: scores at `rates`, which ascend.
    """
    gap = np.asarray(values, float) - np.asarray(floor, float)
    for i, margin in enumerate(gap):
        if margin < 0:
            if i == 0:
                return float(rates[0])
            return float(rates[i - 1] + (rates[i] - rates[i - 1]) * gap[i - 1] / (gap[i - 1] - margin))
    return None
