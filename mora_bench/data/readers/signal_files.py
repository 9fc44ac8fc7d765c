"""Signals that files of their own hold: WAV, WFDB (PhysioNet's format) and arrays of NumPy."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.modalities.signal import Series
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.errors import UserError
from mora_bench.files import hash_file

#: The most bytes of a file, and of the values that are made of it.
MOST = 1 << 30
#: What the header of a WFDB record may call its files: plain names, so that none leads out of the record's folder.
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: The greatest whole number in a ratio of two rates.
LARGEST_RATIO = 10_000


@dataclass(frozen=True)
class SignalFile(ABC):
    """A signal that a file holds, decoded when it is asked for. Its errors name the file."""

    path: Path
    entry: SignalEntry

    @abstractmethod
    def whole(self) -> Series:
        """All that the file holds."""

    def read(self) -> Series:
        """The channels, the time and the rate that are asked for."""
        if not self.path.is_file() or self.path.stat().st_size > MOST:
            raise UserError(f"{self.path}: expected a file of at most {MOST >> 20} MiB.")
        found = _of_channels(self.whole(), self.entry.channels, self.path)
        values, rate = found.values, found.rate
        if self.entry.until is not None:
            values = values[: max(1, round(self.entry.until * self.entry.seconds * rate))]
        if self.entry.rate is not None and self.entry.rate != rate:
            values, rate = resampled(values, rate, self.entry.rate, self.path), self.entry.rate
        return Series(values.astype(np.float32), rate, found.channels)

    def details(self) -> str:
        """What beside the file's content decides what is read."""
        own = self.entry
        asked = [own.channels, own.rate, own.until, own.unit if own.until else None]
        return "" if asked == [(), None, None, None] else repr(asked)

    def fingerprint(self) -> str:
        return hash_file(self.path) + self.details()


@dataclass(frozen=True)
class WavFile(SignalFile):
    """A sound. Whole numbers are scaled to -1..1; channels are called "0", "1", ..."""

    def whole(self) -> Series:
        from scipy.io import wavfile

        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                rate, values = wavfile.read(self.path)
            except Exception as error:
                raise UserError(f"{self.path}: not a readable WAV file ({str(error)[:200]}).") from None
        # A program that writes to a pipe does not know the length, and says the greatest that there is.
        streamed = self.path.read_bytes()[4:8] == b"\xff\xff\xff\xff"
        if not streamed and any("prematurely" in str(one.message) for one in said):
            raise UserError(f"{self.path}: cut short: its header says more than it holds. Copy it again.")
        values = values if values.ndim == 2 else values[:, None]
        return Series(_scaled(values), float(rate), tuple(map(str, range(values.shape[1]))))


@dataclass(frozen=True)
class ArrayFile(SignalFile):
    """An array of NumPy, [T] or [T, C], NaN in gaps; channels are called "0", "1", ..."""

    def whole(self) -> Series:
        try:
            values = np.load(self.path, allow_pickle=False)
        except (ValueError, OSError, EOFError, MemoryError) as error:
            raise UserError(f"{self.path}: no array that NumPy reads without pickle ({error}).") from None
        if not isinstance(values, np.ndarray) or values.ndim not in (1, 2) or values.dtype.kind not in "fiu":
            raise UserError(f"{self.path}: expected one array of numbers, [T] or [T, C].")
        values = values if values.ndim == 2 else values[:, None]
        assert self.entry.rate is not None
        return Series(values.astype(np.float32), self.entry.rate, tuple(map(str, range(values.shape[1]))))


