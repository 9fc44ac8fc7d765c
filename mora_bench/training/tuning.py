"""Looks for a method's recipe: the same number of trials and epochs for every method, by successive halving.

Every trial is scored on validation samples. Samples that any of the seeds that are to be reported tests are neither
trained nor validated on. The first trial is the untuned recipe, so the best trial scores at least as well on
validation.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import torch

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import PLATEAU, Recipe
from mora_bench.cells.runtime import Runtime
from mora_bench.data.readers.links import follow_links
from mora_bench.data.samples import Samples, View
from mora_bench.data.sides import Side, sides
from mora_bench.data.table import Table
from mora_bench.errors import UserError
from mora_bench.files import digest_json, write_atomic
from mora_bench.methods.contract import Method, declares
from mora_bench.plan import mask_files
from mora_bench.records import ledgers
from mora_bench.records.documents import Refused
from mora_bench.records.encoding import encode
from mora_bench.records.ledgers import Ledger, Trial
from mora_bench.records.store import Store
from mora_bench.seeds import derive
from mora_bench.tasks.named import metric_of
from mora_bench.training.cell import built, fitted, recipe_of, views_of
from mora_bench.training.decoded import samples

#: Change it when the same search would choose another recipe.
VERSION = 2
#: Of the trials of a rung, one in `SHRINK` goes on, with `SHRINK` times the epochs.
SHRINK = 3
RUNGS = 3
#: Trials that are trained as one on a GPU, where nothing but what fusing allows differs. On a CPU it does not pay.
TOGETHER = 8
#: Multiples of a method's own rank that are tried.
RANKS = (0.5, 1, 2, 4)


@dataclass(frozen=True)
class SearchSpace:
    """The ranges that are searched: (least, most) of numbers that are drawn by their logarithm.

    Attributes:
        lr: learning rate of what adapts; head_lr: of the classifier; weight_decay: AdamW's.
    """

    lr: tuple[float, float] = (1e-4, 2e-2)
    head_lr: tuple[float, float] = (5e-4, 2e-2)
    weight_decay: tuple[float, float] = (1e-3, 1e-1)


def ladder(epochs: int, least: int = 1) -> list[int]:
    """The epochs of each rung, ascending, none below the least: with 9, [1, 3, 9]."""
    return sorted({max(epochs // SHRINK**k, least) for k in range(RUNGS)})


def rungs_of(recipe: Recipe) -> list[int]:
    """The epochs of each rung of a recipe: with a plateau their most, and enough for its warm-up and decay."""
    plateau = recipe.schedule == PLATEAU
    return ladder(recipe.epochs, math.ceil(recipe.warmup_epochs + recipe.decay_epochs) if plateau else 1)


def settings(cell: Cell, trials: int, space: SearchSpace, most_rank: int) -> list[Trial]:
    """The trials of a cell: its own recipe first, the others drawn by Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    recipe = recipe_of(cell)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=derive(cell.seed, "tuning") % 2**32))
    untuned: dict[str, Any] = {
        "lr": recipe.lr,
        "head_lr_mult": recipe.head_lr_mult,
        "weight_decay": recipe.weight_decay,
    }
    ranks: list[int] = []
    if cell.rank is not None:
        untuned["rank"] = cell.rank
        ranks = sorted({min(max(round(cell.rank * times), 1), most_rank) for times in RANKS})
    candidates = [Trial(number=0, settings=untuned)]
    for number in range(1, trials):
        trial = study.ask()
        lr = trial.suggest_float("lr", *space.lr, log=True)
        head = trial.suggest_float("head_lr", *space.head_lr, log=True)
        drawn: dict[str, Any] = {"lr": lr, "head_lr_mult": head / lr}
        drawn["weight_decay"] = trial.suggest_float("weight_decay", *space.weight_decay, log=True)
        if ranks:
            drawn["rank"] = ranks[trial.suggest_int("rank", 0, len(ranks) - 1)]
        candidates.append(Trial(number=number, settings=drawn))
    return candidates


def applied(cell: Cell, chosen: dict[str, Any], epochs: int) -> Cell:
    """The cell with a trial's settings."""
    changes = {name: value for name, value in chosen.items() if name != "rank"}
    recipe = replace(recipe_of(cell), **changes, epochs=epochs)
    if recipe.schedule != PLATEAU:
        recipe = replace(recipe, validate_every=1.0)
    return replace(cell, recipe=recipe, rank=chosen.get("rank", cell.rank))


