"""Frozen encoders of signals against transformers' own, on random networks in folders as users have them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_sounds
from safetensors.torch import load_file, save_file
from transformers import ASTConfig, ASTFeatureExtractor, ASTModel, AutoFeatureExtractor, AutoModel

from mora_bench.backbones import load, sound_encoders
from mora_bench.errors import UserError

RATE = 100
SPECTROGRAM = {"max_length": 40, "num_mel_bins": 16}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("encoders")
    for kind in sound_encoders.RAW:
        tiny_sounds(out / kind, RATE, kind)
    for kind in ("wav2vec2", "wavlm", "hubert"):
        tiny_sounds(out / f"{kind}-large", RATE, kind, do_stable_layer_norm=True, feat_extract_norm="layer")
    tiny_sounds(out / "adapted", RATE, add_adapter=True, output_hidden_size=12, num_adapter_layers=1)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    patches = {"patch_size": 4, "frequency_stride": 3, "time_stride": 2, "initializer_range": 0.2}
    ASTModel(ASTConfig(**shape, **patches, **SPECTROGRAM)).save_pretrained(out / "ast")
    ASTFeatureExtractor(**SPECTROGRAM, mean=-3.0, std=2.0).save_pretrained(out / "ast")
    return out


def samples(count, seed=0):
    """A sound that is neither centred nor of unit variance."""
    return (3 + 7 * np.random.default_rng(seed).normal(size=count)).astype(np.float32)


def encoder_in(folder):
    return sound_encoders.encoder(folder, sound_encoders.described(folder, "named").digest)


def by_transformers(folder, sound, rate=RATE):
    inputs = AutoFeatureExtractor.from_pretrained(folder)(sound, sampling_rate=rate, return_tensors="pt")
    with torch.no_grad():
        return AutoModel.from_pretrained(folder).eval()(**inputs).last_hidden_state[0]


LARGE = [f"{kind}-large" for kind in ("wav2vec2", "wavlm", "hubert")]


@pytest.mark.parametrize("kind", [*sound_encoders.RAW, *LARGE, "adapted"])
@pytest.mark.parametrize("count", [5, 6, 40, 333])
def test_frames_are_what_transformers_gives_of_raw_samples(folders, kind, count):
    sound, encoder = samples(count), encoder_in(folders / kind)
    with torch.no_grad():
        frames = encoder.frames(sound)
    expected = by_transformers(folders / kind, sound)
    torch.testing.assert_close(frames, expected, rtol=0, atol=1e-5)
    assert len(frames) == ((count - 3) // 2 if kind != "adapted" else len(expected))
    assert frames.std() > 0.05
    assert frames.shape[1] == sound_encoders.described(folders / kind, "named").width


@pytest.mark.parametrize("normalised", [True, False])
def test_whether_samples_are_normalised_is_obeyed(folders, tmp_path, normalised):
    out = tiny_sounds(tmp_path, RATE, feat_extract_norm="layer")
    settings = json.loads((out / "preprocessor_config.json").read_text())
    (out / "preprocessor_config.json").write_text(json.dumps(settings | {"do_normalize": normalised}))
    sound = samples(60)
    scaled = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7) if normalised else sound
    with torch.no_grad():
        expected = AutoModel.from_pretrained(out).eval()(torch.from_numpy(scaled)[None]).last_hidden_state[0]
        torch.testing.assert_close(encoder_in(out).frames(sound), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [400, 559, 560, 3000, 6640])
def test_frames_of_ast_are_its_patches_of_one_time_that_begin_before_the_end(folders, count):
    """40 banks are 19 patches in time, 5 in frequency; a bank begins every 160 samples, a patch every second bank."""
    sound, encoder = samples(count), encoder_in(folders / "ast")
    with torch.no_grad():
        frames = encoder.frames(sound)
    patches = by_transformers(folders / "ast", sound, 16_000)[2:].reshape(5, 19, 16)
    banks = (count - 400) // 160 + 1
    assert len(frames) == min(19, (banks + 1) // 2)
    torch.testing.assert_close(frames, patches[:, : len(frames)].mean(0), rtol=0, atol=1e-5)
    assert (encoder.least, encoder.longest) == (400, 6640)


def test_the_fewest_samples_are_those_of_the_published_networks():
    class Config:
        conv_kernel, conv_stride = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)

    assert sound_encoders.shortest(Config) == 400


def rewritten(source: Path, out: Path, change) -> Path:
    """A copy of a folder with other weights."""
    for file in source.iterdir():
        (out / file.name).write_bytes(file.read_bytes())
    weights = change(load_file(source / "model.safetensors"))
    save_file(weights, out / "model.safetensors", {"format": "pt"})
    return out


def test_a_checkpoint_of_another_head_is_read_as_published_ones_are_written(folders, tmp_path):
    """The names of weight norm before torch 2, a prefix, a head, and no embedding of masks, as `...-base-960h`."""
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}

    def published(weights):
        renamed = {}
        for name, value in weights.items():
            head, dot, end = name.partition(".parametrizations.")
            renamed[f"wav2vec2.{head}{'.' + old['parametrizations.' + end] if dot else ''}"] = value
        del renamed["wav2vec2.masked_spec_embed"]
        assert "wav2vec2.encoder.pos_conv_embed.conv.weight_g" in renamed
        return renamed | {"lm_head.weight": torch.zeros(5, 16)}

    out = rewritten(folders / "wav2vec2", tmp_path, published)
    sound = samples(50)
    with torch.no_grad():
        assert torch.equal(encoder_in(out).frames(sound), encoder_in(folders / "wav2vec2").frames(sound))


def test_absent_or_broken_weights_are_refused(folders, tmp_path):
    name = "encoder.layers.1.attention.k_proj.weight"
    (tmp_path / "absent").mkdir()
    absent = rewritten(folders / "wav2vec2", tmp_path / "absent", lambda w: {k: v for k, v in w.items() if k != name})
    with pytest.raises(UserError, match=r"1 weights are absent, e\.g\. encoder\.layers\.1\.attention\.k_proj"):
        encoder_in(absent)
    (tmp_path / "broken").mkdir()
    broken = rewritten(folders / "wav2vec2", tmp_path / "broken", lambda w: w | {name: w[name] * np.nan})
    with pytest.raises(UserError, match="1 weights hold NaN or infinity"):
        encoder_in(broken)


def changed(source, out, file, **changes):
    for name in source.iterdir():
        (out / name.name).write_bytes(name.read_bytes())
    content = json.loads((out / file).read_text()) | changes
    (out / file).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return out


SETTINGS, CONFIG = "preprocessor_config.json", "config.json"


@pytest.mark.parametrize(
    ("kind", "file", "changes", "message"),
    [
        ("wav2vec2", CONFIG, {"model_type": "bert"}, "model_type is 'bert', no encoder of signals that is known"),
        ("wav2vec2", CONFIG, {"auto_map": {"AutoModel": "code.Model"}}, "with code of its own"),
        ("wav2vec2", CONFIG, {"num_attention_heads": 5}, "not a configuration that transformers makes an encoder of"),
        ("wav2vec2", CONFIG, {"conv_stride": [2]}, "not a configuration that transformers makes an encoder of"),
        ("wav2vec2", SETTINGS, {"sampling_rate": None}, "sampling_rate is None; expected the rate in Hz"),
        ("wav2vec2", SETTINGS, {"sampling_rate": 0}, "sampling_rate is 0; expected the rate in Hz"),
        ("wav2vec2", SETTINGS, {"do_normalize": "yes"}, "do_normalize is 'yes'; expected true or false"),
        (
            "hubert",
            SETTINGS,
            {"feature_extractor_type": "ASTFeatureExtractor"},
            "expected Wav2Vec2FeatureExtractor, which belongs to hubert",
        ),
        ("ast", SETTINGS, {"sampling_rate": 8000}, "sampling_rate is 8000; expected 16000"),
        ("ast", SETTINGS, {"max_length": 39}, "max_length is 39, and 40 in config.json"),
        ("ast", SETTINGS, {"num_mel_bins": None}, "num_mel_bins is 128, and 16 in config.json"),
    ],
)
def test_what_is_no_encoder_is_refused_when_planning(folders, tmp_path, kind, file, changes, message):
    out = changed(folders / kind, tmp_path, file, **changes)
    with pytest.raises(UserError, match=message):
        load.resolve(f"small+signal:{out}", 64)


def test_weights_that_are_not_safetensors_are_refused_when_planning(folders, tmp_path):
    out = changed(folders / "wav2vec2", tmp_path, CONFIG)
    (out / "model.safetensors").rename(out / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no weights. Expected model.safetensors \(pickled .bin weights are not read"):
        load.resolve(f"small+signal:{out}", 64)


def test_settings_of_a_processor_win_over_those_of_an_extractor(folders, tmp_path):
    out = changed(folders / "wav2vec2", tmp_path, CONFIG)
    (out / "processor_config.json").write_text(json.dumps({"feature_extractor": {"sampling_rate": 50}}))
    assert sound_encoders.described(out, "named").rate == 50
    (out / "processor_config.json").write_text(json.dumps({"feature_extractor": []}))
    with pytest.raises(UserError, match="feature_extractor is no object"):
        sound_encoders.described(out, "named")
    (out / "processor_config.json").write_text(json.dumps({"tokenizer": {}}))
    assert sound_encoders.described(out, "named").rate == RATE
