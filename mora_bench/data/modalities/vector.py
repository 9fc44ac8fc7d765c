"""Vector: numbers that somebody took of a sample beforehand, such as features of a frozen encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.data.batch import Inputs
from mora_bench.data.modalities.contract import Content, Modality, Rule
from mora_bench.errors import UserError
from mora_bench.files import FileHashes

if TYPE_CHECKING:
    from torch import Tensor, nn

FILES = ("vectors", "there")


@dataclass(frozen=True)
class VectorInputs(Inputs):
    """Attributes:
    vectors: float [B, F], zero where there is none; present: bool [B].
    """

    vectors: Tensor
    present: Tensor


@dataclass(frozen=True)
class VectorContent(Content):
    """Attributes:
    vectors: float32 [N, F], zero where there is none; present: bool [N].
    """

    vectors: np.ndarray
    present: np.ndarray

    def collate(self, rows: np.ndarray, present: np.ndarray) -> VectorInputs:
        """The dummy is zero."""
        import torch

        shown = np.where(present[:, None], self.vectors[rows], np.float32(0))
        return VectorInputs(torch.from_numpy(shown), torch.from_numpy(np.asarray(present, bool).copy()))

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> VectorContent:
        vectors = np.array(self.vectors)
        vectors[rows] = 1000 * rng.normal(size=vectors[rows].shape)
        return replace(self, vectors=vectors)

    def facts(self) -> dict[str, Any]:
        return {"width": int(self.vectors.shape[1])}


class Vector(Modality):
    """A sample's value is an array of F numbers, F the same for all."""

    title = "vector: numbers that were taken of a sample beforehand"

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, np.ndarray) or value.ndim != 1 or not value.size or value.dtype.kind not in "fiu":
            shape = f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__
            return f"is {shape}; expected a NumPy array of numbers [F]"
        if not np.isfinite(value.astype(np.float32)).all():
            return "holds NaN, infinity, or a number that float32 does not have"
        return None

    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        for value in values:
            yield b"none" if value is None else np.ascontiguousarray(value, np.float32).tobytes()
            yield b"|"

    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        known = [i for i, value in enumerate(values) if value is not None]
        width = len(values[known[0]]) if known else 1
        odd = next((i for i in known if len(values[i]) != width), None)
        if odd is not None:
            raise UserError(
                f"sample {ids[odd]!r}: a vector of {len(values[odd])} numbers, and {width} in sample "
                f"{ids[known[0]]!r}. Give all the same."
            )
        vectors = np.zeros((len(values), width), np.float32)
        present = np.zeros(len(values), bool)
        for i in known:
            vectors[i], present[i] = values[i], True
        for name, array in zip(FILES, (vectors, present), strict=True):
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    def open(self, folder: Path) -> VectorContent:
        return VectorContent(*(np.load(folder / f"{name}.npy", allow_pickle=False) for name in FILES))

    def summary(self, value: Any) -> float:
        """Its Euclidean norm."""
        return float(np.linalg.norm(value))

    def embedder(self, content: Content, rows: np.ndarray, width: int) -> nn.Module:
        from mora_bench.data.modalities.projected import Projected

        assert isinstance(content, VectorContent)
        return Projected(content.vectors[rows], width)
