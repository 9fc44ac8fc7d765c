"""Runs cells of methods: data + masks -> backbone + imputer + method -> train -> predict -> measure."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Part
from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import ALIGNED, Recipe
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets
from mora_bench.data.batch import Batch
from mora_bench.data.samples import Samples, View
from mora_bench.data.sides import Side, sides
from mora_bench.data.table import PICTURES
from mora_bench.data.weights import resampled
from mora_bench.errors import UserError
from mora_bench.files import digest_json
from mora_bench.methods.contract import Axes
from mora_bench.methods.network import Model
from mora_bench.plan.mask_files import load
from mora_bench.records import provenance
from mora_bench.records.schema import Beginning, Clock, Flops
from mora_bench.records.store import Store
from mora_bench.scoring.protocol import scored
from mora_bench.seeds import derive
from mora_bench.tasks.contract import Task
from mora_bench.tasks.named import task_of
from mora_bench.training import flops, gaps, guards, log, masking, recorded, transfer, vectorised
from mora_bench.training.checkpoint import Checkpoint
from mora_bench.training.cost import PeakMemory, parameters
from mora_bench.training.decoded import pool_of, reopen, samples
from mora_bench.training.export import exported
from mora_bench.training.labelled import fit_labelled
from mora_bench.training.learner import Fit, NotFinite, class_weights
from mora_bench.training.loop import train
from mora_bench.training.modality_dropout import Dropping
from mora_bench.training.predict import predict
from mora_bench.training.probe import settle
from mora_bench.training.recorded import Outcome
from mora_bench.training.watch import Watch


def run_cells(cells: Sequence[Cell], runtime: Runtime) -> list[Outcome]:
    """Train, predict and measure cells that share data, masks, and all that `train` needs to train them as one."""
    begun = time.perf_counter()
    device = torch.device(runtime.device)
    memory = PeakMemory(device)
    split, views, models = untrained(cells, runtime, device)
    if cells[0].after:
        transfer.carry_over(_trained_before(cells, runtime, device), models)
    data = views["train"].samples
    costs = [flops.of_cell(cell, model, data, device) for cell, model in zip(cells, models, strict=True)]
    error = None
    try:
        fits = fitted(models, cells, views, device, runtime)
    except NotFinite as raised:
        # Without its trace, which would keep the networks in memory.
        error = NotFinite(str(raised))
    if error:
        models.clear()
        # Cells that were trained as one are run again, each alone.
        raise error if len(cells) > 1 else _named(error, cells, runtime, device)
    # It takes a while, too.
    log.note(Store(runtime.out).log_file(cells[0]), "every validation and test sample is predicted under every pattern")
    outcomes = [
        _outcome(cell, model, fit, cost, split, views, device, runtime)
        for cell, model, cost, fit in zip(cells, models, costs, fits, strict=True)
    ]
    for view in views.values():
        cache.check_unchanged(view.samples, reopen)
    for outcome in outcomes:
        outcome.record.memory = memory.read()
        assert outcome.record.time is not None
        outcome.record.time.cell_s = (time.perf_counter() - begun) / len(cells)
    return outcomes


def _named(error: NotFinite, cells: Sequence[Cell], runtime: Runtime, device: torch.device) -> NotFinite:
    """The first loss or gradient that is not finite, from training the cell again; `error` if that goes well."""
    _, views, models = untrained(cells, runtime, device, tested=False)
    if cells[0].after:
        transfer.carry_over(_trained_before(cells, runtime, device), models)
    try:
        seen = Dropping(views["train"], recipe_of(cells[0]).modality_dropout, 0).view
        fitted(models, cells, views, device, replace(runtime, checkpoint_minutes=0), watch=Watch(seen))
    except NotFinite as cause:
        return cause
    return error


def untrained(
    cells: Sequence[Cell], runtime: Runtime, device: torch.device, tested: bool = True
) -> tuple[dict[str, Side], dict[str, View], list[Model]]:
    """The split of cells that are trained as one, its views under their training mask, and their networks; without the
    test side if they are not tested."""
    cell, recipe = cells[0], recipe_of(cells[0])
    data = samples(cell.dataset, cell.backbone, recipe.max_text, runtime)
    guards.same_data(cell, datasets.fingerprinted(cell.dataset, runtime)[1])
    load(cell, runtime)
    split = {name: side for name, side in sides(cell, data.table).items() if tested or name != "test"}
    decoded = dict.fromkeys(split, data)
    if cell.pool and tested:
        decoded["test"] = pool_of(cell, runtime)
    views = views_of(cell, split, decoded)
    return split, views, built(cells, data, views["train"], device)


def _trained_before(cells: Sequence[Cell], runtime: Runtime, device: torch.device) -> list[Model]:
    """The trained networks of the cells that these cells come after."""
    sources = [transfer.before(cell, runtime) for cell in cells]
    _, views, models = untrained(sources, runtime, device, tested=False)
    fitted(models, sources, views, device, runtime, owner=cells[0])
    return models


def views_of(cell: Cell, split: Mapping[str, Side], decoded: Mapping[str, Samples]) -> dict[str, View]:
    """The sides of a cell's split, of their decoded samples, as its training mask shows them."""
    views = {
        name: View(gaps.of_samples(cell, decoded[name]), side.rows, masking.presence_of(cell, name, side))
        for name, side in split.items()
    }
    views["train"] = replace(views["train"], weights=masking.weights_of(cell, "train", split["train"]))
    return views


