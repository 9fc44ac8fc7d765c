"""A backbone beside a frozen encoder of signals: its name, what is pooled, gaps, and rates."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import tiny_sounds
from transformers import AutoFeatureExtractor, AutoModel

from mora_bench.backbones import load, sounds
from mora_bench.backbones.sounds import SoundRule
from mora_bench.data.modalities.series import Series
from mora_bench.errors import UserError

NAN = np.nan
RATE = 10


@pytest.fixture(scope="module")
def ears(tmp_path_factory):
    """An encoder at 10 Hz, which reads 300 samples at once."""
    return tiny_sounds(tmp_path_factory.mktemp("ears"), RATE)


def rule_of(folder, tokens=4) -> SoundRule:
    rule = load.resolve(f"small+signal:{folder},{tokens}", 64).rules["signal"]
    assert isinstance(rule, SoundRule)
    return rule


def sound(count, channels=1, seed=0):
    return (2 + 5 * np.random.default_rng(seed).normal(size=(count, channels))).astype(np.float32)


def series(values, rate=RATE):
    return Series(values, rate, tuple("abcdefgh"[: values.shape[1]]))


def frames_by_transformers(folder, samples):
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    inputs = extractor(samples.astype(np.float32), sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        return AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0].numpy()


@pytest.mark.parametrize("count", [19, 43, 300])
def test_tokens_are_means_of_frames_of_parts_alike_in_length(ears, count):
    values = sound(count, channels=2)
    features, shares = rule_of(ears).encoded(series(values), "s")
    assert (features.shape, features.dtype, shares.tolist()) == ((2, 4, 16), np.float32, [[1] * 4] * 2)
    for channel in range(2):
        frames = frames_by_transformers(ears, values[:, channel])
        assert len(frames) == (count - 3) // 2
        begins = [-(-token * len(frames) // 4) for token in range(5)]
        expected = [frames[begin:end].mean(0) for begin, end in pairwise(begins)]
        np.testing.assert_allclose(features[channel], expected, rtol=0, atol=1e-5)
    assert np.array_equal(rule_of(ears).encoded(series(values), "s")[0], features)


def test_a_channel_is_read_alone(ears):
    values = sound(50, channels=2)
    both, _ = rule_of(ears).encoded(series(values), "s")
    for channel in range(2):
        alone, _ = rule_of(ears).encoded(series(values[:, [channel]]), "s")
        assert np.array_equal(alone[0], both[channel])


def test_fewer_frames_than_tokens_leave_parts_without_a_token(ears):
    values = sound(7)
    frames = frames_by_transformers(ears, values[:, 0])
    assert len(frames) == 2
    features, shares = rule_of(ears).encoded(series(values), "s")
    assert shares.tolist() == [[1, 0, 1, 0]]
    np.testing.assert_allclose(features[0, [0, 2]], frames, rtol=0, atol=1e-5)
    assert not features[0, [1, 3]].any()


def test_gaps_are_bridged_by_lines_and_known_by_their_share(ears):
    values = sound(83)
    gapped = values.copy()
    gapped[:42], gapped[60:70] = NAN, NAN
    bridged = gapped.copy()
    bridged[:42] = gapped[42]
    bridged[59:71, 0] = np.linspace(gapped[59, 0], gapped[70, 0], 12)
    features, shares = rule_of(ears).encoded(series(gapped), "s")
    frames = frames_by_transformers(ears, bridged[:, 0]).reshape(4, 10, 16)
    # 40 frames share 83 samples out: the third part has the samples 41 to 62, of which 41 and 60 to 61 are gaps.
    assert shares[0].tolist() == pytest.approx([0, 0, 1 - 1 / 20 - 1 / 10, 1 - 8 / 20], abs=0.03)
    np.testing.assert_allclose(features[0, 2:], frames[2:].mean(1), rtol=0, atol=1e-5)
    assert not features[0, :2].any()


def test_a_channel_that_nobody_measured_has_no_token(ears):
    values = sound(50, channels=2)
    values[:, 0] = NAN
    features, shares = rule_of(ears).encoded(series(values), "s")
    assert not features[0].any()
    assert shares.tolist() == [[0] * 4, [1] * 4]


def test_long_signals_are_read_in_stretches_each_alone(ears):
    values = sound(603)
    stretches = [frames_by_transformers(ears, values[begin : begin + 300, 0]) for begin in (0, 300)]
    features, shares = rule_of(ears, 2).encoded(series(values), "s")
    # What is left, three samples, is too short for a frame.
    np.testing.assert_allclose(features[0], [frames.mean(0) for frames in stretches], rtol=0, atol=1e-5)
    assert shares.tolist() == [[1, 1]]
    values[300:] = NAN
    _, shares = rule_of(ears, 2).encoded(series(values), "s")
    assert shares.tolist() == [[1, 0]]


def test_another_rate_is_resampled_and_gaps_stay_where_they_are(ears):
    slow = np.arange(30, dtype=np.float32)[:, None] ** 2
    fast = np.interp(np.arange(60) / 2, np.arange(30), slow[:, 0])[:, None]
    features, shares = rule_of(ears).encoded(series(slow, RATE / 2), "s")
    np.testing.assert_allclose(features, rule_of(ears).encoded(series(fast), "s")[0], rtol=0, atol=1e-5)
    assert shares.tolist() == [[1] * 4]
    slow[15:] = NAN
    _, shares = rule_of(ears).encoded(series(slow, RATE / 2), "s")
    assert shares[0].tolist() == pytest.approx([1, 1, 0, 0], abs=0.1)


@pytest.mark.parametrize(
    ("values", "rate", "message"),
    [
        (sound(4), RATE, r"sample 's': its signal is 4 samples long at 10 Hz; .* needs 5 for a frame"),
        (sound(8), 2 * RATE, "its signal is 4 samples long at 10 Hz"),
        (sound(48), 1 / 3600, "lasts 172800 s; at 10 Hz"),
        (sound(48), RATE * np.sqrt(2) / 1e4, "sample 's': its signal: cannot be resampled from 0.00141421 to 10 Hz"),
    ],
)
def test_what_an_encoder_cannot_read_is_refused_by_name(ears, monkeypatch, values, rate, message):
    monkeypatch.setattr(sounds, "MOST_SAMPLES", 1_000_000)
    with pytest.raises(UserError, match=message):
        rule_of(ears).encoded(series(values, rate), "sample 's': its signal")


def test_values_beyond_an_encoder_are_named(ears, tmp_path):
    loud = tiny_sounds(tmp_path, RATE, feat_extract_norm="layer")
    (loud / "preprocessor_config.json").write_text('{"sampling_rate": 10, "do_normalize": false}')
    with pytest.raises(UserError, match="gives numbers that are not finite"):
        rule_of(loud).encoded(series(np.full((20, 1), 3e38, np.float32)), "s")


def test_the_name_says_which_encoder_and_how_many_tokens(ears, tmp_path):
    plain = load.resolve("small", 64)
    spec = load.resolve(f"small+signal:{ears}", 64)
    assert spec.name == f"small+signal:{ears}"
    assert {**spec.rules, "signal": None} == {**plain.rules, "signal": None}
    assert spec.rules["signal"].tokens == sounds.TOKENS
    other = tiny_sounds(tmp_path, RATE + 1)
    named = [f"small+signal:{ears},4", f"small+signal:{other}", f"small-dual+signal:{ears}", "small"]
    prints = {load.resolve(name, 64).fingerprint for name in named}
    assert len({spec.fingerprint, *prints}) == 5
    assert load.resolve(f"small+signal:{ears},8", 64).fingerprint == spec.fingerprint
    # What is kept of signals does not hang on the backbone.
    assert load.resolve(f"small-dual+signal:{ears}", 64).rules["signal"].key() == spec.rules["signal"].key()


@pytest.mark.parametrize("base", ["small", "small@128", "small-dual", "pair:small-dual,small-dual"])
def test_every_backbone_may_stand_beside_an_encoder(ears, base):
    modalities = {"text": "text", "image": "image", "ecg": "signal"}
    spec = load.resolve(f"{base}+signal:{ears},4", 64)
    beside = load.load(spec, modalities, 64, 0)
    alone = load.load(load.resolve(base, 64), modalities, 64, 0)
    weights = beside.state_dict()
    assert [*weights] == [*alone.state_dict()]
    assert all(torch.equal(weights[name], value) for name, value in alone.state_dict().items())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small+signal:", r"expected NAME\+signal:FOLDER or NAME\+signal:FOLDER,N"),
        ("small+signal:{},0", "1 to 64 tokens a channel"),
        ("small+signal:{},65", "1 to 64 tokens a channel"),
        ("small+signal:{}+signal:{}", "the signals of small.* are read already"),
        ("small+signal:{}@128", "unknown backbone '.*@128'"),
        ("smal+signal:{}", "unknown backbone 'smal'"),
        ("small+signal:small-dual", "unknown backbone 'small-dual'"),
    ],
)
def test_names_that_are_none_are_refused(ears, name, message):
    with pytest.raises(UserError, match=message):
        load.resolve(name.replace("{}", str(ears)), 64)
