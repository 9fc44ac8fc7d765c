"""A task by the name that tables, cells and records hold: that of its class, and behind a colon its argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mora_bench import registry
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.tasks.contract import Task
    from mora_bench.tasks.metric import Metric


def task_of(name: str) -> Task:
    """The task called `name`, e.g. "multi-label" or "time-to-event:30,90,365".

    Raises:
        UserError: unknown task, or an argument that is none of its own.
    """
    task: Task = registry.made(registry.TASKS, name)
    return task


def metric_of(task: str, name: str = "") -> Metric:
    """A metric of a registered task; its primary one if not named.

    Raises:
        UserError: no such task, or it has no such metric.
    """
    kind = task_of(task)
    name = name or kind.primary
    if name not in kind.metrics:
        raise UserError(f"task {task!r} has no metric {name!r}; it has {', '.join(kind.metrics)}.")
    return kind.metrics[name]
