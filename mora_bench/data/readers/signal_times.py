"""The times of the rows of a signal's table, and those from which they count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.readers.cells import NOTHING, named, refuse
from mora_bench.data.readers.dates import HL7
from mora_bench.data.readers.decimals import decimals
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.errors import UserError

#: A time of day, or since the beginning: 7:30 or 07:30:15.
CLOCK = re.compile(r"([0-9]+):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?")
#: Hours of a day; clock times of more count from a beginning.
DAY = 24
#: The end of a date that has a time zone: 2020-07-28T10:00:00+02:00, 2020-07-28 08:00Z.
ZONE = re.compile(r"[T ][0-9][0-9:., ]*(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)$")
#: A date without a time of day: 2020-07-28, 20200728.0, 20200728+0200.
ALONE = re.compile(r"[0-9]{4}(\D?)[0-9]{1,2}\1[0-9]{1,2}(?:\.0)?(?:[+-][0-9]{4})?")
#: A date without a day: 2020-07.
PARTIAL = re.compile(r"[0-9]{4}\D[0-9]{1,2}")
#: Numbers of which more than this share could be such dates are dates; of dates of which more than this share have no
#: time of day none has one.
MOSTLY = 0.5
#: How dates are written.
HOW = "Correct the table: dates are read as 2020-07-28 10:00 (ISO 8601) or 202007281000 (HL7)."


@dataclass(frozen=True)
class Moments:
    """The times of a column.

    Attributes:
        seconds: float64 [N]; of dates those since 1970, NaN where there is none.
        cells: the N cells; where: their file and name.
        dated: bool [N], which are dates; alone: bool [N], which are dates without a time of day; clock: bool [N], which
            are clock times.
        zoned: whether its dates have a time zone; None if it holds no dates.
    """

    seconds: np.ndarray
    cells: pd.Series
    where: str
    dated: np.ndarray
    alone: np.ndarray
    clock: np.ndarray
    zoned: bool | None = None

    @cached_property
    def of_a_day(self) -> bool:
        """Whether its clock times may all be of a day, and none counts hours from a beginning."""
        return bool(self.clock.any()) and bool((self.seconds[self.clock] < DAY * 3600).all())

    def example(self, which: np.ndarray) -> str:
        """The first of some cells (bool [N]), with its row."""
        return named(self.cells[which][:1], [True])

    def check(self, begins: Moments) -> None:
        """Refuse dates that do not go together with those from which they count.

        Raises:
            UserError: of the two columns of dates only one has time zones, or times of day, without which nobody knows
                what is before a beginning.
        """
        self._check_zones(begins)
        self._check_days(begins)

    def _check_zones(self, begins: Moments) -> None:
        """Refuse dates that count from others where nobody knows how far apart they are.

        Raises:
            UserError: the dates of one column have a time zone, those of the other have none.
        """
        if self.zoned is None or begins.zoned is None or self.zoned == begins.zoned:
            return
        theirs, others = ("with a time zone", "without one") if self.zoned else ("without a time zone", "with one")
        raise UserError(
            f"{self.where} holds dates {theirs} ({self.example(self.dated)}), and {begins.where}, from which they "
            f"count, dates {others} ({begins.example(begins.dated)}). Write both columns with a time zone, or both "
            "without."
        )

    def _check_days(self, begins: Moments) -> None:
        """Refuse dates without a time of day that count from others with one. A few among dates with times are
        midnight: R writes it so.

        Raises:
            UserError: nobody knows which of the first day's are before the beginning.
        """
        if self.alone.sum() <= MOSTLY * self.dated.sum():
            return
        timed = begins.dated & ~begins.alone & (begins.seconds % (DAY * 3600) != 0)
        if timed.any():
            raise UserError(
                f"{self.where} holds dates without a time of day ({self.example(self.alone)}), and {begins.where}, "
                f"from which they count, dates with one ({begins.example(timed)}), so nobody knows which of the first "
                "day are before it. Name a column of dates with times in time=, or one of dates without in since=."
            )

    def since(self, rows: np.ndarray, begins: Moments, row: int) -> np.ndarray:
        """Some rows' seconds since the beginning that stands in a row of `begins`, float64 [n].

        Raises:
            UserError: only one of the two is a date; a clock time is before a beginning that is one, too: it may be of
                the day before, or of the day after.
        """
        odd = self.dated[rows] != begins.dated[row]
        if odd.any():
            plain, date = "plain numbers or clock times", "dates"
            mine, others = (plain, date) if begins.dated[row] else (date, plain)
            raise UserError(
                f"{self.where} holds {mine} ({self._named(rows[odd])}), and {begins.where}, from which they count, "
                f"{others} ({begins._named([row])}). Write both as dates, or both as numbers that count from one time."
            )
        seconds = self.seconds[rows] - begins.seconds[row]
        if begins.clock[row] and begins.of_a_day and self.of_a_day:
            before = self.clock[rows] & (seconds < 0)
            if before.any():
                raise UserError(
                    f"{self.where} holds clock times ({self._named(rows[before])}) that are before the one from which "
                    f"they count, {begins.where} ({begins._named([row])}), so nobody knows whether they are of the day "
                    "after. Write dates in both, or times that count on over midnight (24:10)."
                )
        return seconds

    def _named(self, rows: np.ndarray | list[int]) -> str:
        cells = self.cells.iloc[rows]
        return named(cells, [True] * len(cells))


def beginnings(cells: pd.Series, entry: SignalEntry, file: Path, commas: bool) -> Moments:
    """The times of a column, from which those of signals count; NaN where a cell is empty. `commas`: as in `decimals`.

    Raises:
        UserError: a cell that holds no time, or a date without a day; dates with a time zone among dates without one.
    """
    known = ~cells.str.strip().str.lower().isin(NOTHING).to_numpy()
    found = moments(cells[known], entry, file, commas, dated=True)
    seconds = np.full(len(cells), np.nan)
    seconds[known] = found.seconds
    dated, alone, clock = np.zeros((3, len(cells)), bool)
    dated[known], alone[known], clock[known] = found.dated, found.alone, found.clock
    return Moments(seconds, cells, found.where, dated, alone, clock, found.zoned)


def moments(cells: pd.Series, entry: SignalEntry, file: Path, commas: bool, dated: bool) -> Moments:
    """Times in seconds: numbers in the entry's unit, 7:30 as hours and minutes, or, where `dated`, dates.

    Args:
        commas: as in `decimals`.

    Raises:
        UserError: as `beginnings`; dates that are not `dated`.
    """
    plain = stripped = cells.str.strip()
    seconds = decimals(plain, commas) * entry.seconds
    if dated:
        written = _written_by_hospitals(plain, np.isfinite(seconds))
        seconds[written] = np.nan
        plain = plain.mask(written, _as_iso(plain[written]))
    parts = plain.str.extract(f"^{CLOCK.pattern}$").astype(float)
    clock = (parts[0] * 3600 + parts[1] * 60 + parts[2].fillna(0)).to_numpy()
    seconds = np.where(np.isfinite(seconds), seconds, clock)
    dates = ~np.isfinite(seconds)
    if dated:
        seconds[dates] = _since_1970(plain[dates])
        partial = dates & plain.str.fullmatch(PARTIAL.pattern).to_numpy(bool)
        refuse(cells, partial, file, "holds dates without a day", "Write the day, or leave these rows out.")
    do = HOW if dated else "Say since=COLUMN of your table if it holds dates."
    refuse(cells, ~np.isfinite(seconds), file, "holds no time", do)
    zoned = np.zeros(len(cells), bool)
    zoned[dates] = plain[dates].str.contains(ZONE)
    if zoned.any():
        what = f"holds dates with a time zone ({named(cells[zoned][:1], [True])}), and dates without one"
        refuse(cells, dates & ~zoned, file, what, "Write all of them with a time zone, or all without.")
    where = f"{file}, column {cells.name!r}"
    zone = bool(zoned.any()) if dates.any() else None
    alone = dates & stripped.str.fullmatch(ALONE.pattern).to_numpy(bool)
    return Moments(seconds, cells, where, dates, alone, np.isfinite(clock) & ~dates, zone)


def _written_by_hospitals(plain: pd.Series, numeric: np.ndarray) -> np.ndarray:
    """Which cells are dates of HL7, bool [N]. Of digits alone some may be dates by chance; most cannot."""
    fit = plain.str.fullmatch(HL7.pattern).to_numpy(bool)
    return fit & ~numeric if (fit & numeric).sum() <= MOSTLY * numeric.sum() else fit


def _as_iso(dates: pd.Series) -> pd.Series:
    """Dates of HL7 as ISO 8601 has them."""
    year, month, day, hour, minute, second, zone = (part for _, part in dates.str.extract(HL7).items())
    clock = hour.fillna("00") + ":" + minute.fillna("00") + ":" + second.fillna("00")
    return year + "-" + month + "-" + day + "T" + clock + zone.fillna("")


def _since_1970(cells: pd.Series) -> np.ndarray:
    """Dates in seconds, those with a time zone as the instants that they are, float64 [rows]; NaN where none is."""
    # A stay over the change to summer time has two zones in a column, of which pandas makes instants if told to.
    dates = pd.to_datetime(cells, errors="coerce", format="ISO8601", utc=True).to_numpy("datetime64[us]")
    return np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e6)
