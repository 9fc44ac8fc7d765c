"""The verbs of the command line. Nothing heavy is imported before a verb needs it."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench.errors import UserError

VERBS = {
    "grid": "train methods over a grid of datasets, missing rates, ranks, blocks, seeds; write tables",
    "report": "write the tables of a results folder again, from its records alone",
    "list": "show datasets, methods with the axes they read, imputers, backbones, presets",
    "doctor": "say what a data folder holds, what is absent, and what is naturally missing",
    "prepare": "check a data folder and decode it into the cache",
    "check": "say in plain words whether a method, imputer or dataset of your own keeps the contract",
    "twin": "write an embedded twin to a folder, in the published layout of its original",
    "pretrain": "pre-train the small ViLT that ships with the package",
}


@dataclass(frozen=True)
class Report:
    """Write the tables of a results folder again, from its records alone."""

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ in it"""


@dataclass(frozen=True)
class List:
    """Show datasets, methods with the axes they read, imputers, backbones and presets."""

    plugin: tuple[Path, ...] = ()
    """Python files that define methods, imputers or datasets of your own"""


@dataclass(frozen=True)
class Check:
    """Try every rule of the contract on a method, imputer or dataset, in seconds."""

    name: tyro.conf.Positional[str]
    """a method, an imputer or a dataset: a name from `list`, or of a plug-in"""
    data_root: Path | None = None
    """where a dataset is; without it its twin is checked"""
    plugin: tuple[Path, ...] = ()
    """Python files that define methods, imputers or datasets of your own"""


@dataclass(frozen=True)
class Doctor:
    """Say what a data folder holds, what is absent, and what is naturally missing."""

    data_root: Path
    """folder with the real datasets"""
    datasets: tuple[str, ...] = ("odir", "cxr")


@dataclass(frozen=True)
class Prepare:
    """Check a data folder and decode every picture into the cache, so that the first grid need not."""

    data_root: Path | None = None
    """folder with the real datasets; without it the twins are drawn"""
    datasets: tuple[str, ...] = ("odir", "cxr")
    backbone: str = "small"
    """whose picture sizes and vocabulary to prepare for"""
    max_text: int = 128
    """tokens after which a text is cut (recipe.max_text of the grid that will run)"""
    workers: int | None = None
    """processes that decode; all cores if not given"""


@dataclass(frozen=True)
class Twin:
    """Write an embedded twin to a folder, in the published layout of its original."""

    dataset: tyro.conf.Positional[str]
    """odir or cxr"""
    folder: tyro.conf.Positional[Path]
    """where to; made if absent"""
    samples: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 100
    """how many patients"""
    sheet: bool = False
    """write one PNG with pictures, texts and labels instead (FOLDER is then its name; a dozen patients fit)"""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit code: 0, 1 if a cell failed, 2 for wrong input, 130 for Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    verb, rest = arguments[0], arguments[1:]
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        if verb == "--version":
            from importlib.metadata import version

            print(version("mora-bench"))
            return 0
        if verb not in VERBS:
            raise UserError(f"unknown verb {verb!r}; known: {', '.join(VERBS)}.")
        return _RUN[verb](rest)
    except UserError as error:
        print(f"mora_bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmora_bench: stopped. Finished cells are kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _usage() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:{width}}  {what}" for verb, what in VERBS.items())
    return f"usage: python -m mora_bench VERB [OPTIONS]\n\n{verbs}\n\npython -m mora_bench VERB --help: its options"


def _parse(kind: type, verb: str, arguments: list[str], default=None):
    """Options as `kind`; tyro prints what is wrong with them and exits with 2."""
    extra = {} if default is None else {"default": default}
    return tyro.cli(kind, args=arguments, prog=f"mora_bench {verb}", **extra)


