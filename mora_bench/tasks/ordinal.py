"""Ordinal classification: exactly one of C grades is true of a sample, and grades have an order.

Logits r [N, C - 1] stand for cumulative logits a_k = log(P(grade >= k) / P(grade < k)), k = 1 ... C - 1: a_1 = r_1 and
a_k = a_(k-1) - softplus(r_k), so they fall as k grows, and no grade has a negative probability. This is the cumulative
logit model (McCullagh 1980) without proportional odds: each step between grades has a direction of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from mora_bench.tasks import exclusive
from mora_bench.tasks import metrics as score
from mora_bench.tasks.contract import Task
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.shared import mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mora_bench.tasks.shared import Shared

_CONVENTION = "the median grade: as many steps as are more probable than not"
METRICS = {
    "kappa_quadratic": Metric(
        "quadratic kappa", True, (-1, 1), "decisions", 100,
        f"{_CONVENTION}; no number where all samples have one grade and all are decided for it",
        "scikit-learn's cohen_kappa_score(weights='quadratic')", short="kappa",
    ),
    "mae": Metric(
        "mean absolute error in grades", False, (0, np.inf), "decisions", 1, _CONVENTION,
        "scikit-learn's mean_absolute_error", True, short="MAE",
    ),
    "auroc": Metric(
        "AUROC of the steps", True, (0, 1), "ranks", 100,
        "grades from k on against those below, by their probability; mean over the steps that have both",
        "scikit-learn's roc_auc_score", averaged_over="classes", short="AUROC",
    ),
    "rps": Metric(
        "ranked probability score", False, (0, 1), "probabilities", 100,
        "Brier score of `grade >= k`, mean over samples and steps", "Epstein 1969", True, short="RPS",
    ),
    "accuracy": Metric("accuracy", True, (0, 1), "decisions", 100, _CONVENTION, "scikit-learn's accuracy_score", True),
    "f1_macro": Metric(
        "F1-macro", True, (0, 1), "decisions", 100, f"{_CONVENTION}; 0 for a grade without true or predicted samples",
        "scikit-learn's f1_score(average='macro', zero_division=0)", True, "classes",
    ),
}  # fmt: skip


#: Into how many parts of equal size samples are cut at most where grades of the highest kappa are looked for.
CUTS = 200
#: Cumulative logits nearer to 0 are 0: rounding to single precision makes such numbers of probabilities of a half.
TIED = 1e-5


class Ordinal(Task):
    """The median grade is decided, which has the least expected absolute error."""

    title = "ordinal classification"
    source = "McCullagh, Regression models for ordinal data, 1980; scikit-learn's cohen_kappa_score"
    primary = "kappa_quadratic"
    watched = "auroc"
    metrics = METRICS
    agree = ("kappa_quadratic", "mae", "auroc")
    beside = ("rps", "f1_macro")
    one_by_one = False

    def outputs(self, labels: int) -> int:
        return labels - 1

    def example(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        targets = np.eye(4, dtype=np.uint8)[np.arange(n) % 4]
        return targets, np.asarray(self.logits(targets.astype(float)), float)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """[N, C], of each grade, from logits [N, C - 1]."""
        reached = np.pad(expit(cumulative(logits)), ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
        return reached[:, :-1] - reached[:, 1:]

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        # Each grade keeps the least probability, so that no two cumulative logits are the same.
        clipped = np.clip(np.asarray(probabilities, float), exclusive.LEAST, None)
        reached = (clipped / clipped.sum(1, keepdims=True))[:, ::-1].cumsum(1)[:, -2::-1]
        falls = np.log(reached / (1 - reached))
        gaps = -np.diff(falls, axis=1)
        # The inverse of softplus: log(e^gap - 1), which e^gap overflows in nobody's grades.
        return np.concatenate([falls[:, :1], gaps + np.log(-np.expm1(-gaps))], 1).astype(np.float32)

    def decide(self, logits: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """The median grade; thresholds have no meaning."""
        return np.asarray(np.eye(logits.shape[1] + 1, dtype=bool)[_grades(logits)])

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """One question, answered by a grade."""
        return self.probabilities(logits)[:, None]

    def answered(self, targets: np.ndarray) -> np.ndarray:
        return targets.argmax(1)[:, None]

    def improbable(self, row: np.ndarray) -> str | None:
        return exclusive.improbable(row)

    def value(self, name: str, targets: np.ndarray, logits: np.ndarray) -> float:
        if name == self.watched and len(targets):
            return mean(_ranked(targets, logits, _both(targets)))
        return super().value(name, targets, logits)

    def score(self, targets: np.ndarray, logits: np.ndarray) -> float:
        return kappa(_pairs(targets, logits)) if len(targets) else float("nan")

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        return self._scores(targets, logits, np.ones(targets.shape[1], bool), _both(targets))

    def scores_over(self, targets: np.ndarray, logits: np.ndarray, classes: Shared) -> dict[str, Any]:
        """Steps are compared that have a grade of all sets on either side."""
        return self._scores(targets, logits, classes.positive, _both(classes.positive[None]))

    def _scores(self, targets: np.ndarray, logits: np.ndarray, over: np.ndarray, steps: np.ndarray) -> dict[str, Any]:
        """All scores: F1 over the grades `over`, bool [C], AUROC over `steps`, bool [C - 1]; the rest over all."""
        if not len(targets):
            return {"n": 0}
        pairs, reached = _pairs(targets, logits), _reached(targets)
        hits = np.diagonal(pairs)
        per_class = score.f1(hits, pairs.sum(0) + pairs.sum(1) - 2 * hits)
        grades = np.arange(len(pairs))
        return {
            "n": len(targets),
            "kappa_quadratic": kappa(pairs),
            "mae": float((pairs * np.abs(grades[:, None] - grades)).sum() / len(targets)),
            "auroc": mean(_ranked(targets, logits, steps)),
            "rps": float(((expit(cumulative(logits)) - reached) ** 2).mean()),
            "accuracy": float(hits.sum() / len(targets)),
            "f1_macro": mean(per_class[over]),
            "classes": int(over.sum()),
            "empty_classes": int((~(targets > 0).any(0)).sum()),
        }

    def attainable(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        """Of kappa that of the best grades: the median has the least error, and not the highest kappa. Scores of the
        decisions that other ones may exceed are left out."""
        scores = self.scores(targets, logits)
        least = {name: scores[name] for name in ("mae", "auroc", "rps") if name in scores}
        return least | {"kappa_quadratic": highest_kappa(targets, self.probabilities(logits))}

    def counts(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list[int]]:
        return {"pairs": _pairs(targets, logits).ravel().tolist()}

    def pooled(self, counts: Sequence[dict[str, list[int]]]) -> float:
        totals = np.sum([set_counts["pairs"] for set_counts in counts], axis=0)
        classes = round(len(totals) ** 0.5)
        return kappa(totals.reshape(classes, classes))

    def confusion(
        self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray
    ) -> dict[str, list[list[int]]]:
        """True grade by the median one."""
        return {"median": _pairs(targets, logits).tolist()}

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        """The steps together: the probability of grade k or a higher one, and how many have it."""
        names = ("probability", "share", "count")
        return dict(zip(names, score.reliability(expit(cumulative(logits)), _reached(targets)), strict=True))

    def loss(self, predicted: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        """Minus the log-likelihood of the true grade, averaged over samples, each of which weighs as much as its
        grade."""
        import torch
        import torch.nn.functional as F

        falls = predicted[:, :1] - F.pad(F.softplus(predicted[:, 1:]), (1, 0)).cumsum(1)
        # P(grade k) = P(>= k) - P(>= k + 1) = s(a) s(-b) s(r) with a = a_k, b = a_(k+1) = a - softplus(r), s the
        # logistic function: no difference of two numbers that are nearly the same.
        log = F.pad(F.logsigmoid(falls), (1, 0)) + F.pad(F.logsigmoid(-falls), (0, 1))
        log = log + F.pad(F.logsigmoid(predicted[:, 1:]), (1, 1))
        weighted = wanted if weights is None else wanted * weights
        return -(weighted * log).sum() / weighted.sum().clamp(min=torch.finfo(log.dtype).tiny)

    def balanced(self, targets: np.ndarray) -> np.ndarray:
        return exclusive.balanced(targets)

    def prior(self, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return exclusive.shares(targets, weights)

    def problem(self, targets: np.ndarray) -> str | None:
        return exclusive.not_one(targets, "ordinal")

    def mislabelled(self, labels: Sequence[str]) -> str | None:
        return None if len(labels) > 1 else f"{len(labels)} label; grades are two or more, in order"


def cumulative(logits: np.ndarray) -> np.ndarray:
    """The cumulative logits, float64 [N, C - 1], of logits [N, C - 1]: the log-odds of each grade or a higher one."""
    exact = np.asarray(logits, np.float64)
    return exact[:, :1] - np.pad(np.logaddexp(0, exact[:, 1:]), ((0, 0), (1, 0))).cumsum(1)


def kappa(pairs: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights of counts [C, C], true grade by decided grade; NaN where it is 0 / 0."""
    grades = np.arange(len(pairs))
    far = (grades[:, None] - grades) ** 2
    chance = (np.outer(pairs.sum(1), pairs.sum(0)) * far).sum() / pairs.sum()
    return float(1 - (pairs * far).sum() / chance) if chance else float("nan")


