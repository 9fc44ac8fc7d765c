"""From measured values to grey levels: a window, as radiology has it, or the range of the values."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mora_bench.errors import UserError

#: The share of values at either end that may be left out, and how often the range of all others an end must be away
#: from them for that.
OUTLIERS, FAR = 0.001, 2.0
#: Of fewer values than these none is left out.
FEW = 64
#: Of more values than these the two shares are taken of evenly spaced ones; the least and the greatest are of all.
ENOUGH = 1_000_000
#: Values that are looked at together until one of them is finite.
PART = 1 << 16


class Window(NamedTuple):
    """A range of values that is spread over all grey levels; what lies outside is black or white.

    Attributes:
        centre, width: in the unit of the values, e.g. Hounsfield units (lung: -600, 1500; soft tissue: 40, 400).
    """

    centre: float
    width: float


def check_shows(path: Path, shows: bool) -> None:
    """Refuse a file that has no finite value: a sample without a picture has none in its table.

    Raises:
        UserError: naming it.
    """
    if not shows:
        raise UserError(
            f"{path}: it shows nothing: all its values are NaN or infinite. Replace the file by an intact copy, or "
            "leave it out of the table: an empty cell counts as a naturally missing image."
        )


def any_finite(values: np.ndarray) -> bool:
    """Whether an array of any shape has a finite value; that ends at the first part that has one."""
    if values.dtype.kind != "f":
        return True
    flat = values.ravel(order="K")
    return any(bool(np.isfinite(flat[at : at + PART]).any()) for at in range(0, flat.size, PART))


def grey(values: np.ndarray, window: Window | None, exact: bool = False) -> np.ndarray:
    """Values [H, W] -> uint8 [H, W, 3], by DICOM's linear functions. Values that are not finite are black.

    Args:
        window: None: the values' `spread` from black to white.
        exact: of values that may be fractions: the window is as wide as it says (LINEAR_EXACT; PS3.3, C.11.2.1.3.2),
            and so is one below 1 of any values. Else it spans so many whole values (LINEAR; C.11.2.1.2.1): the least
            of them is black and the greatest white, and of fractions from 0 to 1 it would leave two levels.
    """
    if window is None:
        return between(values, *spread(values))
    centre, width = window
    if exact or width < 1:
        return _levels(values, lambda x: (x - centre) / width + 0.5)
    if width == 1:
        return _levels(values, lambda x: (x > centre - 0.5).astype(np.float64))
    return _levels(values, lambda x: (x - (centre - 0.5)) / (width - 1) + 0.5)


def between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values [H, W] -> uint8 [H, W, 3]: `low` and less are black, `high` and more white; what is not finite is black.
    All is black where the two are equal."""
    # Halved, because the difference of two numbers need not be one.
    span = high / 2 - low / 2
    return _levels(values, lambda x: (x / 2 - low / 2) / span if span > 0 else np.zeros_like(x))


def _levels(values: np.ndarray, share: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    x = np.asarray(values, np.float64)
    finite = np.isfinite(x)
    all_finite = bool(finite.all())
    # Most pictures are all finite, and each further pass over one costs as much as its share of a volume's decoding.
    shares = share(x if all_finite else np.where(finite, x, 0))
    np.clip(shares, 0, 1, out=shares)
    shares *= 255
    levels = np.rint(shares, out=shares).astype(np.uint8)
    if not all_finite:
        levels[~finite] = 0
    return np.repeat(levels[..., None], 3, axis=2)


def spread(values: np.ndarray) -> tuple[float, float]:
    """The values that are shown as black and as white without a window: the least and the greatest of the finite
    values, of a picture or a volume.

    An end is moved to the value that 0.1 % lie beyond where it is farther from the middle 99.8 % than these are wide,
    because one hot pixel must not blacken a picture. Whole numbers within 255 of each other stay as they are: every
    one of them has a grey level, and few of them may be what matters (a mask). So do fewer than 64 values.
    """
    x = np.asarray(values)
    low, high = _ends(x)
    if not np.isfinite(high - low):
        x = x[np.isfinite(x)]
        low, high = _ends(x)
    if x.size < FEW:
        return low, high
    if high - low <= 255 and (x.dtype.kind != "f" or bool((x == np.floor(x)).all())):
        return low, high
    flat = x.ravel(order="K")
    # An odd step, so that the columns of a picture are not met again and again.
    some = flat[:: (flat.size // ENOUGH) | 1]
    # Of few values the nearest inner one, or a single hot pixel would be among the middle ones.
    first = float(np.quantile(some, OUTLIERS, method="higher"))
    last = float(np.quantile(some, 1 - OUTLIERS, method="lower"))
    wide = (FAR - 1) * (last - first)
    if wide <= 0:
        return low, high
    return (first if first - low > wide else low), (last if high - last > wide else high)


def _ends(values: np.ndarray) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
