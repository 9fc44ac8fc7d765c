"""Table: numbers and categories of a sample, such as age, sex, laboratory values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
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


@dataclass(frozen=True)
class TableInputs(Inputs):
    """Attributes:
    numbers: float [B, K], NaN where there is none.
    codes: int64 [B, J], the category of each column, 0 where there is none.
    """

    numbers: Tensor
    codes: Tensor


@dataclass(frozen=True)
class TableContent(Content):
    """Attributes:
    numbers: float32 [N, K], NaN where there is none; codes: int64 [N, J], 0 where there is none.
    sizes: int [J], number of categories of each column, "none" included.
    """

    numbers: np.ndarray
    codes: np.ndarray
    sizes: np.ndarray

    def collate(self, rows: np.ndarray, present: np.ndarray) -> TableInputs:
        """The dummy has nothing in any column."""
        import torch

        numbers = np.where(present[:, None], self.numbers[rows], np.float32(np.nan))
        codes = np.where(present[:, None], self.codes[rows], 0)
        return TableInputs(torch.from_numpy(numbers), torch.from_numpy(codes))

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> TableContent:
        numbers, codes = np.array(self.numbers), np.array(self.codes)
        numbers[rows] = 1000 * rng.normal(size=numbers[rows].shape)
        codes[rows] = rng.integers(0, self.sizes, codes[rows].shape)
        return replace(self, numbers=numbers, codes=codes)


class TableKind(Modality):
    """A sample's cells are a dict, name -> number, text (a category), or None where the cell is empty.

    A column holds numbers or texts, not both. Every sample may have other columns; those that it lacks are empty.
    """

    title = "table: numbers and categories"

    def exists(self, value: Any) -> bool:
        return not isinstance(value, Mapping) or any(cell is not None for cell in value.values())

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            return f"is {type(value).__name__}; expected a dict, name of column -> number, text or None"
        for name, cell in value.items():
            if isinstance(cell, bool) or not (cell is None or isinstance(cell, int | float | str)):
                return f"has {name} = {cell!r}; expected a number, a text (a category), or None where it is empty"
            if isinstance(cell, int | float) and not math.isfinite(cell):
                return f"has {name} = {cell}; write None where there is no number"
        return None

    def summary(self, value: Any) -> float:
        """The number of cells that are filled."""
        return float(sum(cell is not None for cell in value.values()))

    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        yield json.dumps(list(values), sort_keys=True).encode()

    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        columns = {name: [(v or {}).get(name) for v in values] for name in _names(values)}
        numbers, codes, sizes = [], [], []
        for name, cells in columns.items():
            texts = [cell for cell in cells if isinstance(cell, str)]
            if not texts:
                numbers.append([np.nan if cell is None else cell for cell in cells])
                continue
            odd = next((i for i, cell in enumerate(cells) if cell is not None and not isinstance(cell, str)), None)
            if odd is not None:
                raise UserError(
                    f"sample {ids[odd]!r}: {name} is the number {cells[odd]}, and text in other samples, e.g. "
                    f"{texts[0]!r}. Write one or the other in the whole column."
                )
            code = {category: 1 + k for k, category in enumerate(sorted(set(texts)))}
            codes.append([code[cell] if isinstance(cell, str) else 0 for cell in cells])
            sizes.append(1 + len(code))
        arrays: dict[str, np.ndarray] = {
            "numbers": np.array(numbers, np.float32).reshape(len(numbers), len(values)).T,
            "codes": np.array(codes, np.int64).reshape(len(codes), len(values)).T,
            "sizes": np.array(sizes, np.int64),
        }
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    def open(self, folder: Path) -> TableContent:
        return TableContent(*(np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("numbers", "codes", "sizes")))

    def embedder(self, content: Content, rows: np.ndarray, width: int) -> nn.Module:
        from mora_bench.data.modalities.columns import ColumnEmbedder

        assert isinstance(content, TableContent)
        return ColumnEmbedder(content.numbers[rows], content.sizes.tolist(), width)


def _names(values: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Names of the columns, sorted, so that the order of cells within a sample does not matter."""
    return sorted({name for value in values if value is not None for name in value})
