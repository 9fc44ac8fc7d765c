"""The contract of a modality: a kind of content, from the values of a table to the inputs of a backbone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from mora_bench import registry
from mora_bench.data.batch import Inputs
from mora_bench.errors import UserError
from mora_bench.files import FileHashes

if TYPE_CHECKING:
    from torch import nn


#: From a row and its values to the values that are left: NaN where one is lost.
Lose = Callable[[int, np.ndarray], np.ndarray]


class Rule(Protocol):
    """How a backbone wants the inputs of one kind."""

    def key(self) -> Any:
        """A JSON value that identifies the rule; each key has its own folder in the cache."""


@dataclass(frozen=True)
class Content(ABC):
    """One modality of N samples, decoded."""

    @abstractmethod
    def collate(self, rows: np.ndarray, present: np.ndarray) -> Inputs:
        """Inputs of B rows. Where `present` (bool [B]) is False, the content is not read. The row is then a dummy that
        does not depend on the content, not even on its size."""

    @abstractmethod
    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> Self:
        """The same with noise as the content of the given rows; its amount stays. Rules about leaks try it."""

    def with_gaps(self, lose: Lose | None) -> Self:
        """The same with these gaps instead of any that it has; None: with none. A kind whose contents have no parts
        that may be lost gives itself."""
        return self

    def with_dummy_of(self, other: Content) -> Self:
        """The same with the dummy of another content of its kind. A kind whose dummies are all alike gives itself."""
        return self

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """A measure of each sample's cost, int [B]: batches of samples of similar cost are computed faster."""
        return np.zeros(len(rows), np.int64)

    def facts(self) -> dict[str, Any]:
        """Facts for the record, e.g. the size of a dummy."""
        return {}


class Modality(ABC):
    """A kind of content. Subclass it directly, once per kind; it holds no state."""

    group: ClassVar[str] = registry.MODALITIES
    title: ClassVar[str]
    #: Change it when the same values would become other inputs.
    version: ClassVar[int] = 1
    #: Whether parts of a content may be lost (`Content.with_gaps`).
    gapped: ClassVar[bool] = False

    def exists(self, value: Any) -> bool:
        """Whether a value that is not None holds anything."""
        return True

    def problem(self, value: Any) -> str | None:
        """The fault of one value of a table that is not None, without decoding it; None if it has none."""
        return None

    @abstractmethod
    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        """Bytes that change when the content does: part of a table's fingerprint."""

    @abstractmethod
    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        """Decode N values (None where absent) into files in `folder`, once.

        Args:
            ids: names of the samples, for error messages.
            rule: the backbone's, or None if it has none for this kind.

        Raises:
            UserError: a value cannot be decoded or is malformed; the message names the sample.
        """

    def differing(self, values: Sequence[Any], ids: Sequence[str]) -> str | None:
        """How N values (None where absent) differ in what all of a data set must share, naming the samples; None if
        they do not. It is asked before competitors run that read values themselves; `encode` refuses the same."""
        return None

    @abstractmethod
    def open(self, folder: Path) -> Content:
        """Open the files that `encode` wrote."""

    def summary(self, value: Any) -> float:
        """One number that tells contents apart, for mechanisms of missingness that depend on contents.

        Raises:
            UserError: this kind has none, or the value cannot be decoded.
        """
        kind = type(self).__name__.lower()
        raise UserError(f"kind {kind} gives no number per value for a mechanism that reads contents; choose another.")

    def decodes(self, value: Any) -> str | None:
        """The fault of one value once it is decoded, for `check`; None if it has none."""
        return None

    def embedder(self, content: Content, rows: np.ndarray, width: int) -> nn.Module | None:
        """A network from this kind's `Inputs` to tokens [B, T, `width`] and mask, bool [B, T]; None if there is none.

        Backbones that do not embed this kind use it. It trains with the head and counts as adapter. It has no
        tower of its own, so a dual encoder classifies by the mean of its tokens.

        Args:
            rows: the training rows of `content` whose value the mask shows, int [n]; what is fitted beforehand, such
                as scaling, may see these and no others.
        """
        return None
