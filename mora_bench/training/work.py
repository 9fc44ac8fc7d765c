"""Runs a bundle of cells and writes their records, whatever happens. Engines call these functions."""

from collections.abc import Mapping, Sequence

import torch

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data.readers.links import follow_links
from mora_bench.records.leases import Lease, Leases
from mora_bench.records.schema import Competitor, Record
from mora_bench.records.store import TO_DO, Store
from mora_bench.training import cell as network_cells
from mora_bench.training import predictors, recorded
from mora_bench.training.failure import described
from mora_bench.training.guards import same_code, same_precision
from mora_bench.training.recorded import Outcome


def work(bundle: Sequence[Cell], runtime: Runtime) -> None:
    """Run the cells of a bundle as one, and write their records.

    Cells that somebody else holds, or has run meanwhile, are left out. If the bundle fails, each cell runs alone, and
    its record holds the reason.

    Raises:
        OSError: a record cannot be written.
    """
    store = Store(runtime.out)
    leases = Leases(runtime.out, runtime.lease_seconds, runtime.job)
    with leases.holding([cell.key for cell in bundle]) as held:
        # Looked at under the lease, because whoever held it before may have finished.
        mine = [cell for cell in bundle if cell.key in held and store.status_of(cell) == TO_DO]
        if mine:
            _run(mine, runtime, held)


def _run(cells: Sequence[Cell], runtime: Runtime, held: Mapping[str, Lease], not_as_one: str = "") -> None:
    """Run cells as one, or each alone, with the reason, and write the records of those whose leases are held still."""
    store = Store(runtime.out)
    torch.set_num_threads(runtime.threads)
    reason = ""
    try:
        registry.load_plugins(runtime.plugins)
        follow_links(runtime.follow_links)
        outcomes = _outcomes(cells, runtime)
    except (Exception, SystemExit) as error:
        # A method that calls sys.exit ends its cell, not the command.
        if len(cells) > 1:
            reason, _ = described(error, cells[0], runtime)
        else:
            outcomes = [Outcome(failure(cells[0], runtime, error))]
    if reason:
        # Outside the handler, because the error keeps all models of the bundle in memory.
        for cell in cells:
            _run([cell], runtime, held, reason)
        return
    for cell, outcome in zip(cells, outcomes, strict=True):
        outcome.record.not_as_one = not_as_one
        # Whoever took over the cell from this process may have finished it.
        if not held[cell.key].lost and store.status_of(cell) == TO_DO:
            store.write(cell, outcome.record, outcome.predictions, outcome.scores, outcome.adapter, outcome.split)
            store.drop_checkpoints(cell)


def _outcomes(bundle: Sequence[Cell], runtime: Runtime) -> list[Outcome]:
    for cell in bundle:
        same_code(cell)
        same_precision(cell, runtime)
    if bundle[0].method in registry.names(registry.PREDICTORS):
        return [predictors.run_cell(cell, runtime) for cell in bundle]
    return network_cells.run_cells(bundle, runtime)


def failure(cell: Cell, runtime: Runtime, error: BaseException) -> Record:
    """The record of a cell that failed: the reason and the tail of the trace, without what may be a patient's."""
    message, trace = described(error, cell, runtime)
    return recorded.begun(cell, runtime, "failed", competitor(cell.method), error=message, trace=trace)


def lost(cell: Cell, runtime: Runtime, reason: str) -> None:
    """Write the record of a cell whose process, or job, died, unless it has one, or somebody else holds it.

    Its checkpoint stays, for who runs it again.
    """
    store = Store(runtime.out)
    with Leases(runtime.out, runtime.lease_seconds, runtime.job).holding([cell.key]) as held:
        if held and store.status_of(cell) == TO_DO:
            store.write(cell, failure(cell, runtime, RuntimeError(reason)), None, None)


def competitor(name: str) -> Competitor:
    """A method's or predictor's description of itself; only its name if its module cannot be imported."""
    group = registry.PREDICTORS if name in registry.names(registry.PREDICTORS) else registry.METHODS
    try:
        kind = registry.get(group, name)
    except Exception:
        return Competitor(title=name, family="")
    return recorded.competitor_of(kind, name)
