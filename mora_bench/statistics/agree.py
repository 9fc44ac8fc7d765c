"""Which of two rows leads, where several scores of the same predictions have to agree on it.

A score with a threshold can turn on how probable a row's predictions are overall, which a threshold chosen elsewhere,
or none, takes away. So a row leads another only where every score has the same sign, and one of them at least is
significant after Holm over all pairs and scores. As no lead is named without a significant test, the share of grids
with a false one is at most that of Holm's family, 5 %; `benchmarks/simulate_statistics.py` simulates it.
"""

from dataclasses import dataclass

import numpy as np

from mora_bench.statistics.differences import Pairs, compared_by
from mora_bench.statistics.power import LEVEL


@dataclass(frozen=True)
class Agreement:
    """P pairs of rows compared by K scores.

    Attributes:
        pairs: by score, the comparisons of all pairs, in the score's direction; `holm` is over all K x P tests.
        first, second: int [P], the rows; better: int [K, P], 1 where the first has the better mean, -1 where the
            second has, 0 where both have the same.
        leads: int [P], 1 where the first leads, -1 where the second does, else 0.
        depends: bool [P], a score tells the two apart and another does not have its sign.
    """

    pairs: tuple[Pairs, ...]
    first: np.ndarray
    second: np.ndarray
    better: np.ndarray
    leads: np.ndarray
    depends: np.ndarray

    def over(self, rows: int) -> np.ndarray:
        """bool [R, R]: the row of the first axis leads that of the second."""
        ahead = np.zeros((rows, rows), bool)
        ahead[self.first[self.leads > 0], self.second[self.leads > 0]] = True
        ahead[self.second[self.leads < 0], self.first[self.leads < 0]] = True
        return ahead


def agreed(better: np.ndarray, holm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rule itself, for many grids at once: who leads, int [..., P], and what depends on the score, bool [..., P].

    Equal means have no sign: a score by which two rows are the same does not agree that one of them leads.

    Args:
        better: signs of the differences, so turned that 1 is for the first row, [..., K, P].
        holm: p-values of the same, corrected for K x P tests, [..., K, P].
    """
    apart = (holm < LEVEL).any(-2)
    same = (better == better[..., :1, :]).all(-2) & (better[..., 0, :] != 0)
    return np.where(apart & same, better[..., 0, :], 0), apart & ~same


def agreement(scores: np.ndarray, higher: list[bool], pairs: list[tuple[int, int]], overlap: float = 0.0) -> Agreement:
    """Compare pairs of rows by K scores.

    Args:
        scores: float [K, R, S]; pairs, overlap: as in `mora_bench.statistics.differences.compared`.
        higher: of each score whether higher is better, [K].
    """
    by_score = compared_by(scores, pairs, overlap)
    turn = np.where(higher, 1, -1)[:, None]
    better = turn * np.sign(np.stack([comparison.difference for comparison in by_score])).astype(int)
    leads, depends = agreed(better, np.stack([comparison.holm for comparison in by_score]))
    return Agreement(by_score, by_score[0].first, by_score[0].second, better, leads, depends)


def not_led(compared: Agreement, rows: int) -> np.ndarray:
    """bool [R]: the rows that no other leads; none of them where no row leads another, as that would say nothing."""
    led = np.asarray(compared.over(rows).any(0))
    return ~led & led.any()
