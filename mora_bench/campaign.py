"""What `grid` does, for Python: plan -> prepare -> run -> score -> report, with the state in the results folder.

    from mora_bench import campaign

    grid = campaign.preset("quick", methods=("head", "mora"), datasets=("odir",), seeds=(0,))
    runtime = campaign.runtime(grid)
    plan = campaign.plan(grid, runtime)
    for cell, record in campaign.run(plan.cells, runtime, engine=grid.engine):
        print(cell.label, record.status)
    report = campaign.report(runtime.out)

Finished cells are not run again: run the script a second time, and nothing is printed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime, cores, default_cache, gpus, usable
from mora_bench.data.modalities.unread import say_unread
from mora_bench.data.readers.links import follow_links
from mora_bench.data.rehash import rehash
from mora_bench.engines.contract import Detached, Engine
from mora_bench.errors import UserError
from mora_bench.files import sweep
from mora_bench.plan import mask_files
from mora_bench.plan.expand import Plan, expand
from mora_bench.plan.grid import DEFAULT_PRESET, Grid, shard_of
from mora_bench.plan.presets import load_preset
from mora_bench.plan.recipes import asks_auto
from mora_bench.records import plans
from mora_bench.records.leases import Leases
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, FAILED, TO_DO, TO_SCORE, Store

if TYPE_CHECKING:
    from mora_bench.data.table import Table
    from mora_bench.report.write import Report

#: Modules that every worker needs and that take seconds to import, and those that networks need, too. None may touch a
#: GPU on import.
WORKERS_IMPORT = ("mora_bench.training.work",)
NETWORKS_IMPORT = (*WORKERS_IMPORT, "peft", "transformers")
#: Seconds between two looks at cells that other grids run; how often a cell that nobody runs any more is tried again.
LOOK, TRIES = 1.0, 3


def preset(name: str = DEFAULT_PRESET, **changes: Any) -> Grid:
    """A preset's grid with some of its fields changed.

    Raises:
        UserError: no such preset, or a value out of its range.
    """
    return replace(load_preset(name), **changes)


def runtime(grid: Grid) -> Runtime:
    """Where a grid runs, with the automatic choices made.

    Raises:
        UserError: a device that this machine does not have, or a cache that cannot be written.
    """
    registry.load_plugins(grid.plugin)
    follow_links(grid.follow_links)
    rehash(grid.rehash, default_cache())
    if grid.data_root is not None:
        from mora_bench.data import datasets

        # A notebook may have changed its files since an earlier grid.
        datasets.forget()
    resources = tuple((name, value) for name, _, value in (resource.partition("=") for resource in grid.resources))
    device = grid.device
    if not registry.get(registry.ENGINES, engine_of(grid.engine)).elsewhere:
        device = usable(device)
    elif device == "auto":
        device = "cuda" if any("gpu" in f"{name}={value}" and value != "0" for name, value in resources) else "cpu"
    return Runtime(
        out=grid.folder,
        data_root=grid.data_root,
        follow_links=grid.follow_links,
        cache=default_cache(),
        device=device,
        threads=grid.threads,
        # On GPUs one cell, or one group of fused cells, each.
        workers=grid.workers or (cores() if device == "cpu" else max(len(gpus()), 1) if device == "cuda" else 1),
        limit=grid.limit,
        fuse=grid.fuse or 1,
        compiler=grid.compile,
        plugins=tuple(file.absolute() for file in grid.plugin),
        save_adapters=grid.save_adapters,
        limit_minutes=grid.limit_minutes,
        lease_seconds=grid.lease_seconds,
        checkpoint_minutes=grid.checkpoint_minutes,
        resources=resources,
        detach=grid.detach,
        native=asks_auto(grid),
    )


def plan(grid: Grid, runtime: Runtime, base: Grid | None = None) -> Plan:
    """The cells of a grid; `base` is its preset's grid, if flags changed anything.

    Raises:
        UserError: an unknown name, or a value that a dataset or backbone does not have.
    """
    registry.load_plugins(runtime.plugins)
    expanded = expand(grid, grid if base is None else base, runtime)
    if not grid.shard:
        return expanded
    part, parts = shard_of(grid.shard)
    # By key, so that a grid that grows leaves the cells of each part where they were.
    return replace(expanded, cells=[cell for cell in expanded.cells if int(cell.key, 16) % parts == part - 1])


def lacks_precision(cells: Iterable[Cell], runtime: Runtime) -> str:
    """A sentence if a precision of these cells needs another device than would run them; "" if all can run."""
    asked = any(cell.recipe is not None and cell.recipe.precision == "fp16" for cell in cells)
    return "fp16 needs a GPU" if asked and not runtime.device.startswith("cuda") else ""


def check_precision(cells: Iterable[Cell], runtime: Runtime) -> None:
    """Refuse a precision that the device does not have, before anything is computed.

    Raises:
        UserError: fp16 without a GPU.
    """
    if lacking := lacks_precision(cells, runtime):
        raise UserError(
            f"recipe.precision {lacking}, and the device is {runtime.device}. Use fp32 or bf16, or ask a cluster for a "
            "GPU (--resources gpus_per_node=1)."
        )


def prepare(cells: Sequence[Cell], runtime: Runtime) -> None:
    """Decode what the cells read and write the id lists of their splits.

    Raises:
        UserError: content that cannot be decoded, or too few samples for a split.
    """
    from mora_bench.backbones import load as backbones
    from mora_bench.data import datasets
    from mora_bench.training import frozen
    from mora_bench.training.decoded import pool_of, samples

    mask_files.keep(cells, runtime)
    shipped = backbones.names()
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        dataset_cells = [cell for cell in cells if cell.dataset == dataset]
        table = datasets.table_of(dataset, runtime)
        nets = [(c, c.decoded_for) for c in dataset_cells if c.decoded_for is not None]
        before = [(c.before, *read) for c, read in nets if c.after]
        if not nets:
            # Baselines read values themselves; what a network reads is decoded below, and refused there.
            for name, column in table.modalities.items():
                if wrong := table.kind(name).differing(column.values, table.ids):
                    raise UserError(f"{dataset}: {wrong}")
        for reading in dict.fromkeys([*((dataset, *read) for _, read in nets), *before]):
            say_unread(dataset, reading[1], samples(*reading, runtime).facts())
        checked = dict.fromkeys(read for c, read in nets if c.backbone not in shipped)
        for name, most in checked:
            # Before hundreds of cells fail for one file. What ships with the package was tried when it was packed.
            spec = backbones.resolve(name, most)
            backbones.check_words(spec, backbones.load(spec, table.shape, most, 0))
        pools = {(read, c.seed, c.pool): c for c, read in nets if c.pool}
        for cell in pools.values():
            pool_of(cell, runtime)
        for cell, read in [(c, read) for c, read in nets if c.recipe is None]:
            # Those of a pool, which no other seed shares, are left to the cell.
            frozen.features(cell, samples(dataset, *read, runtime), runtime)
        _write_splits(Store(runtime.out), dataset_cells, table)


def _write_splits(store: Store, cells: Sequence[Cell], table: Table) -> None:
    """The id lists of every split in use."""
    from mora_bench.data.sides import sides
    from mora_bench.training import recorded

    alike = {(cell.data, cell.splitting): cell for cell in cells}
    for cell in alike.values():
        recorded.write_split(store, cell, sides(cell, table))


def run(
    cells: Sequence[Cell], runtime: Runtime, engine: str = "auto", asked: Sequence[Cell] = ()
) -> Iterator[tuple[Cell, Record]]:
    """Run or score `cells` that have neither scores nor a record of a failure; yields each and its record at its end.

    Other grids may work on the same folder: a cell that one of them runs is waited for, and yielded, too. Of the cells
    `asked`, or of `cells` if there are none, `status` of the folder tells.

    Raises:
        UserError: the results folder cannot be written, or the data differ from what was planned on.
    """
    check_precision(cells, runtime)
    store = Store(runtime.out)
    runs = registry.get(registry.ENGINES, engine_of(engine))()
    runs.ready(runtime)
    store.check_writable()
    for folder in (runtime.out, runtime.cache):
        sweep(folder)
    Leases(runtime.out).sweep()
    status = store.status(cells)
    todo = [cell for cell in cells if status[cell] not in (DONE, FAILED)]
    if todo:
        # Else decoding would start it with less, and each worker import the rest itself.
        start_workers(engine, any(cell.recipe or cell.decoded_for for cell in todo))
    # Decoding may take hours, in which `status` is asked, too.
    with plans.noted(runtime.out, asked or cells):
        prepare(todo, runtime)
    # Cells that differ in scoring alone are trained once.
    alike: dict[str, list[Cell]] = {}
    for cell in todo:
        alike.setdefault(cell.key, []).append(cell)
    yield from _shared(store, alike, runtime, runs)


def _shared(
    store: Store, left: dict[str, list[Cell]], runtime: Runtime, engine: Engine
) -> Iterator[tuple[Cell, Record]]:
    """Run cells, by key, until each has a record, which this grid or another one on the same folder has written."""
    from mora_bench.training.bundles import bundles
    from mora_bench.training.work import lost, work

    leases = Leases(runtime.out, runtime.lease_seconds)
    without: Counter[str] = Counter()
    while True:
        recorded = store.keys()
        for key in [key for key in left if key in recorded]:
            yield from _ended(store, left, key, runtime)
        if not left:
            return
        held = leases.held()
        free = [cells[0] for key, cells in left.items() if leases.free(key, held)]
        if runtime.detach and not free:
            raise Detached(f"{len(left)} cells are in work; the same command waits for them, without --detach")
        for cell in engine.run(bundles(free, runtime.fuse), runtime, work, lost):
            yield from _ended(store, left, cell.key, runtime)
            if cell.key in left and leases.free(cell.key, leases.held()):
                without[cell.key] += 1
                if without[cell.key] == TRIES:
                    raise UserError(
                        f"{store.record_file(cell)}: the cell ran and left no record. Was the folder removed meanwhile?"
                    )
        if not free:
            time.sleep(LOOK)


def _ended(store: Store, left: dict[str, list[Cell]], key: str, runtime: Runtime) -> Iterator[tuple[Cell, Record]]:
    """Take the cells of a key out of `left` and yield them, scored, if their record is there."""
    from mora_bench.training.rescore import score

    status = store.status_of(left[key][0])
    record = store.record(left[key][0])
    if status == TO_DO or record is None:
        return
    for cell in left.pop(key):
        if status != FAILED and store.status_of(cell) == TO_SCORE:
            score(store, cell, record, runtime)
        yield cell, record


def engine_of(name: str) -> str:
    """The name of the registered engine that `name` stands for, "auto" included."""
    return "processes" if name == "auto" else name


def report(folder: Path, metric: str = "", figures: bool = False, asked: Set[str] | None = None) -> Report:
    """Write every artefact that a results folder's files can give; `metric` is the score that tables show, and figures
    are drawn if asked for; `asked`: score keys of the cells to be printed.

    Raises:
        UserError: there are no records, or no task has that metric.
    """
    from mora_bench.report.write import write

    return write(folder, metric, figures, asked)


def start_workers(engine: str, networks: bool = True) -> None:
    """Start the server of worker processes, if it will be needed, so that it imports while the caller plans;
    `networks`: whether a cell may have one."""
    if engine_of(engine) == "processes":
        from mora_bench.workers import context

        # Named as text, because importing them here would take as long.
        context(NETWORKS_IMPORT if networks else WORKERS_IMPORT)
