"""Series from the rows of tables: a row a step, or a row a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.modalities.series import Series
from mora_bench.data.readers import frames
from mora_bench.data.readers.cells import NOTHING, refuse
from mora_bench.data.readers.decimals import decimals
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.signal_files import listed_channels, unspelled
from mora_bench.data.readers.signal_times import Moments, moments
from mora_bench.data.readers.thousands import refuse_thousands
from mora_bench.errors import UserError

#: The most steps of a series; more come of a time in another unit.
MOST_STEPS = 4_000_000
#: Times are rounded to this share of a step before they are put into one: 0.3 / 0.1 is not 3.
ROUNDED = 1e-6


def of_one(file: Path, entry: SignalEntry, begin: tuple[Moments, int] | None = None) -> Series | None:
    """The series of a table that holds one sample's; None where nothing in it was measured.

    Args:
        begin: the times from which those of samples count, and its row of them; NaN: it has no series. None: its
            times count from 0.

    Raises:
        UserError: as `frames.frame`; a cell that is no number; more steps than `MOST_STEPS`; times that are dates
            without `begin`; what `Moments.check` and `Moments.since` do.
    """
    measured = _measurements(file, entry, ())
    if not len(measured.frame) or (begin is not None and np.isnan(begin[0].seconds[begin[1]])):
        return None
    times, rows = measured.times(entry, dated=begin is not None), np.arange(len(measured.frame))
    seconds = None if times is None else times.seconds
    if times is not None and begin is not None:
        times.check(begin[0])
        seconds = times.since(rows, *begin)
    return _series(measured, rows, seconds, entry, file)


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
        UserError: as `of_one`; times that are dates without `begins`; what `Moments.check` and `Moments.since` do; a
            channel that no row is of.
    """
    measured = _measurements(file, entry, (entry.key,))
    if whole:
        measured.check_channels(entry)
    rows = measured.frame.groupby(measured.frame[entry.key].str.strip(), sort=False).indices
    times = measured.times(entry, dated=begins is not None)
    if times is not None and begins is not None:
        times.check(begins)
    series: list[Series | None] = []
    for i, key in enumerate(keys):
        indices = rows.get(key.strip())
        if indices is None or (begins is not None and np.isnan(begins.seconds[i])):
            series.append(None)
            continue
        row_times = None if times is None else times.seconds[indices]
        if times is not None and begins is not None:
            row_times = times.since(indices, begins, i)
        series.append(_series(measured, indices, row_times, entry, file))
    return series


class _Rows:
    """The rows of a table of measurements.

    Attributes:
        frame: all cells as text; channels: the C names.
        values: float64 [rows, C], NaN where a cell is empty; of a table with a row a measurement, [rows, 1].
        which: int [rows], the channel of each row, -1 for none that is asked for; None where a row is a step.
        separator: as in `refuse_thousands`; where it is no comma, numbers may have a decimal comma.
    """

    def __init__(self, frame: pd.DataFrame, entry: SignalEntry, file: Path, known: Sequence[str]):
        self.frame, self.file = frame, file
        self.separator = frames.dialect(file, [*frame]).separator
        if entry.channel:
            names = frame[entry.channel].str.strip()
            self.channels = entry.channels or tuple(sorted(set(names) - {""}))
            number_of = {name: k for k, name in enumerate(self.channels)}
            self._check_spellings(set(names), entry)
            self.which: np.ndarray | None = names.map(number_of).fillna(-1).to_numpy(int)
            self.values = _numbers(frame[entry.value].where(self.which >= 0, ""), file, self.separator)[:, None]
            return
        self.which = None
        self.channels = entry.channels or tuple(name for name in frame if name not in known)
        if not self.channels:
            raise UserError(f"{file}: no column of values beside {', '.join(known)}.")
        columns = [_numbers(frame[name], file, self.separator) for name in self.channels]
        self.values = np.stack(columns, 1) if len(frame) else np.zeros((0, len(columns)))

    def _check_spellings(self, names: set[str], entry: SignalEntry) -> None:
        """Refuse rows that would be left out as they spell a channel that is read otherwise."""
        wanted = {unspelled(name): name for name in self.channels}
        other = next((name for name in sorted(names - {*self.channels}) if unspelled(name) in wanted), None)
        if other is not None:
            channel = wanted[unspelled(other)]
            raise UserError(
                f"{self.file}, column {entry.channel!r}: {other!r} differs from the channel {channel!r} in case or "
                "blanks alone, and its rows would be left out. Write them alike if they are one, or say both in "
                "channels=."
            )

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
        if not entry.time:
            return None
        refuse_thousands(self.frame[entry.time], self.file, self.separator)
        return moments(self.frame[entry.time], entry, self.file, self.separator != ",", dated)


def _measurements(file: Path, entry: SignalEntry, keys: Sequence[str]) -> _Rows:
    known = [*keys, *([entry.time] if entry.time else [])]
    if entry.channel:
        wanted = [*known, entry.channel, entry.value]
    else:
        wanted = [*known, *(entry.channels or [name for name in frames.names(file) if name not in known])]
    return _Rows(frames.frame(file, wanted, rowless=True), entry, file, known)


def _numbers(cells: pd.Series, file: Path, separator: str) -> np.ndarray:
    """float64 [rows], NaN where a cell is empty."""
    plain = cells.str.strip()
    empty = plain.str.lower().isin(NOTHING)
    numbers = decimals(plain, separator != ",")
    with np.errstate(over="ignore"):
        odd = ~np.isfinite(numbers.astype(np.float32)) & ~empty.to_numpy()
    refuse(cells, odd, file, "is no finite number", "Correct the table, leave the cell empty, or say which channels=.")
    refuse_thousands(cells, file, separator)
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
    step = np.floor(times / duration + ROUNDED)
    end = np.inf if entry.until is None else entry.until * entry.seconds / duration - ROUNDED
    row, column = np.nonzero(np.isfinite(values))
    number, channel = values[row, column], column if which is None else which[row]
    inside = (step[row] >= 0) & (step[row] < end) & (channel >= 0)
    channel, number = channel[inside], number[inside]
    count = int(step[row][inside].max(initial=-1)) + 1
    if count > MOST_STEPS:
        raise UserError(
            f"{file}: a series of {count:,} steps of {duration:g} s; at most {MOST_STEPS:,} are read. Is unit= right?"
        )
    # Only now: a time of 1e22 is no whole number of 64 bits.
    steps = step[row][inside].astype(np.int64)
    total = np.zeros((count, channels))
    seen = np.zeros((count, channels))
    np.add.at(total, (steps, channel), number)
    np.add.at(seen, (steps, channel), 1)
    return np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0)
