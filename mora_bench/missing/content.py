"""Missing by contents: by what is hidden itself (MNAR), or by what stays visible (MAR)."""

import numpy as np

from mora_bench.missing.contract import Context, Mechanism, logistic


class Hidden(Mechanism):
    """P(a unit loses a set of modalities) = sigmoid(a + strength * z), z the mean standard score of what that hides.

    The score of a content is one number: of a text its length, of a picture its brightness (`Modality.summary`). So
    long reports and bright films are lost more often, and nothing that stays tells so.
    """

    title = "not at random, by the content that is hidden (MNAR)"
    source = "Rubin 1976; Little and Rubin 2019, section 1.3"
    reads = ("contents",)

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        weights = np.array([[m in own for m in range(context.natural.shape[1])] for own in context.taken], float)
        return _weighed(context, context.rng("hidden", self.version), weights, rate, strength)


class Observed(Mechanism):
    """P(a unit loses a set of modalities) = sigmoid(a + strength * z), z the mean standard score of what is left.

    Each unit's set is drawn first, and weighed by nothing but the contents that this set leaves, so that the mechanism
    is missing at random. (Weighing each modality by the others, one after the other, would not be.)
    """

    title = "at random, by the content that stays (MAR)"
    source = "van Buuren 2018, Flexible Imputation of Missing Data, section 3.2.4"
    reads = ("contents",)

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        weights = np.array([[m not in own for m in range(context.natural.shape[1])] for own in context.taken], float)
        return _weighed(context, context.rng("observed", self.version), weights, rate, strength)


def _weighed(
    context: Context, rng: np.random.Generator, weights: np.ndarray, rate: float, strength: float
) -> np.ndarray:
    """`weights`, float [sets, M]: which contents weigh where a unit may lose a set."""
    weights = weights / np.maximum(weights.sum(1, keepdims=True), 1)
    return logistic(context, rng, lambda which: strength * (context.contents * weights[which]).sum(1), rate)
