"""Encoded signals: what is kept of an encoder, what is hidden, and the tokens that are made of it."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from mora_bench.data.modalities import encoded
from mora_bench.data.modalities.encoded_tokens import EncodedTokens
from mora_bench.data.modalities.series import Series
from mora_bench.data.modalities.signal import SignalKind
from mora_bench.errors import UserError

NAN = np.nan
C, T, F, D = 2, 3, 4, 6


@dataclass(frozen=True)
class Ear(encoded.EncodingRule):
    """Tells parts of a signal by their mean, least, greatest, and by how many steps there are."""

    def key(self):
        return "ear"

    def encoded(self, series, sample):
        if len(series.values) < self.tokens:
            raise UserError(f"{sample} is too short.")
        features = np.zeros((C, self.tokens, self.width), np.float32)
        shares = np.zeros((C, self.tokens), np.float32)
        for part, values in enumerate(np.array_split(series.values, self.tokens)):
            shares[:, part] = np.isfinite(values).mean(0)
            filled = np.nan_to_num(values)
            told = np.stack([filled.mean(0), filled.min(0), filled.max(0), np.full(C, len(values))], 1)
            features[:, part] = told * (shares[:, part] > 0)[:, None]
        return features, shares


def series(steps, seed=0):
    return Series(np.random.default_rng(seed).normal(size=(steps, C)).astype(np.float32), 5.0, ("a", "b"))


def gapped(steps, *gaps, seed=0):
    """A series with gaps (channel, from, to)."""
    signal = series(steps, seed)
    for channel, begin, end in gaps:
        signal.values[begin:end, channel] = NAN
    return signal


def content(folder, values, rule=None):
    folder.mkdir(exist_ok=True)
    SignalKind().encode(values, [f"s{i}" for i in range(len(values))], rule or Ear(T, F), folder, 1)
    return SignalKind().open(folder)


SIGNALS = [None, gapped(9, (0, 0, 3), (1, 7, 9)), None, series(12, 1), series(3, 2)]


def test_what_was_written_is_read_again(tmp_path):
    stored = content(tmp_path, SIGNALS)
    assert stored.places.tolist() == [-1, 0, -1, 1, 2]
    for row in (1, 3, 4):
        features, shares = Ear(T, F).encoded(SIGNALS[row], "s")
        np.testing.assert_array_equal(stored.features[stored.places[row]], features)
        np.testing.assert_array_equal(stored.shares[stored.places[row]], shares)
    facts = stored.facts()
    assert (facts["rate (Hz)"], facts["channels"], facts["tokens a channel"]) == (5.0, ["a", "b"], T)
    assert facts["measured"] == pytest.approx((18 - 3 - 2) / 18 / 3 + 2 / 3)


def test_where_no_sample_has_a_signal_there_is_nothing(tmp_path):
    stored = content(tmp_path, [None, None])
    inputs = stored.collate(np.array([0, 1]), np.array([True, False]))
    assert inputs.features.shape == (2, 1, T, F)
    assert not inputs.shares.any()
    assert stored.facts()["measured"] == 0
    tokens, mask = EncodedTokens(stored, np.array([0, 1]), D)(inputs)
    assert tokens.isfinite().all()
    assert mask.tolist() == [[True, False, False]] * 2


def test_what_is_hidden_is_not_read(tmp_path):
    stored = content(tmp_path, SIGNALS)
    rows = np.array([4, 1, 0, 3])
    inputs = stored.collate(rows, np.array([True, False, True, True]))
    np.testing.assert_array_equal(inputs.features[0], stored.features[2])
    np.testing.assert_array_equal(inputs.shares[3], stored.shares[1])
    assert not inputs.features[1:3].any()
    assert not inputs.shares[1:3].any()


def test_noise_takes_the_place_of_the_rows_given_where_something_was_measured(tmp_path):
    stored = content(tmp_path, SIGNALS)
    noised = stored.noised(np.array([0, 1]), np.random.default_rng(0))
    measured = stored.shares[0] > 0
    assert not measured.all()
    assert (np.abs(noised.features[0][measured] - stored.features[0][measured]) > 1e-3).all()
    assert not noised.features[0][~measured].any()
    np.testing.assert_array_equal(noised.features[1:], stored.features[1:])


def test_a_signal_that_the_encoder_cannot_read_is_named(tmp_path):
    with pytest.raises(UserError, match="sample 's1': its signal is too short"):
        content(tmp_path, [series(5), series(2)])
    with pytest.raises(UserError, match="sample 's1': its signal has 9 Hz, and 5 in sample 's0'"):
        content(tmp_path, [series(5), Series(series(5).values, 9.0, ("a", "b"))])


def test_gaps_that_a_cell_takes_are_refused(tmp_path):
    stored = content(tmp_path, SIGNALS)
    with pytest.raises(UserError, match="reads every signal once, as it was measured"):
        stored.with_gaps(lambda row, values: values)


@pytest.mark.parametrize(
    ("rules", "kinds", "gaps", "expected"),
    [
        ({"signal": Ear(T, F)}, ("text", "signal"), None, ""),
        ({"signal": Ear(T, F)}, ("text",), None, "the dataset has none"),
        ({"signal": Ear(T, F)}, ("signal",), "block@0.5", "reads every signal once"),
        ({}, ("text",), "block@0.5", ""),
    ],
)
def test_why_an_encoder_does_not_fit(rules, kinds, gaps, expected):
    assert expected in (reason := encoded.unread(rules, kinds, gaps))
    assert bool(reason) == bool(expected)


@pytest.fixture
def net(tmp_path):
    torch.manual_seed(0)
    stored = content(tmp_path, SIGNALS)
    network = EncodedTokens(stored, np.array([1, 3]), D)
    torch.nn.init.normal_(network.rows)
    return stored, network


def test_scaling_sees_what_was_measured_of_the_rows_given(net):
    stored, network = net
    seen = np.concatenate([stored.features[place][stored.shares[place] > 0] for place in (0, 1)])
    np.testing.assert_allclose(network.mean, seen.mean(0), rtol=1e-6)
    np.testing.assert_allclose(network.deviation[:3], seen.std(0)[:3], rtol=1e-6)
    constant = EncodedTokens(stored, np.array([3]), D)
    assert constant.deviation[3] == 1


def test_tokens_and_gradients_are_those_of_the_formula(net):
    stored, network = net
    inputs = stored.collate(np.arange(5), np.array([True, True, True, True, False]))
    tokens, mask = network(inputs)
    assert tokens.shape == (5, C * T, D)
    expected_mask = [[True] + [False] * 5, [False, True, True, True, True, True], [True] + [False] * 5, [True] * 6]
    assert mask.tolist() == [*expected_mask, [True] + [False] * 5]
    weight, bias = (parameter.detach().clone().requires_grad_() for parameter in network.project.parameters())
    rows = network.rows.detach().clone().requires_grad_()
    total = torch.zeros(())
    for i in range(5):
        for channel in range(C):
            for part in range(T):
                if mask[i, channel * T + part]:
                    share = inputs.shares[i, channel, part]
                    x = (inputs.features[i, channel, part] - network.mean) / network.deviation * (share > 0)
                    expected = weight[:, :F] @ x + weight[:, F] * share + bias + rows[channel, part]
                    torch.testing.assert_close(tokens[i, channel * T + part], expected, rtol=0, atol=1e-5)
                    total = total + expected.pow(2).sum()
    total.backward()
    tokens[mask].pow(2).sum().backward()
    ours = [*network.project.parameters(), network.rows]
    for parameter, expected in zip(ours, (weight, bias, rows), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad, rtol=1e-5, atol=1e-5)


def test_half_a_gap_is_neither_a_whole_signal_nor_none(net):
    _, network = net
    features = torch.ones(2, C, T, F)
    shares = torch.ones(2, C, T)
    shares[1, 0, 0] = 0.5
    tokens, mask = network(encoded.EncodedInputs(features, shares))
    assert mask.all()
    assert (tokens[0, 0] - tokens[1, 0]).abs().max() > 1e-3
    torch.testing.assert_close(tokens[0, 1:], tokens[1, 1:])
