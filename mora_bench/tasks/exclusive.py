"""The common part of tasks of whose C labels exactly one is true of a sample: classes, and grades in order."""

import numpy as np

#: The smallest probability that a logit represents.
LEAST = 1e-6
#: How far a sample's probabilities may be from summing to 1: what rounding to two or three digits does.
ROUNDED = 0.02


def not_one(targets: np.ndarray, what: str) -> str | None:
    """Which of the targets, 0 or 1 [N, C], is not exactly one label; None if none is."""
    odd = np.flatnonzero(targets.sum(1) != 1)
    if not len(odd):
        return None
    return f"sample number {odd[0]} has {targets[odd[0]].sum()} classes; {what} needs exactly one"


def improbable(row: np.ndarray) -> str | None:
    """The reason why numbers from 0 to 1, float [C], are no probabilities of labels that exclude each other."""
    total = float(row.sum())
    if abs(total - 1) <= ROUNDED:
        return None
    return f"they sum to {total:g}; expected 1, within {ROUNDED:g}, because exactly one class is true"


def balanced(targets: np.ndarray) -> np.ndarray:
    """N / (C n_c), as scikit-learn's `compute_class_weight("balanced")`; 1 for a class without samples."""
    count = (targets > 0).sum(0)
    return np.divide(len(targets), len(count) * count, out=np.ones(len(count)), where=count > 0)


def shares(targets: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The share of each class, [C], or of its weight."""
    share = targets.mean(0)
    return share if weights is None else weights * share / (weights * share).sum()


def pairs(true: np.ndarray, decided: np.ndarray, classes: int) -> np.ndarray:
    """How many samples of each true class are decided for each class: int [N] twice -> int [C, C]."""
    return np.bincount(true * classes + decided, minlength=classes**2).reshape(classes, classes)
