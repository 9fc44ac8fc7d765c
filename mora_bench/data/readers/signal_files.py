"""Signals in files of their own, and arrays of NumPy among them; the channels that are read, and at which rate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mora_bench.data.modalities import units
from mora_bench.data.modalities.series import Series
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.errors import UserError
from mora_bench.files import hash_file
from mora_bench.text import listed, number_of

#: The most bytes of a file, and of the values that are made of it.
MOST = 1 << 30
#: The greatest whole number in a ratio of two rates.
LARGEST_RATIO = 10_000
#: How many channels a message lists, and how much of the name of each.
LISTED, LONGEST_NAME = 40, 80


@dataclass(frozen=True)
class Channel:
    """`values`: float [T], NaN in gaps, at `rate` Hz, in `unit` as its file writes it, "" where it says none."""

    name: str
    values: np.ndarray
    rate: float
    unit: str = ""


@dataclass(frozen=True)
class SignalFile(ABC):
    """A signal that a file holds, decoded when it is asked for. Its errors name the file."""

    path: Path
    entry: SignalEntry

    #: Whether numbers stand for names that the file does not give its channels.
    unnamed: ClassVar[bool] = False

    @abstractmethod
    def channels(self) -> Sequence[Channel]:
        """The file's channels, or those that the entry asks for."""

    def read(self) -> Series:
        """As `decoded`."""
        return self.decoded()[0]

    def decoded(self) -> tuple[Series, list[float]]:
        """The channels, the time and the rate that are asked for, voltages in mV; and the rates of the file's channels.

        Raises:
            UserError: no such file or channel, one that cannot be read, channels of several rates, or one in another
                unit than was trained on.
        """
        if not self.path.is_file() or self.path.stat().st_size > MOST:
            raise UserError(f"{self.path}: expected a file of at most {MOST >> 20} MiB.")
        found = self.channels()
        self._check_count(found)
        channels = [_in_one_unit(channel) for channel in chosen(found, self.entry, self.path)]
        self._check_units(channels)
        self._check_rates(channels)
        rates = {channel.rate for channel in channels}
        if len(rates) > 1 and self.entry.rate is None:
            by_channel = ", ".join(f"{channel.name} {channel.rate:g} Hz" for channel in channels)
            raise UserError(
                f"{self.path}: its channels have several rates ({by_channel}). Say channels= of one rate, or rate= to "
                "bring them together."
            )
        rate = self.entry.rate or next(iter(rates))
        columns = [self._at(rate, channel) for channel in channels]
        values = np.full((max(map(len, columns)), len(columns)), np.nan, np.float32)
        for target, column in zip(values.T, columns, strict=True):
            target[: len(column)] = column
        said = tuple(channel.unit for channel in channels)
        series = Series(values, rate, tuple(channel.name for channel in channels), said if any(said) else ())
        return series, sorted(rates)

    def _check_count(self, channels: Sequence[Channel]) -> None:
        """Refuse a new record of more channels than were trained on where nobody knows which of them those are."""
        trained = self.entry.trained
        if self.unnamed and trained and not trained.channels and len(channels) > len(self.entry.channels):
            raise UserError(
                f"{self.path}: {number_of(len(channels), 'channel')} without names, where those that were trained on "
                f"have {len(self.entry.channels)}. Write a file with as many, such as one of a sound's two."
            )

    def _check_units(self, channels: Sequence[Channel]) -> None:
        """Refuse channels in other units than those that were trained on, if these are known."""
        for channel, trained in zip(channels, self.entry.units, strict=False):
            if not units.alike(channel.unit, trained):
                raise UserError(
                    f"{self.path}: channel {channel.name!r} is in {units.said(channel.unit)}, and was in "
                    f"{units.said(trained)} in training. Bring it to that unit, or correct what the file says."
                )

    def _check_rates(self, channels: Sequence[Channel]) -> None:
        """Refuse channels of whose steps nobody knows the time, before anything divides by it."""
        for channel in channels:
            if not 0 < channel.rate < math.inf:
                raise UserError(
                    f"{self.path}: channel {channel.name!r} has a rate of {channel.rate:g} Hz; expected one above 0. "
                    "Correct the file's header."
                )

    def _at(self, rate: float, channel: Channel) -> np.ndarray:
        """One channel until the time that is asked for, at a rate."""
        values = channel.values
        if self.entry.until is not None:
            values = values[: max(1, round(self.entry.until * self.entry.seconds * channel.rate))]
        return values if channel.rate == rate else resampled(values[:, None], channel.rate, rate, self.path)[:, 0]

    def details(self) -> str:
        """The options that, beside the file's content, decide what is read."""
        entry = self.entry
        asked: list[Any] = [entry.channels, entry.rate, entry.until, entry.unit if entry.until else None]
        asked += [part for part in (entry.axes, entry.group, entry.units) if part]
        # What was decoded of a file that is refused now is not believed.
        asked += ["trained"] * bool(self.unnamed and entry.trained and not entry.trained.channels)
        return "" if asked == [(), None, None, None] else repr(asked)

    def fingerprint(self) -> str:
        return hash_file(self.path) + self.details()


