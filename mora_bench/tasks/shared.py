"""The classes over which sets of samples can be compared: those that all of the sets have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shared:
    """Classes that several sets of samples have in common; a class that one of them lacks would count there as 0.

    Attributes:
        positive: bool [C], the classes that are true of a sample in every set: for F1 and recall.
        both: bool [C], those that also are not true of a sample in every set: for AUROC, mAP, operating points.
    """

    positive: np.ndarray
    both: np.ndarray


def shared(sets: Sequence[np.ndarray]) -> Shared | None:
    """The classes that all sets with samples have; None where no set has any.

    Args:
        sets: targets of each set, 0 or 1, [N, C].
    """
    truths = [targets > 0 for targets in sets if len(targets)]
    if not truths:
        return None
    positive = np.all([truth.any(0) for truth in truths], axis=0)
    return Shared(positive, positive & np.all([~truth.all(0) for truth in truths], axis=0))


def mean(values: np.ndarray) -> float:
    """The mean over classes; NaN where there is no class."""
    return float(values.mean()) if len(values) else float("nan")
