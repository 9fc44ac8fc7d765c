"""status: how far a grid is, and who runs what."""

import sys
from collections import Counter
from statistics import mean

from mora_bench import campaign
from mora_bench.cells.cell import Cell
from mora_bench.cli.grid import asked
from mora_bench.cli.pricing import mean_seconds
from mora_bench.records.leases import Leases
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
    for cell in cells:
        holder = holders.get(cell.key)
        if status[cell] == RUNNING and holder is not None:
            told = last_line(store.log_file(cell))
            print(f"running: {cell.label}: {holder.host}, process {holder.process}" + (f"; {told}" if told else ""))
    for cell in cells:
        if status[cell] == FAILED and (record := store.record(cell)) is not None:
            print(f"failed: {cell.label}: {record.error}", file=sys.stderr)
    left = _left(store, status)
    if left is not None and (ahead := counts[RUNNING] + counts[TO_DO]):
        at_once = counts[RUNNING] or place.workers
        print(f"about {left / at_once / 60:.0f} minutes left for {ahead} cells, {at_once} at once")
    return 0 if counts[DONE] == len(cells) else 1


def _left(store: Store, status: dict[Cell, str]) -> float | None:
    """Seconds of work that are left, from the times of cells of the same dataset and method that are done, or of any
    that are; None if none is."""
    known = mean_seconds(store.record(cell) for cell, own in status.items() if own == DONE)
    if not known:
        return None
    any_cell = mean(known.values())
    ahead = [cell for cell, own in status.items() if own in (RUNNING, TO_DO)]
    return sum(known.get((cell.dataset, cell.method), any_cell) for cell in ahead)