@dataclass(frozen=True)
class ArrayFile(SignalFile):
    """An array of NumPy, [T] or [T, C], or [C, T] where the entry says so, NaN in gaps; channels are called "0", "1",
    ..."""

    unnamed = True

    def channels(self) -> Sequence[Channel]:
        try:
            values = np.load(self.path, allow_pickle=False)
        except (ValueError, OSError, EOFError, MemoryError) as error:
            raise UserError(f"{self.path}: no array that NumPy reads without pickle ({error}).") from None
        if not isinstance(values, np.ndarray) or values.ndim not in (1, 2) or values.dtype.kind not in "fiu":
            raise UserError(f"{self.path}: expected one array of numbers, [T] or [T, C].")
        assert self.entry.rate is not None
        if self._turned(values.shape):
            first, second = values.shape
            raise UserError(
                f"{self.path}: an array [{first:,}, {second:,}], which as [T, C] is {second:,} channels of {first:,} "
                f"steps. Most such have their channels first: turn it or say axes=CT if so; say axes=TC if it is right."
            )
        return numbered(values.T if self.entry.axes == "CT" else values, self.entry.rate)

    def _turned(self, shape: tuple[int, ...]) -> bool:
        """Whether an array has more channels than steps, and nobody said that it has."""
        return not self.entry.axes and len(shape) == 2 and shape[1] > shape[0]

    def details(self) -> str:
        """What was decoded of an array that is refused now is not believed."""
        turned = False
        with suppress(ValueError, OSError, EOFError):
            turned = self._turned(np.load(self.path, mmap_mode="r", allow_pickle=False).shape)
        return " axes" * turned + super().details()


def numbered(values: np.ndarray, rate: float) -> list[Channel]:
    """Channels without names, of [T] or [T, C]."""
    columns = values if values.ndim == 2 else values[:, None]
    return [Channel(str(number), column, rate) for number, column in enumerate(columns.T)]


def _in_one_unit(channel: Channel) -> Channel:
    values, unit = units.in_one_unit(channel.values, channel.unit)
    return replace(channel, values=values, unit=unit)


def chosen(channels: Sequence[Channel], entry: SignalEntry, path: Path) -> list[Channel]:
    """Channels by name, in the order in which they are asked for; all of them if none is."""
    return [channels[place] for place in places([channel.name for channel in channels], entry, path)]


def places(names: Sequence[str], entry: SignalEntry, path: Path) -> list[int]:
    """Where in a file's channels those lie that are asked for, in that order; of all if none is.

    Raises:
        UserError: the file has none, or none of a name that is asked for, or two of one that is read.
    """
    wanted = entry.channels
    absent = [name for name in wanted if name not in names]
    if not names:
        raise UserError(f"{path}: it has no channels.")
    if absent:
        trained, do = "", "Correct channels="
        if entry.trained:
            trained, do = ", which was trained on", "Give it that name if it is one of these, or leave the cell empty"
        raise UserError(f"{path}: no channel {absent[0]!r}{trained}; it has {listed_channels(names)}. {do}.")
    twice = next((name for name in wanted or names if names.count(name) > 1), None)
    if twice is not None:
        called = f"are called {twice!r}" if twice else "have no name"
        raise UserError(
            f"{path}: {names.count(twice)} channels {called}, so nobody knows which is meant. Give each a name of its "
            "own, or say channels= of others."
        )
    return [names.index(name) for name in wanted or names]


def unspelled(name: str) -> str:
    """A channel's name without what alone tells spellings of one apart: its case, and blanks."""
    return "".join(name.split()).casefold()


def listed_channels(names: Sequence[str]) -> str:
    """The first of some channels' names, and how many more there are."""
    return listed([name[:LONGEST_NAME] or "one without a name" for name in names], LISTED)


def resampled(values: np.ndarray, rate: float, wanted: float, path: Path | str) -> np.ndarray:
    """[T, C] at another rate, time staying where it is, no value outside what its channel measured: to a higher rate by
    straight lines, to a lower one by a polyphase filter whose overshoot is cut off. Gaps are bridged by straight lines
    for this, and are gaps again afterwards. `path` stands at the beginning of a message.

    Raises:
        UserError: the ratio of the rates is none of two numbers up to `LARGEST_RATIO`.
    """
    from scipy.signal import resample_poly

    ratio = Fraction(wanted / rate).limit_denominator(LARGEST_RATIO)
    if not ratio.numerator or ratio.numerator > LARGEST_RATIO or abs(float(ratio) * rate / wanted - 1) > 1e-6:
        raise UserError(f"{path}: cannot be resampled from {rate:g} to {wanted:g} Hz. Give a rate with a plain ratio.")
    finite = np.isfinite(values)
    steps = np.arange(len(values))
    bridged = np.zeros(values.shape)
    for column, bridge, measured in zip(values.T, bridged.T, finite.T, strict=True):
        if measured.any():
            bridge[:] = np.interp(steps, steps[measured], column[measured])
    at = np.arange(-(-len(values) * ratio.numerator // ratio.denominator)) * rate / wanted
    if ratio > 1:
        # A filter rings around the steps of a slow channel: a saturation of 99 % would read as 101 %.
        changed = np.stack([np.interp(at, steps, column) for column in bridged.T], 1)
    else:
        changed = resample_poly(bridged, ratio.numerator, ratio.denominator, axis=0, padtype="line")
        changed = np.clip(changed, bridged.min(0), bridged.max(0))
    changed[~finite[np.clip(np.round(at).astype(int), 0, len(values) - 1)]] = np.nan
    return changed
