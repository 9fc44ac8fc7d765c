"""tune: a recipe for every method, found on validation samples with the same budget."""

import shlex
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench import campaign, registry
from mora_bench.cells.cell import NONE, Cell
from mora_bench.cli.options import option, parse
from mora_bench.data import datasets
from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.plan.given import TypedBeside
from mora_bench.plan.grid import DEFAULT_PRESET, Grid
from mora_bench.plan.parts import check_names
from mora_bench.plan.presets import load_preset
from mora_bench.plan.tuned_preset import as_preset, found_before
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.named import metric_of

if TYPE_CHECKING:
    from mora_bench.records.ledgers import Ledger


@dataclass(frozen=True)
class Tune(Grid):
    """Look for each method's learning rates, weight decay and rank on each dataset; write them as a preset.

    Options are those of `grid`, as it will then be run: `--seeds` are the seeds to be reported, whose test samples the
    search neither trains nor validates on; `--recipe.epochs` is the most that a trial trains.
    """

    trials: int = 16
    """settings tried for every method, the preset's own among them; two thirds are dropped after each rung"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.json or self.track:
            raise UserError("--json and --track are options of `grid`; `tune` writes tuning/ and tuned.toml instead.")
        if self.trials < 2:
            raise UserError(f"--trials {self.trials}; expected 2 or more.")
        for name in ("missing", "rates", "mechanism", "strength", "gaps", "test_gaps", "impute", "backbone"):
            if len(set(getattr(self, name))) > 1:
                raise UserError(f"--{name}: `tune` takes one value; run it once for each value.")
        if set(self.after) != {""}:
            raise UserError("--after: `tune` does not use it; leave it out here, and give it to `grid`.")
        if self.parts:
            raise UserError(f"preset {self.preset} has several parts; `tune` needs a preset without parts (--preset).")
        if self.ranks or self.lrs:
            raise UserError("`tune` searches ranks and learning rates itself; leave out --ranks and --lrs.")


def run(arguments: list[str]) -> int:
    preset = load_preset(option(arguments, "--preset", DEFAULT_PRESET))
    base = Tune(**vars(preset))
    options = parse(Tune, "tune", arguments, base)
    registry.load_plugins(file.absolute() for file in options.plugin)
    check_names(options)
    if find_spec("optuna") is None:
        raise UserError("tune draws its trials with optuna, which is not installed: pip install 'mora-bench[tune]'.")
    runtime = campaign.runtime(options)
    if not options.plan:
        campaign.start_workers(options.engine)
    from mora_bench.training import tuning

    grid = replace(options, floors=(NONE,))
    cells = [
        replace(cell, seed=tuning.tuning_seed(cell, grid.seeds))
        for cell in campaign.plan(grid, runtime, TypedBeside.of(preset, arguments)).cells
        if cell.seed == grid.seeds[0] and cell.recipe is not None
    ]
    _check_one_each(cells)
    for cell in cells:
        table = datasets.table_of(cell.dataset, runtime)
        tuning.untested(cell, table, grid.seeds)
    keys = {cell: tuning.ledger_key(cell, grid.seeds, options.trials) for cell in cells}
    todo = [cell for cell in cells if tuning.read(keys[cell], runtime) is None]
    file = runtime.out / "tuned.toml"
    _check_kept(file, options, cells)
    print(f"{len(cells)} searches of {options.trials} trials: {len(todo)} to do")
    if options.plan:
        return 0
    failed = []
    if todo:
        from tqdm import tqdm

        campaign.prepare(todo, runtime)
        job = partial(tuning.work, tested=grid.seeds, trials=options.trials)
        engine = registry.get(registry.ENGINES, campaign.engine_of(options.engine))()
        engine.ready(runtime)
        with tqdm(total=len(todo), unit="search", dynamic_ncols=True) as bar:
            for cell in engine.run([[cell] for cell in todo], runtime, job, tuning.lost):
                bar.update()
                failed += [cell] * (tuning.read(keys[cell], runtime) is None)
    for cell in failed:
        print(f"failed: {cell.label}: no ledger; run it with --engine inline to see why", file=sys.stderr)
    ledgers = {cell: ledger for cell in cells if (ledger := tuning.read(keys[cell], runtime)) is not None}
    if not ledgers:
        print(f"no search has ended; {file} was not written", file=sys.stderr)
        return 1
    _write(file, options, list(ledgers.values()))
    print(_table([*ledgers.values()], {cell.dataset: metric_of(cell.task, cell.watched) for cell in cells}))
    for ledger in ledgers.values():
        if any(trial.error for trial in ledger.trials):
            print(_failures(ledger))
    print(f"preset: {file}; run it with `python -m mora_bench grid --preset {file}{_data_options(options)}`")
    untuned = [f"{cell.method} on {cell.dataset}" for cell in cells if cell not in ledgers]
    if untuned:
        print(f"not tuned, with an untuned recipe in that preset: {', '.join(untuned)}; the same command tries again")
    return 1 if untuned else 0


def _write(file: Path, options: Tune, ledgers: "list[Ledger]") -> None:
    """Write what searches found as a preset."""
    comment = (
        f"Found by `mora_bench tune`: {options.trials} trials a method, at most {options.recipe.epochs} epochs each."
    )
    best = {(ledger.dataset, ledger.method): ledger.best.settings for ledger in ledgers}
    write_atomic(file, as_preset(options, best, comment).encode())


def _failures(ledger: "Ledger") -> str:
    """A sentence about the trials that the method could not run."""
    wrong = [trial for trial in ledger.trials if trial.error]
    first = ", ".join(f"{name} {value:.3g}" for name, value in wrong[0].settings.items())
    return (
        f"{ledger.label}: {len(wrong)} of {len(ledger.trials)} trials ended in an error and count as worst; the first "
        f"({first}): {wrong[0].error}"
    )


def _check_kept(file: Path, options: Tune, cells: Sequence[Cell]) -> None:
    """Refuse to write over recipes of an earlier search that this one does not look for."""
    try:
        before = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return
    if lost := found_before(before, options, [(cell.dataset, cell.method) for cell in cells]):
        raise UserError(
            f"{file} holds recipes that an earlier search found and this one does not look for: {', '.join(lost)}. "
            "Name their datasets and methods here, too (what was found is not looked for again), or give another --out."
        )


def _check_one_each(cells: Sequence[Cell]) -> None:
    """Refuse several searches for one method and dataset, because a preset holds one recipe of these."""
    labels: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        labels.setdefault((cell.dataset, cell.method), []).append(cell.label)
    several = next((found for found in labels.values() if len(found) > 1), None)
    if several:
        raise UserError(
            f"`tune` searches once for each method and dataset; here there are {several[0]} and {several[1]}. Give one "
            "value of the option in which they differ, and run it once for each."
        )


def _data_options(options: Tune) -> str:
    """The options that no preset holds and that say which data are read, as a command line has them."""
    words = [f" --plugin {shlex.join(map(str, options.plugin))}"] if options.plugin else []
    words += [f" --data-root {shlex.quote(str(options.data_root))}"] if options.data_root else []
    return "".join(words + ([f" --limit {options.limit}"] if options.limit else []))


def _table(ledgers: "list[Ledger]", metrics: dict[str, Metric]) -> str:
    """A row for each search: validation scores at the most epochs, untuned and tuned, by the metric of each dataset's
    task, and the cost."""
    from tabulate import tabulate

    rows = [
        [
            ledger.dataset,
            ledger.method,
            f"{metrics[ledger.dataset].heading}, {metrics[ledger.dataset].direction}",
            *map(metrics[ledger.dataset].shown, (ledger.untuned, ledger.tuned)),
            ", ".join(f"{name} {value:.3g}" for name, value in ledger.best.settings.items()),
            len(ledger.trials),
            ledger.epochs_trained,
            f"{ledger.seconds:.0f}",
        ]
        for ledger in ledgers
    ]
    headers = ["dataset", "method", "score", "untuned (val)", "tuned (val)", "found", "trials", "epochs", "seconds"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)
