"""Series from the rows of tables: a row a step, or a row a measurement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.modalities.signal import Series
from mora_bench.data.readers import frames
from mora_bench.data.readers.cells import NOTHING, refuse
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.errors import UserError

#: The most steps of a series; more come of a time in another unit.
MOST_STEPS = 4_000_000
#: A time of day, or since the beginning: 7:30 or 07:30:15.
CLOCK = re.compile(r"([0-9]+):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?")
#: Times are rounded to this share of a step before they are put into one: 0.3 / 0.1 is not 3.
ROUNDED = 1e-6


def of_one(file: Path, entry: SignalEntry) -> Series | None:
    """The series of a table that holds one sample's; None where nothing in it was measured.

    Raises:
        UserError: as `frames.frame`; a cell that is no number; more steps than `MOST_STEPS`.
    """
    measured = _measurements(file, entry, ())
    if not len(measured.frame):
        return None
    times = measured.times(entry)
    return _series(measured, np.arange(len(measured.frame)), times, entry, file)


def of_all(file: Path, entry: SignalEntry, keys: Sequence[str], begins: np.ndarray | None) -> list[Series | None]:
    """The series of each of N samples, by their keys, from one table; None where nothing of a sample was measured.

    Args:
        begins: of each sample the second from which its times count, as `beginnings` gives it, float64 [N]; NaN: it has
            no series. None: times count from 0.

    Raises:
        UserError: as `of_one`; times that are dates without `begins`.
    """
    measured = _measurements(file, entry, (entry.key,))
    rows = measured.frame.groupby(measured.frame[entry.key].str.strip(), sort=False).indices
    times = measured.times(entry, dated=begins is not None)
    series: list[Series | None] = []
    for i, key in enumerate(keys):
        indices = rows.get(key.strip())
        if indices is None or (begins is not None and np.isnan(begins[i])):
            series.append(None)
            continue
        row_times = None if times is None else times[indices]
        if row_times is not None and begins is not None:
            row_times = row_times - begins[i]
        series.append(_series(measured, indices, row_times, entry, file))
    return series


def beginnings(cells: pd.Series, entry: SignalEntry, file: Path) -> np.ndarray:
    """The times of a column, from which those of signals count, in seconds, float64 [N]; NaN where a cell is empty.

    Raises:
        UserError: a cell that holds no time.
    """
    known = ~cells.str.strip().str.lower().isin(NOTHING).to_numpy()
    seconds = np.full(len(cells), np.nan)
    seconds[known] = _moments(cells[known], entry, file, dated=True)
    return seconds


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

    def times(self, entry: SignalEntry, dated: bool = False) -> np.ndarray | None:
        """Of each row its time in seconds, float64 [rows]; None where rows are steps."""
        return _moments(self.frame[entry.time], entry, self.file, dated) if entry.time else None


def _moments(cells: pd.Series, entry: SignalEntry, file: Path, dated: bool) -> np.ndarray:
    """Times in seconds: numbers in the entry's unit, 7:30 as hours and minutes, or, where `dated`, dates."""
    plain = cells.str.strip()
    seconds = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64) * entry.seconds
    parts = plain.str.extract(f"^{CLOCK.pattern}$").astype(float)
    clock = (parts[0] * 3600 + parts[1] * 60 + parts[2].fillna(0)).to_numpy()
    seconds = np.where(np.isfinite(seconds), seconds, clock)
    if dated and not np.isfinite(seconds).all():
        dates = pd.to_datetime(plain, errors="coerce", format="ISO8601").to_numpy("datetime64[ns]")
        timestamps = np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e9)
        seconds = np.where(np.isfinite(seconds), seconds, timestamps)
    do = "Correct the table." if dated else "Say since=COLUMN of your table if it holds dates."
    refuse(cells, ~np.isfinite(seconds), file, "holds no time", do)
    return seconds


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
