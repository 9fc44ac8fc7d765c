"""Missing by contents: by what is hidden itself (MNAR), or by what stays visible (MAR)."""

import numpy as np

from mora_bench.missing.contract import Context
from mora_bench.missing.logistic import Logistic


class Hidden(Logistic):
    """P(a unit loses a set of modalities) = sigmoid(a + strength * z), z the mean standard score of what that hides.

    The score of a content is one number: of a text its length, of a picture its brightness (`Modality.summary`). So
    long reports and bright films are lost more often, and nothing that stays tells so.
    """

    title = "not at random, by the content that is hidden (MNAR)"
    source = "Rubin 1976; Little and Rubin 2019, section 1.3"
    reads = ("contents",)

    def slopes(self, context: Context, strength: float, which: np.ndarray) -> np.ndarray:
        hides = np.array([[m in columns for m in range(len(context.modalities))] for columns in context.taken], float)
        return strength * _mean(context, hides[which])


class Observed(Logistic):
    """P(a unit loses a set of modalities) = sigmoid(a + strength * z), z the mean standard score of what is left.

    Each unit's set is drawn first, and weighed by nothing but the contents that this set leaves, so that the mechanism
    is missing at random. (Weighing each modality by the others, one after the other, would not be.)
    """

    title = "at random, by the content that stays (MAR)"
    source = "van Buuren 2018, Flexible Imputation of Missing Data, section 3.2.4"
    reads = ("contents",)

    def slopes(self, context: Context, strength: float, which: np.ndarray) -> np.ndarray:
        leaves = np.array(
            [[m not in columns for m in range(len(context.modalities))] for columns in context.taken], float
        )
        return strength * _mean(context, leaves[which])


def _mean(context: Context, counts: np.ndarray) -> np.ndarray:
    """The mean standard score of the contents that count, float [n, M] of 0 and 1; 0 where none does."""
    return (context.contents * counts).sum(1) / np.maximum(counts.sum(1), 1)
