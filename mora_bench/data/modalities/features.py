"""Features: what a frozen network gives of pictures, kept in their place for backbones that read nothing else of them.

They are a pure function of the network's weights and a picture, so they are computed once, when pictures are decoded,
and lie in the same cache as pixels do. A sample's pictures are read one by one; where one is absent there is nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mora_bench.data.batch import Inputs
from mora_bench.data.modalities.contract import Content
from mora_bench.data.modalities.pictures import ImageRule

if TYPE_CHECKING:
    from torch import Tensor

FILE = "features.bin"
ARRAYS = ("bounds", "slots", "shape")


@dataclass(frozen=True)
class FeatureRule(ABC):
    """How a backbone wants the pictures of which it reads a frozen network's features.

    Attributes:
        pixels: how a picture is resized for the network.
        tokens, width: N and F: the network gives N features of width F of a picture.
    """

    pixels: ImageRule
    tokens: int
    width: int

    @abstractmethod
    def key(self) -> Any:
        """A JSON value that identifies all that decides the features: the network's weights, sizes, scales."""

    @abstractmethod
    def features(self, picture: np.ndarray) -> np.ndarray:
        """The network's features of a picture that is resized, uint8 [H, W, 3]: float32 [N, F]."""


@dataclass(frozen=True)
class FeatureInputs(Inputs):
    """Attributes:
    features: float [B, P, N, F], zero where a sample has no more pictures.
    slots: int64 [B, P]: which of its sample's pictures each is (0 for all of a bag), -1 where there is none.
    """

    features: Tensor
    slots: Tensor


@dataclass(frozen=True)
class FeatureContent(Content):
    """Attributes:
    features: float32 [pictures, N, F], the pictures of all samples, one after the other.
    slots: int64 [pictures], as in `FeatureInputs`.
    bounds: int64 [N + 1]; sample i has the pictures `bounds[i]` to `bounds[i + 1]`.
    """

    features: np.ndarray
    slots: np.ndarray
    bounds: np.ndarray

    def collate(self, rows: np.ndarray, present: np.ndarray) -> FeatureInputs:
        """The dummy has no picture."""
        import torch

        counts = np.where(present, self.bounds[rows + 1] - self.bounds[rows], 0)
        # One empty picture where no sample has any, because some readers of tokens want a first one.
        number = np.arange(max(counts.max(initial=0), 1))
        shown = number < counts[:, None]
        pictures = (self.bounds[rows][:, None] + number)[shown]
        features = np.zeros((*shown.shape, *self.features.shape[1:]), np.float32)
        slots = np.full(shown.shape, -1, np.int64)
        features[shown], slots[shown] = self.features[pictures], self.slots[pictures]
        return FeatureInputs(torch.from_numpy(features), torch.from_numpy(slots))

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Tokens of each sample's pictures, int [B]."""
        return (self.bounds[rows + 1] - self.bounds[rows]) * self.features.shape[1]

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> Self:
        features = np.array(self.features)
        for row in rows:
            part = slice(self.bounds[row], self.bounds[row + 1])
            features[part] = rng.normal(size=features[part].shape)
        return replace(self, features=features)

    def facts(self) -> dict[str, Any]:
        counts = np.bincount(np.diff(self.bounds))
        pictures = {str(n): int(samples) for n, samples in enumerate(counts) if samples}
        return {"tokens a picture": self.features.shape[1], "pictures": pictures}


#: A picture with the number of its sample and its slot.
Single = tuple[int, int, Any]


def singly(values: Sequence[Any], ordered: bool) -> list[Single]:
    """The pictures of all samples one by one, those that are absent left out; the slot of unordered ones is 0."""
    numbered = ((i, k, picture) for i, value in enumerate(values) for k, picture in enumerate(value or ()))
    return [(i, k * ordered, picture) for i, k, picture in numbered if picture is not None]


def write(
    folder: Path, rule: FeatureRule, single: Sequence[Single], samples: int, arrays: Iterable[np.ndarray | None]
) -> None:
    """Write the features of all pictures of some samples: `arrays` are float32 [N, F], in the pictures' order."""
    with open(folder / FILE, "wb") as file:
        for features in arrays:
            if features is not None:
                file.write(np.ascontiguousarray(features, np.float32).tobytes())
    counts = np.bincount([i for i, _, _ in single], minlength=samples)
    slots = [slot for _, slot, _ in single]
    layout = {"bounds": np.cumsum([0, *counts]), "slots": slots, "shape": [rule.tokens, rule.width]}
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", np.array(layout[name], np.int64), allow_pickle=False)


def opened(folder: Path) -> FeatureContent | None:
    """The content that `write` wrote, mapped into memory; None where it wrote nothing."""
    file = folder / FILE
    if not file.is_file():
        return None
    bounds, slots, shape = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS)
    flat = np.memmap(file, np.float32, "r") if file.stat().st_size else np.zeros(0, np.float32)
    return FeatureContent(flat.reshape(-1, *shape.tolist()), slots, bounds)
