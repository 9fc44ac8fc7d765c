"""Multi-class classification: exactly one of C classes is true of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.tasks import exclusive
from mora_bench.tasks import metrics as score
from mora_bench.tasks.contract import Task
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.shared import mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mora_bench.tasks.shared import Shared

_SHARE = (0, 1)
_F1 = "scikit-learn's f1_score(average='macro', zero_division=0)"
METRICS = {
    "f1_macro": Metric(
        "F1-macro", True, _SHARE, "decisions", 100,
        "largest logit; mean over all classes, one without true or predicted samples counts as 0", _F1, True, "classes",
    ),
    "accuracy": Metric(
        "accuracy", True, _SHARE, "decisions", 100, "largest logit", "scikit-learn's accuracy_score", True
    ),
    "balanced_accuracy": Metric(
        "balanced accuracy", True, _SHARE, "decisions", 100, "largest logit; mean recall of the classes with samples",
        "scikit-learn's balanced_accuracy_score", True, "classes",
    ),
    "auroc": Metric(
        "AUROC", True, _SHARE, "ranks", 100,
        "each class against the rest by its softmax, in float64; mean over the classes that have both outcomes",
        "scikit-learn's roc_auc_score(multi_class='ovr')", averaged_over="classes_ranked",
    ),
    "f1_macro_seen": Metric(
        "F1-macro over classes with true or predicted samples", True, _SHARE, "decisions", 100, "largest logit",
        "torchmetrics 0.9, F1Score('macro')", True, "classes",
    ),
    "brier": Metric(
        "Brier score, summed over classes", False, (0, 2), "probabilities", 100,
        "mean over samples of the sum over classes, 0 to 2: of two classes twice scikit-learn's brier_score_loss",
        "Brier 1950", True,
    ),
    "calibration_error": Metric(
        "expected calibration error of the predicted class", False, _SHARE, "probabilities", 100,
        "ten bins of equal width of the largest probability", "Guo et al. 2017, arXiv 1706.04599", True,
    ),
}  # fmt: skip


class MultiClass(Task):
    """The class with the largest logit is predicted; among equal logits, the first.

    F1-macro is the mean over all C classes; a class with neither true nor predicted samples counts as 0 there.
    What `metrics` says of every score holds of a whole split; sets of samples that are compared, strata and groups,
    have the means over the classes that all of them have (`scores_over`), and say how many these are: `classes` for F1
    and balanced accuracy, `classes_ranked` for AUROC.
    """

    title = "multi-class classification"
    source = "scikit-learn's accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score (ovr)"
    version = 2
    primary = "f1_macro"
    watched = "auroc"
    metrics = METRICS
    agree = ("f1_macro", "auroc")
    per_class = {"f1_per_class": Metric("F1 of each class", True, _SHARE, "decisions", 100, "0 where it is 0 / 0", _F1)}

    one_by_one = False

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        return softmax(logits)

    def decide(self, logits: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """The most probable class; thresholds have no meaning."""
        return np.asarray(np.eye(logits.shape[1], dtype=bool)[logits.argmax(1)])

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """One question, answered by a class."""
        return softmax(logits)[:, None]

    def answered(self, targets: np.ndarray) -> np.ndarray:
        return targets.argmax(1)[:, None]

    def improbable(self, row: np.ndarray) -> str | None:
        return exclusive.improbable(row)

    def score(self, targets: np.ndarray, logits: np.ndarray) -> float:
        return mean(score.f1(*score.counts(self.decide(logits), targets > 0))) if len(targets) else float("nan")

    def value(self, name: str, targets: np.ndarray, logits: np.ndarray) -> float:
        if name != self.watched:
            return super().value(name, targets, logits)
        both = targets.any(0) & ~targets.all(0)
        return mean(score.auroc(targets[:, both], score.log_odds(logits)[:, both])) if both.any() else float("nan")

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        if not len(targets):
            return {"n": 0}
        true = targets > 0
        return self._scores(targets, logits, np.ones(targets.shape[1], bool), np.array(true.any(0) & ~true.all(0)))

    def scores_over(self, targets: np.ndarray, logits: np.ndarray, classes: Shared) -> dict[str, Any]:
        return self._scores(targets, logits, classes.positive, classes.both) if len(targets) else {"n": 0}

    def _scores(self, targets: np.ndarray, logits: np.ndarray, over: np.ndarray, both: np.ndarray) -> dict[str, Any]:
        """All scores: F1 and recall over the classes `over`, AUROC over `both`, bool [C]; the rest over all."""
        true = targets > 0
        predicted = self.decide(logits)
        hits, wrong = score.counts(predicted, true)
        per_class = score.f1(hits, wrong)
        supported = true.any(0) & over
        chances = softmax(logits)
        ranked = score.auroc(targets[:, both], score.log_odds(logits)[:, both]) if both.any() else np.zeros(0)
        return {
            "n": len(targets),
            "f1_macro": mean(per_class[over]),
            "accuracy": float(hits.sum() / len(targets)),
            "balanced_accuracy": mean(hits[supported] / true.sum(0)[supported]),
            "f1_per_class": [float(f) if counted else float("nan") for f, counted in zip(per_class, over, strict=True)],
            "auroc": mean(ranked),
            "classes": int(over.sum()),
            "classes_ranked": int(both.sum()),
            "empty_classes": int((~true.any(0)).sum()),
            "f1_macro_seen": score.f1_of_seen(hits[over], wrong[over]),
            "brier": float(((chances - targets) ** 2).sum(1).mean()),
            "calibration_error": score.calibration_error(chances.max(1), np.asarray((predicted & true).any(1))),
        }

    def counts(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list[int]]:
        hits, wrong = score.counts(self.decide(logits), targets > 0)
        return {"hits": hits.tolist(), "wrong": wrong.tolist()}

    def pooled(self, counts: Sequence[dict[str, list[int]]]) -> float:
        return score.pooled_f1(counts)

    def confusion(
        self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray
    ) -> dict[str, list[list[int]]]:
        """True class by the class of the largest logit."""
        return {"largest": exclusive.pairs(targets.argmax(1), logits.argmax(1), targets.shape[1]).tolist()}

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        chances, names = softmax(logits), ("probability", "share", "count")
        right = targets[np.arange(len(targets)), logits.argmax(1)]
        return dict(zip(names, score.reliability(chances.max(1), right), strict=True))

    def loss(self, predicted: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        """Cross-entropy of the softmax, averaged over samples, each of which weighs as much as its class."""
        import torch.nn.functional as F

        return F.cross_entropy(predicted, wanted.argmax(1), weight=weights)

    def balanced(self, targets: np.ndarray) -> np.ndarray:
        return exclusive.balanced(targets)

    def prior(self, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return exclusive.shares(targets, weights)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return np.log(np.clip(probabilities, exclusive.LEAST, 1)).astype(np.float32)

    def problem(self, targets: np.ndarray) -> str | None:
        return exclusive.not_one(targets, "multi-class")


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of C classes: float [N, C] -> float64 [N, C]."""
    exact = np.asarray(logits, np.float64)
    grown = np.exp(exact - exact.max(1, keepdims=True))
    return grown / grown.sum(1, keepdims=True)
