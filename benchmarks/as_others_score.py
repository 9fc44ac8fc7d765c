"""One set of predictions, scored by us and by the libraries that are installed: the tables of docs/tools.md.

    python benchmarks/as_others_score.py

The predictions are made here: 60 samples of five labels and 80 samples of five classes, with what libraries disagree
on: a label of one sample, one that nobody has, one that nobody has and that is predicted, ties, probabilities of 0.5.
"""

import datetime
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from mora_bench.tasks import conventions
from mora_bench.tasks.contract import Task, finite_logit
from mora_bench.tasks.multiclass import MultiClass, softmax
from mora_bench.tasks.multilabel import MultiLabel

LABEL, CLASS = conventions.MULTI_LABEL, conventions.MULTI_CLASS
TASKS: dict[str, Task] = {LABEL: MultiLabel(), CLASS: MultiClass()}
#: Our names of the scores of the page, with what they are called there.
SCORES = {
    "f1_macro": "F1-macro",
    "auroc": "AUROC",
    "map": "average precision",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier",
    "calibration_error": "calibration error",
}
PACKAGES = {
    "scikit-learn": "scikit-learn", "torchmetrics": "torchmetrics", "torcheval": "torcheval", "monai": "monai",
    "ignite": "pytorch-ignite",
}  # fmt: skip


def predictions(task: str) -> tuple[np.ndarray, np.ndarray]:
    """Targets, 0 or 1, and probabilities, float64, both [N, 5]."""
    rng = np.random.default_rng(0)
    if task == LABEL:
        targets = np.zeros((60, 5), np.uint8)
        targets[:30, 0] = targets[::4, 1] = targets[7, 2] = 1
        chances = np.clip(rng.normal(0.4, 0.2, (60, 5)) + 0.3 * targets, 0.01, 0.99).round(2)
        chances[[3, 40], 0] = chances[5, 1] = 0.5
        chances[:, 3] = np.minimum(chances[:, 3], 0.45)
        chances[9, 4] = 0.7
        return targets, chances
    classes = rng.choice(3, 80, p=[0.6, 0.35, 0.05])
    targets = np.eye(5, dtype=np.uint8)[classes]
    logits = rng.normal(0, 1, (80, 5)) + 2 * targets
    logits[:, 4] -= 9
    logits[:, 3] -= 3
    logits[5] = [0, 0, 0, 6, -9]
    return targets, softmax(logits.round(1))


def logits_of(task: str, chances: np.ndarray) -> np.ndarray:
    """Logits of the probabilities."""
    return finite_logit(chances) if task == LABEL else np.log(chances).astype(np.float32)


def ours(task: str, convention: str = "") -> dict[str, float]:
    """Our scores of the predictions, by name; of a convention those that it has."""
    targets, chances = predictions(task)
    counted = conventions.applied(TASKS[task], task, convention)
    scores = counted.scores(targets, logits_of(task, chances))
    if task == CLASS and not convention:
        del scores["f1_macro_seen"]
    return {name: scores[name] for name in SCORES if name in scores}


#: A library's call for a score of a task, in words, and as a function of targets and probabilities.
Call = tuple[str, Callable[[np.ndarray, np.ndarray], Any]]


def _sklearn(task: str) -> dict[str, Call]:
    m = import_module("sklearn.metrics")
    names = range(5)
    if task == LABEL:
        return {
            "f1_macro": ('`f1_score(average="macro")`', lambda t, p: m.f1_score(t, p > 0.5, average="macro")),
            "auroc": ('`roc_auc_score(average="macro")`', m.roc_auc_score),
            "map": ("`average_precision_score`", m.average_precision_score),
            "brier": (
                "`brier_score_loss`, mean over labels",
                lambda t, p: np.mean([m.brier_score_loss(t[:, c], p[:, c]) for c in names]),
            ),
        }
    y = lambda t: t.argmax(1)  # noqa: E731
    return {
        "f1_macro": (
            "`f1_score(labels=all classes)`",
            lambda t, p: m.f1_score(y(t), y(p), average="macro", labels=names),
        ),
        "auroc": (
            '`roc_auc_score(multi_class="ovr")`',
            lambda t, p: m.roc_auc_score(y(t), p, multi_class="ovr", labels=names),
        ),
        "map": ("`average_precision_score`, one-hot", m.average_precision_score),
        "balanced_accuracy": ("`balanced_accuracy_score`", lambda t, p: m.balanced_accuracy_score(y(t), y(p))),
        "brier": ("`brier_score_loss`", lambda t, p: m.brier_score_loss(y(t), p, labels=names)),
    }


