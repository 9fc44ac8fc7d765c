"""From measured values to grey levels: a window, as radiology has it."""

from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """A range of values that is spread over all grey levels; what lies outside is black or white.

    Attributes:
        centre, width: in the unit of the values, e.g. Hounsfield units (lung: -600, 1500; soft tissue: 40, 400).
    """

    centre: float
    width: float


def grey(values: np.ndarray, window: Window | None) -> np.ndarray:
    """Values [H, W] -> uint8 [H, W, 3], by DICOM's linear function (PS3.3, C.11.2.1.2.1).

    None: from the least to the greatest value. Values that are not finite are black.
    """
    x = np.asarray(values, np.float64)
    finite = np.isfinite(x)
    x = np.where(finite, x, x[finite].min() if finite.any() else 0)
    if window is None:
        low, high = float(x.min()), float(x.max())
        share = (x - low) / (high - low) if high > low else np.zeros_like(x)
    else:
        share = (x - (window.centre - 0.5)) / max(window.width - 1, 1e-9) + 0.5
    levels = (np.clip(np.where(finite, share, 0), 0, 1) * 255).round().astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)
