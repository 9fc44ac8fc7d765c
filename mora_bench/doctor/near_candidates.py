"""From all pairs of pictures to the few that are worth a closer look: one matrix product a shift, in blocks.

Each picture is its detail at 32 x 32. Features that many pictures share (frame, vignette, usual anatomy) are taken
out: every principal component that carries as much as `MANY` pictures alone. The rest is compared at shifts of up
to four pixels, an eighth of the picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mora_bench.doctor.near_detail import detail

#: Pixels along the sides, and the greatest shift.
SIDE, SHIFT = 32, 4
#: A component with as much variance as so many identical pictures is shared by too many to tell pictures apart.
MANY = 10
#: The least share of a thumbnail that must have content.
LEAST = 0.2
#: Above as many pictures every second shift and the strongest components alone are compared, 16 times as fast.
FULL, COMPONENTS = 20_000, 256
#: Pairs that are kept: always the first number; those that stand out up to the second, of many pictures up to a third
#: of their number. To stand out is to be so many spreads above the middle of all pairs.
FEWEST, MOST, OUT = 50, 1000, 4.0
#: The median absolute deviation of a normal distribution times this is its standard deviation.
NORMAL = 1.4826
BLOCK = 256


@dataclass(frozen=True)
class DetailSpace:
    """The space in which vectors of detail, float32 [n, SIDE * SIDE], are compared."""

    mean: np.ndarray
    axes: np.ndarray | None
    shared: np.ndarray
    step: int

    def clean(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors without the shared components, of length 1."""
        apart = vectors - self.mean
        apart -= (apart @ self.shared.T) @ self.shared
        return apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)

    def seen(self, vectors: np.ndarray) -> np.ndarray:
        return vectors if self.axes is None else vectors @ self.axes.T

    def shifted(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors at every shift: [shifts * n, dimensions]."""
        square = vectors.reshape(-1, SIDE, SIDE)
        wide = np.pad(square, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
        steps = range(0, 2 * SHIFT + 1, self.step)
        moved = [wide[:, y : y + SIDE, x : x + SIDE].reshape(len(square), -1) for y in steps for x in steps]
        return self.seen(np.concatenate(moved))


def vectors(thumbnails: np.ndarray, contents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the thumbnails of the given numbers those that show enough to be compared: their detail, float32
    [n, SIDE * SIDE], and their numbers, int [n]."""
    flat = np.zeros((len(contents), SIDE * SIDE), np.float32)
    enough: list[int] = []
    for content in contents.tolist():
        values, mask = detail(thumbnails[content], SIDE)
        if mask.mean() >= LEAST and values.any():
            flat[len(enough)] = values.ravel()
            enough.append(content)
    return flat[: len(enough)], np.array(enough, int)


def space(flat: np.ndarray, full: int = FULL) -> DetailSpace:
    """The space in which n pictures are compared; coarse for more than `full` of them."""
    mean = flat.mean(0, dtype=np.float64).astype(np.float32)
    strength, axes = _components(flat, mean)
    count = int((strength > MANY / len(flat) * strength.sum()).sum())
    coarse = len(flat) > full
    return DetailSpace(mean, axes[count : count + COMPONENTS] if coarse else None, axes[:count], 2 if coarse else 1)


def _components(flat: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The variance that each principal component carries, times n, greatest first, and the components by row: all of
    them, or of few pictures the n that carry any, which are found faster."""
    if 4 * len(flat) <= flat.shape[1]:
        _, singular, axes = np.linalg.svd((flat - mean).astype(np.float64), full_matrices=False)
        return singular**2, axes.astype(np.float32)
    covariance = np.zeros((flat.shape[1],) * 2)
    for at in range(0, len(flat), 4096):
        apart = flat[at : at + 4096] - mean
        covariance += apart.T @ apart
    strength, axes = np.linalg.eigh(covariance)
    return strength[::-1], axes.T[::-1].astype(np.float32)


def candidates(flat: np.ndarray, owners: np.ndarray, full: int = FULL) -> np.ndarray:
    """The pairs, int [p, 2], i < j, of n pictures of different owners, int [n], that are most alike, best first.

    Memory is that of blocks beside `flat`, float32 [n, SIDE * SIDE], which is written over; time grows with n squared.
    """
    if len(flat) < 2:
        return np.empty((0, 2), int)
    most = max(MOST, len(flat) // 3)
    basis = space(flat, full)
    for low in range(0, len(flat), 4096):
        flat[low : low + 4096] = basis.clean(flat[low : low + 4096])
    pairs, scores = np.empty((0, 2), np.int64), np.empty(0, np.float32)
    sample: list[np.ndarray] = []
    for alike, rows, columns in _blocks(flat, basis.seen(flat), basis):
        alike[(rows[:, None] >= columns) | (owners[rows][:, None] == owners[columns])] = -1
        floor = scores.min() if len(scores) >= most else -1
        at, to = np.nonzero(alike > max(floor, _last(alike, most)))
        pairs = np.concatenate([pairs, np.stack([rows[at], columns[to]], 1)])
        scores = np.concatenate([scores, alike[at, to]])
        if len(scores) > most:
            best: np.ndarray = np.argpartition(-scores, most)[:most]
            pairs, scores = pairs[best], scores[best]
        sample.append(alike[alike > -1][:: max(alike.size // 256, 1)])
    order = np.argsort(-scores, kind="stable")
    return pairs[order[: max(FEWEST, int((scores > _usual(np.concatenate(sample))).sum()))]]


def _usual(scores: np.ndarray) -> float:
    """A score that pairs hardly ever exceed by chance, from the scores of some of them."""
    middle = float(np.median(scores)) if len(scores) else 0.0
    return middle + OUT * NORMAL * float(np.median(np.abs(scores - middle))) if len(scores) else 0.0


def _blocks(
    clean: np.ndarray, seen: np.ndarray, basis: DetailSpace
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The greatest correlations over all shifts of pictures with others, float32 [r, c], and their numbers, int [r] and
    [c]. A pair is met once, because one picture moved by a shift is the other moved by its opposite."""
    for low in range(0, len(clean), BLOCK):
        columns = np.arange(low, min(low + BLOCK, len(clean)))
        moved = basis.shifted(clean[columns])
        for start in range(0, columns[-1] + 1, BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(clean)))
            alike = (seen[rows] @ moved.T).reshape(len(rows), -1, len(columns)).max(1)
            yield alike, rows, columns


def _last(alike: np.ndarray, most: int) -> float:
    """The score that the best `most` pairs of a block exceed: no more of them can be among the best of all."""
    return float(np.partition(alike.ravel(), -most)[-most]) if alike.size > most else -1.0
