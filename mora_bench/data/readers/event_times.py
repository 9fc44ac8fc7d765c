"""Reads the time until something happened, or until somebody was last seen free of it, from two columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench import registry
from mora_bench.data.readers.cells import YES_NO, nothing, refuse
from mora_bench.data.readers.dates import HL7
from mora_bench.data.readers.measured import MOSTLY, number, same
from mora_bench.data.readers.targets import LEAVE_OUT, Policy, Targets
from mora_bench.errors import UserError


@dataclass(frozen=True)
class EventTimes:
    """How a table says when something happened.

    Attributes:
        time: a column of numbers, 0 or more, in any unit.
        event: a column of 0 (censored) and 1 (it happened then), or "COLUMN=VALUE", where the value says that it did.
        horizons: times that rise, in the same unit.

    Raises:
        UserError: one of them is not given, or horizons do not rise.
    """

    time: str
    event: str
    horizons: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (self.time and self.event and self.horizons):
            raise UserError(
                "--time, --event, --horizons: all three are needed, e.g. --time days --event died --horizons 30 90 365."
            )
        try:
            registry.made(registry.TASKS, self.task)
        except UserError:
            raise UserError(
                f"--horizons {' '.join(f'{horizon:g}' for horizon in self.horizons)}: "
                "expected numbers above 0 that rise."
            ) from None

    @property
    def task(self) -> str:
        return f"time-to-event:{','.join(f'{horizon:.12g}' for horizon in self.horizons)}"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"by {horizon:.12g}" for horizon in self.horizons)

    @property
    def columns(self) -> tuple[str, str]:
        """The columns that are read."""
        return self.time, self.event.partition("=")[0]


def event_times(frame: pd.DataFrame, options: EventTimes, file: Path, policy: Policy, commas: bool) -> Targets:
    """The times and events of a table, [N, 2].

    Raises:
        UserError: a cell is no time or says neither that it happened nor that it did not, or is empty and the policy
            does not leave such rows out; most times are dates of digits alone (20200728); no row is left.
    """
    time, event = (frame[name] for name in options.columns)
    if policy.empty != LEAVE_OUT:
        do = "Say --empty-label leave-out, or fill it in. Whoever was not seen again has the time of the last visit."
        for column in (time, event):
            refuse(column, column.map(nothing), file, "is empty", do)
    empty = time.map(nothing) | event.map(nothing)
    times = [number(cell.strip(), commas) for cell in time]
    odd = [(when is None or when < 0) and not blank for when, blank in zip(times, empty, strict=True)]
    do = "Give the time since the start as a number, such as days; of two dates, their difference."
    refuse(time, odd, file, "is no number of 0 or more", do)
    days = [bool(HL7.fullmatch(cell.strip())) for cell in time]
    if sum(days) > MOSTLY * (~empty).sum():
        refuse(time, days, file, "holds dates", do)
    happened = _happened(event, options.event, empty, file)
    kept = ~empty.to_numpy()
    if not kept.any():
        raise UserError(f"{file}, column {options.time!r}: no row has a time and an event.")
    values = np.stack([np.array([np.nan if when is None else when for when in times]), happened], 1).astype(np.float64)
    notes = [f"{(~kept).sum()} rows without a time and an event are left out"] * bool(empty.any())
    return Targets(
        options.labels, values, options.task, kept, (*notes, *_counted(event[kept], happened[kept], options.event))
    )


def _happened(event: pd.Series, asked: str, empty: pd.Series, file: Path) -> np.ndarray:
    """1 where it happened, else 0, float [n]."""
    cells = event.str.strip()
    _, named, value = asked.partition("=")
    if named:
        happened = cells.map(same) == same(value)
        if not happened.any():
            known = ", ".join(repr(cell) for cell in sorted({*cells[~empty]})[:5])
            raise UserError(f"--event {asked}: no cell of column {event.name!r} is {value!r}; there is {known}.")
        return happened.to_numpy(float)
    marks = cells.str.lower().map(YES_NO)
    do = f"Write 1, or 0 for censored; or say which value is the event: --event {event.name}=VALUE."
    refuse(event, marks.isna() & ~empty, file, "is neither 0 nor 1", do)
    return marks.fillna(0).to_numpy(float)


def _counted(event: pd.Series, happened: np.ndarray, asked: str) -> list[str]:
    """Sentences on censoring: on every value but the event's, whatever it means, where a value says what the event is;
    else on a column whose name says the opposite."""
    if "=" not in asked:
        turned = (
            f"WARNING: column {event.name!r} has 1 for an event. Where it has 1 for censored, say --event {asked}=0."
        )
        return [turned] * ("censor" in str(event.name).lower())
    cells = event.str.strip()
    counts = [cells[happened == outcome].value_counts() for outcome in (1, 0)]
    events, others = (", ".join(f"{cell!r} {n}" for cell, n in tally.head(5).items()) for tally in counts)
    sentence = f"column {event.name!r}: {events} is the event; censored: {others or 'nobody'}"
    several = len(counts[1]) > 1
    return [f"WARNING: {sentence}. Does each of these mean that it had not happened?" if several else sentence]
