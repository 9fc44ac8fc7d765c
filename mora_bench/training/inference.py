"""Applies what a cell trained to new samples, of which any modality may be absent."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load
from threadpoolctl import threadpool_limits

from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, presence, remembered
from mora_bench.data.samples import Samples
from mora_bench.data.sides import Side
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError
from mora_bench.methods.network import Model
from mora_bench.methods.predictor import Predictor
from mora_bench.records import adapters
from mora_bench.records.schema import Record
from mora_bench.records.store import Store
from mora_bench.tasks.named import task_of
from mora_bench.training import decoded, frozen, guards, masking, predictors
from mora_bench.training.cell import recipe_of, untrained
from mora_bench.training.predict import predict

#: The file of `--save-adapters` for this: every trained parameter, under its own name.
FILE = "trained.safetensors"
#: Its file of a projection, whether that trained or was aligned.
PROJECTION = "projection.safetensors"
#: Kinds of which a value says how large all are.
SIZED = ("signal", "vector")


@dataclass(frozen=True)
class Applied:
    """Predictions of n samples.

    Attributes:
        logits: float [n, P, C], under what each sample has, or every part of it; NaN elsewhere.
        seconds: that they took, decoding left out.
        spread: float [n, P, C], the standard deviations of the probabilities over draws; None of what draws nothing.
    """

    logits: np.ndarray
    seconds: float
    spread: np.ndarray | None = None


def trained(record: Record, runtime: Runtime) -> Model:
    """The network of a record's cell as it was trained. What its imputer and method learned from the data before
    training is learned again, from the same samples, so that these must be at hand.

    Raises:
        UserError: it was not saved, its files do not fit, or the data have changed.
    """
    cell, store = record.cell, Store(runtime.out)
    files, folder = store.adapter(record), store.adapter_folder(record.cell)
    if FILE not in files:
        raise UserError(f"{folder / FILE}: {adapters.ABSENT}")
    _, _, (model,) = untrained([cell], runtime, torch.device(runtime.device), tested=False)
    _load(model.trained(), files[FILE], folder / FILE)
    if model.projection is not None and model.projection_frozen:
        _load(dict(model.projection.named_parameters()), files[PROJECTION], folder / PROJECTION)
    return model.eval()


def _load(parameters: Mapping[str, torch.nn.Parameter], content: bytes, file: Path) -> None:
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise UserError(f"{file}: cannot be read ({error}). Train the cell again.") from error
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
        raise UserError(f"{file}: its parameters are not those of this cell. Train the cell again.")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


def applier(record: Record, runtime: Runtime, trained_on: Table, parts: bool) -> Callable[[Table], Applied]:
    """A function that predicts samples with what each has and, where asked, with every part of it, as a cell learned.

    Args:
        trained_on: the cell's own data.

    Raises:
        UserError: as `trained` and `fitted_again` do.
    """
    cell = record.cell
    if cell.recipe is None:
        return partial(apply_predictor, fitted_again(cell, runtime), cell, runtime=runtime, parts=parts)
    return partial(apply, trained(record, runtime), cell, trained_on=trained_on, runtime=runtime, parts=parts)


def apply(model: Model, cell: Cell, table: Table, trained_on: Table, runtime: Runtime, parts: bool = False) -> Applied:
    """Predict samples with what each of them has, and, where asked, with every part of it; nothing of them is kept.
    `trained_on`: the cell's own data."""
    both = _with_trained(table, trained_on)
    with tempfile.TemporaryDirectory(prefix="mora_bench-") as folder:
        samples = _decoded(both, cell, Path(folder), runtime)
        begun = time.perf_counter()
        rows, device = np.arange(len(table)), torch.device(runtime.device)
        logits = predict(model, samples, rows, recipe_of(cell).batch, device, _wanted(table, parts))
        seconds = time.perf_counter() - begun
    return Applied(logits, seconds)


def _decoded(table: Table, cell: Cell, folder: Path, runtime: Runtime) -> Samples:
    """New records, decoded as a cell's own data. For what they lack stands what stood for it there, whatever sizes the
    records' own pictures have."""
    assert cell.decoded_for is not None
    rules = backbones.resolve(*cell.decoded_for).rules
    samples = cache.prepare(table, table.fingerprint(), rules, folder, runtime.workers)
    return samples.with_dummies_of(decoded.samples(cell.dataset, *cell.decoded_for, runtime))


def _wanted(table: Table, parts: bool) -> np.ndarray | None:
    """The patterns under which samples are predicted, bool [n, P]: that of what each has; None for all it can show."""
    patterns = presence.pattern_index(table.present)
    return None if parts else patterns[:, None] == np.arange(len(presence.pattern_presence(len(table.names))))


def _with_trained(table: Table, trained_on: Table) -> Table:
    """New records, and behind them what of those that were trained on says how theirs are decoded: all measured values,
    so that a category has the number that it had in training, because they are numbered as they stand in a table; and a
    signal or a vector where no new record has one, because the first says how many channels or numbers there are."""
    has = dict(zip(trained_on.names, trained_on.present.T, strict=True))
    columns = table.modalities.items()
    lacked = {
        name for name, column in columns if column.kind in SIZED and not any(v is not None for v in column.values)
    }
    shown = {name: has[name] for name, column in columns if column.kind == "table"}
    shown |= {name: np.arange(len(trained_on)) == np.flatnonzero(has[name])[0] for name in lacked if has[name].any()}
    if not shown:
        return table
    rows = np.flatnonzero(np.any([*shown.values()], axis=0))
    ids = tuple(f"trained on: {row}" for row in rows)

    def behind(name: str) -> tuple[Any, ...]:
        values = trained_on.modalities[name].values
        return tuple(values[row] if name in shown and shown[name][row] else None for row in rows)

    return replace(
        table,
        ids=table.ids + ids,
        patients=table.patients + ids,
        modalities={name: Column(column.kind, column.values + behind(name)) for name, column in columns},
        targets=np.pad(table.targets, ((0, len(rows)), (0, 0))),
    )


@threadpool_limits.wrap(limits=1)
def fitted_again(cell: Cell, runtime: Runtime) -> Predictor:
    """The predictor of a cell, fitted again on the cell's own data, because nothing of it was saved.

    Raises:
        UserError: the data, or the predictor, are not those of the cell any more.
    """
    guards.same_code(cell)
    _, sides = masking.own_sides(cell, runtime)
    with remembered.kept_in(runtime.cache):
        return predictors.fitted(cell, sides, predictors.frozen_of(replace(cell, pool=0), runtime))


@threadpool_limits.wrap(limits=1)
def apply_predictor(predictor: Predictor, cell: Cell, table: Table, runtime: Runtime, parts: bool) -> Applied:
    """As `apply`, by the predictor of a cell."""
    begun = time.perf_counter()
    rows = np.arange(len(table))
    with tempfile.TemporaryDirectory(prefix="mora_bench-") as folder:
        features: frozen.Features = {}
        if cell.decoded_for is not None:
            samples = _decoded(table, cell, Path(folder), runtime)
            features = frozen.features(cell, samples, replace(runtime, cache=Path(folder)))
        task = task_of(cell.task)
        logits, spread = predictors.predicted(predictor, task, Side(table, rows), features, _wanted(table, parts))
    return Applied(logits, time.perf_counter() - begun, spread)
