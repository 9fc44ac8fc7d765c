"""Scores of multi-label predictions, by scikit-learn.

A label is predicted where its logit is above 0 (sigmoid above 0.5). F1-macro is the mean over all C classes; a class
with neither true nor predicted positives counts as 0 there, the same for every method, and `empty_classes` says how
many classes have no true positive. AUROC and mAP are means over the classes that have both outcomes, NaN if none has.
"""

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from mora_bench.data import missing


def f1_macro(targets: np.ndarray, logits: np.ndarray) -> float:
    """F1-macro of targets (0/1) and logits, both [N, C]; NaN for N = 0."""
    return float(f1_score(targets, logits > 0, average="macro", zero_division=0)) if len(targets) else float("nan")


def score(targets: np.ndarray, logits: np.ndarray) -> dict:
    """All scores of targets (0/1) and logits, both [N, C]."""
    if not len(targets):
        return {"n": 0}
    predicted = logits > 0
    per_class = f1_score(targets, predicted, average=None, zero_division=0)
    both = (targets.min(0) == 0) & (targets.max(0) == 1)
    return {
        "n": len(targets),
        "f1_macro": float(per_class.mean()),
        "f1_micro": float(f1_score(targets, predicted, average="micro", zero_division=0)),
        "f1_per_class": [float(f) for f in per_class],
        "auroc": float(roc_auc_score(targets[:, both], logits[:, both], average="macro"))
        if both.any()
        else float("nan"),
        "map": float(average_precision_score(targets[:, both], logits[:, both], average="macro"))
        if both.any()
        else float("nan"),
        "empty_classes": int((targets.max(0) == 0).sum()),
    }


def pick(logits: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Each sample's logits under the pattern it has: [N, P, C] and bool [N, M] -> [N, C].

    Raises:
        ValueError: a sample was not predicted under its pattern.
    """
    picked = logits[np.arange(len(logits)), missing.pattern_index(present)]
    if np.isnan(picked).any():
        raise ValueError("no prediction (or NaN) under the pattern a sample has")
    return picked


def stratified(targets: np.ndarray, logits: np.ndarray, present: np.ndarray) -> dict:
    """Scores over all samples and over each stratum: complete, text only, image only.

    Args:
        targets: [N, C]; logits: [N, P, C] under every pattern; present: bool [N, M].
    """
    chosen = pick(logits, present)
    strata = {
        "complete": present.all(1),
        "text_only": present[:, 0] & ~present[:, 1],
        "image_only": present[:, 1] & ~present[:, 0],
    }
    scores = score(targets, chosen)
    scores["strata"] = {name: score(targets[rows], chosen[rows]) for name, rows in strata.items()}
    return scores
