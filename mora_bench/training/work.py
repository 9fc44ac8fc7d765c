"""What an engine is handed: runs a bundle of cells and writes their records, whatever happens."""

import traceback
from collections.abc import Sequence

import torch

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.records import provenance
from mora_bench.records.schema import SCHEMA, Competitor, Record
from mora_bench.records.store import Store
from mora_bench.training import cell as network_cells
from mora_bench.training import predictors
from mora_bench.training.facts import Outcome


def work(bundle: Sequence[Cell], runtime: Runtime, not_as_one: str = "") -> None:
    """Run cells that may be trained as one, and write their records.

    If they cannot be, each is run alone, and its record says why: `not_as_one`.
    """
    store = Store(runtime.out)
    torch.set_num_threads(runtime.threads)
    why = ""
    try:
        registry.load_plugins(runtime.plugins)
        found = _outcomes(bundle, runtime)
    except Exception as error:
        if len(bundle) > 1:
            why = f"{type(error).__name__}: {error}"
        else:
            found = [Outcome(failure(bundle[0], runtime, error))]
    if why:
        # Not in the handler: there the error would hold on to all models of the bundle.
        for cell in bundle:
            work([cell], runtime, why)
        return
    for cell, outcome in zip(bundle, found, strict=True):
        outcome.record.not_as_one = not_as_one
        store.write(cell, outcome.record, outcome.predictions, outcome.scores)


def _outcomes(bundle: Sequence[Cell], runtime: Runtime) -> list[Outcome]:
    if bundle[0].method in registry.names(registry.PREDICTORS):
        return [predictors.run_cell(cell, runtime) for cell in bundle]
    return network_cells.run_cells(bundle, runtime)


def failure(cell: Cell, runtime: Runtime, error: BaseException) -> Record:
    """The record of a cell that did not come to an end: the reason and the tail of the trace."""
    return Record(
        schema=SCHEMA,
        key=cell.key,
        status="failed",
        cell=cell,
        provenance=provenance.collect(runtime),
        competitor=competitor(cell.method),
        error=f"{type(error).__name__}: {error}",
        trace="".join(traceback.format_exception(error)).splitlines()[-30:],
    )


def lost(cell: Cell, runtime: Runtime, reason: str) -> None:
    """Leave the record of a cell whose process did not come back."""
    Store(runtime.out).write(cell, failure(cell, runtime, RuntimeError(reason)), None, None)


def competitor(name: str) -> Competitor:
    """How a method or predictor calls itself; its name alone where its module cannot even be imported."""
    group = registry.PREDICTORS if name in registry.names(registry.PREDICTORS) else registry.METHODS
    try:
        found = registry.get(group, name)
    except Exception:
        return Competitor(title=name, family="")
    return Competitor(title=found.title, family=found.family, abstains=getattr(found, "abstains", ""))
