"""Series from the rows of tables: a row a step, or a row a measurement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.modalities.signal import Series
from mora_bench.data.readers import frames
from mora_bench.data.readers.cells import NOTHING, named, refuse
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.signal_files import listed_channels
from mora_bench.errors import UserError

#: The most steps of a series; more come of a time in another unit.
MOST_STEPS = 4_000_000
#: A time of day, or since the beginning: 7:30 or 07:30:15.
CLOCK = re.compile(r"([0-9]+):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?")
#: The end of a date that has a time zone: 2020-07-28T10:00:00+02:00, 2020-07-28 08:00Z.
ZONE = re.compile(r"[T ][0-9][0-9:., ]*(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$")
#: Times are rounded to this share of a step before they are put into one: 0.3 / 0.1 is not 3.
ROUNDED = 1e-6


@dataclass(frozen=True)
class Moments:
    """The times of a column.

    Attributes:
        seconds: float64 [N]; of dates those since 1970, NaN where there is none.
        where: its file and name.
        zoned: whether its dates have a time zone; None if it holds no dates.
        example: the first of its dates, with its row.
    """

    seconds: np.ndarray
    where: str
    zoned: bool | None = None
    example: str = ""

    def at(self, row: int) -> Moments:
        """The time of one row."""
        return replace(self, seconds=self.seconds[row : row + 1])

    def check_zones(self, begins: Moments) -> None:
        """Refuse dates that count from others where nobody knows how far apart they are.

        Raises:
            UserError: the dates of one column have a time zone, those of the other have none.
        """
        if self.zoned is None or begins.zoned is None or self.zoned == begins.zoned:
            return
        theirs, others = ("with a time zone", "without one") if self.zoned else ("without a time zone", "with one")
        raise UserError(
            f"{self.where} holds dates {theirs} ({self.example}), and {begins.where}, from which they count, dates "
            f"{others} ({begins.example}). Write both columns with a time zone, or both without."
        )


def of_one(file: Path, entry: SignalEntry, begin: Moments | None = None) -> Series | None:
    """The series of a table that holds one sample's; None where nothing in it was measured.

    Args:
        begin: the one time from which its times count; NaN: it has no series. None: they count from 0.

    Raises:
        UserError: as `frames.frame`; a cell that is no number; more steps than `MOST_STEPS`; times that are dates
            without `begin`; dates of which only those of the table, or that of `begin`, have time zones.
    """
    measured = _measurements(file, entry, ())
    if not len(measured.frame) or (begin is not None and np.isnan(begin.seconds[0])):
        return None
    times = measured.times(entry, dated=begin is not None)
    if times is not None and begin is not None:
        times.check_zones(begin)
    seconds = None if times is None else times.seconds - (0 if begin is None else begin.seconds[0])
    return _series(measured, np.arange(len(measured.frame)), seconds, entry, file)


def of_all(
    file: Path, entry: SignalEntry, keys: Sequence[str], begins: Moments | None, whole: bool = True
) -> list[Series | None]:
    """The series of each of N samples, by their keys, from one table; None where nothing of a sample was measured.

    Args:
        begins: the N times from which those of the samples count, as `beginnings` gives them; NaN: a sample has no
            series. None: times count from 0.
        whole: whether each channel that is asked for has to be in a table with a row a measurement; one of a few new
            samples may lack some.

    Raises:
        UserError: as `of_one`; times that are dates without `begins`; of the two columns of dates only one has time
            zones; a channel that no row is of.
    """
    measured = _measurements(file, entry, (entry.key,))
    if whole:
        measured.check_channels(entry)
    rows = measured.frame.groupby(measured.frame[entry.key].str.strip(), sort=False).indices
    times = measured.times(entry, dated=begins is not None)
    if times is not None and begins is not None:
        times.check_zones(begins)
    series: list[Series | None] = []
    for i, key in enumerate(keys):
        indices = rows.get(key.strip())
        if indices is None or (begins is not None and np.isnan(begins.seconds[i])):
            series.append(None)
            continue
        row_times = None if times is None else times.seconds[indices]
        if row_times is not None and begins is not None:
            row_times = row_times - begins.seconds[i]
        series.append(_series(measured, indices, row_times, entry, file))
    return series


def beginnings(cells: pd.Series, entry: SignalEntry, file: Path) -> Moments:
    """The times of a column, from which those of signals count; NaN where a cell is empty.

    Raises:
        UserError: a cell that holds no time; dates with a time zone among dates without one.
    """
    known = ~cells.str.strip().str.lower().isin(NOTHING).to_numpy()
    seconds = np.full(len(cells), np.nan)
    moments = _moments(cells[known], entry, file, dated=True)
    seconds[known] = moments.seconds
    return replace(moments, seconds=seconds)


class _Rows:
    """The rows of a table of measurements.

    Attributes:
        frame: all cells as text; channels: the C names.
        values: float64 [rows, C], NaN where a cell is empty; of a table with a row a measurement, [rows, 1].
        which: int [rows], the channel of each row, -1 for none that is asked for; None where a row is a step.
    """

    def __init__(self, frame: pd.DataFrame, entry: SignalEntry, file: Path, known: Sequence[str]):
        self.frame, self.file = frame, file
        if entry.channel:
            names = frame[entry.channel].str.strip()
            self.channels = entry.channels or tuple(sorted(set(names) - {""}))
            number_of = {name: k for k, name in enumerate(self.channels)}
            self.which: np.ndarray | None = names.map(number_of).fillna(-1).to_numpy(int)
            self.values = _numbers(frame[entry.value].where(self.which >= 0, ""), file)[:, None]
            return
        self.which = None
        self.channels = entry.channels or tuple(name for name in frame if name not in known)
        if not self.channels:
            raise UserError(f"{file}: no column of values beside {', '.join(known)}.")
        columns = [_numbers(frame[name], file) for name in self.channels]
        self.values = np.stack(columns, 1) if len(frame) else np.zeros((0, len(columns)))

    def check_channels(self, entry: SignalEntry) -> None:
        """Refuse a channel that no row is of, in a table with a row a measurement; of others it would be no column.

        Raises:
            UserError: there is one.
        """
        if self.which is None:
            return
        absent = [name for k, name in enumerate(self.channels) if k not in self.which]
        if absent:
            names = sorted({*self.frame[entry.channel].str.strip()} - {""})
            raise UserError(
                f"{self.file}, column {entry.channel!r}: no row is of channel {absent[0]!r}; there are "
                f"{listed_channels(names) or 'none'}. Correct channels=."
            )

    def times(self, entry: SignalEntry, dated: bool = False) -> Moments | None:
        """Of each row its time; None where rows are steps."""
        return _moments(self.frame[entry.time], entry, self.file, dated) if entry.time else None


def _moments(cells: pd.Series, entry: SignalEntry, file: Path, dated: bool) -> Moments:
    """Times in seconds: numbers in the entry's unit, 7:30 as hours and minutes, or, where `dated`, dates."""
    plain = cells.str.strip()
    seconds = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64) * entry.seconds
    parts = plain.str.extract(f"^{CLOCK.pattern}$").astype(float)
    clock = (parts[0] * 3600 + parts[1] * 60 + parts[2].fillna(0)).to_numpy()
    seconds = np.where(np.isfinite(seconds), seconds, clock)
    dates = ~np.isfinite(seconds)
    if dated:
        seconds[dates] = _since_1970(plain[dates])
    do = "Correct the table." if dated else "Say since=COLUMN of your table if it holds dates."
    refuse(cells, ~np.isfinite(seconds), file, "holds no time", do)
    zoned = np.zeros(len(cells), bool)
    zoned[dates] = plain[dates].str.contains(ZONE)
    if zoned.any():
        what = f"holds dates with a time zone ({named(cells[zoned][:1], [True])}), and dates without one"
        refuse(cells, dates & ~zoned, file, what, "Write all of them with a time zone, or all without.")
    where = f"{file}, column {cells.name!r}"
    return Moments(
        seconds, where, bool(zoned.any()) if dates.any() else None, named(cells[dates][:1], dates[dates][:1])
    )


