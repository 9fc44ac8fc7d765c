"""grid: train, score and compare."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mora_bench import campaign, registry
from mora_bench.cells.cell import NONE, Cell
from mora_bench.cells.recipe import Recipe
from mora_bench.cells.runtime import Runtime
from mora_bench.cli import pricing
from mora_bench.cli.options import option, parse
from mora_bench.cli.output import answer
from mora_bench.cli.progress import Progress
from mora_bench.cli.report import contents, show
from mora_bench.cli.warn import warn
from mora_bench.errors import UserError
from mora_bench.plan import mask_files
from mora_bench.plan.count import CellCount, count
from mora_bench.plan.expand import Plan, competitors
from mora_bench.plan.floors import reads_backbone
from mora_bench.plan.given import TypedBeside
from mora_bench.plan.grid import DEFAULT_PRESET, Grid
from mora_bench.plan.parts import check_names
from mora_bench.plan.presets import load_preset
from mora_bench.plan.recipes import precision_sentence
from mora_bench.plan.unused import unused
from mora_bench.records import plans
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, FAILED, TO_DO, TO_SCORE, Store
from mora_bench.text import number_of
from mora_bench.trackers.outcomes import tracked
from mora_bench.training.failure import full_message

if TYPE_CHECKING:
    from mora_bench.report.write import Report

#: The most cells that `--plan` lists; of larger grids it prints a table.
LISTED = 200
NOTHING_TO_DO = "Nothing is to be computed."
#: The options of a grid by what they are for, as its help begins.
GROUPS = {
    "What is compared": "preset datasets methods floors impute backbone plugin",
    "What is missing": "missing rates mechanism strength gaps test-gaps mask-unit test-mechanism test-rate",
    "How methods are set and trained": "ranks blocks knobs lrs after recipe.NAME",
    "Which samples train and test": "data-root seeds split folds pool limit follow-links rehash",
    "Where cells run": "engine device workers threads fuse compile resources detach shard",
    "When they fail or end": "limit-minutes retry fail-fast checkpoint-minutes lease-seconds",
    "What is written and shown": "out metric save-adapters track json plan measure",
}
OVERVIEW = "\n\n".join(
    ["Train every method on every dataset, missing pattern, rate and seed; write records and tables."]
    + [f"{title}: {' '.join(f'--{name}' for name in names.split())}" for title, names in GROUPS.items()]
)


def parsed(arguments: list[str], verb: str) -> tuple[Grid, Grid]:
    """The grid that a command line asks for, and its preset's with what was typed; names are not checked."""
    preset = load_preset(option(arguments, "--preset", DEFAULT_PRESET))
    if preset.json:
        raise UserError(f"preset {preset.preset}: a preset cannot set `json`; use the option --json.")
    return parse(Grid, verb, arguments, preset, OVERVIEW), TypedBeside.of(preset, arguments)


def asked(arguments: list[str], verb: str) -> tuple[Grid, Grid, Runtime]:
    """The grid that a command line asks for, its preset's, and where it runs; names are checked before slow imports."""
    grid, preset = parsed(arguments, verb)
    registry.load_plugins(file.absolute() for file in grid.plugin)
    check_names(grid)
    return grid, preset, campaign.runtime(grid)


def run(arguments: list[str]) -> int:
    grid, preset, runtime = asked(arguments, "grid")
    if grid.plan:
        value = _planned(grid, preset, runtime)
        answer(lambda: value)
        return 0
    campaign.start_workers(grid.engine, _has_networks(grid))
    return _trained(grid, preset, runtime)


def _has_networks(grid: Grid) -> bool:
    """Whether a cell may run a network: one that a method trains, or a frozen one that a baseline reads."""
    methods, predictors = competitors(grid)
    return bool(grid.parts or methods) or any(map(reads_backbone, predictors))


