"""The scores that tables show and judge by, and the columns that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mora_bench.tasks.contract import Task
from mora_bench.tasks.metric import DASH, Metric
from mora_bench.tasks.named import metric_of


@dataclass(frozen=True)
class Measure:
    """One score that a table shows.

    Attributes:
        name: as its task calls it; metric: its title, range and direction.
        first: whether it is the first of its table, whose columns are called "score PATTERN".
    """

    name: str
    metric: Metric
    first: bool = False

    def of(self, score: str) -> str:
        """The column of this score where the first one's is `score`: "score both" -> "auroc: score both"."""
        return score if self.first else f"{self.name}: {score}"


def asked_of(task: Task, primary: str, metric: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the scores that must agree in tables of a task, and of those that the page shows beside them.

    Args:
        primary: of the file of scores; metric: the score that was asked for, "" for none.
    """
    if metric in task.metrics:
        return (metric,), ()
    if primary != task.primary:
        return (primary,), ()
    return task.agree, task.beside


def shown_of(part: pd.DataFrame) -> tuple[tuple[Measure, ...], tuple[Measure, ...]]:
    """The scores that must agree of cells of one task, and those beside them; of cells that all failed, the task's."""
    task = str(part["task"].iloc[0])
    names = part["agree"].dropna().unique().tolist() if "agree" in part else []
    if not names:
        return (Measure("", metric_of(task), True),), ()
    agree, beside = names[0].split(","), [name for name in part["beside"].dropna().iloc[0].split(",") if name]
    judged = tuple(Measure(name, metric_of(task, name), not number) for number, name in enumerate(agree))
    return judged, tuple(Measure(name, metric_of(task, name)) for name in beside)


def joined(texts: Iterable[str]) -> str:
    """The texts of several scores, in their order; one text where all are the same."""
    every = list(texts)
    return every[0] if len(set(every)) == 1 else " / ".join(every)


def beside_each_other(texts: Iterable[str]) -> str:
    """Numbers of several scores, in their order; one dash where there is none of any."""
    every = list(texts)
    return DASH if all(text == DASH for text in every) else " / ".join(every)


def between(metric: Metric, bounds: tuple[float, float]) -> str:
    """Two differences as "2.1 to 3.4"; one where both look the same; a dash where there are none; "> 100" where they
    are larger than any difference of two scores can be."""
    widest = metric.bounds[1] - metric.bounds[0]
    low, high = (f"> {metric.scale * widest:g}" if bound > widest else metric.shown(bound) for bound in bounds)
    return low if low == high else f"{low} to {high}"


def heading(shown: Sequence[Measure]) -> str:
    """Scores in words, for captions: titles, unit, direction."""
    if len(shown) == 1:
        return f"{shown[0].metric.heading} ({shown[0].metric.direction})"
    return f"{' / '.join(measure.metric.title for measure in shown)}{_unit(shown)} ({joined_directions(shown)})"


def brief(shown: Sequence[Measure]) -> str:
    """Scores in words, for heads of columns and sentences."""
    if len(shown) == 1:
        return shown[0].metric.named
    turned = "" if all(measure.metric.higher_is_better for measure in shown) else f", {joined_directions(shown)}"
    return f"{' / '.join(measure.metric.brief for measure in shown)}{_unit(shown)}{turned}"


def joined_directions(shown: Sequence[Measure]) -> str:
    return joined(measure.metric.direction for measure in shown)


def _unit(shown: Sequence[Measure]) -> str:
    units = joined(measure.metric.unit or "as it is" for measure in shown)
    return "" if units == "as it is" else f", {units}"
