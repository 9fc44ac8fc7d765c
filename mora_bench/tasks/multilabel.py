"""Multi-label classification: any number of C labels is true of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.tasks import metrics
from mora_bench.tasks.contract import Task, finite_logit

if TYPE_CHECKING:
    from torch import Tensor


class MultiLabel(Task):
    """A label is predicted where its logit is above 0 (sigmoid above 0.5).

    F1-macro is the mean over all C classes; a class with neither true nor predicted positives counts as 0 there, the
    same for every method, and `empty_classes` says how many classes have no true positive. AUROC and mAP are means over
    the classes that have both outcomes, NaN if none has.
    """

    title = "multi-label classification"
    source = "scikit-learn's f1_score, roc_auc_score, average_precision_score"
    primary = "f1_macro"
    metrics = {"f1_macro": "F1-macro", "f1_micro": "F1-micro", "auroc": "AUROC", "map": "mAP"}

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
        }

    def loss(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Binary cross-entropy with logits, averaged over samples and classes."""
        import torch.nn.functional as F

        return F.binary_cross_entropy_with_logits(predicted, wanted)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return finite_logit(probabilities)
