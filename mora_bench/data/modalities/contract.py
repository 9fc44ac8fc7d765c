"""The contract of a modality: a kind of content, from what a table holds to what a backbone is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from mora_bench import registry
from mora_bench.data.batch import Inputs
from mora_bench.files import FileHashes

if TYPE_CHECKING:
    from torch import nn


class Rule(Protocol):
    """How a backbone wants the inputs of one kind."""

    def key(self) -> Any:
        """What JSON can hold of it; another key, another folder in the cache."""


@dataclass(frozen=True)
class Content(ABC):
    """One modality of N samples, decoded."""

    @abstractmethod
    def collate(self, rows: np.ndarray, there: np.ndarray) -> Inputs:
        """Inputs of B rows. Where `there` bool [B] denies a sample, its content is not read, and the dummy, which says
        nothing of it, not even its size, stands in its place."""

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """By what samples differ in cost, int [B]: batches of like samples are computed faster."""
        return np.zeros(len(rows), np.int64)

    def facts(self) -> dict[str, Any]:
        """What a record says of it, e.g. the size of a dummy."""
        return {}


class Modality(ABC):
    """A kind of content. Subclass it, finally; it holds no state."""

    group: ClassVar[str] = registry.MODALITIES
    title: ClassVar[str]
    #: Change it when the same values would become other inputs.
    version: ClassVar[int] = 1

    def exists(self, value: Any) -> bool:
        """Whether a value that is not None holds anything."""
        return True

    def problem(self, value: Any) -> str | None:
        """What is wrong with one value of a table that is not None, without decoding it; None if nothing is."""
        return None

    @abstractmethod
    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        """What changes when the content does: the part of a table's fingerprint."""

    @abstractmethod
    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        """Decode N values (None where absent) into files in `folder`, once.

        Args:
            ids: what the samples are called in errors.
            rule: the backbone's, or None if it has none for this kind.

        Raises:
            UserError: a value cannot be decoded, or is not what it should be; names the sample.
        """

    @abstractmethod
    def open(self, folder: Path) -> Content:
        """What `encode` left."""

    def decodes(self, value: Any) -> str | None:
        """What is wrong with one value once it is decoded, for `check`; None if nothing is."""
        return None

    def embedder(self, content: Content, width: int) -> nn.Module | None:
        """A network from this kind's `Inputs` to a `Part` of `width` features a token, for backbones that have none.

        It trains with the head and counts as adapter.
        """
        return None
