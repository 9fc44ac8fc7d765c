"""Cox regression on plain features: predicts time-to-event without a network."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor
from mora_bench.tasks.named import task_of
from mora_bench.tasks.time_to_event import TimeToEvent

from .by_pattern import ByPattern
from .features import KINDS


class CoxRegression:
    """A Cox model with an L2 penalty; Efron's likelihood of ties, Breslow's baseline.

    Attributes:
        strength: inverse strength of the penalty: `strength` times the negative log-likelihood plus half the squared
            length of the coefficients is least.
        horizons: the times by which probabilities are asked for.
    """

    def __init__(self, strength: float, task: str):
        event_task = task_of(task)
        assert isinstance(event_task, TimeToEvent)
        self.strength, self.horizons = strength, event_task.horizons

    def fit(self, features: Any, targets: np.ndarray) -> Self:
        """Features [n, F], an array or a sparse matrix; times and events [n, 2]."""
        from scipy.optimize import minimize

        # In the order of falling times, so that whoever is at risk stands before.
        order = np.argsort(-targets[:, 0], kind="stable")
        features, times, events = features[order], targets[order, 0], targets[order, 1] > 0

        def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
            value, slopes = likelihood(times, events, features @ coefficients)
            return (
                coefficients @ coefficients / 2 - self.strength * value,
                coefficients - self.strength * (features.T @ slopes),
            )

        self.coefficients = minimize(loss, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B").x
        risks = features @ self.coefficients
        # Risks count from their mean, so that no exponential is large.
        self.middle = risks.mean()
        hazard = np.exp(risks - self.middle).cumsum()
        at_risk = hazard[np.searchsorted(-times, -times[events], "right") - 1]
        self.baseline = np.array([(1 / at_risk[times[events] <= horizon]).sum() for horizon in self.horizons])
        return self

    def predict(self, features: Any) -> np.ndarray:
        """Probabilities [n, C] of an event by each horizon."""
        return -np.expm1(-np.exp(features @ self.coefficients - self.middle)[:, None] * self.baseline)


def likelihood(times: np.ndarray, events: np.ndarray, risks: np.ndarray) -> tuple[float, np.ndarray]:
    """The logarithm of Efron's partial likelihood (1977), and its slopes [n] by the risks.

    Args:
        times: [n], falling; events: bool [n]; risks: float [n], log hazard ratios.
    """
    # Between samples of one time and the next there is a border; a time's samples share who is at risk.
    ends = np.flatnonzero(np.r_[np.diff(times) != 0, True])
    group = np.searchsorted(ends, np.arange(len(times)))
    middle = risks.max(initial=0.0)
    hazard = np.exp(risks - middle)
    at_risk = hazard.cumsum()[ends]
    tied = np.bincount(group, hazard * events, len(ends))
    count = np.bincount(group, events, len(ends)).astype(int)
    # Of d events at one time the l-th sees the others' hazards less l / d of theirs.
    event_groups = np.repeat(np.arange(len(ends)), count)
    rank = np.arange(len(event_groups)) - np.repeat(count.cumsum() - count, count)
    part = rank / count[event_groups]
    seen = at_risk[event_groups] - part * tied[event_groups]
    value = risks[events].sum() - (np.log(seen) + middle).sum()
    increments, corrections = (
        np.bincount(event_groups, 1 / seen, len(ends)),
        np.bincount(event_groups, part / seen, len(ends)),
    )
    # Whoever lives as long as an event is at risk at it, and so at all events of earlier times, which stand behind.
    slopes = events - hazard * increments[::-1].cumsum()[::-1][group] + hazard * events * corrections[group]
    return float(value), slopes


class Cox(ByPattern, Predictor):
    """Words, pixels and cells (features.py) side by side; each pattern's model is fitted on the training samples that
    show at least its modalities, cut to them; the penalty is chosen on validation. Follow-up does not end at the last
    horizon: a Cox model learns from what happens later, too."""

    title = "one Cox model per pattern"
    source = "Cox 1972; Simon et al., Regularization paths for Cox's model, 2011; reduced models, as `stacked`"
    version = 2
    kinds = KINDS
    learns = ("time", "event")
    abstains = "if too few training samples show the same modalities: it predicts the share that had the event"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        assert train.targets is not None
        self.learn(train, validation, self.kinds, regression=lambda strength: CoxRegression(strength, train.task))

    def predict(self, samples: Shown) -> np.ndarray:
        return self.answer(samples)
