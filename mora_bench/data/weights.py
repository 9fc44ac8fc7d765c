"""Weights of samples in training."""

import numpy as np


def effective_size(weights: np.ndarray) -> float:
    """How many samples of equal weight would tell as much as n of the weights, float [n] (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def resampled(weights: np.ndarray, start: float) -> np.ndarray:
    """The positions, int [n], of n samples drawn in proportion to weights, float [n], in order; `start`, in 0..1, is
    drawn by the caller.

    Systematic resampling (Kitagawa 1996): who is to be drawn x times is drawn so often, rounded up or down, so equal
    weights draw each once, where drawing each time anew would leave a third out.
    """
    n = len(weights)
    ends = np.cumsum(weights) * (n / weights.sum())
    return np.searchsorted(ends, np.arange(n) + start, side="right").clip(max=n - 1)