def _torchmetrics(task: str, thresholds: int | None = None) -> dict[str, Call]:
    f, torch = import_module("torchmetrics.functional.classification"), import_module("torch")
    kind = "multilabel" if task == LABEL else "multiclass"

    def call(name: str, **options: Any) -> Call:
        function = getattr(f, f"{kind}_{name}")
        arguments = ", ".join(f"{option}={value!r}" for option, value in options.items())

        def run(t: np.ndarray, p: np.ndarray) -> Any:
            wanted = torch.tensor(t.astype(int)) if task == LABEL else torch.tensor(t.argmax(1))
            return function(torch.tensor(p, dtype=torch.float32), wanted, 5, **options)

        return f"`{kind}_{name}({arguments})`", run

    ranked = {
        "auroc": call("auroc", thresholds=thresholds),
        "map": call("average_precision", thresholds=thresholds),
    }
    if thresholds:
        return ranked
    calls = {"f1_macro": call("f1_score", average="macro"), **ranked}
    if task == CLASS:
        calls |= {"balanced_accuracy": call("accuracy"), "calibration_error": call("calibration_error")}
    return calls


def _torcheval(task: str) -> dict[str, Call]:
    f, torch = import_module("torcheval.metrics.functional"), import_module("torch")
    as_float = lambda p: torch.tensor(p, dtype=torch.float32)  # noqa: E731
    if task == LABEL:
        return {
            "auroc": (
                "`binary_auroc(num_tasks=5)`, mean",
                lambda t, p: f.binary_auroc(as_float(p.T), torch.tensor(t.T.astype(int)), num_tasks=5).mean(),
            ),
            "map": (
                "`multilabel_auprc`",
                lambda t, p: f.multilabel_auprc(as_float(p), torch.tensor(t.astype(int)), num_labels=5),
            ),
        }

    def call(name: str, **options: Any) -> Call:
        def run(t: np.ndarray, p: np.ndarray) -> Any:
            return getattr(f, name)(as_float(p), torch.tensor(t.argmax(1)), num_classes=5, **options)

        return f"`{name}({', '.join(f'{option}={value!r}' for option, value in options.items())})`", run

    return {
        "f1_macro": call("multiclass_f1_score", average="macro"),
        "auroc": call("multiclass_auroc"),
        "map": call("multiclass_auprc"),
        "balanced_accuracy": call("multiclass_accuracy", average="macro"),
    }


def _monai(task: str) -> dict[str, Call]:
    m, torch = import_module("monai.metrics"), import_module("torch")

    def f1(reduction: str) -> Callable[[np.ndarray, np.ndarray], Any]:
        def run(t: np.ndarray, p: np.ndarray) -> Any:
            predicted = p > 0.5 if task == LABEL else np.eye(5)[p.argmax(1)]
            metric = m.ConfusionMatrixMetric(metric_name="f1 score", reduction=reduction)
            metric(y_pred=torch.tensor(predicted).float(), y=torch.tensor(t).float())
            return np.nanmean(metric.aggregate()[0].numpy())

        return run

    def ranked(name: str) -> Call:
        return f"`{name}`", lambda t, p: getattr(m, name)(torch.tensor(p), torch.tensor(t.astype(int)))

    return {
        "f1_macro": ('`ConfusionMatrixMetric("f1 score", reduction="mean_batch")`, `nanmean`', f1("mean_batch")),
        "f1_macro, as it comes": ('`ConfusionMatrixMetric("f1 score")`', f1("mean")),
        "auroc": ranked("compute_roc_auc"),
        "map": ranked("compute_average_precision"),
    }


