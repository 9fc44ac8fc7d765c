"""Multi-label classification: any number of C labels is true of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from mora_bench.tasks import metrics as score
from mora_bench.tasks.contract import Task, finite_logit
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.shared import mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from mora_bench.tasks.shared import Shared

#: The share of true positives to be found where precision and specificity are taken.
RECALL = 0.9


_F1 = "scikit-learn's f1_score(zero_division=0)"
_ROC = "scikit-learn's roc_auc_score(average='macro')"
_BRIER = "scikit-learn's brier_score_loss"
_ECE = "Guo et al. 2017, arXiv 1706.04599"
_SHARE = (0, 1)
#: The scores that say over how many classes others are means.
DECIDED, RANKED = "classes", "classes_ranked"
_OF_BOTH = "mean over the classes that have both outcomes; none if no class has"
METRICS = {
    "f1_macro": Metric(
        "F1-macro", True, _SHARE, "decisions", 100,
        "sigmoid above 0.5; mean over all classes, one without true or predicted positives counts as 0", _F1, True,
        DECIDED, "F1 at 0.5",
    ),
    "f1_micro": Metric(
        "F1-micro", True, _SHARE, "decisions", 100, "sigmoid above 0.5; all classes pooled", _F1, True, DECIDED
    ),
    "auroc": Metric("AUROC", True, _SHARE, "ranks", 100, _OF_BOTH, _ROC, averaged_over=RANKED),
    "map": Metric(
        "mAP", True, _SHARE, "ranks", 100, _OF_BOTH, "scikit-learn's average_precision_score(average='macro')",
        averaged_over=RANKED,
    ),
    "f1_macro_seen": Metric(
        "F1-macro over classes with true or predicted positives", True, _SHARE, "decisions", 100,
        "sigmoid above 0.5; none if no class has a true or predicted positive", "torchmetrics 0.9, F1Score('macro')",
        averaged_over=DECIDED,
    ),
    "f1_macro_tuned": Metric(
        "F1-macro at thresholds chosen on validation", True, _SHARE, "decisions", 100,
        "a threshold a class, the one of the highest F1 on the validation split; mean over all classes",
        "Lipton, Elkan and Naryanaswamy 2014", short="F1 at val.",
    ),
    "f1_macro_weighted": Metric(
        "F1-macro of the samples that lost nothing, weighted to stand for all", True, _SHARE, "decisions", 100,
        "each sample weighs 1 / P(it lost nothing); none where the mechanism does not know that",
        "Horvitz and Thompson 1952",
    ),
    "brier": Metric(
        "Brier score", False, _SHARE, "probabilities", 100, "mean over samples and classes, each class on its own",
        _BRIER, True,
    ),
    "calibration_error": Metric(
        "expected calibration error, mean over labels", False, _SHARE, "probabilities", 100,
        "ten bins of equal width for every label on its own; mean over labels", _ECE, True,
    ),
    "calibration_error_pooled": Metric(
        "expected calibration error, labels pooled", False, _SHARE, "probabilities", 100,
        "ten bins of equal width for all labels together, so that errors of opposite sign cancel", _ECE, True,
    ),
    "precision_at_recall_90": Metric(
        "precision at a recall of 90 %", True, _SHARE, "ranks", 100, _OF_BOTH, "scikit-learn's precision_recall_curve",
        averaged_over=RANKED,
    ),
    "specificity_at_recall_90": Metric(
        "specificity at a recall of 90 %", True, _SHARE, "ranks", 100, _OF_BOTH, "scikit-learn's roc_curve",
        averaged_over=RANKED,
    ),
}  # fmt: skip
F1_PER_CLASS = Metric("F1 of each class", True, _SHARE, "decisions", 100, "0 where it is 0 / 0", _F1)


class MultiLabel(Task):
    """A label is predicted where its logit is above 0 (sigmoid above 0.5).

    F1-macro is the mean over all C classes; a class with neither true nor predicted positives counts as 0 there, the
    same for every method, and `empty_classes` says how many classes have no true positive. `f1_macro_seen` leaves it
    out, as released code does. What `metrics` says of every score holds of a whole split; sets of samples that are
    compared, strata and groups, have the means over the classes that all of them have (`scores_over`), and say how many
    these are: `classes` for F1, `classes_ranked` for AUROC, mAP and operating points.
    """

    title = "multi-label classification"
    source = "scikit-learn's f1_score, roc_auc_score, average_precision_score"
    version = 2
    primary = "f1_macro"
    watched = "auroc"
    metrics = METRICS
    agree = ("f1_macro", "f1_macro_tuned", "auroc")
    beside = ("map",)
    per_class = {"f1_per_class": F1_PER_CLASS}

    def score(self, targets: np.ndarray, logits: np.ndarray) -> float:
        return float(score.f1(*score.counts(logits > 0, targets > 0)).mean()) if len(targets) else float("nan")

    def value(self, name: str, targets: np.ndarray, logits: np.ndarray) -> float:
        if name != self.watched:
            return super().value(name, targets, logits)
        both = _both(targets)
        return mean(score.auroc(targets[:, both], logits[:, both])) if both.any() else float("nan")

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        if not len(targets):
            return {"n": 0}
        return self._scores(targets, logits, np.ones(targets.shape[1], bool), _both(targets))

    def scores_over(self, targets: np.ndarray, logits: np.ndarray, classes: Shared) -> dict[str, Any]:
        return self._scores(targets, logits, classes.positive, classes.both) if len(targets) else {"n": 0}

    def _scores(self, targets: np.ndarray, logits: np.ndarray, over: np.ndarray, both: np.ndarray) -> dict[str, Any]:
        """All scores: F1 over the classes `over`, what ranks over those of `both`, bool [C]; the rest over all."""
        hits, wrong = score.counts(logits > 0, targets > 0)
        per_class = score.f1(hits, wrong)
        ranked = targets[:, both], logits[:, both]
        columns = zip(*(part.T for part in ranked), strict=True)
        chances = expit(logits.astype(np.float64))
        precision, specificity = score.at_recall(*ranked, RECALL) if both.any() else (np.zeros(0), np.zeros(0))
        return {
            "n": len(targets),
            "f1_macro": mean(per_class[over]),
            "f1_micro": float(score.f1(hits[over].sum(), wrong[over].sum())) if over.any() else float("nan"),
            "f1_per_class": [float(f) if counted else float("nan") for f, counted in zip(per_class, over, strict=True)],
            "auroc": mean(score.auroc(*ranked)) if both.any() else float("nan"),
            "map": mean(np.array([score.average_precision(*column) for column in columns])),
            "classes": int(over.sum()),
            "classes_ranked": int(both.sum()),
            "empty_classes": int((targets.max(0) == 0).sum()),
            "f1_macro_seen": score.f1_of_seen(hits[over], wrong[over]),
            "brier": float(((chances - targets) ** 2).mean()),
            "calibration_error": float(score.calibration_errors(chances, targets).mean()),
            "calibration_error_pooled": score.calibration_error(chances, targets),
            "precision_at_recall_90": mean(precision),
            "specificity_at_recall_90": mean(specificity),
        }

    def weighted(self, targets: np.ndarray, logits: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        if not len(targets):
            return {}
        predicted, true = logits > 0, targets > 0
        hits, wrong = weights @ (predicted & true), weights @ (predicted ^ true)
        scores = np.divide(2 * hits, 2 * hits + wrong, out=np.zeros(len(hits)), where=2 * hits + wrong > 0)
        return {"f1_macro_weighted": float(scores.mean())}

    def counts(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list[int]]:
        hits, wrong = score.counts(logits > 0, targets > 0)
        return {"hits": hits.tolist(), "wrong": wrong.tolist()}

    def pooled(self, counts: Sequence[dict[str, list[int]]]) -> float:
        return score.pooled_f1(counts)

    def tuned(self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        if not len(known[0]) or not len(targets):
            return {}
        return {"f1_macro_tuned": self.score(targets, logits - score.best_thresholds(*known))}

    def confusion(
        self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray
    ) -> dict[str, list[list[int]]]:
        """The `outcomes` of each label: at 0.5, and at the threshold of the highest F1 of validation samples."""
        true = targets > 0
        by_threshold = {"0.5": score.outcomes(logits > 0, true).tolist()}
        if len(known[0]):
            by_threshold["validation"] = score.outcomes(logits > score.best_thresholds(*known), true).tolist()
        return by_threshold

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        names = ("probability", "share", "count")
        return dict(zip(names, score.reliability(expit(logits.astype(np.float64)), targets), strict=True))

    def loss(self, predicted: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        """Binary cross-entropy with logits, of a positive times its class's weight; mean over samples and classes."""
        import torch.nn.functional as F

        return F.binary_cross_entropy_with_logits(predicted, wanted, pos_weight=weights)

    def balanced(self, targets: np.ndarray) -> np.ndarray:
        """Negatives by positives: both then weigh the same. 1 for a class that has one of the two alone."""
        positive = (targets > 0).sum(0)
        negative = len(targets) - positive
        both = (positive > 0) & (negative > 0)
        return np.divide(negative, positive, out=np.ones(len(positive)), where=both)

    def prior(self, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        share = targets.mean(0)
        return share if weights is None else weights * share / (weights * share + 1 - share)

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return finite_logit(probabilities)


def _both(targets: np.ndarray) -> np.ndarray:
    """The classes that are true of some samples and not of all, bool [C], of targets [N, C]."""
    return np.asarray(targets.any(0) & ~targets.all(0))
