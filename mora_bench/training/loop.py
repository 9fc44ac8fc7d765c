"""The training loop of all methods. It trains the parameters that require a gradient, whatever the method."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mora_bench.cells.recipe import Recipe
from mora_bench.data.samples import View
from mora_bench.errors import UserError
from mora_bench.methods.network import Model, State
from mora_bench.seeds import rng
from mora_bench.tasks.contract import Task
from mora_bench.training.checkpoint import Checkpoint, Position
from mora_bench.training.cost import StepClock
from mora_bench.training.learner import Fit, Learner, NotFinite, class_weights
from mora_bench.training.log import Log
from mora_bench.training.modality_dropout import Dropping
from mora_bench.training.precast import precast
from mora_bench.training.predict import logits
from mora_bench.training.probe import verify
from mora_bench.training.state_cache import Feed
from mora_bench.training.vectorised import together
from mora_bench.training.watch import Watch

#: The values of `--compile`, each with its arguments for torch.compile.
COMPILERS: dict[str, dict] = {"off": {}, "on": {"dynamic": True}, "graphs": {"mode": "reduce-overhead"}}


def train(
    models: Sequence[Model],
    training: View,
    validation: View,
    recipes: Sequence[Recipe],
    seed: int,
    device: torch.device,
    task: Task,
    compiler: str = "off",
    checkpoint: Checkpoint | None = None,
    log: Path | None = None,
    watch: Watch | None = None,
    watched: str = "",
) -> list[Fit]:
    """Train what requires a gradient with AdamW on the task's loss, then restore the best checkpoint.

    The best checkpoint has the best score `watched`, or the primary one, on the validation split; `recipe.patience`
    validations after it training stops, or decays and then stops (`learner`). Usually there is one model. Several
    models that differ in learning rate or rank alone train as one (`fused`), each with its own recipe and optimiser.
    Training is deterministic in `seed` on a CPU with a fixed number of threads. The order of samples depends on `seed`
    and the view alone, so every method sees the same batches. `compiler` is one of `COMPILERS`. A training that was
    killed goes on from its checkpoint, and ends with the same bits. What it says meanwhile is appended to `log`. With
    `watch` the gradients of a single model are looked at.

    Raises:
        NotFinite: a loss, a gradient that is watched, or an output is not finite.
        RuntimeError: after training, the kept states differ from what the network computes.
    """
    recipe = recipes[0]
    steps = math.ceil(len(training) / recipe.batch)
    due = _validations(recipe, steps)
    weights = class_weights(recipe, task, training.targets.numpy())
    learners = [
        Learner(model, learner_recipe, steps, device, task, watched, weights)
        for model, learner_recipe in zip(models, recipes, strict=True)
    ]
    finish = compiled(together(models), compiler)
    autocast = _autocast(models, recipe, device)
    _set_mode(models, training=True)
    dropping = Dropping(training, recipe.modality_dropout, seed, recipe.modality_dropout_epochs * steps)
    # A graph is captured for each shape.
    few = compiler == "graphs"
    feed = Feed(models[0], dropping.view, recipe.batch, device, dropping.worth_keeping, autocast, few)
    _set_mode(models, training=False)
    check = Feed(models[0], validation, recipe.batch, device, few_lengths=few)
    targets = dropping.view.targets.to(device)
    expected = validation.targets.numpy()
    order = rng("order", seed, len(training))
    clock = StepClock(device)
    at_hand = checkpoint.restore(learners, clock, device) if checkpoint else Position()
    if at_hand.order is not None:
        order.bit_generator.state = at_hand.order
    step = at_hand.step
    logger = Log(log, step)
    look = watch.look if watch else _not_looked_at
    for epoch in range(at_hand.epoch, recipe.epochs):
        if all(learner.gave_up for learner in learners):
            break
        drawn_from = order.bit_generator.state
        batches = dropping.steps(np.array_split(_drawn(order, training), steps)[step - epoch * steps :], step + 1)
        states = feed.states(batches)
        for at in batches:
            step += 1
            _set_mode(models, training=True)
            with clock.step():
                _backward(learners, finish, next(states), targets[torch.from_numpy(at).to(device)], autocast)
                look(step, at, learners[0], _again(learners[0], finish, feed, targets))
                for learner in learners:
                    learner.step()
            logger.step(step, learners)
            if looking := [learner for learner in learners if step in due or learner.looks_after(step)]:
                _set_mode(models, training=False)
                outputs = dict(zip(learners, _outputs(finish, check, recipe.batch, step), strict=True))
                for learner in looking:
                    learner.look(step, expected, outputs[learner])
                logger.validated(step, learners)
                if all(learner.gave_up for learner in learners):
                    break
            if checkpoint and checkpoint.due():
                checkpoint.save(learners, clock, Position(epoch, drawn_from, step), device)
    _check_kept(models, feed, recipe, device, autocast)
    logger.ended(step)
    timed = clock.read(steps, len(models))
    fits = [learner.finished(timed, bool(feed.kept)) for learner in learners]
    for fit in fits:
        fit.resumed = checkpoint.resumed if checkpoint else []
    return fits


def _check_kept(
    models: Sequence[Model],
    feed: Feed,
    recipe: Recipe,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager],
) -> None:
    """Hold kept states, where there are any, against what the networks compute.

    Raises:
        RuntimeError: they differ.
    """
    at = np.arange(min(recipe.batch, len(feed.view)))
    for model in models if feed.kept else ():
        verify(model, feed.view, feed.state(at), device, at, autocast, exact=recipe.precision == "fp32")


def _backward(
    learners: Sequence[Learner],
    finish: Callable[[State], Tensor],
    state: State,
    wanted: Tensor,
    autocast: Callable[[], AbstractContextManager],
) -> None:
    """Compute the losses of one batch, of targets `wanted`, and their gradients."""
    with autocast():
        predicted = finish(state)
    losses = [learner.loss(prediction, wanted) for learner, prediction in zip(learners, predicted, strict=True)]
    torch.stack(losses).sum().backward()


def _outputs(finish: Callable[[State], Tensor], check: Feed, batch: int, step: int) -> np.ndarray:
    """Logits of the validation samples, [K, n, C].

    Raises:
        NotFinite: one of them is not.
    """
    outputs = logits(finish, check, batch)
    if not np.isfinite(outputs).all():
        raise NotFinite(f"outputs of validation samples are not finite after step {step}.")
    return outputs


def _not_looked_at(*anything: object) -> None:
    """Do nothing: looking costs."""


def _again(
    learner: Learner, finish: Callable[[State], Tensor], feed: Feed, targets: Tensor
) -> Callable[[np.ndarray], Tensor]:
    """A function from positions to the loss of their samples as one batch."""
    return lambda at: learner.loss(finish(feed.state(at))[0], targets[torch.from_numpy(at).to(targets.device)])


def _drawn(order: np.random.Generator, training: View) -> np.ndarray:
    """The samples of an epoch in order: each once, or as many with replacement by their weights."""
    n = len(training)
    if training.weights is None:
        return order.permutation(n)
    return order.choice(n, n, p=training.weights / training.weights.sum())


def _validations(recipe: Recipe, steps: int) -> set[int]:
    """The steps after which the validation split is scored, including the last; `steps` is the number per epoch."""
    total = recipe.epochs * steps
    count = math.ceil(recipe.epochs / recipe.validate_every)
    return {min(math.ceil(k * recipe.validate_every * steps), total) for k in range(1, count + 1)} | {total}


def _set_mode(models: Sequence[Model], training: bool) -> None:
    for model in models:
        model.train(training)


def compiled(finish: Callable[[State], Tensor], compiler: str, **options) -> Callable[[State], Tensor]:
    """Compile `finish` with torch.compile; the arguments are those of `COMPILERS` and `options`."""
    if compiler == "off":
        return finish
    return torch.compile(finish, **COMPILERS[compiler], **options)


def _autocast(models: Sequence[Model], recipe: Recipe, device: torch.device) -> Callable[[], AbstractContextManager]:
    """A function that makes the context of a training pass."""
    if recipe.precision == "fp16" and device.type != "cuda":
        raise UserError(f"recipe.precision fp16 needs a GPU, and the device is {device}. Use fp32 or bf16.")
    if recipe.precision == "fp32":
        return nullcontext
    dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float16
    return precast(models, device, dtype)
