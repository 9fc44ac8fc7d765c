"""status: how far a grid is, and who runs what."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import tyro

from mora_bench import campaign
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import cores
from mora_bench.cli.common import Answering
from mora_bench.cli.grid import asked
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.records import plans
from mora_bench.records.leases import Holder, Leases
from mora_bench.records.plans import Planned
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, FAILED, TO_DO, TO_SCORE, Store
from mora_bench.text import number_of
from mora_bench.training.log import last_line

RUNNING = "running"
#: Seconds up to which a time that is left is said in seconds.
SHORT = 120
#: The states of a cell, in the order in which they are counted.
STATES = (DONE, FAILED, RUNNING, TO_SCORE, TO_DO)

#: By a cell of a grid, or what a folder knows of one: its state.
States = dict[Cell | Planned, str]


@dataclass(frozen=True, kw_only=True)
class StatusOptions(Answering):
    """Say how far the grids of a results folder are, and who runs what.

    With options of `grid` instead of PATH, say how far the grid of these options is, even if it was never started.
    """

    folder: tyro.conf.Positional[Path]
    """results folder, as --out of `grid` named it"""


def run(arguments: list[str]) -> int:
    """Takes a results folder, or the options of the grid that is asked about; runs nothing."""
    first = next((word for word in arguments if word != "--json"), "--")
    if not first.startswith("-") or {"-h", "--help"} & {*arguments}:
        return _of_folder(parse(StatusOptions, "status", arguments).folder)
    grid, preset, runtime = asked(arguments, "status")
    store, holders = Store(runtime.out), Leases(runtime.out).holders()
    status = _states(store, campaign.plan(grid, runtime, preset).cells, holders)
    return _show(store, status, holders, runtime.workers)


def _of_folder(folder: Path) -> int:
    """How far all grids are that were started on a folder."""
    store = Store(folder)
    grids = plans.read(folder)
    if not grids:
        store.check_exists()
        return _unplanned(store)
    planned = {cell.score_key: cell for grid in grids for cell in grid.cells}
    holders = Leases(folder).holders()
    status = _states(store, [*planned.values()], holders)
    if len(grids) > 1:
        by_key = {cell.score_key: state for cell, state in status.items()}
        for grid in grids:
            counts = Counter(by_key[cell.score_key] for cell in grid.cells)
            methods, datasets = (dict.fromkeys(getattr(c, n) for c in grid.cells) for n in ("method", "dataset"))
            of = f"{', '.join(methods)} on {', '.join(datasets)}"
            print(
                f"started {grid.time[:16].replace('T', ' ')}, {number_of(len(grid.cells))} ({of}): {_counted(counts)}"
            )
    code = _show(store, status, holders, cores())
    if TO_DO in status.values() and RUNNING not in status.values():
        print(
            f"no cell runs; a grid was last started at {grids[-1].time[:16].replace('T', ' ')}. One that is starting "
            "decodes its data first; one that was stopped goes on with the same command."
        )
    return code


def _unplanned(store: Store) -> int:
    """How many records lie in a folder that does not say what was asked of it."""
    counts = Counter[str](record.status for record in store.records()[0])
    alive = _alive(Leases(store.folder).holders())
    head = f"{number_of(sum(counts.values()), 'record')}: {_counted(counts)}."
    if alive:
        run = "1 cell is" if len(alive) == 1 else f"{len(alive)} cells are"
        print(f"{head} {run} running, of a grid that has not said yet what was asked of it.")
    elif not counts:
        print(f"{head} Nothing was asked of this folder: its grid is just starting, or was refused before it began.")
    else:
        print(
            f"{head} The folder does not say what was asked of it: it was merged, published or written by an older "
            "version. With the options of `grid`, `status` says how far these are."
        )
    answer(lambda: {"folder": store.folder, "cells": None, "counts": counts})
    return 1 if counts[FAILED] or alive or not counts else 0


def _states(store: Store, cells: Sequence[Cell | Planned], holders: Mapping[str, Holder | None]) -> States:
    states = store.status(cells)
    alive = _alive(holders)
    return states | {cell: RUNNING for cell, state in states.items() if state == TO_DO and cell.key in alive}


def _alive(holders: Mapping[str, Holder | None]) -> set[str]:
    """The keys of cells that somebody runs. A holder that has died on this machine runs nothing; of other machines only
    time tells."""
    return {key for key, holder in holders.items() if holder is not None and not holder.dead}


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts.get(state)) or "none"


def _show(store: Store, status: States, holders: Mapping[str, Holder | None], workers: int) -> int:
    """Say how far cells are; `workers` run at once where nothing runs now."""
    counts = Counter(status.values())
    print(f"{number_of(len(status))}: {_counted(counts)}")
    running, failed = _running(store, status, holders), _failed(store, status)
    for entry in running:
        message = f"; {entry['says']}" if entry["says"] else ""
        print(f"running: {entry['cell']}: {entry['host']}, process {entry['process']}{message}")
    for entry in failed:
        print(f"failed: {entry['cell']}: {entry['error']}", file=sys.stderr)
    left, ahead = _left(store, status), counts[RUNNING] + counts[TO_DO]
    at_once = counts[RUNNING] or workers
    if left is not None and ahead:
        seconds = left / at_once
        time_left = f"{seconds / 60:.0f} minutes" if seconds > SHORT else f"{seconds:.0f} seconds"
        print(f"about {time_left} left for {number_of(ahead)}, {at_once} at once")
    answer(
        lambda: {
            "folder": store.folder,
            "cells": len(status),
            "counts": {name: counts[name] for name in STATES},
            "running": running,
            "failed": failed,
            "seconds_left": None if left is None else left / at_once,
        }
    )
    return 0 if counts[DONE] == len(status) else 1


def _running(store: Store, status: States, holders: Mapping[str, Holder | None]) -> list[dict[str, Any]]:
    """The cells in work: the holder of each, and the last line of its log."""
    return [
        {
            "key": cell.key,
            "cell": cell.label,
            "host": holder.host,
            "process": holder.process,
            "says": last_line(store.log_file(cell)),
        }
        for cell, state in status.items()
        if state == RUNNING and (holder := holders.get(cell.key)) is not None
    ]


def _failed(store: Store, status: States) -> list[dict[str, Any]]:
    return [
        {"key": cell.key, "cell": cell.label, "error": record.error}
        for cell, state in status.items()
        if state == FAILED and (record := store.record(cell)) is not None
    ]


def _left(store: Store, status: States) -> float | None:
    """Seconds of work that are left, from the times of cells of the same dataset and method that are done, or of any
    that are; None if none is."""
    known = _mean_seconds(store.record(cell) for cell, state in status.items() if state == DONE)
    if not known:
        return None
    any_cell = mean(known.values())
    ahead = [cell for cell, state in status.items() if state in (RUNNING, TO_DO)]
    return sum(known.get((cell.dataset, cell.method), any_cell) for cell in ahead)


def _mean_seconds(records: Iterable[Record | None]) -> dict[tuple[str, str], float]:
    """Mean seconds of a cell by dataset and competitor, of the records that are done."""
    times: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if record is not None and record.status == DONE and record.time is not None:
            times.setdefault((record.cell.dataset, record.cell.method), []).append(record.time.cell_s)
    return {key: mean(seconds) for key, seconds in times.items()}
