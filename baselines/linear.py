"""Logistic regressions, one per label, for competitors without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from mora_bench.tasks.contract import Task
from mora_bench.tasks.named import task_of

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

#: Inverse strengths of the L2 penalty to choose from. Features are scaled to rows of about unit length.
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)


class RegressionModel(Protocol):
    """A model that is fitted on features [n, F], an array or a sparse matrix, and targets of a task.

    Attributes:
        strength: inverse strength of the L2 penalty.
    """

    strength: float

    def fit(self, features: Any, targets: np.ndarray) -> Self: ...

    def predict(self, features: Any) -> np.ndarray:
        """Probabilities [n, C]."""


class Linear:
    """A label that every sample has, or none, is predicted as such.

    Attributes:
        strength: inverse strength of the L2 penalty.
    """

    def __init__(self, strength: float):
        self.strength = strength
        self.models: list[LogisticRegression | float] = []

    def fit(self, features: Any, targets: np.ndarray) -> Self:
        """Features [n, F], an array or a sparse matrix; targets 0 or 1, [n, C]."""
        from sklearn.linear_model import LogisticRegression

        for column in targets.T:
            constant = column.min() == column.max()
            model = LogisticRegression(C=self.strength, max_iter=2000)
            self.models.append(float(column[0]) if constant else model.fit(features, column))
        return self

    def predict(self, features: Any) -> np.ndarray:
        """Probabilities [n, C]."""
        columns = [
            np.full(features.shape[0], model) if isinstance(model, float) else model.predict_proba(features)[:, 1]
            for model in self.models
        ]
        return np.stack(columns, axis=1)


def chosen(
    regression: Callable[[float], RegressionModel],
    features: Any,
    targets: np.ndarray,
    held_features: Any,
    held_targets: np.ndarray,
    task: str,
) -> RegressionModel:
    """The one of `STRENGTHS` whose regressions have the best primary score of the task on held-out samples, the weakest
    penalty of equals; the strongest penalty if held-out samples say nothing: there are none, or their score is
    undefined whatever is predicted."""
    if not len(held_targets):
        return regression(STRENGTHS[0]).fit(features, targets)
    judge: Task = task_of(task)
    fitted = [regression(strength).fit(features, targets) for strength in reversed(STRENGTHS)]
    scores = [
        judge.metric.key(judge.score(held_targets, judge.logits(model.predict(held_features)))) for model in fitted
    ]
    return fitted[int(np.argmax(scores)) if max(scores) > -np.inf else -1]


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Log odds, within -14 to 14."""
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def joined(parts: Sequence[Any]) -> Any:
    """Features side by side; sparse if one of them is."""
    from scipy import sparse

    if any(sparse.issparse(part) for part in parts):
        return sparse.hstack(list(parts), format="csr")
    return np.concatenate(list(parts), axis=1)
