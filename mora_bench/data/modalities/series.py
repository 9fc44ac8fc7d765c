"""The series of a signal, what may be wrong with one, and how two of a data set may differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench.data.modalities import units
from mora_bench.files import digest

#: Of two rates that differ by no more than this share, the files' rounding is the reason.
SAME_RATE = 1e-6


@dataclass(frozen=True, eq=False)
class Series:
    """A sample's signal that has been read.

    Attributes:
        values: float [T, C], one row a step, NaN where a channel was not measured.
        rate: steps a second (Hz); 1 / 3600 is one an hour.
        channels: the C names.
        units: of each channel, such as "mV", "" where nobody knows; () where nobody knows any. Voltages are in mV.
    """

    values: np.ndarray
    rate: float
    channels: tuple[str, ...]
    units: tuple[str, ...] = ()

    def read(self) -> Series:
        """Itself: it has been read."""
        return self

    def fingerprint(self) -> str:
        """16 hex digits that change when anything of it does."""
        head = json.dumps([self.values.shape, self.rate, self.channels, *([self.units] if any(self.units) else [])])
        return digest([head.encode(), np.ascontiguousarray(self.values, np.float32).tobytes()])


def called(name: str, value: Any) -> str:
    """A sample, and the file of its signal if it has one."""
    path = getattr(value, "path", None)
    return repr(name) if path is None else f"{name!r} ({path})"


def wrong_in(series: Any) -> str | None:
    """The fault of a series that was read; None if it has none."""
    if not isinstance(series, Series):
        return f"is read as {type(series).__name__}; expected a Series"
    values = series.values
    if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
        shape = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else type(values).__name__
        return f"has values {shape}; expected a NumPy array of numbers [T, C] with at least one step"
    names, count = series.channels, values.shape[1]
    if len(names) != count or len(set(names)) != count or len(series.units) not in (0, count):
        said = f", and units {list(series.units)}" if series.units else ""
        return (
            f"has channels {list(names)}{said}; expected {count} names, each once{', and as many units' * bool(said)}"
        )
    if not (np.isfinite(series.rate) and series.rate > 0):
        return f"has a rate of {series.rate} Hz; expected a number above 0"
    with np.errstate(over="ignore"):
        odd = np.isinf(values.astype(np.float32))
    if odd.any():
        step, channel = np.argwhere(odd)[0]
        return f"holds infinity, or a number that float32 does not have, in {series.channels[channel]} at step {step}"
    return None


def unusable(series: Any) -> str | None:
    """The same, where one in which nothing was measured is no series either."""
    nothing = "has no measured value; say that the sample has none (None)"
    return wrong_in(series) or (None if np.isfinite(series.values).any() else nothing)


def unlike(series: Series, named: str, first: Series) -> str | None:
    """How a series differs from the first one in what all share; None if it does not."""
    if series.channels != first.channels:
        return (
            f"has the channels {list(series.channels)}, and {list(first.channels)} in sample {named}. Give all the "
            "same in the same order; one that was not measured is NaN"
        )
    if abs(series.rate - first.rate) > SAME_RATE * first.rate:
        return f"has {series.rate:g} Hz, and {first.rate:g} in sample {named}. Resample them to one rate"
    return units.unlike(series.channels, series.units, first.units, named)
