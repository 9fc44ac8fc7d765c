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
    kind, _, argument = name.partition(":")
    task: type[Task] = registry.get(registry.TASKS, kind)
    if argument and not task.takes:
        raise UserError(f"task {name!r}: {kind} takes no argument. Leave {argument!r:.80} out.")
    return task.of(argument)


def problem(name: str) -> str | None:
    """What is wrong with the name of a task; None if nothing is."""
    if not known(name):
        return f"unknown task {name!r}; known: {', '.join(registry.names(registry.TASKS))}"
    try:
        task_of(name)
    except UserError as error:
        return str(error).rstrip(".")
    return None


def known(name: str) -> bool:
    """Whether the task called `name` is registered, whatever its argument; nothing is imported."""
    return registry.known(registry.TASKS, name.partition(":")[0])


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