def built(cells: Sequence[Cell], data: Samples, training: View, device: torch.device) -> list[Model]:
    """The untrained networks of cells that are trained as one; they hold the frozen weights once."""
    models = [build(cell, data, training, device) for cell in cells]
    vectorised.share_frozen(models)
    return models


def fitted(
    models: Sequence[Model],
    cells: Sequence[Cell],
    views: Mapping[str, View],
    device: torch.device,
    runtime: Runtime,
    owner: Cell | None = None,
    watch: Watch | None = None,
) -> list[Fit]:
    """Train the networks of cells as one on the views "train" and "val"; `owner` is the cell that this is done for, if
    it is not the first of them. `watch` looks at the gradients of a single one."""
    task: Task = task_of(cells[0].task)
    order = derive(cells[0].seed, "order")
    recipes = [recipe_of(cell) for cell in cells]
    saved = _checkpoint(owner or cells[0], cells, runtime) if runtime.checkpoint_minutes else None
    file = Store(runtime.out).log_file(owner or cells[0])
    sides = views["train"], views["val"]
    watched = cells[0].watched
    return train(models, *sides, recipes, order, device, task, runtime.compiler, saved, file, watch, watched)


def _checkpoint(owner: Cell, cells: Sequence[Cell], runtime: Runtime) -> Checkpoint:
    """The checkpoint that holds the state of these cells in training."""
    keys = [cell.key for cell in cells]
    made_by = {"cells": keys, "threads": runtime.threads, "compiler": runtime.compiler}
    made_by |= {"device": provenance.device_name(runtime.device), **provenance.versions(), "code": provenance.code()}
    file = Store(runtime.out).checkpoint_file(owner, digest_json(keys))
    return Checkpoint(file, made_by, 60 * runtime.checkpoint_minutes)


def recipe_of(cell: Cell) -> Recipe:
    """The recipe that a cell is trained by.

    Raises:
        UserError: the cell has no recipe.
    """
    if cell.recipe is None:
        raise UserError(f"{cell.label}: a method needs a recipe. Plan again.")
    return cell.recipe


def _outcome(
    cell: Cell,
    model: Model,
    fit: Fit,
    cost: tuple[Flops | None, list[str]],
    split: Mapping[str, Side],
    views: Mapping[str, View],
    device: torch.device,
    runtime: Runtime,
) -> Outcome:
    """Predict with a trained model and collect the outcome of its cell; the caller adds memory and total time."""
    begun = time.perf_counter()
    batch = recipe_of(cell).batch
    logits = {
        n: predict(model, gaps.of_samples(cell, views[n].samples, tested=True), views[n].rows, batch, device)
        for n in ("val", "test")
    }
    shortcuts, contents = model.shortcuts, gaps.facts(cell, views["train"].samples, views["test"].samples)
    record = recorded.begun(
        cell,
        runtime,
        "done",
        recorded.competitor_of(model.method),
        training=fit.as_record(cell.watched),
        beginning=Beginning(
            constant=shortcuts.constant, ahead=shortcuts.ahead, lean=shortcuts.lean, kept=fit.kept, pairs=model.pairs
        ),
        imputer=model.imputer.report(),
        parameters=parameters(model),
        flops=cost[0],
        uncounted=cost[1],
        data=recorded.described(contents, split, {name: v.present for name, v in views.items()}),
        time=Clock(**fit.clock, predict_s=time.perf_counter() - begun, cell_s=0.0),
    )
    scores = scored(cell, recorded.predicted(split, logits))
    trained = exported(model, record, scores) if runtime.save_adapters else None
    list_name = recorded.write_split(Store(runtime.out), cell, split)
    return Outcome(record, recorded.predictions(split, logits), scores, trained, list_name)