def highest_kappa(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The highest quadratic kappa of any grades that follow from probabilities [N, C], with targets [N, C]; NaN if all
    have one grade.

    Whatever the shares of the grades, it is best to give them in the order of the expected grade: of the squared
    distance only the product of decided and expected grade depends on who gets which. So the cuts of that order are
    moved, one after the other, until none is better.
    """
    if not targets.any(0).sum() > 1:
        return float("nan")
    order = np.argsort(probabilities @ np.arange(probabilities.shape[1]), kind="stable")
    until = np.pad(targets[order].astype(np.int64).cumsum(0), ((1, 0), (0, 0)))
    tried = np.unique(np.linspace(0, len(targets), CUTS + 1).round().astype(int))
    cuts = np.searchsorted(tried, targets.sum(0).cumsum()[:-1]).tolist()

    def reached(places: list[int]) -> float:
        return kappa(np.diff(until[[0, *tried[places], -1]], axis=0).T)

    best = reached(cuts)
    while True:
        before = best
        for k in range(len(cuts)):
            low, high = cuts[k - 1] if k else 0, cuts[k + 1] if k + 1 < len(cuts) else len(tried) - 1
            scores = [reached([*cuts[:k], place, *cuts[k + 1 :]]) for place in range(low, high + 1)]
            cuts[k], best = low + int(np.nanargmax(scores)), float(np.nanmax([*scores, best]))
        if not best > before:
            return best


def _grades(logits: np.ndarray) -> np.ndarray:
    """The median grade; of two that are as good, as of equal probabilities, the lower one."""
    return np.asarray((cumulative(logits) > TIED).sum(1))


def _pairs(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return exclusive.pairs(targets.argmax(1), _grades(logits), targets.shape[1])


def _reached(targets: np.ndarray) -> np.ndarray:
    """Whether each sample has at least grade k, bool [N, C - 1], of targets [N, C]."""
    return targets.argmax(1)[:, None] >= np.arange(1, targets.shape[1])


def _both(targets: np.ndarray) -> np.ndarray:
    """The steps with samples on either side, bool [C - 1], of targets [N, C]."""
    sampled = np.asarray((targets > 0).any(0))
    lower, higher = (np.asarray(np.logical_or.accumulate(grades)) for grades in (sampled, sampled[::-1]))
    return np.asarray(lower[:-1] & higher[-2::-1])


def _ranked(targets: np.ndarray, logits: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The AUROC of each of some steps."""
    if not steps.any():
        return np.zeros(0)
    return score.auroc(_reached(targets)[:, steps], cumulative(logits)[:, steps])
