"""`NAME+signal:FOLDER[,N]`: the backbone NAME beside a frozen encoder that reads signals.

No family embeds signals; without an encoder a small network that trains does (`windows`). FOLDER is a folder or hub
name of an encoder of one channel (`sound_encoders`). It reads each channel alone, at its own rate; its frames are
pooled to N (8 if not given) tokens a channel, and a linear layer that trains brings them to NAME's width
(`encoded_tokens`). Encoder and N are part of the name, as the picture network is in `fused:`, because they decide what
is computed of the signals; the data, masks and splits stay those of NAME alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mora_bench.backbones import sound_encoders
from mora_bench.backbones.encoder import one_thread
from mora_bench.backbones.sound_encoders import SoundEncoder
from mora_bench.backbones.spec import Spec
from mora_bench.data.modalities.encoded import EncodingRule
from mora_bench.data.modalities.series import Series
from mora_bench.data.readers.signal_files import resampled
from mora_bench.errors import UserError
from mora_bench.files import digest_json

#: Change it when the same frames would become other tokens.
VERSION = 1
#: What stands between a backbone's name and that of an encoder.
JOINT = "+signal:"
#: Tokens of a channel, and the most that may be asked for.
TOKENS, MOST_TOKENS = 8, 64
#: The longest signal that is read, in samples at the encoder's rate: an hour of sound.
MOST_SAMPLES = 3600 * 16_000


@dataclass(frozen=True)
class SoundRule(EncodingRule):
    """Attributes:
    source: the encoder's folder; digest: of its files; rate: in Hz, at which it reads.
    """

    source: str
    digest: str
    rate: float

    def key(self) -> list:
        return ["sound", VERSION, self.digest, self.tokens, sound_encoders.by_torchaudio()]

    def encoded(self, series: Series, sample: str) -> tuple[np.ndarray, np.ndarray]:
        """A token is the mean of the frames of one of N parts of the signal's own duration, alike in length. Gaps are
        bridged by straight lines. What is longer than the encoder reads at once is read in stretches, each alone."""
        encoder = sound_encoders.encoder(Path(self.source), self.digest)
        self._check_length(series, encoder, sample)
        values = series.values.astype(np.float64)
        if series.rate != self.rate:
            values = resampled(values, series.rate, self.rate, sample)
        if len(values) < encoder.least:
            raise UserError(
                f"{sample} is {len(values)} samples long at {self.rate:g} Hz; {self.source} needs {encoder.least} for "
                "a frame. Say that the sample has none, or take a longer part."
            )
        features = np.zeros((values.shape[1], self.tokens, self.width), np.float32)
        shares = np.zeros(features.shape[:2], np.float32)
        for channel, samples in enumerate(values.T):
            if np.isfinite(samples).any():
                features[channel], shares[channel] = self._pooled(*heard(samples, encoder))
        if not np.isfinite(features).all():
            raise UserError(f"{sample}: {self.source} gives numbers that are not finite. Look at its values.")
        return features, shares

    def _check_length(self, series: Series, encoder: SoundEncoder, sample: str) -> None:
        """Before it is resampled, because that takes the memory."""
        seconds = len(series.values) / series.rate
        if seconds * self.rate > MOST_SAMPLES:
            raise UserError(
                f"{sample} lasts {seconds:g} s; at {self.rate:g} Hz {self.source} reads {MOST_SAMPLES / self.rate:g} s "
                "at most. Cut it (until=), or leave the encoder out: it is one of fast signals, such as sound."
            )

    def _pooled(self, frames: np.ndarray, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tokens [N, F] and shares [N] of frames [L, F] and shares [L]; zero where nothing was measured, and in parts
        in which no frame begins."""
        part = np.arange(len(frames)) * self.tokens // len(frames)
        features, shares = np.zeros((self.tokens, self.width), np.float32), np.zeros(self.tokens, np.float32)
        for token in np.unique(part):
            shares[token] = measured[part == token].mean()
            if shares[token] > 0:
                features[token] = frames[part == token].mean(0)
        return features, shares


def heard(samples: np.ndarray, encoder: SoundEncoder) -> tuple[np.ndarray, np.ndarray]:
    """Frames [L, F] of one channel, float [n] with NaN in gaps and something measured, and of each the share of its
    samples that was measured, [L]. Of several stretches a last one that is too short for a frame is left out."""
    seen = np.isfinite(samples)
    steps = np.arange(len(samples))
    filled = np.interp(steps, steps[seen], samples[seen]).astype(np.float32)
    frames, shares = [], []
    with one_thread(), torch.no_grad():
        for begin in range(0, len(samples), encoder.longest):
            stretch = slice(begin, begin + encoder.longest)
            if len(filled[stretch]) >= encoder.least:
                frames.append(encoder.frames(filled[stretch]).numpy())
                shares.append(_shares(seen[stretch], len(frames[-1])))
    return np.concatenate(frames), np.concatenate(shares)


def _shares(seen: np.ndarray, frames: int) -> np.ndarray:
    """The share of samples that were measured, bool [n], in each of L frames, as if these shared them out evenly."""
    edges = np.arange(frames + 1) * len(seen) // frames
    return np.add.reduceat(seen.astype(np.float64), edges[:-1]) / np.diff(edges)


def asked(text: str, name: str) -> tuple[str, int]:
    """The folder and N that stand behind `JOINT` in a name.

    Raises:
        UserError: there is no folder, or N is out of range.
    """
    folder, comma, tokens = text.rpartition(",")
    if not comma or not tokens.isdecimal():
        folder, tokens = text, str(TOKENS)
    if not folder or len(tokens) > 3 or not 1 <= int(tokens) <= MOST_TOKENS:
        raise UserError(
            f"backbone {name!r}: expected NAME{JOINT}FOLDER or NAME{JOINT}FOLDER,N, a backbone, the folder of an "
            f"encoder of signals, and 1 to {MOST_TOKENS} tokens a channel."
        )
    return folder, int(tokens)


def beside(spec: Spec, name: str, folder: Path, tokens: int) -> Spec:
    """A backbone, under its full name, beside the encoder in a folder.

    Raises:
        UserError: there is no such encoder, or the backbone's signals are read already.
    """
    if "signal" in spec.rules:
        raise UserError(f"backbone {name!r}: the signals of {spec.name} are read already. Leave {JOINT} out.")
    encoder = sound_encoders.described(folder, name)
    rule = SoundRule(tokens, encoder.width, str(folder), encoder.digest, encoder.rate)
    rules = {**spec.rules, "signal": rule}
    return replace(spec, name=name, rules=rules, fingerprint=digest_json([spec.fingerprint, rule.key()]))


def without(spec: Spec) -> Spec:
    """The backbone alone, as its family knows it by name."""
    beside_one = isinstance(spec.rules.get("signal"), SoundRule)
    return replace(spec, name=spec.name.rpartition(JOINT)[0]) if beside_one else spec
