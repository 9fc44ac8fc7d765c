"""Signals that are sounds: WAV and FLAC."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench.data.readers.signal_files import MOST, Channel, SignalFile, numbered
from mora_bench.errors import UserError

#: What `soundfile` takes for the length of a FLAC file whose header does not say it.
UNKNOWN = (1 << 63) - 1


@dataclass(frozen=True)
class WavFile(SignalFile):
    """A sound. Whole numbers are scaled to -1..1; channels are called "0", "1", ..."""

    unnamed = True

    def channels(self) -> Sequence[Channel]:
        from scipy.io import wavfile

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                rate, values = wavfile.read(self.path)
            except Exception as error:
                raise UserError(f"{self.path}: not a readable WAV file ({str(error)[:200]}).") from None
        # A program that writes to a pipe does not know the length, and says the greatest that there is.
        streamed = self.path.read_bytes()[4:8] == b"\xff\xff\xff\xff"
        if not streamed and any("prematurely" in str(warning.message) for warning in caught):
            raise UserError(f"{self.path}: cut short: its header says more than it holds. Copy it again.")
        return numbered(_scaled(values), float(rate))


@dataclass(frozen=True)
class FlacFile(SignalFile):
    """A sound that FLAC has compressed. Whole numbers are scaled as those of WAV; channels are called alike."""

    unnamed = True

    def channels(self) -> Sequence[Channel]:
        try:
            import soundfile
        except (ImportError, OSError):
            raise UserError(
                f"{self.path}: FLAC needs the package soundfile: pip install 'mora-bench[signals]'."
            ) from None
        try:
            with soundfile.SoundFile(self.path) as sound:
                self._check(sound)
                values = sound.read(dtype="float64")
                if len(values) < sound.frames:
                    raise UserError(f"{self.path}: cut short: its header says more than it holds. Copy it again.")
                return numbered(values, float(sound.samplerate))
        except soundfile.SoundFileError as error:
            raise UserError(
                f"{self.path}: not a readable FLAC file ({str(error)[-200:].rstrip('.')}). Copy it again."
            ) from None

    def _check(self, sound: Any) -> None:
        """Refuse what is no FLAC file, of no known length, or would fill the memory."""
        if sound.format != "FLAC":
            raise UserError(f"{self.path}: a file of {sound.format}, though its name says FLAC. Convert it to FLAC.")
        if sound.frames == UNKNOWN:
            raise UserError(
                f"{self.path}: its header does not say how long it is, as that of a sound which was written to a pipe. "
                "Write it again to a file (ffmpeg -i OLD.flac NEW.flac)."
            )
        if sound.frames * sound.channels * 8 > MOST:
            raise UserError(f"{self.path}: over {MOST >> 20} MiB of values. Cut it into shorter sounds.")


def _scaled(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return values
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    return values.astype(np.float64) / -float(np.iinfo(values.dtype).min)
