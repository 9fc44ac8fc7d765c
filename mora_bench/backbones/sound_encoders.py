"""Frozen encoders of one channel of sound, or of a series like it, by folder: samples to frames of features.

A folder in transformers' layout whose model_type is wav2vec2, hubert, wavlm or data2vec-audio, which read raw samples,
or audio-spectrogram-transformer (AST, arXiv 2104.01778), which reads log-mel filter banks. Weights are read from
safetensors; the folder's own preprocessor_config.json says at which rate the encoder listens and how samples are
normalised, which transformers' feature extractor does here.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.backbones.encoder import read_encoder
from mora_bench.backbones.layout import fingerprint, read_json, weights_files
from mora_bench.backbones.preprocessor import PREPROCESSOR, PROCESSOR
from mora_bench.errors import UserError
from mora_bench.files import Version, version

#: Change it when the same folder would give other frames.
VERSION = 1
RAW = ("wav2vec2", "hubert", "wavlm", "data2vec-audio")
BANKS = "audio-spectrogram-transformer"
#: Seconds that an encoder of raw samples reads at once; attention grows with their square.
SECONDS = 30
#: Hz, and samples of a filter bank and between two of them, in transformers' feature extractor for AST.
BANK_RATE, BANK, BANK_STEP = 16_000, 400, 160
#: [CLS] and the distillation token, which stand before AST's patches.
BEFORE = 2
#: Where transformers 5 puts a feature extractor's settings in processor_config.json.
SETTINGS = "feature_extractor"


@dataclass(frozen=True)
class Described:
    """An encoder before it is loaded: `rate` in Hz, `width` of a frame, `digest` of its files."""

    rate: float
    width: int
    digest: str


class SoundEncoder(ABC):
    """Attributes:
    model: of transformers; extractor: its feature extractor.
    least, longest: how many samples make one frame, and how many are read at once.
    """

    least: int
    longest: int

    def __init__(self, model: nn.Module, extractor: Any):
        self.model: Any = model
        self.extractor = extractor

    def frames(self, samples: np.ndarray) -> Tensor:
        """Frames [L, F], L at most n and one after the other in time, of float32 [n] at the encoder's rate, `least` to
        `longest` of them."""
        inputs = self.extractor(samples, sampling_rate=self.extractor.sampling_rate, return_tensors="pt")
        return self.of_hidden(self.model(inputs["input_values"]).last_hidden_state[0], len(samples))

    @abstractmethod
    def of_hidden(self, hidden: Tensor, samples: int) -> Tensor:
        """The frames of so many samples, of the network's last hidden state [positions, F]."""


class RawEncoder(SoundEncoder):
    """Raw samples; a position is a frame."""

    def __init__(self, model: nn.Module, extractor: Any):
        super().__init__(model, extractor)
        self.least = shortest(self.model.config)
        self.longest = max(self.least, round(SECONDS * extractor.sampling_rate))

    def of_hidden(self, hidden: Tensor, samples: int) -> Tensor:
        return hidden


