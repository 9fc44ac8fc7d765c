"""Common parts of the counts of published data sets: shares and AUROCs with their intervals, and a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from tabulate import tabulate

#: Folds and trees of cross-validated forests, and the fewest samples of a leaf.
FOLDS, TREES, LEAF = 5, 50, 5


@dataclass(frozen=True)
class Sheet:
    """A table of texts."""

    headers: tuple[str, ...]
    rows: list[list[str]]

    def markdown(self) -> str:
        return tabulate(self.rows, self.headers, tablefmt="github", disable_numparse=True)


def facts(rows: Sequence[tuple[str, object]]) -> Sheet:
    """A table of what was counted and how many there are."""
    return Sheet(
        ("what", "count"), [[what, f"{count:,}" if isinstance(count, int) else str(count)] for what, count in rows]
    )


def percent(part: int, total: int) -> str:
    return f"{100 * part / total:.1f} %"


def share(truth: np.ndarray) -> str:
    """The share of True in bool [n] with Wilson's interval of 95 %."""
    interval = binomtest(int(truth.sum()), len(truth)).proportion_ci(method="wilson")
    return f"{100 * truth.mean():.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def auroc(truth: np.ndarray, score: np.ndarray) -> str:
    """The AUROC of a score with the interval of 95 % of Hanley and McNeil (1982)."""
    area, positive = float(roc_auc_score(truth, score)), int(truth.sum())
    negative = len(truth) - positive
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positive - 1) * (one - area**2) + (negative - 1) * (two - area**2)
    half = norm.ppf(0.975) * np.sqrt(variance / positive / negative)
    return f"{area:.2f} ({max(area - half, 0):.2f} to {min(area + half, 1):.2f})"


def forest_auroc(truth: np.ndarray, features: np.ndarray) -> str:
    """The AUROC that a random forest on features [n, F] has on samples it was not fitted on, by cross-validation."""
    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=0)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return auroc(truth, cross_val_predict(forest, features, truth, cv=folds, method="predict_proba")[:, 1])
