"""grid: train, score and compare."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mora_bench import campaign, registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.cli import pricing
from mora_bench.cli.options import option, parse
from mora_bench.cli.output import answer
from mora_bench.cli.progress import Progress
from mora_bench.cli.report import show, told
from mora_bench.doctor.holds import warnings
from mora_bench.errors import UserError
from mora_bench.plan import brought
from mora_bench.plan.audited import audited
from mora_bench.plan.count import Counted, count
from mora_bench.plan.expand import Plan
from mora_bench.plan.grid import DEFAULT_PRESET, Grid
from mora_bench.plan.parts import check_names
from mora_bench.plan.presets import load_preset
from mora_bench.plan.recipes import pictures_said, precision_said
from mora_bench.records import plans
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, FAILED, TO_DO, TO_SCORE, Store
from mora_bench.trackers.outcomes import tracked
from mora_bench.training.failed import said

if TYPE_CHECKING:
    from mora_bench.data.table import Table
    from mora_bench.report.write import Report

#: The most cells that `--plan` lists; of larger grids it prints a table.
LISTED = 200


def parsed(arguments: list[str], verb: str) -> tuple[Grid, Grid]:
    """The grid that a command line asks for, and its preset's; names are not checked."""
    preset = load_preset(option(arguments, "--preset", DEFAULT_PRESET))
    if preset.json:
        raise UserError(f"preset {preset.preset}: a preset cannot set `json`; use the option --json.")
    return parse(Grid, verb, arguments, preset), preset


def asked(arguments: list[str], verb: str) -> tuple[Grid, Grid, Runtime]:
    """The grid that a command line asks for, its preset's, and where it runs; names are checked before slow imports."""
    grid, preset = parsed(arguments, verb)
    registry.load_plugins(file.absolute() for file in grid.plugin)
    check_names(grid)
    return grid, preset, campaign.runtime(grid)


def run(arguments: list[str]) -> int:
    grid, preset, place = asked(arguments, "grid")
    if grid.plan:
        value = _planned(grid, preset, place)
        answer(lambda: value)
        return 0
    campaign.start_workers(place, grid.engine)
    return _trained(grid, preset, place)


def _planned(grid: Grid, preset: Grid, place: Runtime) -> dict[str, Any]:
    """Say what a grid holds and costs, and run nothing."""
    if not grid.parts:
        rows = count(grid, place)
        if sum(own.cells for own in rows) > LISTED:
            return _sum_up(rows, pricing.standing_for(rows, grid, place), grid, place)
    plan = _checked(grid, preset, place)
    if len(plan.cells) > LISTED:
        return _sum_up(pricing.of_cells(plan.cells), plan.cells, grid, place)
    status = Store(place.out).status(plan.cells)
    _print_plan(plan, status, everything=True)
    priced = pricing.priced(pricing.of_cells(plan.cells), plan.cells, grid, place)
    print(priced.said)
    _say_needs(plan.cells, grid, place)
    cells = [{"key": cell.key, "cell": cell.label, "status": own} for cell, own in status.items()]
    return {"cells": cells, "collapsed": plan.collapsed, "costs": priced.said}


def _say_needs(cells: Sequence[Cell], grid: Grid, place: Runtime) -> None:
    """Say what the cells will need that this machine may not have: it need not be there to plan."""
    if lacking := campaign.lacks_precision(cells, place):
        print(f"{lacking} when run; the device here is {place.device}.")
    if said := precision_said(grid, cells, place):
        print(said)


def _checked(grid: Grid, preset: Grid, place: Runtime) -> Plan:
    """The plan, with warnings of what is likely a mistake in its data."""
    plan = campaign.plan(grid, place, preset)
    if grid.metric:
        from mora_bench.report.write import check_metric

        check_metric(grid.metric, {cell.task for cell in plan.cells})
    _warn(plan, place)
    return plan


def _trained(grid: Grid, preset: Grid, place: Runtime) -> int:
    """Run what is to do, and show what was found; the exit code."""
    plan = _checked(grid, preset, place)
    # Also where all cells are done: a copy that was lost lies there again.
    brought.keep(plan.cells, place)
    campaign.check_precision(plan.cells, place)
    store = Store(place.out)
    status = store.status(plan.cells)
    _print_plan(plan, status, everything=False)
    if said_of := precision_said(grid, plan.cells, place):
        print(said_of)
    if not plan.cells:
        print(f"--shard {grid.shard}: no cell of this grid falls to that part")
        return 0
    if grid.retry:
        status |= store.forget_failed(status)
    todo = [cell for cell in plan.cells if status[cell] not in (DONE, FAILED)]
    # What needs no network takes a moment, and is what the rest will be held against.
    todo.sort(key=lambda cell: cell.recipe is not None)
    ran = tracked(campaign.run(todo, place, grid.engine, plan.cells), place, grid.track)
    if not todo:
        plans.write(place.out, plan.cells)
    failed = progress(ran, todo, len(plan.cells) - len(todo), place, grid.fail_fast) if todo else []
    if todo:
        print("all cells have ended; tables are written", file=sys.stderr)
    written = _report(plan, place, grid)
    for cell, record in failed:
        print(f"failed: {cell.label}: {said(record.error, cell, place)} ({store.record_file(cell)})", file=sys.stderr)
    if failed and grid.fail_fast:
        return 1
    # What counts is what lies in the folder, not what was handed out.
    ended = store.status(plan.cells) if todo else status
    before = [cell for cell in plan.cells if ended[cell] == FAILED and status[cell] == FAILED]
    if before:
        print(f"{len(before)} cells had failed before; --retry failed runs them again", file=sys.stderr)
    lacking = [cell for cell, found in ended.items() if found not in (DONE, FAILED)]
    for cell in lacking[:5]:
        print(f"no result: {cell.label}: {store.record_file(cell)} is not there, or not whole", file=sys.stderr)
    if lacking:
        print(f"{len(lacking)} cells have no result; the same command computes them", file=sys.stderr)
    answer(lambda: told(written) | {"lacking": [cell.key for cell in lacking]})
    return 1 if failed or before or lacking else 0


