"""What a cell will cost, from a short one of its kind that is run on this machine."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import datasets
from mora_bench.data.sides import sides
from mora_bench.errors import UserError
from mora_bench.missing.masks import patterns
from mora_bench.records.schema import Record
from mora_bench.records.store import Store
from mora_bench.training.work import work

#: Samples of a short cell of a method; a competitor without a network runs on all, up to so many.
SHORT, SHORT_FLOOR = 300, 2000


@dataclass(frozen=True)
class Price:
    """Seconds of a cell; MiB at its peak, NaN where that cannot be read; bytes that it leaves."""

    seconds: float
    mib: float
    bytes: float


def limit_of(cell_of_network: bool) -> int:
    """How many samples a short cell reads."""
    return SHORT if cell_of_network else SHORT_FLOOR


def measured(short: Cell, whole: Cell, limit: int, place: Runtime) -> Price:
    """The price of `whole`, from a run of `short`, which is the same on a table that is cut to `limit` samples and, for
    a method, with one epoch.

    What does not depend on the number of samples is taken as it is; training steps, validations and predictions are
    counted for `whole`.

    Raises:
        UserError: the short cell failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        own = replace(place, out=Path(folder), limit=limit, checkpoint_minutes=0, workers=1)
        begun = time.perf_counter()
        work([short], own)
        seconds = time.perf_counter() - begun
        store = Store(own.out)
        record = store.record(short)
        if record is None or record.status == "failed" or record.time is None or record.data is None:
            raise UserError(f"{short.label}: cannot be priced, it fails: {record.error if record else 'no record'}")
        left = sum(file.stat().st_size for file in own.out.rglob("*") if file.is_file())
    few = {name: int(count["n"]) for name, count in record.data.realised.items()}
    table, _ = datasets.fingerprinted(whole.dataset, place.data_root, place.limit, place.cache)
    many = {name: len(side) for name, side in sides(whole, table).items()}
    mib = next((float(v) for name, v in record.memory.items() if v is not None and "allocated" not in name), math.nan)
    grown = sum(many.values()) / max(sum(few.values()), 1)
    if short.recipe is None or whole.recipe is None or record.time.step_ms is None:
        return Price(seconds * grown, mib, left * grown)
    return Price(max(_seconds(record, short, whole, few, many), record.time.cell_s), mib, left * grown)


def _seconds(record: Record, short: Cell, whole: Cell, few: Mapping[str, int], many: Mapping[str, int]) -> float:
    clock = record.time
    assert clock is not None
    assert clock.step_ms is not None
    ahead = (few["val"] + few["test"]) * len(patterns(short.modalities))
    # Seconds in which one sample passes the network once.
    one = clock.predict_s / max(ahead, 1)
    fixed = clock.cell_s - clock.predict_s - _trained(short, few, clock.step_ms, one)
    predicted = (many["val"] + many["test"]) * len(patterns(whole.modalities)) * one
    return max(fixed, 0.0) + predicted + _trained(whole, many, clock.step_ms, one)


def _trained(cell: Cell, sizes: Mapping[str, int], step_ms: float, one: float) -> float:
    """Seconds of the steps, of the validations, and of the beginning that is kept."""
    recipe = cell.recipe
    assert recipe is not None
    steps = recipe.epochs * math.ceil(sizes["train"] / recipe.batch)
    validations = math.ceil(recipe.epochs / recipe.validate_every)
    return steps * step_ms / 1000 + (validations * sizes["val"] + sizes["train"]) * one
