"""From the stored values of a DICOM picture to grey levels, as PS3.3, C.11 and C.7.6.16 have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_header import Frame, numbers
from mora_bench.data.readers.dicom_tables import may_be_negative, table_of
from mora_bench.data.readers.window import Window, grey
from mora_bench.errors import UserError


def grey_levels(stored: np.ndarray, frame: Frame, window: Window | None, path: Path) -> np.ndarray:
    """Stored values [H, W] -> uint8 [H, W, 3]: measured values, then grey levels, then turned over where high values
    are dark; padding is black.

    Grey levels are those of `window`, else of the file's table or window for the frame, else the range of the values.
    Windows of stored floats are exact, and so is `window` of values that the file's scale makes fractions.
    Unsigned values of 8 stored bits without any of them are shown as they are.

    Raises:
        UserError: a table, a window or a scale that the standard does not allow.
    """
    data = frame.data
    values = measured(stored, frame, path)
    padding = padded(stored, data)
    shown = window or _window(frame)
    tables = None if window else frame.get("VOILUTSequence")
    if tables:
        picture = _by_table(values, tables[0], frame)
    elif shown:
        function = "LINEAR" if window else str(frame.get("VOILUTFunction") or "LINEAR")
        exact = stored.dtype.kind == "f" or (window is not None and _into_fractions(frame))
        picture = _by_window(values, shown, function, exact, path)
    elif values is stored and stored.dtype.kind == "u" and data.get("BitsStored") == 8 and int(stored.max()) < 256:
        # However many bits are allocated for each.
        picture = np.repeat(stored.astype(np.uint8)[..., None], 3, axis=2)
    else:
        # Padding is no number then: black, and out of the scale.
        picture = grey(np.where(padding, np.nan, values) if padding.any() else values, None)
    if inverted(data):
        picture = 255 - picture
    picture[padding] = 0
    return picture


def measured(stored: np.ndarray, frame: Frame, path: Path) -> np.ndarray:
    """Stored values in their unit, e.g. Hounsfield units, by the file's table or its slope and intercept."""
    tables = frame.data.get("ModalityLUTSequence")
    if tables:
        return table_of(tables[0], frame.data, int(frame.data.get("PixelRepresentation") or 0) == 1).of(stored)
    slope, intercept = (numbers(frame.get(f"Rescale{name}")) for name in ("Slope", "Intercept"))
    if (slope or (1.0,))[0] == 0:
        raise UserError(
            f"{path}, frame {frame.number}: RescaleSlope is 0, so all values are equal. Correct it, or leave it out."
        )
    if (slope or (1.0,))[0] == 1 and (intercept or (0.0,))[0] == 0:
        return stored
    return stored * np.float64((slope or (1.0,))[0]) + (intercept or (0.0,))[0]


def padded(stored: np.ndarray, data: Any) -> np.ndarray:
    """Where a value stands for nothing (PixelPaddingValue, to PixelPaddingRangeLimit): bool [H, W]."""
    kind = {"f": {4: "Float", 8: "DoubleFloat"}}.get(stored.dtype.kind, {}).get(stored.dtype.itemsize, "")
    first = data.get(f"{kind}PixelPaddingValue")
    if first is None or first == "":
        return np.zeros(stored.shape, bool)
    last = data.get(f"{kind}PixelPaddingRangeLimit")
    ends = [_as_stored(end, stored, data) for end in (first, first if last in (None, "") else last)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _as_stored(value: Any, stored: np.ndarray, data: Any) -> float:
    """A padding value of the sign of the pixels: some files state -2000 as 63536."""
    bits = int(data.get("BitsAllocated") or 16)
    if stored.dtype.kind == "f":
        return float(value)
    signed = int(data.get("PixelRepresentation") or 0) == 1
    value = int(value) % (1 << bits)
    return value - (1 << bits) if signed and value >= 1 << (bits - 1) else value


def inverted(data: Any) -> bool:
    """Whether high values are dark: the shape of the presentation says so, or else MONOCHROME1."""
    shape = data.get("PresentationLUTShape")
    return shape == "INVERSE" if shape else data.get("PhotometricInterpretation") == "MONOCHROME1"


def _window(frame: Frame) -> Window | None:
    """The first window that a file gives for a frame."""
    centre, width = (numbers(frame.get(f"Window{name}")) for name in ("Center", "Width"))
    return Window(centre[0], width[0]) if centre and width else None


def _into_fractions(frame: Frame) -> bool:
    """Whether whole stored values become fractions in their unit: by a slope or an intercept that is none."""
    scale = (*numbers(frame.get("RescaleSlope")), *numbers(frame.get("RescaleIntercept")))
    return "ModalityLUTSequence" not in frame.data and not all(number.is_integer() for number in scale)


def _by_window(values: np.ndarray, window: Window, function: str, exact: bool, path: Path) -> np.ndarray:
    """Values through a window: PS3.3, C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT).
    LINEAR is read as LINEAR_EXACT if `exact`, and where the width is below 1, which LINEAR does not allow."""
    if not window.width > 0:
        raise UserError(
            f"{path}: a window of width {window.width:g}; expected above 0. Give one (--window CENTRE WIDTH)."
        )
    if function == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (values - window.centre) / window.width, -700, 700)))
        return _shares(share)
    if function in ("LINEAR", "LINEAR_EXACT"):
        return grey(values, window, exact or function == "LINEAR_EXACT")
    raise UserError(f"{path}: VOILUTFunction {function!r}; expected LINEAR, LINEAR_EXACT or SIGMOID.")


def _by_table(values: np.ndarray, item: Any, frame: Frame) -> np.ndarray:
    """Values through a table of grey levels (VOI LUT)."""
    table = table_of(item, frame.data, may_be_negative(frame))
    levels = table.of(values)
    return _shares(levels / max((1 << table.bits) - 1, int(levels.max())))


def _shares(share: np.ndarray) -> np.ndarray:
    """Shares of white [H, W] -> uint8 [H, W, 3]."""
    levels = (np.clip(np.nan_to_num(share), 0, 1) * 255).round().astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)
