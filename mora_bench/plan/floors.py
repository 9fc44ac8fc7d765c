"""The cells of predictors: one for all backbones, or one for each if the predictor reads its frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mora_bench import registry
from mora_bench.cells.cell import NONE, Cell
from mora_bench.tasks.named import task_of

if TYPE_CHECKING:
    from mora_bench.backbones.spec import Spec
    from mora_bench.data.table import Table
    from mora_bench.tasks.contract import Task


def reads_backbone(name: str) -> bool:
    """Whether a predictor reads features of the frozen backbone, and so has a cell for each backbone."""
    return bool(registry.get(registry.PREDICTORS, name).reads_backbone)


def read_by(name: str, specs: Sequence[Spec]) -> Sequence[Spec | None]:
    """The backbones for which a predictor has separate cells; None stands for no backbone."""
    return specs if reads_backbone(name) else [None]


def competing(names: Sequence[str], asked: Sequence[str], table: Table) -> list[str]:
    """The predictors of a grid for a dataset: those that were asked for by name, and of all others those that learn
    from such targets."""
    task = task_of(table.task)
    return [name for name in names if name in asked or _learns(name, task)]


def _learns(name: str, task: Task) -> bool:
    return registry.get(registry.PREDICTORS, name).learns in (None, task.columns)


def unreadable(name: str, table: Table, spec: Spec | None, gapped: bool) -> str:
    """Why a predictor cannot run on a dataset, by a backbone if it reads one, `gapped` where gaps are taken inside
    signals; "" if it can."""
    task = task_of(table.task)
    if not _learns(name, task):
        return f"{name} does not learn from what the targets of {table.name} are: {task.question}"
    kinds = registry.get(registry.PREDICTORS, name).kinds
    if kinds and not set(kinds) & set(table.kinds):
        return f"{name} reads {' or '.join(kinds)}, which {table.name} does not have"
    if spec is not None and (wrong := registry.get(registry.BACKBONES, spec.family).unfit(table.shape)):
        return f"{name} reads {spec.name}, which cannot run on {table.name}: {wrong}"
    if spec is not None and gapped and _embeds_gapped(spec, table):
        return f"{name} reads what {spec.name} gives of signals as they were measured, not with gaps that a cell takes"
    return ""


def _embeds_gapped(spec: Spec, table: Table) -> bool:
    kinds = registry.get(registry.BACKBONES, spec.family).kinds
    return any(table.kind(name).gapped and kind in kinds for name, kind in table.shape.items())


def cell_of(base: dict[str, Any], name: str, spec: Spec | None, max_text: int) -> Cell:
    """The cell of a predictor, on a backbone and with texts of at most `max_text` tokens if it reads one."""
    version = registry.version(registry.PREDICTORS, name)
    untrained: dict[str, Any] = {"rank": None, "blocks": None, "recipe": None, "impute": NONE, "impute_version": ""}
    no_backbone = {"backbone": NONE, "weights": ""}
    backbone = (
        no_backbone if spec is None else {"backbone": spec.name, "weights": spec.fingerprint, "max_text": max_text}
    )
    return Cell(**base, **untrained, **backbone, method=name, method_version=version)
