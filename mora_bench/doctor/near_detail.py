"""The detail of a thumbnail, which tells pictures apart whatever the light, at several scales."""

import numpy as np
from scipy import ndimage

from mora_bench.doctor.near_thumbnails import SIDE

#: Pixels of the Gaussian over which brightness and contrast are levelled, at every scale.
REACH = 2.0
#: Grey levels of contrast below which there is no detail but noise.
NOISE = 2.0


def detail(thumbnail: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A thumbnail at the given scale as grey minus its local mean over its local spread, and where it has content:
    two float32 [side, side], 0 and 0 elsewhere. A gain or an offset, also one that varies over the picture, leaves it
    as it is."""
    factor = SIDE // side
    weight = (thumbnail > 0).astype(np.float32)
    grey = _reduced(thumbnail * weight, factor) / np.maximum(_reduced(weight, factor), 1e-6)
    mask = (_reduced(weight, factor) > 0.5).astype(np.float32)
    around = np.maximum(ndimage.gaussian_filter(mask, REACH), 1e-3)
    above = (grey - ndimage.gaussian_filter(grey * mask, REACH) / around) * mask
    spread = np.sqrt(np.maximum(ndimage.gaussian_filter(above * above, REACH), 0) / around)
    return (above / (spread + NOISE)).astype(np.float32), mask


def _reduced(values: np.ndarray, factor: int) -> np.ndarray:
    side = SIDE // factor
    return values.reshape(side, factor, side, factor).mean((1, 3), dtype=np.float32)
