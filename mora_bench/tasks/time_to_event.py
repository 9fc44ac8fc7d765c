"""Time to event, right-censored, in discrete time: the probability of an event by each of C horizons.

Labels are the horizons, in order. Logits [N, C] are those of the hazards, the probabilities of an event between a
horizon and the one before it, of whoever was free of it until then (Gensheimer and Narasimhan 2019). Follow-up ends at
the last horizon, in training and in every score: what happens later counts as free of it until then.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mora_bench.errors import UserError
from mora_bench.tasks import censored, cox
from mora_bench.tasks import metrics as score
from mora_bench.tasks.contract import Loss, Task, finite_logit
from mora_bench.tasks.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

#: With fewer events, or samples that are followed to it, a horizon says little.
FEW = 10
#: How far a probability may lie below that of an earlier horizon: what rounding to two or three digits does.
ROUNDED = 0.02
#: The number of groups of samples by their risk, and of times, from 0 on, at which their outcomes are shown.
GROUPS, TIMES = 3, 25
_ORDER = (
    "risk: the expected time lost until the last horizon, by trapezoids; pairs of an event and a sample free of it for "
    "longer, ties of risk half; no number without such a pair"
)
_WEIGHTS = "weights 1 / G(t-), Kaplan and Meier's estimate on the scored samples"
METRICS = {
    "concordance": Metric(
        "Harrell's concordance", True, (0, 1), "ranks", 100, _ORDER,
        "Harrell et al. 1982; scikit-survival's concordance_index_censored", short="Harrell's C",
    ),
    "concordance_uno": Metric(
        "Uno's concordance", True, (0, 1), "ranks", 100, f"{_ORDER}; {_WEIGHTS}",
        "Uno et al. 2011; scikit-survival's concordance_index_ipcw where no censoring ties with an event",
        short="Uno's C",
    ),
    "brier_integrated": Metric(
        "integrated Brier score", False, (0, math.inf), "probabilities", 100,
        "trapezoids between the first horizon and the last, by their distance; of one horizon its own; no number where "
        f"nobody is followed to a horizon though some are censored; {_WEIGHTS}",
        "Graf et al. 1999; scikit-survival's integrated_brier_score where no censoring ties with an event",
        short="Brier",
    ),
    "auroc": Metric(
        "AUROC at the horizons", True, (0, 1), "ranks", 100,
        "who had the event by a horizon against who was free of it for longer, mean over the horizons; no number where "
        f"one of them has none; {_WEIGHTS}",
        "Uno et al. 2007; scikit-survival's cumulative_dynamic_auc where no censoring ties with an event",
        short="AUROC",
    ),
}  # fmt: skip


class TimeToEvent(Task):
    """An event is decided by a horizon if it is more probable than not. Targets are float64 [N, 2]: a time of 0 or
    more, and 1 for an event at that time or 0 for a sample that was censored then."""

    title = "time to event, right-censored"
    source = "Gensheimer and Narasimhan, PeerJ 2019, arXiv 1805.00917"
    primary = "concordance"
    watched = "concordance"
    metrics = METRICS
    agree = ("concordance", "concordance_uno", "brier_integrated")
    beside = ("auroc",)
    columns = ("time", "event")
    losses = {
        "cox": Loss(
            "Cox's partial likelihood of a batch, plus the likelihood in discrete time",
            "Cox 1972; Efron 1977; Katzman et al. 2018 (DeepSurv)",
            proportional=True,
        )
    }
    takes = "horizons above 0 that rise, in the unit of the times, e.g. time-to-event:30,90,365"
    tried_with = "1,2,4"

    def __init__(self, horizons: Sequence[float]):
        self.horizons = np.array(horizons, float)

    @classmethod
    def of(cls, argument: str) -> Self:
        try:
            horizons = [float(part) for part in argument.split(",")]
        except ValueError:
            horizons = []
        if not horizons or not all(0 < a < b for a, b in zip(horizons, [*horizons[1:], math.inf], strict=True)):
            raise UserError(f"task time-to-event with {argument[:80]!r}: expected {cls.takes}.")
        return cls(horizons)

    @property
    def question(self) -> str:
        return f"{self.title}, by {', '.join(f'{horizon:g}' for horizon in self.horizons)}"

    def example(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        kinds = np.array([(1, 1), (2, 1), (4, 1), (2, 0), (5, 0), (6, 1)], float)
        targets = kinds[np.arange(n) % len(kinds)]
        return targets, np.asarray(self.logits(np.nan_to_num(self.truth(targets))), float)

    def truth(self, targets: np.ndarray) -> np.ndarray:
        """Who had the event by each horizon, NaN of whom that is not known."""
        times, events = _parts(targets)
        columns = [censored.known(times, events, horizon) for horizon in self.horizons]
        return np.stack([np.where(seen, had, np.nan) for had, seen in columns], 1)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """[N, C], of an event by each horizon, from the logits of the hazards."""
        return -np.expm1(-np.logaddexp(0, np.asarray(logits, np.float64)).cumsum(1))

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        by = np.maximum.accumulate(np.asarray(probabilities, float), axis=1)
        before = np.pad(by[:, :-1], ((0, 0), (1, 0)))
        # Nothing more can happen to somebody to whom it has happened for sure.
        return finite_logit(np.divide(by - before, 1 - before, out=np.zeros_like(by), where=before < 1))

    def decide(self, logits: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        return np.asarray(self.probabilities(logits) > 0.5)

    def improbable(self, row: np.ndarray) -> str | None:
        if (np.diff(row) >= -ROUNDED).all():
            return None
        return "they fall; expected the probability of an event by each horizon, which rises from one to the next"

    def value(self, name: str, targets: np.ndarray, logits: np.ndarray) -> float:
        return self.score(targets, logits) if name == self.primary else super().value(name, targets, logits)

    def score(self, targets: np.ndarray, logits: np.ndarray) -> float:
        return self._pairs(targets, self.probabilities(logits)).harrell if len(targets) else float("nan")

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        if not len(targets):
            return {"n": 0}
        (times, events), chances = _parts(targets), self.probabilities(logits)
        pairs, columns = self._pairs(targets, chances), list(zip(chances.T, self.horizons, strict=True))
        areas = [censored.auroc(times, events, column, horizon) for column, horizon in columns]
        errors = np.array([censored.brier(times, events, column, horizon) for column, horizon in columns])
        return {
            "n": len(targets),
            "concordance": pairs.harrell,
            "concordance_uno": pairs.uno,
            "brier_integrated": _mean_over(errors, self.horizons),
            "auroc": float(np.mean(areas)),
            "events": int(censored.until(times, events, self.horizons[-1])[1].sum()),
        }

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        """By the last horizon: bins of equal width of the probability, and Kaplan and Meier's share of each."""
        times, events = _parts(targets)
        chances = self.probabilities(logits)[:, -1]
        mean, _, count = score.reliability(chances, np.zeros(len(chances)))
        bins = score.bin_of(chances, len(count))
        last = self.horizons[-1]
        share = [censored.share(times[bins == k], events[bins == k], last) if n else None for k, n in enumerate(count)]
        return {"probability": mean, "share": share, "count": count}

    def risk_groups(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        """Thirds of the samples by their risk (the expected time lost until the last horizon), with the mean of their
        probabilities and Kaplan and Meier's share of each."""
        if len(targets) < GROUPS:
            return {}
        (times, events), chances = _parts(targets), self.probabilities(logits)
        groups = np.array_split(np.argsort(self._lost(chances), kind="stable"), GROUPS)
        at = np.linspace(0, self.horizons[-1], TIMES)
        return {
            "times": at.tolist(),
            "horizons": self.horizons.tolist(),
            "n": [len(group) for group in groups],
            "predicted": [chances[group].mean(0).tolist() for group in groups],
            "observed": [censored.shares(times[group], events[group], at).tolist() for group in groups],
        }

    def loss(self, predicted: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        """Minus the log-likelihood of what was seen of a sample, mean over samples: it was free of the event in each
        interval before that of its event, or of its censoring, of which the part counts that it was followed through.
        """
        import torch
        import torch.nn.functional as F

        horizons = torch.as_tensor(self.horizons, dtype=wanted.dtype, device=wanted.device)
        before = F.pad(horizons[:-1], (1, 0))
        times, events = wanted[:, :1], wanted[:, 1:] > 0
        had = events & (times <= horizons)
        first = had & ~F.pad(had[:, :-1], (1, 0))
        free = (~had * ((times - before) / (horizons - before)).clamp(0, 1)).to(predicted.dtype)
        return (first * F.softplus(-predicted) + free * F.softplus(predicted)).sum() / len(wanted)

    def loss_by(self, name: str, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Cox's partial likelihood of the risks, by the times themselves, plus `loss`, which also fits how hazards
        rise and fall with time; mean over samples."""
        import torch

        times, events = wanted[:, 0], wanted[:, 1] > 0
        last = float(self.horizons[-1])
        risks = cox.log_hazards(predicted)[:, 0]
        seen = cox.partial_likelihood(risks, torch.clamp(times, max=last), events & (times <= last))
        return seen / len(wanted) + self.loss(predicted, wanted)

    def prior(self, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """For each horizon the share that had the event by then: the life-table estimate, in which whoever is censored
        in an interval counts for the part of it that they were followed through."""
        times, events = _parts(targets)
        before = np.pad(self.horizons[:-1], (1, 0))
        had = events[:, None] & (times[:, None] <= self.horizons)
        happened = (had & ~np.pad(had[:, :-1], ((0, 0), (1, 0)))).sum(0)
        followed = np.clip((times[:, None] - before) / (self.horizons - before), 0, 1)
        at_risk = happened + (~had * followed).sum(0)
        return 1 - np.cumprod(1 - np.divide(happened, at_risk, out=np.zeros(len(at_risk)), where=at_risk > 0))

    def holds(self, targets: np.ndarray) -> list[str]:
        truth = self.truth(targets)
        had, free = (truth == 1).sum(0), (truth == 0).sum(0)
        sentences = [
            f"{had[-1]} events by the last horizon, {self.horizons[-1]:g}; {len(truth) - had[-1] - free[-1]} samples "
            f"censored before it, {free[-1]} free of it for longer"
        ]
        by = [f"{horizon:g} {count}" for horizon, count in zip(self.horizons, had, strict=True)]
        sentences += [f"events by horizon: {', '.join(by)}"]
        for horizon, new_events, followed in zip(self.horizons, np.diff(had, prepend=0), free, strict=True):
            few = [f"{new_events} events since the one before"] * bool(new_events < FEW)
            few += [f"{followed} samples that are followed to it without one"] * bool(followed < FEW)
            sentences += [f"WARNING: horizon {horizon:g} has {' and '.join(few)}: choose others."] * bool(few)
        return sentences

    def problem(self, targets: np.ndarray) -> str | None:
        times, marks = targets[:, 0], targets[:, 1]
        odd = np.flatnonzero(times < 0)
        if len(odd):
            return f"sample number {odd[0]} has the time {times[odd[0]]:g}; expected one of 0 or more"
        odd = np.flatnonzero((marks != 0) & (marks != 1))
        if len(odd):
            return f"sample number {odd[0]} has the event {marks[odd[0]]:g}; expected 1, or 0 for censored"
        last = self.horizons[-1]
        if not ((marks > 0) & (times <= last)).any():
            return f"nobody has an event by the last horizon, {last:g}, so there is nothing to learn; give a later one"
        if (times < last).all() and (marks == 0).any():
            return f"nobody is followed until the last horizon, {last:g}; give one of at most {times.max():g}"
        return None

    def mislabelled(self, labels: Sequence[str]) -> str | None:
        if len(labels) == len(self.horizons):
            return None
        return f"there are {len(labels)} labels for {len(self.horizons)} horizons; expected one each"

    def _pairs(self, targets: np.ndarray, chances: np.ndarray) -> censored.RiskSets:
        return censored.pairs(*censored.until(*_parts(targets), self.horizons[-1]), self._lost(chances))

    def _lost(self, chances: np.ndarray) -> np.ndarray:
        """The expected time lost until the last horizon, float [N], by trapezoids."""
        by = np.pad(chances, ((0, 0), (1, 0)))
        lost: np.ndarray = ((by[:, 1:] + by[:, :-1]) / 2) @ np.diff(self.horizons, prepend=0)
        return lost


def _parts(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times, float [N], and events, bool [N]."""
    return targets[:, 0].astype(np.float64), targets[:, 1] > 0


def _mean_over(values: np.ndarray, horizons: np.ndarray) -> float:
    """The mean of values at horizons, weighted by trapezoids."""
    if len(values) == 1:
        return float(values[0])
    return float(np.trapezoid(values, horizons) / (horizons[-1] - horizons[0]))