def _grid(arguments: list[str]) -> int:
    from mora_bench.plan.grid import DEFAULT_PRESET, Grid, load_preset

    preset = load_preset(_option(arguments, "--preset", DEFAULT_PRESET))
    grid = _parse(Grid, "grid", arguments, preset)
    device, workers = _where(grid)
    if workers > 1 and not grid.plan:
        from mora_bench.workers import context

        # Their server imports while this process does and plans.
        context()
    _load_plugins(grid.plugin)

    from mora_bench.engines import processes, serial
    from mora_bench.plan.grid import expand
    from mora_bench.records.store import Store
    from mora_bench.report.write import write
    from mora_bench.training.cell import samples

    site = _site(grid, device, workers)
    store = Store(site.out)
    plan = expand(grid, preset, site)
    status = store.status(plan.cells)
    todo = [cell for cell in plan.cells if status[cell.key] != "done"]
    _print_plan(plan, status, everything=grid.plan)
    if grid.plan:
        return 0
    store.check_writable()
    for dataset, backbone, max_text in dict.fromkeys((c.dataset, c.backbone, c.recipe.max_text) for c in todo):
        begun = time.perf_counter()
        data = samples(dataset, backbone, max_text, site)
        print(f"{dataset} ({data.table.source}): {len(data)} samples ready in {time.perf_counter() - begun:.1f} s")
        _write_splits(store, dataset, [c for c in plan.cells if c.dataset == dataset], data)
    run = serial.run if site.workers == 1 else processes.run
    failed = _progress(run(todo, site), todo, len(plan.cells) - len(todo), site.workers) if todo else []
    tables = write(site.out)
    for table in tables:
        print("\n" + (site.out / "tables" / f"{table.name}.md").read_text())
    print(f"tables: {site.out / 'tables'}")
    for cell, record in failed:
        print(f"failed: {cell.label}: {record['error']} ({store.record_file(cell)})", file=sys.stderr)
    return 1 if failed else 0


def _option(arguments: list[str], name: str, default: str) -> str:
    """One option's value, before the rest can be parsed."""
    for i, argument in enumerate(arguments):
        if argument == name and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return default


def _where(grid) -> tuple[str, int]:
    """The device and the number of workers, with the automatic choices made."""
    import torch

    device = grid.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"--device {device}: this machine has no CUDA device that torch {torch.__version__} can use.")
    try:
        torch.device(device)
    except RuntimeError:
        raise UserError(f"--device {device!r} is not a device; write cpu, cuda, cuda:1 or auto.") from None
    return device, grid.workers or (_cores() if device == "cpu" else 1)


def _site(grid, device: str, workers: int):
    """Where this grid runs."""
    from mora_bench.training.cell import Site, default_cache

    return Site(
        out=grid.folder,
        data_root=grid.data_root,
        cache=default_cache(),
        device=device,
        threads=grid.threads,
        workers=workers,
        limit=grid.limit,
        fuse=grid.fuse,
        compiler=grid.compile,
        plugins=tuple(file.resolve() for file in grid.plugin),
        save_adapters=grid.save_adapters,
    )


def _load_plugins(files: tuple[Path, ...]) -> None:
    if not files:
        return
    from mora_bench import plugins

    for file in files:
        plugins.load(file)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_plan(plan, status: dict[str, str], everything: bool) -> None:
    if everything:
        for cell in plan.cells:
            print(f"{status[cell.key]:6}  {cell.key}  {cell.source}  {cell.label}  lr {cell.recipe.lr:g}")
    counts = Counter(status.values())
    print(
        f"{len(plan.cells)} cells: " + ", ".join(f"{counts[s]} {s}" for s in ("done", "failed", "to do") if counts[s])
    )
    if plan.collapsed:
        reasons = "; ".join(f"{count} because {why}" for why, count in plan.collapsed.items())
        print(f"{plan.asked} points asked for, {sum(plan.collapsed.values())} collapsed: {reasons}")


