"""Plain features of each kind of content, fitted on the training samples that show it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL

from mora_bench.data.modalities.pictures import resize
from mora_bench.data.remembered import Remembered

from . import sampled

#: Pixels along the side of a picture when its features are taken; cells along it; bins of orientations; levels of grey.
SIDE, CELLS, BINS, LEVELS = 64, 4, 8, 8
#: The kind of values that are features already.
VECTOR = "vector"


class Features(ABC):
    """One modality's features [n, F], rows of about unit length."""

    @abstractmethod
    def fit(self, values: Sequence[Any]) -> Features:
        """Learn words, scales or columns from training values; none of them is None."""

    @abstractmethod
    def transform(self, values: Sequence[Any]) -> Any:
        """Features of values, an array or a sparse matrix [n, F]."""


def of_kind(kind: str) -> Features | None:
    """Features for a kind of content; None for kinds that have none here."""
    return _MADE[kind]() if kind in _MADE else None


class Words(Features):
    """TF-IDF of words and pairs of words that occur in at least two training texts, with sublinear term frequency."""

    def fit(self, values: Sequence[Any]) -> Words:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        try:
            self.words.fit(values)
        except ValueError:
            # No word occurs twice.
            self.words = None
        return self

    def transform(self, values: Sequence[Any]) -> Any:
        return np.zeros((len(values), 1)) if self.words is None else self.words.transform(values)


class Pixels(Features):
    """Colour, texture and layout of pictures, scaled by the training set; the mean over a sample's pictures and each
    one's difference from it, for as many pictures as the fullest training sample has."""

    def fit(self, values: Sequence[Any]) -> Pixels:
        self.slots = max(sum(picture is not None for picture in value) for value in values)
        raw = self._raw(values)
        self.mean, deviation = raw.mean(0), raw.std(0)
        self.scale = np.where(deviation > 0, deviation, 1) * np.sqrt(raw.shape[1])
        return self

    def transform(self, values: Sequence[Any]) -> np.ndarray:
        return (self._raw(values) - self.mean) / self.scale

    def _raw(self, values: Sequence[Any]) -> np.ndarray:
        pictures = [[picture for picture in value if picture is not None] for value in values]
        described = iter(PICTURES.of([picture for some in pictures for picture in some]))
        return np.stack([self._side_by_side(np.stack([next(described) for _ in some])) for some in pictures])

    def _side_by_side(self, features: np.ndarray) -> np.ndarray:
        mean = features.mean(0)
        differences = np.zeros((self.slots if self.slots > 1 else 0, features.shape[1]))
        count = min(len(differences), len(features))
        differences[:count] = features[:count] - mean
        return np.concatenate([mean, differences.ravel()])


class Vectors(Features):
    """Numbers that somebody else took, scaled by the training set."""

    def fit(self, values: Sequence[Any]) -> Vectors:
        raw = np.stack(values).astype(np.float64)
        self.mean, deviation = raw.mean(0), raw.std(0)
        self.scale = np.where(deviation > 0, deviation, 1) * np.sqrt(raw.shape[1])
        return self

    def transform(self, values: Sequence[Any]) -> np.ndarray:
        return (np.stack(values) - self.mean) / self.scale


class Cells(Features):
    """Numbers scaled by the training set, categories as 0 and 1; an empty cell is 0, the mean."""

    def fit(self, values: Sequence[Any]) -> Cells:
        from sklearn.feature_extraction import DictVectorizer

        self.moments: dict[str, tuple[float, float]] = {}
        for name in sorted({name for value in values for name in value}):
            numbers = [v[name] for v in values if isinstance(v.get(name), int | float)]
            if numbers:
                self.moments[name] = float(np.mean(numbers)), float(np.std(numbers)) or 1.0
        self.columns = DictVectorizer(sparse=False).fit([self._scaled(value) for value in values])
        return self

    def transform(self, values: Sequence[Any]) -> np.ndarray:
        features = self.columns.transform([self._scaled(value) for value in values])
        return features / np.sqrt(max(features.shape[1], 1))

    def _scaled(self, value: Any) -> dict[str, Any]:
        cells: dict[str, Any] = {name: cell for name, cell in value.items() if cell is not None}
        for name, (mean, deviation) in self.moments.items():
            if isinstance(cells.get(name), int | float):
                cells[name] = (cells[name] - mean) / deviation
        return cells


class Signals(Features):
    """Statistics and bands of each channel, scaled by the training set; what was not measured is 0, the mean."""

    def fit(self, values: Sequence[Any]) -> Signals:
        raw = np.stack(sampled.SIGNALS.of(values))
        seen = np.isfinite(raw)
        count = np.maximum(seen.sum(0), 1)
        self.mean = np.where(seen, raw, 0).sum(0) / count
        deviation = np.sqrt((np.where(seen, raw - self.mean, 0) ** 2).sum(0) / count)
        self.scale = np.where(deviation > 0, deviation, 1) * np.sqrt(raw.shape[1])
        return self

    def transform(self, values: Sequence[Any]) -> np.ndarray:
        raw = np.stack(sampled.SIGNALS.of(values))
        return np.nan_to_num((raw - self.mean) / self.scale)


_MADE: dict[str, type[Any]] = {
    "text": Words, "image": Pixels, "bag": Pixels, "table": Cells, VECTOR: Vectors, "signal": Signals
}  # fmt: skip
#: The kinds of content that have features here.
KINDS = tuple(_MADE)


def described(picture: Any) -> np.ndarray:
    """Features of one picture, float [F].

    Colour: mean, deviation and a histogram of each channel. Texture: histograms of the orientation of edges in 4 x 4
    cells, weighted by their strength (Dalal and Triggs 2005). Layout: the picture in 8 x 8 grey fields.
    """
    return _features(resize(picture.read(), SIDE, SIDE).astype(np.float32) / 255)


#: `described`, remembered. Change the version when it gives other numbers; Pillow resizes.
PICTURES = Remembered(described, "plain pictures", 1, np.__version__, PIL.__version__)


def _features(x: np.ndarray) -> np.ndarray:
    """x: float [SIDE, SIDE, 3], 0 to 1."""
    flat = x.reshape(-1, 3)
    colour = [flat.mean(0), flat.std(0)]
    colour += [np.histogram(channel, LEVELS, (0, 1))[0] / len(flat) for channel in flat.T]
    grey = x.mean(2)
    down, right = np.gradient(grey)
    strength, angle = np.hypot(down, right), np.arctan2(down, right) % np.pi
    bins = np.minimum((angle / np.pi * BINS).astype(int), BINS - 1)
    step = SIDE // CELLS
    cells = np.repeat(np.repeat(np.arange(CELLS**2).reshape(CELLS, CELLS), step, 0), step, 1)
    edges = np.bincount((cells * BINS + bins).ravel(), strength.ravel(), CELLS**2 * BINS).reshape(-1, BINS)
    edges = edges / (np.linalg.norm(edges, axis=1, keepdims=True) + 0.1)
    fields = grey.reshape(8, SIDE // 8, 8, SIDE // 8).mean((1, 3))
    return np.concatenate([*colour, edges.ravel(), fields.ravel()])