def search(
    cell: Cell, tested: Sequence[int], trials: int, runtime: Runtime, space: SearchSpace | None = None
) -> Ledger:
    """Tune one method on one dataset, pattern and rate.

    Args:
        cell: what to tune; its seed says which samples train and validate, its epochs are the most a trial trains.
        tested: seeds that are to be reported with the tuned recipe.

    Raises:
        UserError: the tested seeds leave too few samples to train and validate on.
    """
    begun = time.perf_counter()
    space = space or SearchSpace()
    device = torch.device(runtime.device)
    data = samples(cell.dataset, cell.backbone, recipe_of(cell).max_text, runtime)
    split = untested(cell, data.table, tested)
    views = views_of(cell, split, dict.fromkeys(split, data))
    candidates = settings(cell, trials, space, _most_rank(cell))
    rungs, metric = rungs_of(recipe_of(cell)), metric_of(cell.task, cell.watched)
    going, spent = list(candidates), 0
    for rung, epochs in enumerate(rungs):
        for bundle in _bundles(going, cell, TOGETHER if device.type == "cuda" else 1):
            _try(bundle, cell, epochs, data, views, device, runtime)
        spent += epochs * len(going)
        going.sort(key=lambda trial: (-metric.key(trial.scores[str(epochs)]), trial.number))
        if rung + 1 < len(rungs):
            # The untuned recipe always stays, so that the best trial can be held against it, and every search
            # trains as many epochs.
            places = max(len(going) // SHRINK, 2)
            going = [candidates[0], *[trial for trial in going if trial is not candidates[0]][: places - 1]]
    last = str(rungs[-1])
    best = going[0]
    return Ledger(
        key=ledger_key(cell, tested, trials, space),
        dataset=cell.dataset,
        method=cell.method,
        label=cell.label,
        space=msgspec.to_builtins(space)
        | ({"rank": sorted({t.settings["rank"] for t in candidates})} if cell.rank else {}),
        epochs=rungs,
        withheld_seeds=list(tested),
        samples={name: len(side) for name, side in split.items()},
        trials=candidates,
        best=best,
        untuned=candidates[0].scores[last],
        tuned=best.scores[last],
        epochs_trained=spent,
        seconds=time.perf_counter() - begun,
    )


def untested(cell: Cell, table: Table, tested: Sequence[int]) -> dict[str, Side]:
    """The training and validation samples of a cell that none of the seeds `tested` tests.

    Raises:
        UserError: too few are left.
    """
    split = sides(cell, table)
    # A pool is no part of the table.
    seeds = () if cell.pool else tested
    withheld = [sides(replace(cell, seed=seed), table)["test"].rows for seed in seeds]
    remaining = {}
    for name in ("train", "val"):
        rows = np.setdiff1d(split[name].rows, np.concatenate([np.zeros(0, int), *withheld]))
        if len(rows) < len(split[name].rows) / 4:
            raise UserError(
                f"{cell.label}: without the test samples of all --seeds, only {len(rows)} of {len(split[name].rows)} "
                f"{'training' if name == 'train' else 'validation'} samples remain. Use fewer seeds or more --folds."
            )
        remaining[name] = Side(table, rows)
    return remaining


def tuning_seed(cell: Cell, tested: Sequence[int]) -> int:
    """The seed whose validation samples none of `tested` tests, if folds have one; else the first tested seed."""
    if cell.folds:
        folds = {seed % cell.folds for seed in tested}
        for seed in range(cell.folds):
            if seed not in folds and (seed + 1) % cell.folds not in folds:
                return seed
    return tested[0]


def _most_rank(cell: Cell) -> int:
    from mora_bench.backbones import load as backbones

    return backbones.resolve(cell.backbone, recipe_of(cell).max_text).width


def _bundles(trials: Sequence[Trial], cell: Cell, together: int) -> list[list[Trial]]:
    """Trials that may be trained as one, at most `together` of them."""
    method: type[Method] = registry.get(registry.METHODS, cell.method)
    alike: dict[Any, list[Trial]] = {}
    for trial in trials:
        rank = None if declares(method, "pads_rank") else trial.settings.get("rank")
        alike.setdefault(rank, []).append(trial)
    return [group[start : start + together] for group in alike.values() for start in range(0, len(group), together)]


def _try(
    bundle: Sequence[Trial],
    cell: Cell,
    epochs: int,
    data: Samples,
    views: dict[str, View],
    device: torch.device,
    runtime: Runtime,
) -> None:
    """Train a bundle's trials for some epochs and note their best validation scores; those that diverge, or that the
    method cannot run, have none. The untuned recipe must run."""
    cells = [applied(cell, trial.settings, epochs) for trial in bundle]
    try:
        models = built(cells, data, views["train"], device)
        scores: list[float | None] = [fit.best_score for fit in fitted(models, cells, views, device, runtime)]
    except UserError:
        # What a user can mend, such as a file that is gone, is no trial's fault.
        raise
    except Exception as error:
        if len(bundle) > 1:
            for trial in bundle:
                _try([trial], cell, epochs, data, views, device, runtime)
            return
        (trial,) = bundle
        if not isinstance(error, FloatingPointError):
            if not trial.number:
                raise
            trial.error = f"{type(error).__name__}: {error}"
        scores = [None]
    Store(runtime.out).drop_checkpoints(cells[0])
    for trial, score in zip(bundle, scores, strict=True):
        trial.scores[str(epochs)] = None if score is None or math.isnan(score) else float(score)


def work(bundle: Sequence[Cell], runtime: Runtime, *, tested: Sequence[int], trials: int) -> None:
    """Search for each cell of a bundle and write its ledger; what an engine is handed."""
    registry.load_plugins(runtime.plugins)
    follow_links(runtime.follow_links)
    torch.set_num_threads(runtime.threads)
    for cell in bundle:
        mask_files.load(cell, runtime)
        save(search(cell, tested, trials, runtime), runtime)


def save(ledger: Ledger, runtime: Runtime) -> None:
    """Write a ledger to its file."""
    write_atomic(ledgers.file_of(runtime.out, ledger.key), encode(ledger))


def lost(cell: Cell, runtime: Runtime, reason: str) -> None:
    """Say that the process of a search died; it leaves no ledger."""
    print(f"{cell.label}: {reason}", file=sys.stderr)


def ledger_key(cell: Cell, tested: Sequence[int], trials: int, space: SearchSpace | None = None) -> str:
    """16 hex digits over everything that determines a search."""
    return digest_json([VERSION, cell.key, list(tested), trials, msgspec.to_builtins(space or SearchSpace())])


def read(key: str, runtime: Runtime) -> Ledger | None:
    """The ledger of that key; None if there is none, or, with a message, if it is not what was written."""
    ledger = ledgers.read(runtime.out, key)
    if isinstance(ledger, Refused):
        print(ledger, file=sys.stderr)
        return None
    return ledger
