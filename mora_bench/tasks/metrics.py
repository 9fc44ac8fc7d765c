"""Scores from counts and ranks: scikit-learn's definitions without its input checks.

A record holds 32 sets of scores and a curve of 33 more. With one library call per class, scoring takes a tenth of the
time of a small cell. tests/tasks/test_metrics.py compares every score with scikit-learn's.
"""

from collections.abc import Sequence

import numpy as np


def counts(predicted: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True positives, and false positives plus false negatives, of each class: bool [N, C] twice -> int [C], [C]."""
    return (predicted & true).sum(0), (predicted ^ true).sum(0)


def outcomes(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """True negatives, false positives, false negatives and true positives of each class, the order in which
    scikit-learn's confusion matrices are unravelled: bool [N, C] twice -> int [C, 4]."""
    pairs = ((~predicted, ~true), (predicted, ~true), (~predicted, true), (predicted, true))
    return np.stack([(decision & truth).sum(0) for decision, truth in pairs], 1)


def f1(hits: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN); 0 where that is 0 / 0."""
    return 2 * hits / np.maximum(2 * hits + wrong, 1)


def auroc(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each class, [C]: the share of (positive, negative) pairs in the right order, ties
    half (Mann and Whitney's U). Targets (0/1) and logits [N, C]; each class has both outcomes."""
    # scipy.stats takes a second to import, and whoever lists or plans ranks nothing.
    from scipy.stats import rankdata

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


def log_odds(logits: np.ndarray) -> np.ndarray:
    """The log-odds of each class under a softmax, float64 [N, C]: logit minus the log of the summed exponentials of all
    others. Ranks as the probability does, without its ties where it rounds to 0 or 1."""
    exact = np.asarray(logits, np.float64)
    columns = []
    for c in range(exact.shape[1]):
        # Sorted, and relative to the class, so that samples that differ in the order of the others stay tied.
        others = np.sort(np.delete(exact, c, 1) - exact[:, [c]], axis=1)
        largest = others[:, -1:]
        # The largest's own 1 is left to log1p. SciPy's logsumexp takes five times as long, and it is asked often.
        columns.append(-(largest[:, 0] + np.log1p(np.exp(others[:, :-1] - largest).sum(1))))
    return np.stack(columns, axis=1)


def pooled_f1(counts: Sequence[dict[str, list[int]]]) -> float:
    """F1-macro of several sets of samples as one, from the "hits" and "wrong" of each (`counts`)."""
    hits, wrong = (np.sum([set_counts[name] for set_counts in counts], axis=0) for name in ("hits", "wrong"))
    return float(f1(hits, wrong).mean())


def f1_of_seen(hits: np.ndarray, wrong: np.ndarray) -> float:
    """F1-macro over the classes that have a true or a predicted positive; NaN if none has.

    So torchmetrics 0.9 averages, which released code of the field uses; `f1` counts such a class as 0.
    """
    seen = hits + wrong > 0
    return float(f1(hits, wrong)[seen].mean()) if seen.any() else float("nan")


def best_thresholds(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The threshold of each class that gives the highest F1, [C]; +inf for a class without positives.

    Targets (0/1) and logits [N, C]. A threshold lies in the middle between two neighbouring logits.
    """
    order = np.argsort(-logits, axis=0, kind="stable")
    ranked = np.take_along_axis(logits, order, 0)
    hits = np.take_along_axis(targets, order, 0).cumsum(0, dtype=np.int64)
    positives = hits[-1]
    score = 2 * hits / (np.arange(1, len(targets) + 1)[:, None] + positives)
    # A cut between samples of equal logits does not exist.
    score[:-1][ranked[:-1] == ranked[1:]] = -1
    last = score.argmax(0)[None]
    below = np.minimum(last + 1, len(targets) - 1)
    middle = (np.take_along_axis(ranked, last, 0) + np.take_along_axis(ranked, below, 0))[0] / 2
    all_of_them = last[0] == len(targets) - 1
    middle[all_of_them] = np.nextafter(ranked[-1], -np.inf)[all_of_them]
    return np.where(positives > 0, middle, np.inf)


def at_recall(targets: np.ndarray, logits: np.ndarray, recall: float) -> tuple[np.ndarray, np.ndarray]:
    """Precision and specificity of each class at the highest threshold that finds at least `recall` of its positives.

    Targets (0/1) and logits [N, C], each class with both outcomes; two arrays [C].
    """
    positives = targets.sum(0, dtype=np.int64)
    predicted = logits > recall_thresholds(targets, logits, recall)
    hits = (predicted & (targets > 0)).sum(0)
    negatives = len(targets) - positives
    return hits / predicted.sum(0), 1 - (predicted.sum(0) - hits) / negatives


def recall_thresholds(targets: np.ndarray, logits: np.ndarray, recall: float) -> np.ndarray:
    """The highest threshold of each class above which at least `recall` of its positives lie, [C]; -inf for a class
    without positives.

    Targets (0/1) and logits [N, C].
    """
    positives = targets.sum(0, dtype=np.int64)
    need = np.maximum(np.ceil(recall * positives - 1e-9).astype(int), 1)
    ranked = -np.sort(np.where(targets > 0, -logits, np.inf), axis=0)
    last = ranked[np.minimum(need, max(len(targets), 1)) - 1, np.arange(targets.shape[1])]
    return np.where(positives > 0, np.nextafter(last, -np.inf), -np.inf)


def bin_of(confidence: np.ndarray, bins: int = 10) -> np.ndarray:
    """The number of the bin of equal width that each probability lies in, int, of equal shape; 1 is in the last."""
    return np.asarray(np.minimum((confidence * bins).astype(int), bins - 1))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> tuple[list, list, list]:
    """Predicted probabilities in bins of equal width: mean probability, share of true, number, each a list.

    `confidence` in 0..1 and `right` (0/1), of equal shape; an empty bin has None, None, 0.
    """
    at = bin_of(confidence.ravel(), bins)
    count = np.bincount(at, minlength=bins)
    sums = [np.bincount(at, weights=values.ravel().astype(float), minlength=bins) for values in (confidence, right)]
    mean, share = ([float(v / n) if n else None for v, n in zip(totals, count, strict=True)] for totals in sums)
    return mean, share, [int(n) for n in count]


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: |mean probability - share of true| of `reliability`'s bins, weighted by number.

    Several labels are pooled, and errors of opposite sign cancel there; `calibration_errors` keeps them apart.
    """
    return float(calibration_errors(confidence.reshape(-1, 1), right.reshape(-1, 1), bins)[0])


def calibration_errors(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> np.ndarray:
    """The expected calibration error of each class, [C], of probabilities in 0..1 and `right` (0/1), both [N, C]."""
    n, classes = confidence.shape
    at = bin_of(confidence, bins) + bins * np.arange(classes)
    sums = [np.bincount(at.ravel(), values.ravel().astype(float), bins * classes) for values in (confidence, right)]
    # |mean - share| of a bin times its share of the samples: the bin's number cancels.
    return np.abs(sums[0] - sums[1]).reshape(classes, bins).sum(1) / n
