"""Shapley values: what each of M parts adds to a score, on average over all orders in which they may come."""

from math import comb

import numpy as np


def shapley(values: np.ndarray) -> np.ndarray:
    """The exact Shapley value of each part: float [2^M, ...] -> [M, ...].

    `values` are those of every set of parts; a set's number is the sum of 2^m over its parts, nothing is 0. A part's
    value is the mean over orders of what it adds to those before it, so that all add up to `values[-1] - values[0]`.
    Source: Shapley, A value for n-person games, Contributions to the Theory of Games II (1953) 307-317.

    Raises:
        ValueError: the number of values is no power of two.
    """
    parts = len(values).bit_length() - 1
    if len(values) != 1 << parts:
        raise ValueError(f"{len(values)} values are not those of every set of some parts")
    codes = np.arange(len(values))
    sizes = np.array([code.bit_count() for code in range(len(values))])
    contributions = []
    for part in range(parts):
        without = codes[(codes >> part) & 1 == 0]
        # Of all orders, so many have exactly these parts before this one.
        weights = np.array([1 / (parts * comb(parts - 1, size)) for size in sizes[without]])
        contributions.append(np.tensordot(weights, values[without | (1 << part)] - values[without], 1))
    return np.array(contributions)
