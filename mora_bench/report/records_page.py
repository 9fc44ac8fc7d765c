"""New records as one page for a browser: their modalities, predictions, and how each modality changes these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mora_bench.report.html import rendered


@dataclass(frozen=True)
class Changed:
    """The change of a probability by a modality, and the bounds of this change for nine of ten validation samples; NaN
    where these are not known."""

    modality: str
    change: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the bounds are known."""
        return not math.isnan(self.low)

    @property
    def unusual(self) -> bool:
        return self.change < self.low or self.change > self.high


@dataclass(frozen=True)
class Answer:
    """The prediction of one label: its probability, whether it is decided, in the answers that cannot be ruled out,
    in all of them (None: not asked), and its change by each modality."""

    label: str
    probability: float
    decided: bool | None
    possible: bool | None
    certain: bool | None
    changed: tuple[Changed, ...]


@dataclass(frozen=True)
class OneRecord:
    """One new record.

    Attributes:
        has, lacks: names of modalities.
        like: how many of `trained` training samples had the same; rare: whether that is few.
        expected: what the cell scores on test samples that are shown the same, as text.
    """

    id: str
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    like: int
    trained: int
    rare: bool
    expected: str
    answers: tuple[Answer, ...]


def page(records: Sequence[OneRecord], cell: str, sentences: Sequence[str]) -> bytes:
    """The page. `cell`: what predicted them; `sentences`: what stands above them."""
    return rendered("records.html", records=records, cell=cell, sentences=sentences)
