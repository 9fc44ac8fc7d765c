"""Hands the outcomes of a grid to trackers on their way to whoever asked for them."""

import sys
from collections.abc import Iterator, Sequence

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import DONE, Refused, Store, read
from mora_bench.trackers.contract import Tracker, as_run

Outcomes = Iterator[tuple[Cell, Record]]


def tracked(outcomes: Outcomes, place: Runtime, names: Sequence[str]) -> Outcomes:
    """Pass on the outcomes of `campaign.run`, and hand each cell that is done to trackers, by name.

    Raises:
        UserError: an unknown tracker, or one that cannot track anything here, before the first outcome.
    """
    trackers: list[Tracker] = [registry.get(registry.TRACKERS, name)(place.out) for name in names]
    for tracker in trackers:
        tracker.ready()
    return _handed_over(outcomes, Store(place.out), trackers)


def _handed_over(outcomes: Outcomes, store: Store, trackers: list[Tracker]) -> Outcomes:
    try:
        for cell, record in outcomes:
            if record.status == DONE:
                scores = read(store.score_file(cell), Scores)
                run = as_run(record, None if isinstance(scores, Refused) else scores)
                for tracker in list(trackers):
                    try:
                        tracker.ended(run)
                    except Exception as error:
                        # What only shows results must not end what makes them.
                        trackers.remove(tracker)
                        name = type(tracker).__name__
                        print(f"{name}: {type(error).__name__}: {error}; it is handed no more cells", file=sys.stderr)
            yield cell, record
    finally:
        for tracker in trackers:
            tracker.close()
