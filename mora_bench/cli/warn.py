"""What `grid` says of its data before anything is trained on them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Set
from typing import TYPE_CHECKING

from mora_bench.cells.runtime import Runtime
from mora_bench.data.groups import regrouped
from mora_bench.doctor.holds import warnings
from mora_bench.plan.expand import Plan
from mora_bench.plan.grid import Grid
from mora_bench.plan.mask_audit import audited
from mora_bench.plan.recipes import pictures_sentence
from mora_bench.plan.tuned_preset import chosen_on_tests
from mora_bench.records.store import Store

if TYPE_CHECKING:
    from mora_bench.data.table import Table

#: Records whose covariates are held against those of the data.
LOOKED_AT = 20


def warn(plan: Plan, grid: Grid, runtime: Runtime) -> None:
    """Say how pictures are seen, and what is likely to be a mistake in the data or in what is tested, before anything
    is trained on it."""
    from mora_bench.data import datasets

    kinds: dict[str, tuple[str, ...]] = {}
    store = Store(runtime.out)
    recorded = store.keys()
    for name in dict.fromkeys(cell.dataset for cell in plan.cells):
        table, fingerprint = datasets.fingerprinted(name, runtime)
        kinds[name] = tuple(table.kinds)
        for sentence in (*warnings(table), *_regrouped(plan, table, store, recorded)):
            print(f"WARNING: {name}: {sentence}", file=sys.stderr)
        if table.source == "real" and runtime.limit is None:
            print(_of_doctor(table, fingerprint, runtime), file=sys.stderr)
    for sentence in chosen_on_tests(grid, plan.cells, runtime):
        print(f"WARNING: {sentence}", file=sys.stderr)
    for sentence in audited(plan.cells, runtime):
        print(sentence, file=sys.stderr)
    if seen := pictures_sentence(plan.cells, kinds):
        print(seen)


def _regrouped(plan: Plan, table: Table, store: Store, recorded: Set[str]) -> list[str]:
    """Whether cells that are `recorded` were grouped by other covariates than the table has; some are looked at."""
    if not recorded:
        return []
    cells = {cell.key: cell for cell in plan.cells if cell.dataset == table.name}
    done = sorted(recorded & cells.keys())[:LOOKED_AT]
    known = [record.data.covariates for key in done if (record := store.record(cells[key])) and record.data]
    return [sentence] if (sentence := regrouped(table, known)) else []


def _of_doctor(table: Table, fingerprint: str, runtime: Runtime) -> str:
    """The worst finding of doctor in these data, or that it has not looked. (Nothing is looked at here: pictures would
    take minutes.)"""
    from mora_bench.doctor import store
    from mora_bench.doctor.screen import in_one_line

    words = ["python", "-m", "mora_bench", "doctor", "--data-root", str(runtime.data_root), "--datasets", table.name]
    words += ["--plugin", *map(str, runtime.plugins)] if runtime.plugins else []
    command = shlex.join(words)
    diagnosis = store.read(store.file_of(table, fingerprint, runtime.cache))
    if diagnosis is None:
        return f"{table.name}: these data were not checked for shortcuts and leakage yet; to check them: {command}"
    worst = in_one_line(diagnosis)
    return f"WARNING: {table.name}: {worst}: {command}" if worst else f"{table.name}: doctor found nothing"