def _write_splits(store, dataset: str, cells: list, data) -> None:
    """The id lists of every split in use, splits/DATASET-SOURCE-HASH.json."""
    import json

    from mora_bench.data import splits
    from mora_bench.records.store import write_atomic

    for fingerprint, unit, seed in dict.fromkeys((c.data, c.split, c.seed) for c in cells):
        rows = splits.split(data.table.ids, data.table.groups, data=fingerprint, unit=unit, seed=seed)
        empty = [name for name, part in rows.items() if not len(part)]
        if empty:
            raise UserError(
                f"{dataset}: {len(data)} samples leave the {empty[0]} split empty; raise --limit or use more data."
            )
        digest = splits.digest(data.table.ids, rows)
        lists = {name: [data.table.ids[row] for row in part] for name, part in rows.items()}
        text = json.dumps(
            {"dataset": dataset, "data": fingerprint, "unit": unit, "seed": seed, "digest": digest, **lists}
        )
        write_atomic(store.folder / "splits" / f"{dataset}-{data.table.source}-{digest}.json", text.encode())


def _progress(outcomes, todo: list, done: int, workers: int) -> list:
    """Show cells done, those in work, and the time left; return what failed."""
    from tqdm import tqdm

    failed = []
    # Engines hand cells out in order, so those in work are the first ones that are not finished.
    waiting = list(todo)
    with tqdm(total=done + len(todo), initial=done, unit="cell", smoothing=0, dynamic_ncols=True) as bar:
        bar.set_postfix_str("; ".join(c.label for c in waiting[:workers]))
        for cell, record in outcomes:
            waiting.remove(cell)
            if record["status"] == "failed":
                failed.append((cell, record))
                bar.write(f"failed: {cell.label}: {record['error']}")
            bar.update()
            bar.set_postfix_str("; ".join(c.label for c in waiting[:workers]))
    return failed


def _report(arguments: list[str]) -> int:
    options = _parse(Report, "report", arguments)
    from mora_bench.report.write import write

    for table in write(options.folder):
        print((options.folder / "tables" / f"{table.name}.md").read_text())
    print(f"tables: {options.folder / 'tables'}")
    return 0


def _list(arguments: list[str]) -> int:
    _load_plugins(_parse(List, "list", arguments).plugin)
    from mora_bench import registry
    from mora_bench.backbones.load import NAMES
    from mora_bench.plan.grid import presets

    def section(title: str, rows: dict[str, str]) -> None:
        width = max(map(len, rows))
        print(f"{title}\n" + "\n".join(f"  {name:{width}}  {what}" for name, what in rows.items()) + "\n")

    datasets = {name: registry.get(registry.DATASETS, name) for name in registry.names(registry.DATASETS)}
    section("datasets", {name: dataset.title for name, dataset in datasets.items()})
    methods = {name: registry.get(registry.METHODS, name) for name in registry.names(registry.METHODS)}
    section("methods", {name: f"{m.title}; {_axes(m.reads)}; {m.source}" for name, m in methods.items()})
    imputers = {name: registry.get(registry.IMPUTERS, name) for name in registry.names(registry.IMPUTERS)}
    section("imputers", {name: f"{i.title}; {i.source}" for name, i in imputers.items()})
    section("backbones", NAMES | {"FOLDER or HUB/NAME": "a ViLT checkpoint, e.g. dandelin/vilt-b32-mlm"})
    section("presets", presets())
    return 0


def _axes(reads: dict) -> str:
    return "reads " + ", ".join(f"{axis} (own: {value})" for axis, value in reads.items()) if reads else "reads no axis"


def _doctor(arguments: list[str]) -> int:
    options = _parse(Doctor, "doctor", arguments)
    from mora_bench.data import datasets

    if not options.data_root.is_dir():
        raise UserError(f"--data-root {options.data_root}: no such folder.")
    absent = 0
    for name in options.datasets:
        file = datasets.get(name).find(options.data_root)
        if file is None:
            absent += 1
            print(f"{name}: ABSENT. {datasets.get(name).title}: no table at or below {options.data_root}.")
            continue
        print(f"{name}: {file}\n{_diagnosis(datasets.load(name, options.data_root))}")
    return 1 if absent else 0


