"""Weights of samples in training."""

import numpy as np


def effective_size(weights: np.ndarray) -> float:
    """How many samples of equal weight would tell as much as n of the weights, float [n] (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())
