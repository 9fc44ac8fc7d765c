"""Scores from counts and ranks: scikit-learn's definitions without its input checks.

A record holds 32 sets of scores and a curve of 33 more. With one library call per class, scoring takes a tenth of the
time of a small cell. tests/tasks/test_metrics.py compares every score with scikit-learn's.
"""

import numpy as np
from scipy.stats import rankdata


def counts(predicted: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True positives, and false positives plus false negatives, of each class: bool [N, C] twice -> int [C], [C]."""
    return (predicted & true).sum(0), (predicted ^ true).sum(0)


def f1(hits: np.ndarray, wrong: np.ndarray) -> np.ndarray:
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
    # Samples with equal logits share a threshold.
    ends = np.flatnonzero(np.r_[np.diff(logits[order]) != 0, True])
    hits = hits[ends]
    return float((np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / hits[-1])