def _diagnosis(table) -> str:
    wanted = Counter(len(pictures) for pictures in table.pictures)
    pieces = max(wanted)
    lines = [f"  {len(table)} samples of {len(set(table.groups))} patients, {len(table.labels)} labels"]
    have = Counter(sum(p is not None for p in pictures) for pictures in table.pictures)
    for count in range(pieces, -1, -1):
        what = {0: "no picture"}.get(count, f"{count} of {pieces} pictures")
        lines.append(
            f"  {have[count]:6} samples with {what}" + (" (naturally missing)" if count == 0 and have[0] else "")
        )
    texts = sum(text is not None for text in table.texts)
    lines.append(f"  {texts:6} samples with text, {len(table) - texts} without (naturally missing)")
    positives = ", ".join(f"{label} {n}" for label, n in zip(table.labels, table.targets.sum(0).tolist(), strict=True))
    lines.append(f"  positives: {positives}")
    return "\n".join(lines)


def _prepare(arguments: list[str]) -> int:
    options = _parse(Prepare, "prepare", arguments)
    from mora_bench.training.cell import Site, default_cache, samples

    site = Site(out=Path(), data_root=options.data_root, cache=default_cache(), workers=options.workers or _cores())
    for name in options.datasets:
        data = samples(name, options.backbone, options.max_text, site)
        print(f"{name} ({data.table.source})\n{_diagnosis(data.table)}")
        height, width = data.canvas
        print(f"  canvas {height} x {width}, {data.truncated:.1%} of the texts cut at {options.max_text} tokens")
    return 0


def _check(arguments: list[str]) -> int:
    options = _parse(Check, "check", arguments)
    _load_plugins(options.plugin)
    from mora_bench import registry
    from mora_bench.checks import network as contract

    known = {group: registry.names(group) for group in (registry.METHODS, registry.IMPUTERS, registry.DATASETS)}
    if options.name in known[registry.METHODS]:
        results = contract.check(contract.subject(registry.get(registry.METHODS, options.name)))
    elif options.name in known[registry.IMPUTERS]:
        mora, imputer = registry.get(registry.METHODS, "mora"), registry.get(registry.IMPUTERS, options.name)
        results = contract.check(contract.subject(mora, imputer))
    elif options.name in known[registry.DATASETS]:
        results = contract.check_dataset(options.name, options.data_root)
    else:
        names = ", ".join(name for group in known.values() for name in group)
        raise UserError(f"unknown method, imputer or dataset {options.name!r}; known: {names}.")
    broken = 0
    for rule, problem in results:
        print(f"{'ok    ' if problem is None else 'BROKEN'}  {rule}" + (f"\n        {problem}" if problem else ""))
        broken += problem is not None
    print(f"{options.name}: " + (f"{broken} rules are broken." if broken else "every rule is kept."))
    return 1 if broken else 0


def _twin(arguments: list[str]) -> int:
    options = _parse(Twin, "twin", arguments)
    from mora_bench.data import datasets, twins

    datasets.get(options.dataset)
    if options.samples < 1:
        raise UserError(f"--samples is {options.samples}; expected at least 1.")
    if options.sheet:
        twins.sheet(options.dataset, options.samples).save(options.folder)
        print(f"sheet: {options.folder}")
        return 0
    twins.publish(options.dataset, options.folder, options.samples)
    print(f"{options.samples} patients of the {options.dataset} twin: {options.folder}")
    return 0


def _pretrain(arguments: list[str]) -> int:
    from mora_bench.backbones.small.pretrain import Pretraining, pretrain

    pretrain(_parse(Pretraining, "pretrain", arguments))
    return 0


_RUN: dict[str, Callable[[list[str]], int]] = {
    "grid": _grid,
    "report": _report,
    "list": _list,
    "doctor": _doctor,
    "prepare": _prepare,
    "check": _check,
    "twin": _twin,
    "pretrain": _pretrain,
}
