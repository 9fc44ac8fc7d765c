"""Multi-label classification: any number of C labels is true of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from mora_bench.tasks import metrics
from mora_bench.tasks.contract import Task, finite_logit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

#: The share of true positives to be found where precision and specificity are taken.
RECALL = 0.9


class MultiLabel(Task):
    """A label is predicted where its logit is above 0 (sigmoid above 0.5).

    F1-macro is the mean over all C classes; a class with neither true nor predicted positives counts as 0 there, the
    same for every method, and `empty_classes` says how many classes have no true positive. `f1_macro_seen` leaves it
    out, as released code does. AUROC, mAP, and precision and specificity at a recall of 90 % are means over the classes
    that have both outcomes, NaN if none has. The Brier score is the mean over samples and classes, and so are the bins
    of the calibration error.
    """

    title = "multi-label classification"
    source = "scikit-learn's f1_score, roc_auc_score, average_precision_score"
    primary = "f1_macro"
    metrics = {
        "f1_macro": "F1-macro",
        "f1_micro": "F1-micro",
        "auroc": "AUROC",
        "map": "mAP",
        "f1_macro_seen": "F1-macro over classes with true or predicted positives",
        "f1_macro_tuned": "F1-macro at thresholds chosen on validation",
        "f1_macro_weighted": "F1-macro of the samples that lost nothing, weighted to stand for all",
        "brier": "Brier score (smaller is better)",
        "calibration_error": "expected calibration error (smaller is better)",
        "precision_at_recall_90": "precision at a recall of 90 %",
        "specificity_at_recall_90": "specificity at a recall of 90 %",
    }

    def score(self, targets: np.ndarray, logits: np.ndarray) -> float:
        return float(metrics.f1(*metrics.counts(logits > 0, targets > 0)).mean()) if len(targets) else float("nan")

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        if not len(targets):
            return {"n": 0}
        hits, wrong = metrics.counts(logits > 0, targets > 0)
        per_class = metrics.f1(hits, wrong)
        both = (targets.min(0) == 0) & (targets.max(0) == 1)
        ranked = targets[:, both], logits[:, both]
        columns = zip(*(part.T for part in ranked), strict=True)
        chances = expit(logits.astype(np.float64))
        nothing = np.array([np.nan])
        precision, specificity = metrics.at_recall(*ranked, RECALL) if both.any() else (nothing, nothing)
        return {
            "n": len(targets),
            "f1_macro": float(per_class.mean()),
            "f1_micro": float(metrics.f1(hits.sum(), wrong.sum())),
            "f1_per_class": [float(f) for f in per_class],
            "auroc": float(metrics.auroc(*ranked).mean()) if both.any() else float("nan"),
            "map": float(np.mean([metrics.average_precision(*column) for column in columns]))
            if both.any()
            else float("nan"),
            "empty_classes": int((targets.max(0) == 0).sum()),
            "f1_macro_seen": metrics.f1_of_seen(hits, wrong),
            "brier": float(((chances - targets) ** 2).mean()),
            "calibration_error": metrics.calibration_error(chances, targets),
            "precision_at_recall_90": float(precision.mean()),
            "specificity_at_recall_90": float(specificity.mean()),
        }

    def weighted(self, targets: np.ndarray, logits: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        if not len(targets):
            return {}
        predicted, true = logits > 0, targets > 0
        hits, wrong = weights @ (predicted & true), weights @ (predicted ^ true)
        scores = np.divide(2 * hits, 2 * hits + wrong, out=np.zeros(len(hits)), where=2 * hits + wrong > 0)
        return {"f1_macro_weighted": float(scores.mean())}

    def counts(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list[int]]:
        hits, wrong = metrics.counts(logits > 0, targets > 0)
        return {"hits": hits.tolist(), "wrong": wrong.tolist()}

    def pooled(self, counts: Sequence[dict[str, list[int]]]) -> float:
        return metrics.pooled_f1(counts)

    def tuned(self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        if not len(known[0]) or not len(targets):
            return {}
        return {"f1_macro_tuned": self.score(targets, logits - metrics.best_thresholds(*known))}

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        names = ("probability", "share", "count")
        return dict(zip(names, metrics.reliability(expit(logits.astype(np.float64)), targets), strict=True))

    def loss(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Binary cross-entropy with logits, averaged over samples and classes."""
        import torch.nn.functional as F

        return F.binary_cross_entropy_with_logits(predicted, wanted)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return finite_logit(probabilities)
