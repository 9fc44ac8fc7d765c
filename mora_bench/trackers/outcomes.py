"""Hands the outcomes of a grid to trackers on their way to whoever asked for them."""

import sys
from collections.abc import Callable, Iterator, Sequence

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import UserError
from mora_bench.records.documents import Refused
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, Store
from mora_bench.trackers.contract import Run, Tracker, as_run

Outcomes = Iterator[tuple[Cell, Record]]


def tracked(outcomes: Outcomes, runtime: Runtime, names: Sequence[str]) -> Outcomes:
    """Pass on the outcomes of `campaign.run`, and hand each cell that is done to trackers, by name.

    Raises:
        UserError: an unknown tracker, or one that cannot track anything here, before the first outcome.
    """
    trackers: list[Tracker] = []
    for name in names:
        try:
            trackers.append(registry.get(registry.TRACKERS, name)(runtime.out))
            trackers[-1].ready()
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"--track {name}: cannot begin ({type(error).__name__}: {error}).") from error
    return _handed_over(outcomes, Store(runtime.out), trackers)


def _handed_over(outcomes: Outcomes, store: Store, trackers: Sequence[Tracker]) -> Outcomes:
    at_work = list(trackers)
    try:
        for cell, record in outcomes:
            if record.status == DONE:
                scores = store.scores_of(cell)
                run = as_run(record, None if isinstance(scores, Refused) else scores)
                at_work = [tracker for tracker in at_work if _tried(tracker, tracker.ended, run)]
            yield cell, record
    finally:
        for tracker in trackers:
            _tried(tracker, tracker.close)


def _tried(tracker: Tracker, call: Callable[..., None], *arguments: Run) -> bool:
    """Whether a call of a tracker succeeded; trackers only show results, so their errors must not end a grid."""
    try:
        call(*arguments)
    except Exception as error:
        name = type(tracker).__name__
        print(f"{name}: {type(error).__name__}: {error}; it is handed no more cells", file=sys.stderr)
        return False
    return True