class BankEncoder(SoundEncoder):
    """Log-mel filter banks. A frame is the mean over frequencies of the patches of one time; those that lie behind the
    samples' end, where AST reads padding, are left out."""

    def __init__(self, model: nn.Module, extractor: Any):
        super().__init__(model, extractor)
        self.least = BANK
        self.longest = BANK + (extractor.max_length - 1) * BANK_STEP

    def of_hidden(self, hidden: Tensor, samples: int) -> Tensor:
        config = self.model.config
        rows = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
        banks = 1 + (samples - BANK) // BANK_STEP
        return hidden[BEFORE:].unflatten(0, (rows, -1)).mean(0)[: -(-banks // config.time_stride)]


def shortest(config: Any) -> int:
    """The fewest samples of which the convolutions of an encoder of raw samples make a frame."""
    samples = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        samples = (samples - 1) * stride + kernel
    return int(samples)


def described(folder: Path, name: str) -> Described:
    """The encoder in a folder.

    Raises:
        UserError: it is none of those above, its weights are no safetensors, or it does not say its rate.
    """
    config = read_json(folder, "config.json", name)
    kind = config.get("model_type")
    if kind not in (*RAW, BANKS) or "auto_map" in config:
        reason = "with code of its own" if "auto_map" in config else "no encoder of signals that is known"
        raise UserError(
            f"{folder / 'config.json'}: model_type is {kind!r}, {reason}; expected one of: {', '.join((*RAW, BANKS))}. "
            f"Name the folder of such an encoder behind +signal:."
        )
    settings, where = _settings(folder, name)
    _check(settings, config, where)
    files = [folder / "config.json", where, *weights_files(folder)]
    width = _width(folder, version(folder / "config.json"))
    return Described(settings["sampling_rate"], width, fingerprint(files, ["sound", VERSION]))


@lru_cache(maxsize=4)
def encoder(folder: Path, digest: str) -> SoundEncoder:
    """The encoder in a folder whose files have the digest, frozen, in float32.

    Raises:
        UserError: its weights are absent, or no numbers.
    """
    settings, _ = _settings(folder, folder.name)
    model = read_encoder(folder).requires_grad_(False)
    broken = [name for name, parameter in model.named_parameters() if not parameter.isfinite().all()]
    if broken:
        raise UserError(f"{folder}: {len(broken)} weights hold NaN or infinity, e.g. {broken[0]}. Download it again.")
    config: Any = model.config
    banks = config.model_type == BANKS
    return (BankEncoder if banks else RawEncoder)(model, _extractor(settings, banks))


def by_torchaudio() -> bool:
    """Whether transformers takes filter banks by torchaudio, which is installed, or by NumPy: their last digits
    differ."""
    from transformers.utils import is_speech_available

    return bool(is_speech_available())


def _settings(folder: Path, name: str) -> tuple[dict[str, Any], Path]:
    """The settings of a folder for samples, and the file that holds them."""
    processor = folder / PROCESSOR
    if processor.exists() and SETTINGS in (settings := read_json(folder, PROCESSOR, name)):
        if not isinstance(settings[SETTINGS], dict):
            raise UserError(f"{processor}: {SETTINGS} is no object, {{...}}. Download the encoder again.")
        return settings[SETTINGS], processor
    return read_json(folder, PREPROCESSOR, name), folder / PREPROCESSOR


def _check(settings: dict[str, Any], config: dict[str, Any], where: Path) -> None:
    """Refuse settings that are absent, or that this program does not obey."""
    rate, banks = settings.get("sampling_rate"), config["model_type"] == BANKS
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 < rate < float("inf"):
        raise UserError(
            f"{where}: sampling_rate is {rate!r}; expected the rate in Hz that the encoder was trained at, to which "
            "signals are resampled. Write it there."
        )
    if not isinstance(settings.get("do_normalize", True), bool):
        raise UserError(f"{where}: do_normalize is {settings['do_normalize']!r}; expected true or false.")
    extractor = _extractor_name(banks)
    if settings.get("feature_extractor_type", extractor) != extractor:
        raise UserError(
            f"{where}: feature_extractor_type is {settings['feature_extractor_type']!r}; expected {extractor}, which "
            f"belongs to {config['model_type']}."
        )
    if banks and rate != BANK_RATE:
        raise UserError(f"{where}: sampling_rate is {rate}; expected {BANK_RATE}, of which AST's filter banks are.")
    for key, default in {"max_length": 1024, "num_mel_bins": 128}.items() if banks else ():
        seen, wanted = settings.get(key, default), config.get(key, default)
        if seen != wanted:
            raise UserError(f"{where}: {key} is {seen!r}, and {wanted!r} in config.json. Download the encoder again.")


def _extractor_name(banks: bool) -> str:
    return "ASTFeatureExtractor" if banks else "Wav2Vec2FeatureExtractor"


def _extractor(settings: dict[str, Any], banks: bool) -> Any:
    """Transformers' feature extractor with a folder's settings."""
    import transformers

    with warnings.catch_warnings():
        # The lowest of AST's filters are empty as it was published, which transformers remarks each time.
        warnings.simplefilter("ignore")
        return getattr(transformers, _extractor_name(banks)).from_dict(dict(settings))


@lru_cache(maxsize=16)
def _width(folder: Path, seen: Version) -> int:
    """Features of a frame, by running the network on shapes alone."""
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        banks = config.model_type == BANKS
        shape = (1, config.max_length, config.num_mel_bins) if banks else (1, shortest(config))
        with torch.device("meta"), torch.no_grad():
            model = AutoModel.from_config(config, trust_remote_code=False).eval()
            return int(model(torch.zeros(shape)).last_hidden_state.shape[2])
    except Exception as error:
        # transformers raises what comes up first: of types, of sizes, of values.
        message = " ".join(str(error).split())[:300]
        raise UserError(
            f"{folder / 'config.json'}: not a configuration that transformers makes an encoder of "
            f"({type(error).__name__}: {message}). Download the encoder again."
        ) from error
