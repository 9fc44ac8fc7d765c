"""Scores as other libraries count them, so that a number of theirs can be held against ours. Plain numpy: none of them
is needed. docs/tools.md shows where they differ; tests/tasks/test_conventions.py holds each against its library.

Predictions are the same under all of them (a label above 0.5, the largest class). What differs is what a class counts
that the test samples do not have, or have alone, and whether probabilities are binned first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.errors import UserError
from mora_bench.tasks import metrics as score
from mora_bench.tasks.contract import Task

if TYPE_CHECKING:
    from torch import Tensor

    from mora_bench.tasks.shared import Shared

#: Stands for "a class without a value is left out of the mean".
LEFT_OUT = None
NAN = float("nan")
MULTI_LABEL, MULTI_CLASS = "multi-label", "multi-class"
MOST_THRESHOLDS = 10_000


@dataclass(frozen=True)
class Convention:
    """How a library averages over classes. Each value is what a class counts that has none of its own: a number, NaN
    (the mean is NaN), or `LEFT_OUT`.

    Attributes:
        source: the library, with the version that it was compared with.
        f1: a class with neither true nor predicted samples; auroc: one of a single outcome; ap: one without positives;
            recall: one without true samples, in balanced accuracy, where it is predicted (`recall_predicted`) or not.
        lacks: the scores that the library does not have.
        halves_brier: whether the Brier score of two classes is halved.
        single: whether it ranks probabilities in single precision.
        bins: of the expected calibration error of the predicted class.
        thresholds: how many thresholds stand for the curves, evenly from 0 to 1; 0: all.
    """

    source: str
    f1: float | None = 0.0
    auroc: float | None = NAN
    ap: float | None = 0.0
    recall: float | None = LEFT_OUT
    recall_predicted: float | None = LEFT_OUT
    lacks: tuple[str, ...] = ()
    halves_brier: bool = False
    single: bool = True
    bins: int = 10
    thresholds: int = 0


_NO_BRIER, _NO_ECE = ("brier",), ("calibration_error",)
_TORCHMETRICS = Convention("torchmetrics 1.9.0", auroc=0.0, recall_predicted=0.0, lacks=_NO_BRIER, bins=15)
_TORCHEVAL = Convention("torcheval 0.0.7", auroc=0.5, lacks=_NO_BRIER + _NO_ECE)
_MONAI = Convention("MONAI 1.6.1", LEFT_OUT, ap=NAN, lacks=_NO_BRIER + _NO_ECE)
_IGNITE = Convention("ignite 0.5.5", recall=0.0, recall_predicted=0.0, lacks=_NO_BRIER + _NO_ECE)
_SKLEARN = Convention("scikit-learn 1.9.1", lacks=_NO_ECE, halves_brier=True, single=False)
#: By library and task.
CONVENTIONS: dict[str, dict[str, Convention]] = {
    "scikit-learn": {MULTI_LABEL: _SKLEARN, MULTI_CLASS: _SKLEARN},
    "torchmetrics": {
        MULTI_LABEL: replace(_TORCHMETRICS, lacks=_NO_BRIER + _NO_ECE),
        MULTI_CLASS: replace(_TORCHMETRICS, f1=LEFT_OUT, ap=LEFT_OUT),
    },
    "torcheval": {
        MULTI_LABEL: replace(_TORCHEVAL, lacks=("f1_macro", *_NO_BRIER, *_NO_ECE)),
        MULTI_CLASS: replace(_TORCHEVAL, f1=LEFT_OUT),
    },
    "monai": {MULTI_LABEL: _MONAI, MULTI_CLASS: replace(_MONAI, lacks=("balanced_accuracy", *_MONAI.lacks))},
    "ignite": {MULTI_LABEL: _IGNITE, MULTI_CLASS: _IGNITE},
}
#: The libraries whose curves can stand on a number of thresholds, behind a colon.
BINNED = "torchmetrics"
EXPECTED = f"{', '.join(CONVENTIONS)}, or {BINNED}:N for its thresholds=N"


def check(name: str) -> None:
    """Refuse a convention that is none; "" stands for ours.

    Raises:
        UserError: says which there are.
    """
    library, colon, thresholds = name.partition(":")
    binned = library == BINNED and thresholds.isdecimal() and 2 <= int(thresholds) <= MOST_THRESHOLDS
    if name and (library not in CONVENTIONS or (colon and not binned)):
        raise UserError(f"unknown convention of scores {name!r}; expected {EXPECTED} (2 to {MOST_THRESHOLDS:,}).")


def convention(name: str, task: str) -> Convention:
    """How a library, by its name in `CONVENTIONS`, counts the scores of a task.

    Raises:
        UserError: unknown, or the task is another one.
    """
    check(name)
    library, _, thresholds = name.partition(":")
    if task not in CONVENTIONS[library]:
        raise UserError(
            f"task {task!r} has no scores as {library} counts them; known: {', '.join(CONVENTIONS[library])}."
        )
    known = CONVENTIONS[library][task]
    # Where it bins, a class without positives has the average precision 0, whatever the task.
    return replace(known, thresholds=int(thresholds), ap=0.0) if thresholds else known


def applied(task: Task, name: str, convention_name: str) -> Task:
    """The registered task `name` with its scores under a convention; the task itself for ""."""
    return ByLibrary(task, name, convention(convention_name, name)) if convention_name else task


class ByLibrary(Task):
    """A task whose scores are those of a library: of ours only what it has, and nothing that it does not have."""

    def __init__(self, task: Task, name: str, rules: Convention):
        self.task, self.name, self.convention = task, name, rules
        self.title, self.source, self.primary = task.title, rules.source, task.primary  # type: ignore[misc]
        self.metrics: Mapping = task.metrics  # type: ignore[misc]
        self.agree, self.beside = task.agree, task.beside  # type: ignore[misc]

    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        every = np.ones(targets.shape[1], bool)
        return self._scores(targets, logits, every, every)

    def scores_over(self, targets: np.ndarray, logits: np.ndarray, classes: Shared) -> dict[str, Any]:
        return self._scores(targets, logits, classes.positive, classes.both)

    def _scores(self, targets: np.ndarray, logits: np.ndarray, over: np.ndarray, both: np.ndarray) -> dict[str, Any]:
        if not len(targets):
            return {"n": 0}
        chances = self.task.probabilities(logits)
        ranked = chances.astype(np.float32) if self.convention.single else chances
        values = {"n": len(targets), **_decided(self.convention, self.name, targets, logits, over)}
        values |= _ranked(self.convention, targets, ranked, both)
        values |= _probable(self.convention, self.name, targets, chances)
        known = {"n", "classes", "f1_per_class", *self.metrics, "map"} - {*self.convention.lacks}
        return {name: value for name, value in values.items() if name in known}

    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        return self.task.logits(probabilities)

    def loss(self, predicted: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        return self.task.loss(predicted, wanted) if weights is None else self.task.loss(predicted, wanted, weights)


def _decided(rules: Convention, task: str, targets: np.ndarray, logits: np.ndarray, over: np.ndarray) -> dict[str, Any]:
    """The scores of predicted classes, over the classes `over`, bool [C]."""
    true = targets > 0
    predicted = logits > 0 if task == MULTI_LABEL else np.eye(targets.shape[1], dtype=bool)[logits.argmax(1)]
    hits, wrong = score.counts(predicted, true)
    seen = hits + wrong > 0
    per_class = np.where(seen, score.f1(hits, wrong), _number(rules.f1))
    values: dict[str, Any] = {"f1_macro": _mean(per_class, seen, rules.f1, over), "classes": int(over.sum())}
    values["f1_per_class"] = np.where(over, per_class, np.nan).tolist()
    if task == MULTI_CLASS:
        positives = true.sum(0)
        recall = np.divide(hits, positives, out=np.zeros(len(hits)), where=positives > 0)
        supported = positives > 0
        counts = over & (
            supported | (seen & (rules.recall_predicted is not None)) | (~seen & (rules.recall is not None))
        )
        values["balanced_accuracy"] = float(recall[counts].mean()) if counts.any() else NAN
        values["accuracy"] = float(hits.sum() / len(targets))
    return values


def _ranked(rules: Convention, targets: np.ndarray, chances: np.ndarray, over: np.ndarray) -> dict[str, float]:
    """AUROC and mean average precision over the classes `over`, bool [C]."""
    positives = targets.sum(0, dtype=np.int64)
    outcomes = (positives > 0) & (positives < len(targets))
    areas, precisions = np.zeros(len(positives)), np.zeros(len(positives))
    if rules.thresholds:
        areas, precisions = binned(targets, chances, rules.thresholds)
    else:
        areas[outcomes] = score.auroc(targets[:, outcomes], chances[:, outcomes])
        for c in np.flatnonzero(positives):
            precisions[c] = score.average_precision(targets[:, c], chances[:, c])
    return {"auroc": _mean(areas, outcomes, rules.auroc, over), "map": _mean(precisions, positives > 0, rules.ap, over)}


def _probable(rules: Convention, task: str, targets: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    """The Brier score and the expected calibration error."""
    squares = (chances - targets) ** 2
    if task == MULTI_LABEL:
        return {"brier": float(squares.mean())}
    brier = float(squares.sum(1).mean())
    right = targets[np.arange(len(targets)), chances.argmax(1)]
    error = score.calibration_error(chances.max(1), right, rules.bins)
    return {"brier": brier / 2 if rules.halves_brier and targets.shape[1] == 2 else brier, "calibration_error": error}


def binned(targets: np.ndarray, chances: np.ndarray, thresholds: int) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and average precision of each class, [C] each, from its curves at thresholds that lie evenly from 0 to 1,
    as torchmetrics takes them with `thresholds=N`. Targets (0/1) and probabilities [N, C]."""
    cuts = np.linspace(0, 1, thresholds, dtype=np.float32)[::-1]
    true = targets > 0
    positives = true.sum(0)
    negatives = len(targets) - positives
    # How many of each outcome lie at a threshold or above it, [T, C].
    hits, false = (
        np.stack([len(p) - np.searchsorted(np.sort(p), cuts) for p in columns], 1)
        for columns in ([chances[members[:, c], c] for c in range(true.shape[1])] for members in (true, ~true))
    )
    recall, fallout = hits / np.maximum(positives, 1), false / np.maximum(negatives, 1)
    precision = hits / np.maximum(hits + false, 1)
    gains = np.diff(recall, axis=0, prepend=0.0)
    return np.trapezoid(recall, fallout, axis=0), (gains * precision).sum(0)


def _number(value: float | None) -> float:
    return NAN if value is None else value


def _mean(values: np.ndarray, has: np.ndarray, otherwise: float | None, over: np.ndarray) -> float:
    """The mean over classes; those that have no value count as `otherwise`."""
    counted = over & has if otherwise is None else over
    filled = np.where(has, values, _number(otherwise))[counted]
    return float(filled.mean()) if len(filled) else NAN
