"""Which labels can be told from one number that no model should need.

A forest of random cuts of that number alone (extremely randomised trees, Geurts, Ernst and Wehenkel 2006) predicts the
labels of each fifth of the patients from the others'. The area under the ROC curve of these predictions is held against
`BOUND`: all looks of a dataset together are one family of Holm's.
"""

from dataclasses import dataclass

import numpy as np

from mora_bench.doctor.features import Feature, features
from mora_bench.doctor.finding import Finding
from mora_bench.doctor.questions import FOLDS, ExaminedTable
from mora_bench.statistics import auroc, holm
from mora_bench.text import listed

#: An area that no true label may exceed in silence; and the chance of any alarm where none does.
BOUND, LEVEL = 0.6, 0.05
#: Trees; samples that share a prediction at least.
TREES, LEAF = 25, 10
#: Labels that a sentence names.
NAMED = 4


@dataclass(frozen=True)
class Association:
    """How well a label is told: the area, its interval at Holm's level of this look, and whether that lies above
    `BOUND`."""

    feature: str
    label: str
    area: float
    low: float
    high: float
    alarm: bool


def look(subject: ExaminedTable) -> list[Finding]:
    """A finding for each feature that tells a label."""
    known = features(subject)
    associations = tell(subject, known)
    findings = []
    for feature in known:
        alarms = [t for t in associations if t.feature == feature.name and t.alarm]
        if alarms:
            alarms.sort(key=lambda t: -t.area)
            findings.append(_finding(feature, alarms))
    return findings


def _finding(feature: Feature, alarms: list[Association]) -> Finding:
    first = f"{alarms[0].label} (AUROC {alarms[0].area:.3f}, {alarms[0].low:.3f} to {alarms[0].high:.3f})"
    rest = [f"{t.label} {t.area:.2f}" for t in alarms[1:]]
    facts = {t.label: {"auroc": round(t.area, 4), "low": round(t.low, 4), "high": round(t.high, 4)} for t in alarms}
    seen = f"{feature.name} {'predicts' if len(feature.names) == 1 else 'predict'} {listed([first, *rest], NAMED)}"
    return Finding("tells", seen, feature.costs, 2 * alarms[0].area - 1, facts={"by": feature.name, "labels": facts})


def tell(subject: ExaminedTable, known: list[Feature]) -> list[Association]:
    """Every label by every feature, where enough patients have both."""
    looks: list[tuple[str, str, float, float]] = []
    for feature in known:
        rows = np.flatnonzero(~np.isnan(feature.values))
        asked = [k for k in range(len(subject.labels)) if subject.askable(subject.targets[:, k], rows)]
        if not asked:
            continue
        targets, owner = subject.targets[rows][:, asked], subject.owner[rows]
        predicted = _predicted(feature.values[rows], targets, subject.fold[rows])
        if predicted is None:
            continue
        for column, k in enumerate(asked):
            area, draws = auroc.auroc(predicted[:, column], targets[:, column], owner)
            looks.append((feature.name, subject.labels[k], area, draws))
    return _corrected(looks)


def _corrected(looks: list[tuple[str, str, float, float]]) -> list[Association]:
    """Holm's correction: the look with the k-th smallest p-value of m is held to `LEVEL` / (m - k + 1)."""
    if not looks:
        return []
    p = np.array([auroc.exceeds(area, draws, BOUND) for *_, area, draws in looks])
    refused = holm.adjusted(p) <= LEVEL
    step = np.empty(len(p))
    step[np.argsort(p, kind="stable")] = LEVEL / np.arange(len(p), 0, -1)
    return [
        Association(feature, label, area, *auroc.interval(area, draws, step[i]), bool(refused[i]))
        for i, (feature, label, area, draws) in enumerate(looks)
    ]


def _predicted(values: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> np.ndarray | None:
    """float [n, labels], each fold by a model of the others; None where a fold has nobody else to learn from."""
    from sklearn.ensemble import ExtraTreesRegressor

    predictions, known = np.empty(targets.shape), targets.astype(float)
    # A single label is one number a sample, no column.
    known = known[:, 0] if known.shape[1] == 1 else known
    for part in range(FOLDS):
        test = fold == part
        if not test.any():
            continue
        if test.all():
            return None
        forest = ExtraTreesRegressor(TREES, min_samples_leaf=LEAF, random_state=0)
        forest.fit(values[~test, None], known[~test])
        predictions[test] = forest.predict(values[test, None]).reshape(test.sum(), -1)
    return predictions