def _planned(grid: Grid, preset: Grid, runtime: Runtime) -> dict[str, Any]:
    """Say what a grid holds and costs, and run nothing."""
    if not grid.parts:
        rows = count(grid, runtime)
        if sum(row.cells for row in rows) > LISTED:
            return _sum_up(rows, pricing.standing_for(rows, grid, runtime), grid, runtime)
    plan = _checked(grid, preset, runtime)
    if len(plan.cells) > LISTED:
        return _sum_up(pricing.of_cells(plan.cells), plan.cells, grid, runtime)
    status = Store(runtime.out).status(plan.cells)
    _print_plan(plan, status, everything=True)
    _say_unused(plan, grid, preset)
    todo = [cell for cell, state in status.items() if state == TO_DO]
    costs = pricing.priced(pricing.of_cells(todo), todo, grid, runtime).sentence if todo else NOTHING_TO_DO
    print(costs)
    _say_needs(plan.cells, grid, runtime)
    cells = [{"key": cell.key, "cell": cell.label, "status": state} for cell, state in status.items()]
    return {"cells": cells, "collapsed": plan.collapsed, "costs": costs}


def _say_unused(plan: Plan, grid: Grid, preset: Grid) -> None:
    """Name the options that no cell reads: somebody took them for an axis of the grid."""
    for sentence in unused(grid, preset, plan.cells) if plan.cells else ():
        print(sentence)


def _say_needs(cells: Sequence[Cell], grid: Grid, runtime: Runtime) -> None:
    """Print needs of the cells that this machine may not meet: planning goes on without them."""
    if lacking := campaign.lacks_precision(cells, runtime):
        print(f"{lacking} when run; the device here is {runtime.device}.")
    if sentence := precision_sentence(grid, cells, runtime):
        print(sentence)


def _checked(grid: Grid, preset: Grid, runtime: Runtime) -> Plan:
    """The plan, with warnings of what is likely a mistake in its data."""
    plan = campaign.plan(grid, runtime, preset)
    if grid.metric:
        from mora_bench.report.write import check_metric

        check_metric(grid.metric, {cell.task for cell in plan.cells})
    warn(plan, grid, runtime)
    return plan


def _trained(grid: Grid, preset: Grid, runtime: Runtime) -> int:
    """Run the cells that are to do, and show the tables; the exit code."""
    plan = _checked(grid, preset, runtime)
    # Also where all cells are done: a copy that was lost is written again.
    mask_files.keep(plan.cells, runtime)
    campaign.check_precision(plan.cells, runtime)
    store = Store(runtime.out)
    status = store.status(plan.cells)
    _print_plan(plan, status, everything=False)
    _say_unused(plan, grid, preset)
    done = [cell for cell in plan.cells if status[cell] == DONE and cell.recipe is not None]
    if grid.save_adapters and (lost := sum(not store.adapter_folder(cell).is_dir() for cell in done)):
        print(f"--save-adapters: what {lost} of the done cells trained was not saved; a new --out trains them again")
    if sentence := precision_sentence(grid, plan.cells, runtime):
        print(sentence)
    if not plan.cells:
        print(f"--shard {grid.shard}: no cell of this grid falls to that part")
        return 0
    if grid.retry:
        status |= store.forget_failed(status)
    todo = [cell for cell in plan.cells if status[cell] not in (DONE, FAILED)]
    # Cells without a network take a moment, and the rest will be held against them.
    todo.sort(key=lambda cell: cell.recipe is not None)
    ran = tracked(campaign.run(todo, runtime, grid.engine, plan.cells), runtime, grid.track)
    if not todo:
        plans.write(runtime.out, plan.cells)
    failed = progress(ran, todo, len(plan.cells) - len(todo), runtime, grid.fail_fast) if todo else []
    if todo:
        print("all cells have ended; tables are written", file=sys.stderr)
    written = _report(plan, runtime, grid)
    for cell, record in failed:
        print(
            f"failed: {cell.label}: {full_message(record.error, cell, runtime)} ({store.record_file(cell)})",
            file=sys.stderr,
        )
    if failed and grid.fail_fast:
        return 1
    # The records in the folder count, not the cells that were handed out.
    ended = store.status(plan.cells) if todo else status
    before = [cell for cell in plan.cells if ended[cell] == FAILED and status[cell] == FAILED]
    if before:
        print(f"failed before: {number_of(len(before))}; --retry failed runs what failed again", file=sys.stderr)
    lacking = [cell for cell, state in ended.items() if state not in (DONE, FAILED)]
    for cell in lacking[:5]:
        print(f"no result: {cell.label}: {store.record_file(cell)} is not there, or not whole", file=sys.stderr)
    if lacking:
        print(f"without a result: {number_of(len(lacking))}; the same command computes the rest", file=sys.stderr)
    answer(lambda: contents(written) | {"lacking": [cell.key for cell in lacking]})
    return 1 if failed or before or lacking else 0


