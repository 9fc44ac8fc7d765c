"""status: how far a grid is, and who runs what."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import mean
from typing import Any

from mora_bench import campaign
from mora_bench.cells.cell import Cell
from mora_bench.cli.grid import asked
from mora_bench.cli.output import answer
from mora_bench.records.leases import Holder, Leases
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, FAILED, TO_DO, TO_SCORE, Store
from mora_bench.training.log import last_line

RUNNING = "running"


def run(arguments: list[str]) -> int:
    """Takes the options of the grid that is asked about, and runs nothing."""
    grid, preset, place = asked(arguments, "status")
    cells = campaign.plan(grid, place, preset).cells
    store = Store(place.out)
    status = store.status(cells)
    holders = Leases(place.out).holders()
    # A holder that has died on this machine runs nothing; of other machines only time tells.
    alive = {key for key, holder in holders.items() if holder is not None and not holder.dead}
    status |= {cell: RUNNING for cell in cells if status[cell] == TO_DO and cell.key in alive}
    counts = Counter(status.values())
    known = ", ".join(f"{counts[s]} {s}" for s in (DONE, FAILED, RUNNING, TO_SCORE, TO_DO) if counts[s])
    print(f"{len(cells)} cells: {known or 'none'}")
    running, failed = _running(store, status, holders), _failed(store, status)
    for own in running:
        said = f"; {own['says']}" if own["says"] else ""
        print(f"running: {own['cell']}: {own['host']}, process {own['process']}{said}")
    for own in failed:
        print(f"failed: {own['cell']}: {own['error']}", file=sys.stderr)
    left, ahead = _left(store, status), counts[RUNNING] + counts[TO_DO]
    at_once = counts[RUNNING] or place.workers
    if left is not None and ahead:
        print(f"about {left / at_once / 60:.0f} minutes left for {ahead} cells, {at_once} at once")
    answer(
        lambda: {
            "folder": place.out,
            "cells": len(cells),
            "counts": {name: counts[name] for name in (DONE, FAILED, RUNNING, TO_SCORE, TO_DO)},
            "running": running,
            "failed": failed,
            "seconds_left": None if left is None else left / at_once,
        }
    )
    return 0 if counts[DONE] == len(cells) else 1


def _running(store: Store, status: dict[Cell, str], holders: Mapping[str, Holder | None]) -> list[dict[str, Any]]:
    """The cells in work: who runs each, and what it said last."""
    return [
        {
            "key": cell.key,
            "cell": cell.label,
            "host": holder.host,
            "process": holder.process,
            "says": last_line(store.log_file(cell)),
        }
        for cell, own in status.items()
        if own == RUNNING and (holder := holders.get(cell.key)) is not None
    ]


def _failed(store: Store, status: dict[Cell, str]) -> list[dict[str, Any]]:
    return [
        {"key": cell.key, "cell": cell.label, "error": record.error}
        for cell, own in status.items()
        if own == FAILED and (record := store.record(cell)) is not None
    ]


def _left(store: Store, status: dict[Cell, str]) -> float | None:
    """Seconds of work that are left, from the times of cells of the same dataset and method that are done, or of any
    that are; None if none is."""
    known = _mean_seconds(store.record(cell) for cell, own in status.items() if own == DONE)
    if not known:
        return None
    any_cell = mean(known.values())
    ahead = [cell for cell, own in status.items() if own in (RUNNING, TO_DO)]
    return sum(known.get((cell.dataset, cell.method), any_cell) for cell in ahead)


def _mean_seconds(records: Iterable[Record | None]) -> dict[tuple[str, str], float]:
    """Mean seconds of a cell by dataset and competitor, of the records that are done."""
    times: dict[tuple[str, str], list[float]] = {}
    for record in records:
        if record is not None and record.status == DONE and record.time is not None:
            times.setdefault((record.cell.dataset, record.cell.method), []).append(record.time.cell_s)
    return {key: mean(own) for key, own in times.items()}
