"""Signals: what is stored, what is hidden, and the tokens that are made of them."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.data.modalities.series import Series
from mora_bench.data.modalities.signal import SignalInputs, SignalKind
from mora_bench.data.modalities.windows import FRAMES, TOKENS, Windows
from mora_bench.errors import UserError

NAN = np.nan
RATE = 100.0


def series(values, rate=RATE, channels=("a", "b")):
    return Series(np.asarray(values, np.float32), rate, channels)


def drawn(steps, gaps=0.0, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(steps, channels)).astype(np.float32)
    values[rng.random(values.shape) < gaps] = NAN
    return series(values, channels=tuple("abcdefgh"[:channels]))


def content(folder, values):
    folder.mkdir(exist_ok=True)
    SignalKind().encode(values, [f"s{i}" for i in range(len(values))], None, folder, 1)
    return SignalKind().open(folder)


def test_what_was_written_is_read_again_gaps_and_all(tmp_path):
    values = [drawn(7, 0.3), None, drawn(3, seed=1)]
    stored = content(tmp_path, values)
    np.testing.assert_array_equal(stored.series(0), values[0].values)
    np.testing.assert_array_equal(stored.series(2), values[2].values)
    assert stored.series(1).shape == (0, 2)
    facts = stored.facts()
    assert facts["rate (Hz)"] == RATE
    assert facts["channels"] == ["a", "b"]
    assert facts["seconds"] == [0.03, 0.07]
    measured = np.isfinite(np.concatenate([values[0].values, values[2].values])).mean()
    assert facts["measured"] == pytest.approx(measured)


def test_what_is_hidden_is_not_read_not_even_its_length(tmp_path):
    stored = content(tmp_path, [drawn(7), drawn(3, seed=1)])
    inputs = stored.collate(np.array([0, 1]), np.array([False, True]))
    assert inputs.steps.tolist() == [0, 3]
    assert inputs.values.shape == (2, 3, 2)
    assert inputs.values[0].isnan().all()
    nothing = stored.collate(np.array([0, 1]), np.array([False, False]))
    assert nothing.values.shape == (2, 1, 2)
    assert nothing.steps.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], r"has values float32 \[2\]; expected a NumPy array of numbers \[T, C\]"),
        (np.zeros((0, 2)), r"has values float32 \[0, 2\]"),
        ([[1.0, np.inf]], "holds infinity, or a number that float32 does not have, in b at step 0"),
    ],
)
def test_what_is_no_series_is_named(values, message):
    problem = SignalKind().problem(series(values))
    assert problem is not None
    assert re.search(message, problem)


def test_rates_and_names_are_checked():
    kind = SignalKind()
    assert "has a rate of 0 Hz" in str(kind.problem(series([[1.0, 2.0]], rate=0)))
    assert "expected 2 names, each once" in str(kind.problem(series([[1.0, 2.0]], channels=("a", "a"))))
    assert "expected a Series, or what has read()" in str(kind.problem([1.0]))
    assert kind.problem(drawn(3)) is None


def test_a_series_in_which_nothing_was_measured_is_natures_absence(tmp_path):
    empty = series([[NAN, NAN]])
    assert not SignalKind().exists(empty)
    assert content(tmp_path, [empty, drawn(3)]).bounds.tolist() == [0, 0, 3]


class Lazy:
    """What a file would be."""

    def __init__(self, signal):
        self.signal = signal

    def read(self):
        return self.signal

    def fingerprint(self):
        return self.signal.fingerprint()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (series([[1.0, 2.0]], rate=50), "sample 's1': its signal has 50 Hz, and 100 in sample 's0'. Resample"),
        (series([[1.0, 2.0]], channels=("b", "a")), r"has the channels \['b', 'a'\], and \['a', 'b'\] in sample 's0'"),
        (
            Series(np.ones((1, 2)), RATE, ("a", "b"), ("", "mmHg")),
            "the channel 'b' in 'mmHg', and no unit in sample 's0'",
        ),
        (
            Series(np.ones((1, 2)), RATE, ("a", "b"), ("mV",)),
            r"and units \['mV'\]; expected 2 names, each once, and as many units",
        ),
        (Lazy(series([[NAN, NAN]])), "has no measured value; say that the sample has none"),
        (Lazy("text"), "is read as str; expected a Series"),
    ],
)
def test_all_of_a_data_set_are_alike(tmp_path, other, message):
    with pytest.raises(UserError, match=message):
        content(tmp_path, [drawn(3), other])


def test_a_fingerprint_sees_values_gaps_rate_channels_and_units():
    kind = SignalKind()
    first = drawn(5)
    gap = series(np.where(np.arange(10).reshape(5, 2) == 3, NAN, first.values))
    others = [gap, series(first.values, rate=99), series(first.values, channels=("a", "c")), drawn(5, seed=1), None]
    others += [Series(first.values, RATE, ("a", "b"), units) for units in (("mV", ""), ("mV", "mV"))]
    prints = [b"".join(kind.contents([value], None)) for value in (first, *others)]
    assert len(set(prints)) == len(prints)
    assert b"".join(kind.contents([series(first.values.copy())], None)) == prints[0]


@pytest.fixture
def windows():
    torch.manual_seed(0)
    return lambda values, channels=2: Windows([signal.values for signal in values], channels, 12)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4), st.sampled_from([0.0, 0.4, 1.0]))
def test_a_sample_does_not_depend_on_its_batch(tmp_path_factory, lengths, gaps):
    # One channel is never in a gap, so that each sample has something.
    values = [drawn(n, gaps, seed=n) for n in lengths]
    for signal in values:
        signal.values[:, 0] = np.arange(len(signal.values))
    torch.manual_seed(0)
    net = Windows([signal.values for signal in values[:1]], 2, 12)
    stored = content(tmp_path_factory.mktemp("signals"), values)
    rows, present = np.arange(len(values)), np.arange(len(values)) != 1
    tokens, mask = net(stored.collate(rows, present))
    for i in rows:
        alone, alone_mask = net(stored.collate(rows[[i]], present[[i]]))
        assert torch.equal(alone_mask[0], mask[i])
        torch.testing.assert_close(alone[0][alone_mask[0]], tokens[i][alone_mask[0]], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 5, 16, 17, 100, 1000, 5000])
def test_windows_are_few_and_cover_the_longest_series(windows, steps):
    net = windows([drawn(steps)])
    assert 1 <= net.windows <= TOKENS
    assert net.frames < 2 * FRAMES
    assert net.windows * net.frames * net.stride >= steps > (net.windows - 1) * net.frames * net.stride


def inputs_of(*values):
    longest = max(len(array) for array in values)
    padded = [np.concatenate([array, np.full((longest - len(array), array.shape[1]), NAN)]) for array in values]
    return SignalInputs(torch.tensor(np.stack(padded), dtype=torch.float32), torch.tensor([len(v) for v in values]))


def test_a_window_in_which_nothing_was_measured_has_no_token(windows):
    values = drawn(32).values
    values[8:16] = NAN
    net = windows([drawn(32)])
    assert (net.stride, net.frames, net.windows) == (1, 2, 16)
    _, mask = net(inputs_of(values))
    assert mask[0].tolist() == [True] + [True] * 4 + [False] * 4 + [True] * 8


def test_a_value_in_a_gap_is_neither_zero_nor_the_mean(windows):
    first = drawn(32).values
    net = windows([drawn(32)])
    gap, mean, zero = first.copy(), first.copy(), first.copy()
    gap[4, 0], mean[4, 0], zero[4, 0] = NAN, net.mean[0], 0
    tokens, _ = net(inputs_of(first, gap, mean, zero))
    for one in range(4):
        for other in range(one):
            assert (tokens[one] - tokens[other]).abs().max() > 1e-4


def test_time_since_last_measured_is_in_windows_and_begins_anew(windows):
    net = windows([drawn(32)])
    seen = torch.tensor([[True], [False], [False], [True], [False]])[None]
    since = net._since(seen, torch.arange(5))
    assert since[0, :, 0].tolist() == [0, 0.5, 1.0, 0, 0.5]


def test_scaling_is_that_of_the_rows_given_over_what_was_measured():
    rows = [np.array([[1.0, 5.0], [NAN, 5.0]]), np.array([[3.0, NAN]])]
    net = Windows(rows, 2, 4)
    assert net.mean.tolist() == [2.0, 5.0]
    assert net.deviation.tolist() == [1.0, 1.0]
    large = [np.array([[1e6], [1e6 + 1]])]
    assert Windows(large, 1, 4).deviation.tolist() == [0.5]


def test_the_sample_without_a_signal_has_one_token_and_finite_gradients(windows):
    net = windows([drawn(32)])
    tokens, mask = net(inputs_of(np.zeros((0, 2)), drawn(5).values))
    assert mask[0].tolist() == [True] + [False] * 16
    tokens[mask].sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in net.parameters())


def test_what_comes_after_the_longest_training_series_counts_to_the_last_window(windows):
    net = windows([drawn(32)])
    longer = drawn(40).values
    cut, _ = net(inputs_of(longer[:32]))
    tokens, mask = net(inputs_of(longer))
    assert mask.shape == (1, 17)
    # Convolutions reach three steps on; the window before the last ends two steps before the cut.
    torch.testing.assert_close(tokens[:, 1:15], cut[:, 1:15])
    assert (tokens[:, 16] - cut[:, 16]).abs().max() > 1e-4


def test_a_summary_is_how_much_a_signal_varies():
    assert SignalKind().summary(series([[1.0, 0.0], [3.0, NAN], [NAN, 4.0]])) == pytest.approx((1 + 2) / 2)
