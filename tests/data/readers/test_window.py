"""From measured values to grey levels: windows, and the range of values where no window is given."""

import numpy as np
import pytest

from mora_bench.data.readers.window import PART, Window, any_finite, between, grey, spread


def test_a_window_is_dicoms_linear_function():
    # PS3.3, C.11.2.1.2.1: the window [c - 0.5 - (w-1)/2, c - 0.5 + (w-1)/2] becomes all grey levels.
    values = np.array([[-10.0, 0.0, 50.0, 100.0, 110.0, np.nan]])
    assert grey(values, Window(50.5, 101))[0, :, 0].tolist() == [0, 0, 128, 255, 255, 0]
    assert grey(values, None)[0, :, 0].tolist() == [0, 21, 128, 234, 255, 0]
    assert grey(np.full((2, 2), 7.0), None).max() == 0


def test_a_window_of_fractions_is_as_wide_as_it_says():
    values = np.linspace(0, 1, 256)[None]
    assert grey(values, Window(0.5, 1), exact=True)[0, :, 0].tolist() == list(range(256))
    # A width that LINEAR does not allow.
    assert grey(values, Window(0.25, 0.5))[0, [0, 64, 128, 255], 0].tolist() == [0, 128, 255, 255]
    assert grey(values, Window(1, 2), exact=True)[0, [0, 255], 0].tolist() == [0, 128]
    assert grey(np.array([[np.inf, 1.0]]), Window(0.5, 1), exact=True)[0, :, 0].tolist() == [0, 255]


def test_a_window_of_one_whole_value_is_a_step():
    # PS3.3, C.11.2.1.2.1: what is not above c - 0.5 is black, all else white.
    assert grey(np.array([[-1, 0, 1, 2]]), Window(0.5, 1))[0, :, 0].tolist() == [0, 0, 255, 255]


def test_one_hot_value_does_not_blacken_the_others_at_either_end():
    ramp = np.arange(10_000.0).reshape(100, 100)
    for odd in (1e6, -1e6):
        values = np.where(ramp == 5000, odd, ramp)
        # By hand: the ends are the shares of 0.1 % at that end, and the least or greatest at the other one.
        low, high = spread(values)
        assert abs(low) <= 11
        assert 9988 <= high <= 9999
        assert abs(grey(values, None)[..., 0].mean() - 127.5) < 1
    assert spread(ramp) == (0, 9999)


@pytest.mark.parametrize("side", [8, 10, 16])
def test_one_hot_value_does_not_blacken_a_small_picture_either(side):
    values = np.arange(side * side, dtype=np.float64).reshape(side, side)
    values[1, 1] = 1e6
    assert spread(values) == (0, side * side - 1)
    values[1, 1] = -1e6
    assert spread(values) == (0, side * side - 1)
    assert spread(values[:2, :4]) == (-1e6, 1 * side + 3)


def test_a_mask_and_what_is_nearly_everywhere_the_same_keep_their_few_values():
    mask = np.zeros((100, 100), np.uint8)
    mask[0, :2] = 1, 4
    assert spread(mask) == (0, 4)
    assert spread(mask.astype(np.float64)) == (0, 4)
    assert spread(mask * 1e5) == (0, 4e5)


def test_values_that_are_no_numbers_are_black_and_change_no_other():
    values = np.array([[0.0, 100, 50, np.nan, np.inf, -np.inf]])
    assert spread(values) == (0, 100)
    assert grey(values, None)[0, :, 0].tolist() == [0, 255, 128, 0, 0, 0]
    assert grey(np.full((2, 2), np.nan), None).max() == 0
    assert grey(np.array([[-1.7e308, 0, 1.7e308]]), None)[0, :, 0].tolist() == [0, 128, 255]


def test_between_two_values_all_grey_levels_are_used():
    assert between(np.array([[0.0, 1, 2, 3, 4]]), 1, 3)[0, :, 0].tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("order", ["C", "F"])
def test_one_finite_value_is_enough_wherever_it_stands(order):
    values = np.full((3, 7, PART // 8), np.nan, order=order)
    values[0, 0] = np.inf
    assert not any_finite(values)
    for at in ((0, 0, 0), (1, 3, 5), (2, 6, -1)):
        one = values.copy(order="K")
        one[at] = 0
        assert any_finite(one)
    assert any_finite(np.zeros((2, 2), np.int16))
    assert any_finite(np.zeros((2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")]))
