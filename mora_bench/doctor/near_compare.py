"""Whether two thumbnails show the same: laid over each other by shift and turn, then compared part by part."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import sparse

from mora_bench.doctor.near_detail import detail
from mora_bench.doctor.near_thumbnails import SIDE

#: The first scale, its greatest shift in pixels, and the turns in degrees that are tried there.
COARSE, SHIFT, TURNS = 64, 7, tuple(range(-6, 7, 2))
#: The least correlation at the first scale that is worth more work.
WORTH = 0.3
#: The least share of the smaller content that must overlap.
OVERLAP = 0.5
#: Parts along a thumbnail's sides, the fewest that must overlap, and the share of a part that must.
PARTS, FEWEST, FULL = 8, 24, 0.375
#: Added to the mean square of a part's detail: a third of a grey level, the noise of coding, beside `NOISE` and as much
#: spread. A part that shows no more matches nothing.
FAINT = 0.02
#: Pixels by which a part may lie elsewhere than the whole says, because an eye is no plane.
BENT = 1

Layers = tuple[np.ndarray, np.ndarray]


def likeness(first: np.ndarray, second: np.ndarray, thorough: bool = False) -> float:
    """The median over parts of the correlation of two thumbnails' detail, -1 to 1, best laid over each other.

    A median, because what different pictures share (dirt of the camera, burnt-in marks, the rim of a frame, an optic
    disc in its usual place) lies in a few parts, and what is the same picture matches in most.

    Args:
        thorough: finish also what begins so badly that it is no match; else that is -1.
    """
    a, b = detail(first, COARSE), detail(second, COARSE)
    start, shift, turn = _laid(a, b, (0, 0), SHIFT, TURNS)
    if start < WORTH and not thorough:
        return -1.0
    a, b = detail(first, SIDE), detail(second, SIDE)
    shift = (shift[0] * SIDE // COARSE, shift[1] * SIDE // COARSE)
    for step in (1.0, 0.5):
        _, shift, turn = _laid(a, b, shift, 1, (turn - step, turn, turn + step))
    return _by_parts(a, b, shift, turn)


def _laid(
    a: Layers, b: Layers, middle: tuple[int, int], reach: int, turns: Sequence[float]
) -> tuple[float, tuple[int, int], float]:
    """The greatest correlation over the overlap, at which shift of `a` (down, right; up to `reach` pixels from the
    middle) and which turn of `b`."""
    values, mask = (_shifted(layer, middle, reach) for layer in a)
    others, other_masks = (np.stack(layers) for layers in zip(*(_turned(b, turn) for turn in turns), strict=True))
    product = values @ others.T
    spread = (mask @ (others * others).T) * (np.square(values, out=values) @ other_masks.T)
    enough = mask @ other_masks.T >= OVERLAP * max(min(a[1].sum(), b[1].sum()), 1)
    correlations = np.where(enough, product / np.sqrt(spread + 1e-3), -1)
    best = int(correlations.argmax())
    (down, right), to = divmod(best // len(turns), 2 * reach + 1), best % len(turns)
    return float(correlations.flat[best]), (middle[0] + down - reach, middle[1] + right - reach), float(turns[to])


def _shifted(layer: np.ndarray, middle: tuple[int, int], reach: int) -> np.ndarray:
    """A layer [S, S] at all shifts up to `reach` from the middle, row by row, 0 where nothing comes from: [shifts,
    S * S]."""
    side, far = len(layer), max(map(abs, middle)) + reach
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(layer, far), (side, side))
    # A picture that moves down shows what was above.
    low, left = (far - shift for shift in middle)
    near = windows[low - reach : low + reach + 1, left - reach : left + reach + 1][::-1, ::-1]
    return near.reshape(-1, side * side)


def _turned(layers: Layers, degrees: float) -> Layers:
    """Both layers turned about the middle, flat; there is content where nearly all comes from content."""
    turned = _turn(degrees, len(layers[0])) @ np.stack([layer.ravel() for layer in layers], 1)
    mask = (turned[:, 1] > 0.9).astype(np.float32)
    return turned[:, 0] * mask, mask


@cache
def _turn(degrees: float, side: int) -> sparse.csr_array:
    """Turning as a matrix [S * S, S * S]: each pixel is interpolated between the four that it comes from."""
    middle, angle = (side - 1) / 2, np.deg2rad(degrees)
    y, x = np.mgrid[:side, :side] - middle
    down = middle + np.sin(angle) * x + np.cos(angle) * y
    right = middle + np.cos(angle) * x - np.sin(angle) * y
    rows, columns, weights = [], [], []
    for top in (0, 1):
        for left in (0, 1):
            v, u = np.floor(down).astype(int) + top, np.floor(right).astype(int) + left
            inside = (v >= 0) & (v < side) & (u >= 0) & (u < side)
            weight = (1 - np.abs(down - v)) * (1 - np.abs(right - u))
            rows.append(np.flatnonzero(inside))
            columns.append((v * side + u)[inside])
            weights.append(weight[inside].astype(np.float32))
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=(side * side,) * 2)


def _by_parts(a: Layers, b: Layers, shift: tuple[int, int], turn: float) -> float:
    """The median correlation of parts, -1 where too few overlap."""
    others, other_mask = (layer.reshape(SIDE, SIDE) for layer in _turned(b, turn))
    best = np.full((PARTS, PARTS), np.nan)
    bent = (_shifted(layer, shift, BENT).reshape(-1, SIDE, SIDE) for layer in a)
    for values, mask in zip(*bent, strict=True):
        overlap = mask * other_mask
        count = _sums(overlap)
        strength = [_sums(layer * layer * overlap) + FAINT * count for layer in (values, others)]
        correlation = _sums(values * others) / np.sqrt(np.maximum(strength[0] * strength[1], 1e-9))
        enough = count >= FULL * overlap.size / PARTS**2
        best = np.fmax(best, np.where(enough, correlation, np.nan))
    known = best[~np.isnan(best)]
    return float(np.median(known)) if len(known) >= FEWEST else -1.0


def _sums(layer: np.ndarray) -> np.ndarray:
    """Sums over each part."""
    return layer.reshape(PARTS, SIDE // PARTS, PARTS, SIDE // PARTS).sum((1, 3))
