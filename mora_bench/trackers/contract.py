"""The contract of a tracker: it is handed every cell when it ends."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mora_bench import registry
from mora_bench.files import identity
from mora_bench.records.schema import Record, Scores
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.named import task_of
from mora_bench.text import visible


@dataclass(frozen=True)
class Run:
    """One cell as trackers know it: names, numbers and short words. Of patients it holds nothing.

    Attributes:
        key, label: the cell's; if it is scored otherwise than it was trained, the key of its scores.
        settings: its fields by name, those of its recipe as recipe.NAME.
        curve: at each validation the step, and the loss and primary score there; empty where nothing trained.
        scores: of the test split, PATTERN/METRIC, and what it cost.
        metrics: by METRIC which way is better, its range, and how it is shown, for trackers that rank runs.
    """

    key: str
    label: str
    settings: dict[str, int | float | str]
    curve: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)


class Tracker(ABC):
    """Subclass it directly. A cell that ended before, or was recorded by another grid, is not handed over again.

    Args:
        folder: the results folder, below which files of its own may go.
    """

    group: ClassVar[str] = registry.TRACKERS
    title: ClassVar[str]

    def __init__(self, folder: Path):
        self.folder = folder

    def ready(self) -> None:  # noqa: B027 (some trackers need nothing)
        """Raise UserError if it could not track anything here, before anything is computed."""

    @abstractmethod
    def ended(self, run: Run) -> None:
        """A cell is done."""

    def close(self) -> None:  # noqa: B027 (some trackers have nothing to close)
        """The grid ends."""


def as_run(record: Record, scores: Scores | None) -> Run:
    """A cell that is done, as trackers are handed it."""
    curve = []
    for look in record.training.history if record.training else ():
        score = {} if look.val_score is None else {"validation": look.val_score}
        curve.append((look.step, {"loss": look.loss, **score}))
    key = scores.score_key if scores is not None and not scores.scoring.as_trained else record.key
    task = task_of(record.cell.task)
    numbers, metrics = _scores(record, scores), dict(task.metrics)
    return Run(key, visible(record.cell.label), _settings(record, scores), curve, numbers, metrics)


def _settings(record: Record, scores: Scores | None) -> dict[str, int | float | str]:
    cell = record.cell
    settings: dict[str, Any] = identity(cell, leave_out=("recipe", "scoring", "versions"))
    settings |= {} if cell.recipe is None else {f"recipe.{n}": v for n, v in vars(cell.recipe).items()}
    settings |= {} if scores is None else {f"scoring.{n}": v for n, v in identity(scores.scoring).items()}
    settings |= {"family": record.competitor.family, "device": record.provenance.device}
    shown = {n: v if isinstance(v, int | float | str) else json.dumps(v) for n, v in settings.items() if v is not None}
    return {n: visible(v) if isinstance(v, str) else v for n, v in shown.items()}


def _scores(record: Record, scores: Scores | None) -> dict[str, float]:
    numbers: dict[str, float | None] = {}
    for pattern, setting in scores.test.items() if scores else ():
        numbers |= {f"{pattern}/{n}": v for n, v in setting.scores.items() if isinstance(v, int | float)}
    if record.time is not None:
        numbers |= {"cost/seconds": record.time.cell_s, "cost/ms per step": record.time.step_ms}
    if record.parameters is not None:
        numbers |= {"cost/share trained": record.parameters.share_total}
    if record.flops is not None:
        numbers |= {"cost/FLOPs of a forward pass": record.flops.forward}
    return {name: float(value) for name, value in numbers.items() if value is not None}
