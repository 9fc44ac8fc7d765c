"""Shapley values: closed forms, and the properties that define them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mora_bench.statistics.shapley import shapley


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Both parts are needed, or either is enough: they share it. One alone does, and the other undoes it: nothing.
        ([0, 0, 0, 1], [0.5, 0.5]),
        ([0, 1, 1, 1], [0.5, 0.5]),
        ([0, 1, 1, 0], [0.0, 0.0]),
        # The second part adds nothing to anything.
        ([0.2, 0.9, 0.2, 0.9], [0.7, 0.0]),
        # Three parts, all needed; the glove game: one left glove (part 0), two right ones.
        ([0] * 7 + [1], [1 / 3] * 3),
        ([0, 0, 0, 1, 0, 1, 0, 1], [2 / 3, 1 / 6, 1 / 6]),
    ],
)
def test_closed_forms(values, expected):
    assert shapley(np.array(values, float)) == pytest.approx(expected)


@given(st.integers(1, 4).flatmap(lambda m: arrays(float, (1 << m, 2), elements=st.floats(-10, 10))))
def test_it_is_the_mean_over_orders_and_adds_up(values):
    contributions, parts = shapley(values), len(values).bit_length() - 1
    orders = list(itertools.permutations(range(parts)))
    by_hand = np.zeros((parts, 2))
    for order in orders:
        coalition = 0
        for part in order:
            by_hand[part] += values[coalition | 1 << part] - values[coalition]
            coalition |= 1 << part
    assert contributions == pytest.approx(by_hand / len(orders), abs=1e-9)
    assert contributions.sum(0) == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_values_of_some_sets_alone_are_refused():
    with pytest.raises(ValueError, match="3 values"):
        shapley(np.zeros(3))
