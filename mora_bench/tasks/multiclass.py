"""Multi-class classification: exactly one of C classes is true of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.tasks import metrics
from mora_bench.tasks.contract import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

#: The smallest probability that a logit represents.
LEAST = 1e-6
#: How far a sample's probabilities may be from summing to 1: what rounding to two or three digits does.
ROUNDED = 0.02


class MultiClass(Task):
    """The class with the largest logit is predicted; among equal logits, the first.

    F1-macro is the mean over all C classes; a class with neither true nor predicted samples counts as 0 there.
    Balanced accuracy is the mean recall of the classes that have samples. AUROC is that of each class against the
    rest, by its softmax probability, averaged over the classes that have both outcomes; NaN if none has. The Brier
    score is the mean over samples of the sum over classes; the calibration error is that of the predicted class.
    """

    title = "multi-class classification"
    source = "scikit-learn's accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score (ovr)"
    primary = "f1_macro"
    metrics = {
        "f1_macro": "F1-macro",
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced accuracy",
        "auroc": "AUROC",
        "f1_macro_seen": "F1-macro over classes with true or predicted samples",
        "brier": "Brier score (smaller is better)",
        "calibration_error": "expected calibration error of the predicted class (smaller is better)",
    }

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        return softmax(logits)

    def improbable(self, row: np.ndarray) -> str | None:
        total = float(row.sum())
        if abs(total - 1) <= ROUNDED:
            return None
        return f"they sum to {total:g}; expected 1, within {ROUNDED:g}, because exactly one class is true"

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        if not len(targets):
            return {"n": 0}
        true = targets > 0
        predicted = np.eye(targets.shape[1], dtype=bool)[logits.argmax(1)]
        hits, wrong = metrics.counts(predicted, true)
        per_class = metrics.f1(hits, wrong)
        there = true.any(0)
        both = there & ~true.all(0)
        chances = softmax(logits)
        ranked = metrics.auroc(targets[:, both], chances[:, both]) if both.any() else np.array([np.nan])
        right = (predicted & true).any(1)
        return {
            "n": len(targets),
            "f1_macro": float(per_class.mean()),
            "accuracy": float(hits.sum() / len(targets)),
            "balanced_accuracy": float((hits[there] / true.sum(0)[there]).mean()),
            "f1_per_class": [float(f) for f in per_class],
            "auroc": float(ranked.mean()),
            "empty_classes": int((~there).sum()),
            "f1_macro_seen": metrics.f1_of_seen(hits, wrong),
            "brier": float(((chances - targets) ** 2).sum(1).mean()),
            "calibration_error": metrics.calibration_error(chances.max(1), right),
        }

    def counts(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list[int]]:
        predicted = np.eye(targets.shape[1], dtype=bool)[logits.argmax(1)]
        hits, wrong = metrics.counts(predicted, targets > 0)
        return {"hits": hits.tolist(), "wrong": wrong.tolist()}

    def pooled(self, counts: Sequence[dict[str, list[int]]]) -> float:
        return metrics.pooled_f1(counts)

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        chances, names = softmax(logits), ("probability", "share", "count")
        right = targets[np.arange(len(targets)), logits.argmax(1)]
        return dict(zip(names, metrics.reliability(chances.max(1), right), strict=True))

    def loss(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Cross-entropy of the softmax, averaged over samples."""
        import torch.nn.functional as F

        return F.cross_entropy(predicted, wanted.argmax(1))

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return np.log(np.clip(probabilities, LEAST, 1)).astype(np.float32)

    def problem(self, targets: np.ndarray) -> str | None:
        odd = np.flatnonzero(targets.sum(1) != 1)
        if not len(odd):
            return None
        return f"sample number {odd[0]} has {targets[odd[0]].sum()} classes; multi-class needs exactly one"


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of C classes: float [N, C] -> [N, C]."""
    grown = np.exp(logits - logits.max(1, keepdims=True))
    return grown / grown.sum(1, keepdims=True)
