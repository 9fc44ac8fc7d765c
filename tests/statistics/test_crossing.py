"""Where one curve falls below another."""

import pytest

from mora_bench.statistics.crossing import falls_below

RATES = [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("values", "floor", "expected"),
    [
        ([0.8, 0.6, 0.4], [0.5, 0.5, 0.5], 0.75),
        ([0.4, 0.6, 0.4], [0.5, 0.5, 0.5], 0.0),
        ([0.8, 0.7, 0.6], [0.5, 0.5, 0.5], None),
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], None),
        ([0.8, 0.2, 0.9], [0.5, 0.5, 0.5], 0.25),
    ],
)
def test_the_lowest_rate_at_which_a_curve_is_below(values, floor, expected):
    rate = falls_below(RATES, values, floor)
    assert rate == (None if expected is None else pytest.approx(expected))
