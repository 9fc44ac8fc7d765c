"""Bag: any number of pictures of one modality, such as the films of a study or the slices of a volume.

Each picture keeps its own shape and is cut into patches of its own; nothing is pasted. Their tokens stand in one
sequence and attend to each other; a bag has no order. At most `LIMIT` pictures are read: of more, as many evenly spaced
ones, the first and the last among them. Memory and time grow with their number, attention's with its square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mora_bench.data.batch import Inputs
from mora_bench.data.modalities import features
from mora_bench.data.modalities.contract import Content, Rule
from mora_bench.data.modalities.features import FeatureRule
from mora_bench.data.modalities.image import Image, Pictures

if TYPE_CHECKING:
    from torch import Tensor

#: Pictures of a bag that are read.
LIMIT = 8


@dataclass(frozen=True)
class BagInputs(Inputs):
    """Attributes:
    pixels: float [B, P, 3, H, W], as in `ImageInputs`; pictures that a bag lacks are of any value.
    grid: int64 [B, P, 2] on the CPU: rows and columns of patches of each picture, 0 where a bag has no more.
    """

    on_cpu: ClassVar[tuple[str, ...]] = ("grid",)
    pixels: Tensor
    grid: Tensor


@dataclass(frozen=True)
class BagContent(Pictures):
    """The pictures of all bags, one after the other.

    Attributes:
        bounds: int [N + 1]; sample i has the pictures `bounds[i]` to `bounds[i + 1]`.
    """

    bounds: np.ndarray

    def collate(self, rows: np.ndarray, present: np.ndarray) -> BagInputs:
        """The dummy is a bag of one picture, all ones."""
        import torch

        counts = np.where(present, self.bounds[rows + 1] - self.bounds[rows], 1)
        slot = np.arange(counts.max())
        full = slot < counts[:, None]
        shown = (full & present[:, None]).flatten()
        picture = np.where(shown, (self.bounds[rows][:, None] + slot).flatten(), 0)
        flat = self.inputs(picture, shown)
        shape = (len(rows), len(slot))
        grid = flat.grid.unflatten(0, shape) * torch.from_numpy(full)[..., None]
        return BagInputs(flat.pixels.unflatten(0, shape), grid)

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Patches of each bag, int [B]."""
        patches = np.append(0, (self.sizes // self.patch).prod(1).cumsum())
        return patches[self.bounds[rows + 1]] - patches[self.bounds[rows]]

    def facts(self) -> dict[str, Any]:
        counts = np.bincount(np.diff(self.bounds))
        return super().facts() | {"pictures": {str(n): int(bags) for n, bags in enumerate(counts) if bags}}

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> BagContent:
        pictures = [np.arange(self.bounds[row], self.bounds[row + 1]) for row in rows]
        return super().noised(np.concatenate([*pictures, np.zeros(0, int)]).astype(int), rng)


class Bag(Image):
    """The pictures of a sample are a tuple of `Picture`s; those that are None are left out."""

    title = "bag: any number of pictures, each on its own"
    ordered = False

    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        bags = [tuple(chosen([picture for picture in value or () if picture is not None])) for value in values]
        if isinstance(rule, FeatureRule):
            self.read_by(rule, bags, ids, folder, workers)
            return
        flat = [((picture,), sample) for bag, sample in zip(bags, ids, strict=True) for picture in bag]
        super().encode([picture for picture, _ in flat], [sample for _, sample in flat], rule, folder, workers)
        np.save(folder / "bounds.npy", np.cumsum([0, *map(len, bags)]), allow_pickle=False)

    def open(self, folder: Path) -> Content:
        bounds = np.load(folder / "bounds.npy", allow_pickle=False)
        return features.opened(folder) or BagContent(**self.stored(folder), bounds=bounds)


def chosen(pictures: list[Any]) -> list[Any]:
    """All of at most `LIMIT` pictures, else `LIMIT` evenly spaced ones."""
    if len(pictures) <= LIMIT:
        return pictures
    return [pictures[at] for at in np.linspace(0, len(pictures) - 1, LIMIT).round().astype(int)]
