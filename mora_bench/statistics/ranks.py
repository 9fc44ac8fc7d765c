"""Ranks of rows over blocks: whether any differ, and by how much mean ranks must differ to tell two apart."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from mora_bench.statistics.power import LEVEL

#: Below these numbers the tests' approximations do not hold (Demsar 2006, section 3.2.2).
LEAST_BLOCKS, LEAST_ROWS = 5, 3


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of R rows over B blocks, 1 for the highest score, ties shared.

    Attributes:
        mean: float [R]; p: of Friedman's test that all rows are alike, 1 where they tie in every block.
        critical: the difference of two mean ranks from which Nemenyi's test tells two rows apart at 5 %, if Friedman's
            does.
    """

    mean: np.ndarray
    p: float
    critical: float

    @property
    def differ(self) -> bool:
        """Whether Friedman's test finds that the rows are not all alike; if not, no two differ significantly."""
        return self.p < LEVEL

    @property
    def worse(self) -> np.ndarray:
        """bool [R]: significantly worse than the row with the best mean rank."""
        return (self.mean - self.mean.min() >= self.critical) & self.differ


def ranked(scores: np.ndarray) -> Ranks:
    """Ranks of rows by their scores, float [B, R]; every block (a population) holds a score of every row.

    Source: Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006) 1-30.

    Raises:
        ValueError: too few blocks or rows to tell anything.
    """
    blocks, rows = scores.shape
    if blocks < LEAST_BLOCKS or rows < LEAST_ROWS:
        raise ValueError(
            f"{blocks} blocks of {rows} rows are too few for a test of ranks: at least {LEAST_BLOCKS} blocks and "
            f"{LEAST_ROWS} rows are needed"
        )
    tied = (scores == scores[:, :1]).all()
    p = 1.0 if tied else float(friedmanchisquare(*scores.T).pvalue)
    return Ranks(rankdata(-scores, axis=1).mean(0), p, critical_difference(rows, blocks))


def critical_difference(rows: int, blocks: int, level: float = LEVEL) -> float:
    """Nemenyi's critical difference of mean ranks, q sqrt(R (R + 1) / (12 B)), q of the studentized range."""
    q = studentized_range.isf(level, rows, np.inf)
    return float(q / np.sqrt(2) * np.sqrt(rows * (rows + 1) / (6 * blocks)))
