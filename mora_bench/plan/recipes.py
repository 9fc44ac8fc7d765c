"""The recipes of a grid's cells: overrides, flags, and the precision, score and picture sizes that planning settles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from mora_bench.cells.cell import Cell
from mora_bench.cells.precision import native_bf16
from mora_bench.cells.recipe import AUTO, PLATEAU, READ_BY, Recipe
from mora_bench.cells.runtime import Runtime
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.table import PICTURES
from mora_bench.errors import UserError
from mora_bench.plan.grid import Grid
from mora_bench.plan.parts import parts
from mora_bench.tasks.named import task_of


def overridden(grid: Grid, dataset: str, method: str) -> dict[str, Any]:
    """The overrides of a dataset, of a method, and of both together; the later one counts."""
    overrides: dict[str, Any] = {}
    for owner in (dataset, method, f"{dataset}/{method}"):
        overrides |= grid.overrides.get(owner, {})
    return overrides


def recipe_of(grid: Grid, flags: Collection[str], dataset: str, method: str, device: str) -> Recipe:
    """A cell's recipe: the preset's, changed by its overrides for the dataset, then for the method, then by `flags`,
    names of fields; without the fields that its schedule does not read, and in a precision of the device.

    Raises:
        UserError: a flag that its schedule does not read.
    """
    changed = overridden(grid, dataset, method)
    recipe = replace(grid.recipe, **{key: value for key, value in changed.items() if key not in {*flags, "rank"}})
    for schedule, fields_read in READ_BY.items():
        unread = sorted(fields_read.keys() & set(flags))
        if unread and schedule != recipe.schedule:
            dashed = unread[0].replace("_", "-")
            raise UserError(
                f"--recipe.{dashed} has no effect: {method} on {dataset} uses schedule {recipe.schedule}. Leave it "
                f"out, or give --recipe.schedule {schedule}."
            )
    return replace(recipe.settled(), precision=precision_of(recipe.precision, device)[0])


def drops(method: type[Any], recipe: Recipe) -> str:
    """Why a method that knows training samples by their tokens cannot run with a recipe, in words; "" if it can."""
    if not (method.reads_labels and recipe.dropout):
        return ""
    return (
        "it knows a training sample by its embedded tokens, to leave out its own label, and recipe.dropout "
        f"{recipe.dropout:g} changes these (leave it at 0)"
    )


def watched_of(task: str, recipe: Recipe) -> str:
    """The score that says which parameters are best, as a cell holds it: "" for the task's primary one.

    Raises:
        UserError: the schedule needs one without a threshold, and the task has none.
    """
    if recipe.schedule != PLATEAU:
        return ""
    score = task_of(task).watches()
    if not score:
        raise UserError(
            f"recipe.schedule {PLATEAU} reads a score without a threshold, and task {task!r} has none; give it one (of "
            "ranks or probabilities), or use recipe.schedule linear."
        )
    return score


def precision_of(wanted: str, device: str) -> tuple[Any, str]:
    """The precision that `wanted` means on a device, and why."""
    if wanted != AUTO:
        return wanted, "it was asked for"
    native, why = native_bf16(device)
    return ("bf16" if native else "fp32"), why


def asks_auto(grid: Grid) -> bool:
    """Whether a precision is left to the device anywhere in a grid."""
    grids = [part for part, _ in parts(grid, grid)]
    return any(AUTO in (part.recipe.precision, *_of_overrides(part)) for part in grids)


def precision_sentence(grid: Grid, cells: Iterable[Cell], runtime: Runtime) -> str:
    """A sentence on the precision of planned cells: what auto chose and why, or that one is emulated; "" if there is
    nothing to say."""
    if asks_auto(grid):
        chosen, why = precision_of(AUTO, runtime.device)
        return f"recipe.precision auto: {chosen}, because {why}."
    if all(cell.recipe is None or cell.recipe.precision != "bf16" for cell in cells):
        return ""
    native, why = native_bf16(runtime.device)
    return "" if native else f"recipe.precision bf16 is emulated here, slowly, because {why}; auto chooses fp32."


def pictures_sentence(cells: Iterable[Cell], kinds: Mapping[str, Collection[str]]) -> str:
    """A sentence on the size of pictures for each backbone of planned cells that reads some; "" if none does.

    Args:
        kinds: of the modalities, by dataset.
    """
    from mora_bench.backbones import load

    reads = [cell for cell in cells if cell.decoded_for and {*PICTURES} & {*kinds[cell.dataset]}]
    sizes = []
    for name, most in dict.fromkeys(cell.decoded_for for cell in reads if cell.decoded_for):
        rule: Any = load.resolve(name, most).rules.get("image")
        size = getattr(rule, "pixels", rule)
        if isinstance(size, ImageRule):
            tokens = f", of which a frozen network makes {rule.tokens} tokens" if rule is not size else ""
            sizes.append(
                f"{name} {size.shorter} pixels on the shorter side, at most {size.longer} on the longer{tokens}"
            )
    return f"pictures are resized: {'; '.join(sizes)}" if sizes else ""


def _of_overrides(grid: Grid) -> list[Any]:
    return [changed.get("precision") for changed in grid.overrides.values()]