def _report(plan: Plan, runtime: Runtime, grid: Grid) -> Report:
    """Write the tables, show what they say of the cells asked for, and how that compares with what is shipped."""
    asked_for = {cell.score_key for cell in plan.cells}
    written = campaign.report(runtime.out, grid.metric, asked=asked_for)
    show(written)
    if written.results.scores:
        from mora_bench.report.shipped import compared

        if sentence := compared(written.results, runtime.out.name, asked_for):
            print(sentence)
    return written


def _sum_up(rows: list[CellCount], cells: list[Cell], grid: Grid, runtime: Runtime) -> dict[str, Any]:
    """A grid that is too large to be listed; `cells` are its cells, or stand for them."""
    priced = pricing.priced(rows, cells, grid, runtime)
    print(pricing.summary(rows, priced.of, priced.open_ended))
    records = len(Store(runtime.out).keys())
    print(f"{number_of(sum(row.cells for row in rows))}; {number_of(records, 'record')} lie in {runtime.out}")
    print(priced.sentence)
    _say_needs(cells, grid, runtime)
    return {"counted": rows, "records": records, "costs": priced.sentence}


def _print_plan(plan: Plan, status: dict[Cell, str], everything: bool) -> None:
    if everything:
        for cell, more in zip(plan.cells, distinctions(plan.cells), strict=True):
            rate = "" if cell.recipe is None else f"  lr {cell.recipe.lr:g}"
            print(f"{status[cell]:8}  {cell.key}  {cell.source}  {cell.label}{rate}{more}")
    counts = Counter(status.values())
    known = ", ".join(f"{counts[s]} {s}" for s in (DONE, FAILED, TO_SCORE, TO_DO) if counts[s])
    floors = sum(cell.recipe is None for cell in plan.cells)
    beside = f" ({floors} of them without a network)" if floors else ""
    print(f"{number_of(len(plan.cells))}{beside}: {known}")
    if plan.collapsed:
        reasons = "; ".join(f"{count} because {why}" for why, count in plan.collapsed.items())
        print(f"{plan.asked} combinations requested, {sum(plan.collapsed.values())} dropped as duplicates: {reasons}")


def distinctions(cells: Sequence[Cell]) -> list[str]:
    """What tells cells of the same label apart: the backbone, and fields of the recipe but its rate, where a plan has
    several; of a recipe's, values other than the default."""
    plain = Recipe()
    several = [f.name for f in fields(Recipe) if len({getattr(c.recipe, f.name) for c in cells if c.recipe}) > 1]
    named = [name for name in several if name != "lr"]
    backbones = {cell.backbone for cell in cells} - {NONE}
    lines = []
    for cell in cells:
        words = [cell.backbone] * (len(backbones) > 1 and cell.backbone != NONE)
        for name in named if cell.recipe else ():
            value = getattr(cell.recipe, name)
            words += [f"{name} {value}"] * (value != getattr(plain, name))
        lines.append("".join(f"  {word}" for word in words))
    return lines


def progress(
    outcomes: Iterator[tuple[Cell, Record]], todo: list[Cell], done: int, runtime: Runtime, fail_fast: bool = False
) -> list[tuple[Cell, Record]]:
    """Show cells done, those in work with what they say, and the time left; return what failed, with `fail_fast` the
    first alone."""
    failed = []
    # Engines hand cells out in order, so those in work are the first ones that are not finished.
    waiting = dict.fromkeys(todo)
    with Progress(waiting, done, runtime) as bar:
        for cell, record in outcomes:
            waiting.pop(cell, None)
            if record.status == FAILED:
                failed.append((cell, record))
                bar.say(f"failed: {cell.label}: {full_message(record.error, cell, runtime)}")
                if fail_fast:
                    break
            bar.update(cell, record.time.cell_s if record.time else None)
    return failed
