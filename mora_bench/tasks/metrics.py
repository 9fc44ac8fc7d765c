"""Scores of multi-label predictions: scikit-learn's definitions, without its checks of every input.

A record holds 32 sets of scores and a curve of 33 more; with a library call for each class, scoring took a tenth of a
small cell. tests/test_scores.py holds every score to scikit-learn's.

A label is predicted where its logit is above 0 (sigmoid above 0.5). F1-macro is the mean over all C classes; a class
with neither true nor predicted positives counts as 0 there, the same for every method, and `empty_classes` says how
many classes have no true positive. AUROC and mAP are means over the classes that have both outcomes, NaN if none has.
"""

import numpy as np
from scipy.stats import rankdata

from mora_bench.missing import masks as missing


def f1_macro(targets: np.ndarray, logits: np.ndarray) -> float:
    """F1-macro of targets (0/1) and logits, both [N, C]; NaN for N = 0."""
    return float(_f1(*_counts(targets, logits)).mean()) if len(targets) else float("nan")


def score(targets: np.ndarray, logits: np.ndarray) -> dict:
    """All scores of targets (0/1) and logits, both [N, C]."""
    if not len(targets):
        return {"n": 0}
    hits, wrong = _counts(targets, logits)
    per_class = _f1(hits, wrong)
    both = (targets.min(0) == 0) & (targets.max(0) == 1)
    ranked = targets[:, both], logits[:, both]
    return {
        "n": len(targets),
        "f1_macro": float(per_class.mean()),
        "f1_micro": float(_f1(hits.sum(), wrong.sum())),
        "f1_per_class": [float(f) for f in per_class],
        "auroc": float(auroc(*ranked).mean()) if both.any() else float("nan"),
        "map": float(np.mean([average_precision(*column) for column in zip(*(part.T for part in ranked), strict=True)]))
        if both.any()
        else float("nan"),
        "empty_classes": int((targets.max(0) == 0).sum()),
    }


def _counts(targets: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True positives, and false ones of both kinds, of each class: int [C], [C]."""
    predicted, true = logits > 0, targets > 0
    return (predicted & true).sum(0), (predicted ^ true).sum(0)


def _f1(hits: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN); 0 where that is 0 / 0."""
    return 2 * hits / np.maximum(2 * hits + wrong, 1)


def auroc(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each class, [C]: the share of (positive, negative) pairs in the right order, ties
    half (Mann and Whitney's U). Targets (0/1) and logits [N, C]; each class has both outcomes."""
    positives = targets.sum(0, dtype=np.int64)
    ranks = (rankdata(logits, axis=0) * targets).sum(0)
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(targets) - positives))


def average_precision(targets: np.ndarray, logits: np.ndarray) -> float:
    """Precision, averaged over the thresholds with the gain in recall as weight: one class, targets (0/1) and logits
    [N], at least one positive."""
    order = np.argsort(-logits, kind="stable")
    hits = np.cumsum(targets[order], dtype=np.int64)
    # Samples of equal logits pass a threshold together.
    ends = np.flatnonzero(np.r_[np.diff(logits[order]) != 0, True])
    hits = hits[ends]
    return float((np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / hits[-1])


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
