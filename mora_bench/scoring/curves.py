"""A score at every missing rate, as the expectation over masks: picked from predictions, no forward pass."""

from collections.abc import Callable, Sequence

import numpy as np

from mora_bench.records.schema import Curve
from mora_bench.scoring.pick import pick
from mora_bench.tasks.metric import Metric

#: Masks that an expectation is taken over; the first one is the mask of all other scores.
DRAWS = 8


def under_masks(
    score: Callable[[np.ndarray], float],
    logits: np.ndarray,
    present: Callable[[int], Sequence[np.ndarray]],
    draws: int = DRAWS,
) -> np.ndarray:
    """A score at every rate under every mask, float [R, draws].

    Args:
        score: of the samples' logits, float [N, C].
        logits: float [N, P, C], under every pattern of presence.
        present: the number of a draw -> presence at each of R rates, bool [N, M] each.
    """
    return np.array([[score(pick(logits, shown)) for shown in present(draw)] for draw in range(draws)]).T.copy()


def expectation(scores: np.ndarray, rates: Sequence[float], metric: Metric) -> Curve:
    """The expectation over masks of scores [R, draws] of a metric at rates that ascend from 0 to 1."""
    mean, draws = scores.mean(1), scores.shape[1]
    return Curve(
        mean=mean.tolist(),
        std=(scores.std(1, ddof=1) if draws > 1 else np.zeros(len(rates))).tolist(),
        draws=draws,
        area=float(np.trapezoid(mean, rates) / (rates[-1] - rates[0])),
        worst=float(metric.worst(mean)),
    )