def build(cell: Cell, data: Samples, training: View, device: torch.device) -> Model:
    """The untrained network of a cell, with a fitted imputer, after `settle`."""
    recipe = recipe_of(cell)
    spec = backbones.resolve(cell.backbone, recipe.max_text)
    backbone = backbones.load(spec, data.table.shape, recipe.max_text, derive(cell.seed, "backbone")).to(device)
    if recipe.dropout:
        backbone.set_dropout(recipe.dropout)
    torch.manual_seed(derive(cell.seed, "method"))
    imputer = registry.get(registry.IMPUTERS, cell.impute)(backbone).to(device)
    axes = Axes(cell.rank or 0, cell.blocks or (), dict(cell.knobs))
    method = registry.get(registry.METHODS, cell.method)(backbone, axes).to(device)
    # A separate random state, because what the method draws in `attach` must not depend on the embedders.
    with torch.random.fork_rng([]):
        torch.manual_seed(derive(cell.seed, "embedders"))
        brought = embedders(training, backbone)
    seed = derive(cell.seed, "head")
    task: Task = task_of(cell.task)
    outputs = task.outputs(len(data.table.labels))
    proportional = bool(recipe.loss) and task.losses[recipe.loss].proportional
    model = Model(backbone, method, imputer, outputs, seed, brought, recipe.readout, proportional).to(device)
    if recipe.head_bias == "prevalence":
        targets = _drawn_targets(training)
        model.start_at(task.logits(task.prior(targets, class_weights(recipe, task, targets))[None])[0])
    if recipe.projection == ALIGNED and not data.table.having(*PICTURES).any():
        model.freeze_projection()
    elif recipe.projection == ALIGNED:
        model.align(in_order(training, recipe.batch, device))
    # `observed` is lazy: the training set is embedded only if `fit` asks for it.
    imputer.fit(observed(model, training, recipe.batch, device))
    method.fit(observed(model, training, recipe.batch, device))
    fit_labelled(model, training, in_order(training, recipe.batch, device), task, device)
    settle(model, training, device)
    return model


def _drawn_targets(training: View) -> np.ndarray:
    """The targets of training samples, as often as the weights of their table draw them."""
    targets, weights = training.targets.numpy(), training.samples.table.weights
    return targets[resampled(np.array(weights)[training.rows], 0.5)] if weights else targets


def embedders(view: View, backbone: Backbone) -> dict[str, torch.nn.Module]:
    """Embedding networks, by modality, for kinds that the backbone does not embed; `view`: the training samples.

    Raises:
        UserError: such a kind has no embedder.
    """
    networks = {}
    table, contents = view.samples.table, view.samples.contents
    for m, (name, kind) in enumerate(table.shape.items()):
        if kind not in backbone.kinds:
            shown = view.rows[view.present[:, m]]
            network = table.kind(name).embedder(contents[m], shown, backbone.width_of(m))
            if network is None:
                known = ", ".join(backbone.kinds)
                raise UserError(f"the backbone embeds {known}, and the kind {kind!r} brings no embedder.")
            networks[name] = network
    return networks


def observed(model: Model, view: View, batch: int, device: torch.device) -> Iterator[tuple[list[Part], torch.Tensor]]:
    """Embedded training batches, for an imputer to fit on; absent modalities hold their dummies."""
    with torch.no_grad():
        for inputs in in_order(view, batch, device):
            yield model.embed(inputs), inputs.present


def in_order(view: View, batch: int, device: torch.device) -> Iterator[Batch]:
    """The samples of a view, as their mask shows them."""
    for start in range(0, len(view), batch):
        yield view.batch(np.arange(start, min(start + batch, len(view)))).to(device)
