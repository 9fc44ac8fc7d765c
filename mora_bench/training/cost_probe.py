"""A probe of what a cell costs: three steps of it, with everything around them, on this machine."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import ALIGNED, FEWEST_ALIGNED
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets
from mora_bench.errors import UserError
from mora_bench.records.schema import Record
from mora_bench.records.store import FAILED, Store
from mora_bench.training import frozen
from mora_bench.training.work import work

#: Training steps of a probe of a network; samples that it reads at least; test samples that are drawn apart for it.
STEPS, LEAST, POOL = 3, 60, 16
#: Samples that a competitor without a network is timed on, at most.
MOST = 2000
#: Complete training samples that a probe aligns a projection on, and the smallest share of them that a rate leaves.
PAIRS, FEW_STAY = 3 * FEWEST_ALIGNED, 0.05
#: The smallest share of samples that a split trains on.
TRAINED = 0.8
#: Samples that are decoded to time the decoding.
DECODED = 40


@dataclass(frozen=True)
class Probe:
    """A probe's outcome: its record; MiB at its peak, NaN where that cannot be read; bytes that it left a sample."""

    record: Record
    mib: float
    sample_bytes: float


def probe(cell: Cell, runtime: Runtime) -> Probe:
    """Run three steps of a cell, or a competitor without a network on some samples, in a folder that is thrown away.

    Raises:
        UserError: it fails.
    """
    recipe = cell.recipe
    limit = MOST if recipe is None else max(math.ceil(STEPS * recipe.batch / TRAINED), LEAST)
    if recipe is not None and recipe.projection == ALIGNED:
        limit = max(limit, math.ceil(PAIRS / TRAINED / max(1 - cell.rate, FEW_STAY)))
    limit = min(limit, runtime.limit or limit)
    _, data = datasets.fingerprinted(cell.dataset, replace(runtime, limit=limit))
    short = replace(cell, data=data, pool=min(cell.pool, POOL if recipe else limit), after="")
    if recipe is not None:
        # As published, because three steps hold no plateau; a step costs the same.
        brief = replace(recipe, schedule="linear", epochs=1, validate_every=1.0).settled()
        short = replace(short, recipe=brief, watched="")
    with tempfile.TemporaryDirectory() as folder:
        probe_runtime = replace(runtime, out=Path(folder), limit=limit, checkpoint_minutes=0, workers=1)
        work([short], probe_runtime)
        record = Store(probe_runtime.out).record(short)
        if record is None or record.status == FAILED or record.data is None:
            raise UserError(f"{short.label}: no time estimate, it fails: {record.error if record else 'no record'}")
        left = sum(file.stat().st_size for file in probe_runtime.out.rglob("*") if file.is_file())
    samples = sum(count["n"] for count in record.data.realised.values())
    mib = next((float(v) for name, v in record.memory.items() if v is not None and "allocated" not in name), math.nan)
    return Probe(record, mib, left / max(samples, 1))


def decoding(cell: Cell, runtime: Runtime) -> tuple[float, float]:
    """Seconds in which one process decodes a sample as a cell's backbone wants it, and in which that reads it, if the
    cell is of a competitor that reads it frozen."""
    if cell.decoded_for is None:
        return 0.0, 0.0
    table = datasets.table_of(cell.dataset, runtime)
    some = table.only(np.arange(min(DECODED, len(table))))
    rules = backbones.resolve(*cell.decoded_for).rules
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        data = cache.prepare(some, "probe", rules, Path(folder), 1)
        decoded = time.perf_counter()
        if cell.recipe is None:
            frozen.features(cell, data, replace(runtime, cache=Path(folder)))
        return (decoded - begun) / len(some), (time.perf_counter() - decoded) / len(some)