@dataclass(frozen=True)
class WfdbFile(SignalFile):
    """A record of WFDB, by its header (NAME.hea), in physical units; NaN where a sample is marked as missing.

    Frames that hold several samples of a channel are not averaged: `wfdb` would take the mark of a missing sample for a
    number (version 4.3.1). All channels that are read have one rate.
    """

    def whole(self) -> Series:
        try:
            import wfdb
        except ImportError:
            raise UserError(f"{self.path}: WFDB needs the package wfdb: pip install 'mora-bench[signals]'.") from None
        record = str(self.path.with_suffix(""))
        try:
            # It uses what pandas will drop one day.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._check(wfdb.rdheader(record))
                found = wfdb.rdrecord(record, physical=False, smooth_frames=False, return_res=64)
                self._check_sums(found)
                channels = found.dac(expanded=True, return_res=64)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{self.path}: not a readable WFDB record ({str(error)[:200]}).") from None
        wanted = self.entry.channels or tuple(found.sig_name)
        lengths = {len(own) for own, name in zip(channels, found.sig_name, strict=True) if name in wanted}
        if len(lengths) > 1:
            raise UserError(
                f"{self.path}: its channels have several rates ({', '.join(found.sig_name)}: "
                f"{', '.join(map(str, found.samps_per_frame))} samples a frame). Say channels= of one rate."
            )
        (steps,) = lengths or {0}
        kept = [own if len(own) == steps else np.full(steps, np.nan) for own in channels]
        rate = float(found.fs) * steps / max(int(found.sig_len), 1)
        return Series(np.stack(kept, 1), rate, tuple(found.sig_name))

    def _check(self, header: object) -> None:
        """Refuse what `wfdb` would read from elsewhere, or fill the memory with."""
        files = getattr(header, "file_name", None)
        if files is None:
            raise UserError(f"{self.path}: a record of several segments. Write it as one (wfdb.rdrecord, wrsamp).")
        odd = [name for name in files if not PLAIN.fullmatch(str(name))]
        if odd:
            raise UserError(f"{self.path}: names the file {odd[0]!r}; expected files beside it, by plain names.")
        links = [name for name in files if (self.path.parent / name).is_symlink()]
        if links and self.path.parent.resolve() != (self.path.parent / links[0]).resolve().parent:
            raise UserError(f"{self.path}: {links[0]!r} is a link that leads elsewhere. Copy the file.")
        frames = max(getattr(header, "samps_per_frame", None) or [1])
        if (getattr(header, "sig_len", 0) or 0) * frames * len(files) * 8 > MOST:
            raise UserError(f"{self.path}: over {MOST >> 20} MiB of values. Cut it into shorter records.")

    def _check_sums(self, found: Any) -> None:
        """Refuse values whose sums are not those that the header holds: `wfdb` does not look at them."""
        if found.checksum is None:
            return
        sums = zip(found.sig_name, found.checksum, found.calc_checksum(expanded=True), strict=True)
        odd = [name for name, said, own in sums if said is not None and (said - own) % (1 << 16)]
        if odd:
            raise UserError(
                f"{self.path}: the values of {odd[0]} are not those that it holds the checksum of. Download the record "
                "again, or take the checksums out of the header if they are wrong there."
            )

    def details(self) -> str:
        """Its values lie in other files than the header."""
        try:
            lines = self.path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        names = dict.fromkeys(line.split()[0] for line in lines[1:] if line.strip() and not line.startswith("#"))
        there = [name for name in names if PLAIN.fullmatch(name) and (self.path.parent / name).is_file()]
        return "".join(hash_file(self.path.parent / name) for name in there) + super().details()


#: What reads a file, by the end of its name.
READERS: dict[str, type[SignalFile]] = {".wav": WavFile, ".hea": WfdbFile, ".npy": ArrayFile}


def resampled(values: np.ndarray, rate: float, wanted: float, path: Path) -> np.ndarray:
    """[T, C] at another rate, by a polyphase filter that keeps time where it is. Gaps are bridged by straight lines for
    the filter, and are gaps again afterwards.

    Raises:
        UserError: the ratio of the rates is none of two numbers up to `LARGEST_RATIO`.
    """
    from scipy.signal import resample_poly

    ratio = Fraction(wanted / rate).limit_denominator(LARGEST_RATIO)
    if not ratio.numerator or ratio.numerator > LARGEST_RATIO or abs(float(ratio) * rate / wanted - 1) > 1e-6:
        raise UserError(f"{path}: cannot be resampled from {rate:g} to {wanted:g} Hz. Give a rate with a plain ratio.")
    seen = np.isfinite(values)
    steps = np.arange(len(values))
    bridged = np.zeros(values.shape)
    for own, line, there in zip(values.T, bridged.T, seen.T, strict=True):
        if there.any():
            line[:] = np.interp(steps, steps[there], own[there])
    found = resample_poly(bridged, ratio.numerator, ratio.denominator, axis=0, padtype="line")
    nearest = np.clip(np.round(np.arange(len(found)) * rate / wanted).astype(int), 0, len(values) - 1)
    found[~seen[nearest]] = np.nan
    return found


def _scaled(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return values
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    return values.astype(np.float64) / -float(np.iinfo(values.dtype).min)


def _of_channels(series: Series, wanted: tuple[str, ...], path: Path) -> Series:
    if not wanted:
        return series
    absent = [name for name in wanted if name not in series.channels]
    if absent:
        raise UserError(f"{path}: no channel {absent[0]!r}; it has {', '.join(series.channels)}.")
    places = [series.channels.index(name) for name in wanted]
    return Series(series.values[:, places], series.rate, wanted)