def _ignite(task: str) -> dict[str, Call]:
    m, torch = import_module("ignite.metrics"), import_module("torch")
    several = task == LABEL

    def decided(make: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray], Any]:
        def run(t: np.ndarray, p: np.ndarray) -> Any:
            parts = [kind(average=False, is_multilabel=several) for kind in (m.Precision, m.Recall)]
            wanted = torch.tensor(t.astype(int)) if several else torch.tensor(t.argmax(1))
            # Making a metric of others resets these.
            metric = make(*parts)
            for part in parts:
                part.update((torch.tensor((p > 0.5).astype(int)) if several else torch.tensor(p), wanted))
            return np.mean(np.asarray(metric.compute()))

        return run

    def wrapped(name: str) -> Callable[[np.ndarray, np.ndarray], Any]:
        def run(t: np.ndarray, p: np.ndarray) -> Any:
            metric = getattr(m, name)()
            metric.update((torch.tensor(p), torch.tensor(t.astype(int))))
            return metric.compute()

        return run

    f1 = decided(lambda precision, recall: m.Fbeta(1, average=True, precision=precision, recall=recall))
    calls: dict[str, Call] = {
        "f1_macro": ("`Fbeta(1, average=True)`", f1),
        "auroc": ("`ROC_AUC()`, one-hot", wrapped("ROC_AUC")),
        "map": ("`AveragePrecision()`, one-hot", wrapped("AveragePrecision")),
    }
    if not several:
        recall = decided(lambda precision, recall: recall)
        calls["balanced_accuracy"] = ("`Recall(average=False)`, mean", recall)
    return calls


LIBRARIES: dict[str, Callable[[str], dict[str, Call]]] = {
    "scikit-learn": _sklearn,
    "torchmetrics": _torchmetrics,
    "torchmetrics:100": lambda task: _torchmetrics(task, 100),
    "torchmetrics:5": lambda task: _torchmetrics(task, 5),
    "torcheval": _torcheval,
    "monai": _monai,
    "ignite": _ignite,
}


def installed(library: str) -> str:
    """The version of a library, "" if it is not installed."""
    try:
        return version(PACKAGES[library.partition(":")[0]])
    except PackageNotFoundError:
        return ""


def theirs(task: str, library: str) -> dict[str, tuple[str, float]]:
    """A library's call in words and its value, by our name of the score; NaN where it has none."""
    targets, chances = predictions(task)
    values = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for score, (words, call) in LIBRARIES[library](task).items():
            values[score] = words, float(call(targets, chances))
    return values


def rows(task: str) -> Iterator[str]:
    """The lines of the table of a task."""
    known = ours(task)
    yield "| score | counted by | value | `rescore --as` gives | ours |"
    yield "|---|---|---|---|---|"
    tables = {library: theirs(task, library) for library in LIBRARIES if installed(library)}
    for score, title in SCORES.items():
        mine = known.get(score)
        for library, values in tables.items():
            for name, (words, value) in values.items():
                if name.partition(",")[0] != score:
                    continue
                counted = ours(task, library).get(score) if name == score else None
                as_theirs = f"{library}: {_shown(counted)}" if counted is not None else "—"
                same = "equal" if mine is not None and _same(mine, value) else "—" if mine is None else _shown(mine)
                package = library.partition(":")[0]
                yield f"| {title} | {package} {words} | {_shown(value)} | {as_theirs} | {same} |"
        if mine is not None and not any(score in values for values in tables.values()):
            yield f"| {title} | — | — | — | {_shown(mine)} |"


def _same(a: float, b: float) -> bool:
    return abs(a - b) < 5e-7


def _shown(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value + 0.0:.4f}"


def main() -> None:
    packages = ", ".join(f"{PACKAGES[name]} {installed(name)}" for name in PACKAGES if installed(name))
    print(f"`python benchmarks/as_others_score.py`, {datetime.date.today()}: {packages}.\n")
    for task, title in ((LABEL, "Multi-label"), (CLASS, "Multi-class")):
        print(f"{title}: five {'labels' if task == LABEL else 'classes'}.\n")
        print("\n".join(rows(task)) + "\n")


if __name__ == "__main__":
    main()
