"""Which modalities a sample has: the patterns of presence and their numbers.

A pattern of M modalities is numbered by the sum of 2^m over those that are there, minus 1: for (text, image) 0 is text
only, 1 image only, 2 complete.
"""

from collections.abc import Sequence

import numpy as np


def pattern_index(present: np.ndarray) -> np.ndarray:
    """Number of each row's pattern: bool [N, M] -> int [N] in 0..2^M - 2."""
    return present @ (1 << np.arange(present.shape[1])) - 1


def pattern_presence(modalities: int) -> np.ndarray:
    """The inverse: bool [2^M - 1, M], row i the presence that `pattern_index` numbers i."""
    codes = np.arange(1, 1 << modalities)
    return (codes[:, None] >> np.arange(modalities)) & 1 == 1


def by_pattern(present: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """The patterns that rows of bool [N, M] show, in order, each with the numbers of its rows."""
    index = pattern_index(present)
    return [(int(pattern), np.flatnonzero(index == pattern)) for pattern in np.unique(index)]


def pattern_titles(modalities: Sequence[str]) -> list[str]:
    """The title of each pattern: the names of its modalities, joined by +, in the order of `pattern_presence`."""
    patterns = pattern_presence(len(modalities))
    return ["+".join(name for name, yes in zip(modalities, row, strict=True) if yes) for row in patterns]


def able(natural: np.ndarray) -> np.ndarray:
    """Which patterns each sample can show, bool [N, 2^M - 1]: those of modalities that it has, bool [N, M]."""
    return (natural[:, None] | ~pattern_presence(natural.shape[1])).all(2)


def stratum_names(modalities: Sequence[str]) -> list[str]:
    """Names of the strata, one per pattern: "complete", "text_only", or "left+right" with three modalities or more."""
    names = []
    for pattern in pattern_presence(len(modalities)):
        shown = [name for name, yes in zip(modalities, pattern, strict=True) if yes]
        names.append(
            "complete" if len(shown) == len(modalities) else f"{shown[0]}_only" if len(shown) == 1 else "+".join(shown)
        )
    return names


def combine(natural: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Final presence, bool [N, M]: what exists and is kept. A mask never takes a sample's last modality."""
    present = natural & kept
    return np.where(present.any(1, keepdims=True), present, natural)


def realised(natural: np.ndarray, present: np.ndarray, modalities: Sequence[str]) -> dict[str, float]:
    """The effect of a mask: shares of samples that are complete, that lost something, that lack each modality, and that
    never had it."""
    shares = {"complete": float(present.all(1).mean()), "lost": float((natural & ~present).any(1).mean())}
    for m, name in enumerate(modalities):
        shares[f"without_{name}"] = float((~present[:, m]).mean())
        shares[f"naturally_without_{name}"] = float((~natural[:, m]).mean())
    return shares