def _report(plan: Plan, place: Runtime, grid: Grid) -> Report:
    """Write the tables, show what they say of the cells asked for, and how that compares with what is shipped."""
    asked_for = {cell.score_key for cell in plan.cells}
    written = campaign.report(place.out, grid.metric, asked=asked_for)
    show(written)
    if written.results.scores:
        from mora_bench.report.shipped import compared

        if said := compared(written.results, place.out.name, asked_for):
            print(said)
    return written


def _warn(plan: Plan, place: Runtime) -> None:
    """Say how pictures are seen, and what is likely to be a mistake in the data, before anything is trained on it."""
    from mora_bench.data import datasets

    kinds: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(cell.dataset for cell in plan.cells):
        table, fingerprint = datasets.fingerprinted(name, place.data_root, place.limit, place.cache)
        kinds[name] = tuple(table.kinds)
        for what in warnings(table):
            print(f"WARNING: {name}: {what}", file=sys.stderr)
        if table.source == "real" and place.limit is None:
            print(_of_doctor(table, fingerprint, place), file=sys.stderr)
    for what in audited(plan.cells, place):
        print(what, file=sys.stderr)
    if seen := pictures_said(plan.cells, kinds):
        print(seen)


def _of_doctor(table: Table, fingerprint: str, place: Runtime) -> str:
    """The worst that doctor found in these data, or that it has not looked. (Nothing is looked at here: of pictures
    that would take minutes.)"""
    from mora_bench.doctor import kept
    from mora_bench.doctor.screen import in_one_line

    words = ["python", "-m", "mora_bench", "doctor", "--data-root", str(place.data_root), "--datasets", table.name]
    words += ["--plugin", *map(str, place.plugins)] if place.plugins else []
    command = shlex.join(words)
    found = kept.read(kept.file_of(table, fingerprint, place.cache))
    if found is None:
        return f"{table.name}: these data were not checked for shortcuts and leakage yet; to check them: {command}"
    worst = in_one_line(found)
    return f"WARNING: {table.name}: {worst}: {command}" if worst else f"{table.name}: doctor found nothing"


def _sum_up(rows: list[Counted], cells: list[Cell], grid: Grid, place: Runtime) -> dict[str, Any]:
    """A grid that is too large to be listed; `cells` are its cells, or stand for them."""
    priced = pricing.priced(rows, cells, grid, place)
    print(pricing.summary(rows, priced.of, priced.open_ended))
    there = len(Store(place.out).keys())
    print(f"{sum(own.cells for own in rows):,} cells; {there:,} records lie in {place.out}")
    print(priced.said)
    _say_needs(cells, grid, place)
    return {"counted": rows, "records": there, "costs": priced.said}


def _print_plan(plan: Plan, status: dict[Cell, str], everything: bool) -> None:
    if everything:
        for cell in plan.cells:
            rate = "" if cell.recipe is None else f"  lr {cell.recipe.lr:g}"
            print(f"{status[cell]:8}  {cell.key}  {cell.source}  {cell.label}{rate}")
    counts = Counter(status.values())
    known = ", ".join(f"{counts[s]} {s}" for s in (DONE, FAILED, TO_SCORE, TO_DO) if counts[s])
    floors = sum(cell.recipe is None for cell in plan.cells)
    beside = f" ({floors} of them without a network)" if floors else ""
    print(f"{len(plan.cells)} cells{beside}: {known}")
    if plan.collapsed:
        reasons = "; ".join(f"{count} because {why}" for why, count in plan.collapsed.items())
        print(f"{plan.asked} combinations requested, {sum(plan.collapsed.values())} dropped as duplicates: {reasons}")


def progress(
    outcomes: Iterator[tuple[Cell, Record]], todo: list[Cell], done: int, place: Runtime, fail_fast: bool = False
) -> list[tuple[Cell, Record]]:
    """Show cells done, those in work with what they say, and the time left; return what failed, with `fail_fast` the
    first alone."""
    failed = []
    # Engines hand cells out in order, so those in work are the first ones that are not finished.
    waiting = dict.fromkeys(todo)
    with Progress(waiting, done, place) as bar:
        for cell, record in outcomes:
            waiting.pop(cell, None)
            if record.status == FAILED:
                failed.append((cell, record))
                bar.say(f"failed: {cell.label}: {said(record.error, cell, place)}")
                if fail_fast:
                    break
            bar.update(cell, record.time.cell_s if record.time else None)
    return failed