def _since_1970(cells: pd.Series) -> np.ndarray:
    """Dates in seconds, those with a time zone as the instants that they are, float64 [rows]; NaN where none is."""
    # A stay over the change to summer time has two zones in a column, of which pandas makes instants if told to.
    dates = pd.to_datetime(cells, errors="coerce", format="ISO8601", utc=True).to_numpy("datetime64[us]")
    return np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e6)


def _measurements(file: Path, entry: SignalEntry, keys: Sequence[str]) -> _Rows:
    known = [*keys, *([entry.time] if entry.time else [])]
    if entry.channel:
        wanted = [*known, entry.channel, entry.value]
    else:
        wanted = [*known, *(entry.channels or [name for name in frames.names(file) if name not in known])]
    return _Rows(frames.frame(file, wanted, rowless=True), entry, file, known)


def _numbers(cells: pd.Series, file: Path) -> np.ndarray:
    """float64 [rows], NaN where a cell is empty."""
    plain = cells.str.strip()
    empty = plain.str.lower().isin(NOTHING)
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore"):
        odd = ~np.isfinite(numbers.astype(np.float32)) & ~empty.to_numpy()
    refuse(cells, odd, file, "is no finite number", "Correct the table, leave the cell empty, or say which channels=.")
    return np.where(empty, np.nan, numbers)


def _series(
    measured: _Rows, rows: np.ndarray, times: np.ndarray | None, entry: SignalEntry, file: Path
) -> Series | None:
    """The series of some rows; `times`: float64 [rows], None where each is the next step."""
    values = measured.values[rows]
    which = None if measured.which is None else measured.which[rows]
    if times is None:
        assert entry.rate is not None
        count = None if entry.until is None else max(1, round(entry.until * entry.seconds * entry.rate))
        steps, rate = values[:count], entry.rate
    else:
        assert entry.step is not None
        duration = entry.step * entry.seconds
        steps, rate = _binned(values, which, times, duration, len(measured.channels), entry, file), 1 / duration
    if not np.isfinite(steps).any():
        return None
    return Series(steps.astype(np.float32), rate, measured.channels)


def _binned(
    values: np.ndarray,
    which: np.ndarray | None,
    times: np.ndarray,
    duration: float,
    channels: int,
    entry: SignalEntry,
    file: Path,
) -> np.ndarray:
    """float64 [T, channels]: the mean of what falls into each step of `duration` seconds from time 0 on, NaN where
    nothing does. What was before time 0 or not before `until` is left out."""
    step = np.floor(times / duration + ROUNDED).astype(np.int64)
    end = np.inf if entry.until is None else entry.until * entry.seconds / duration - ROUNDED
    row, column = np.nonzero(np.isfinite(values))
    number, channel = values[row, column], column if which is None else which[row]
    inside = (step[row] >= 0) & (step[row] < end) & (channel >= 0)
    steps, channel, number = step[row][inside], channel[inside], number[inside]
    count = int(steps.max(initial=-1)) + 1
    if count > MOST_STEPS:
        raise UserError(
            f"{file}: a series of {count:,} steps of {duration:g} s; at most {MOST_STEPS:,} are read. Is unit= right?"
        )
    total = np.zeros((count, channels))
    seen = np.zeros((count, channels))
    np.add.at(total, (steps, channel), number)
    np.add.at(seen, (steps, channel), 1)
    return np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0)
