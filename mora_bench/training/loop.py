"""The training loop of all methods. It trains the parameters that require a gradient, whatever the method."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mora_bench.cells.recipe import Recipe
from mora_bench.data.samples import View
from mora_bench.errors import UserError
from mora_bench.methods.network import Model, State
from mora_bench.seeds import rng
from mora_bench.tasks.contract import Task
from mora_bench.training.cost import StepClock
from mora_bench.training.fused import together
from mora_bench.training.kept import Feed
from mora_bench.training.predict import logits
from mora_bench.training.probe import verify

#: The values of `--compile`, each with its arguments for torch.compile.
COMPILERS: dict[str, dict] = {"off": {}, "on": {"dynamic": True}, "graphs": {"mode": "reduce-overhead"}}


@dataclass
class Fit:
    """The result of training one model.

    Attributes:
        history: one row per validation.
        best_step, best_score: the step whose parameters were restored, and its validation score.
        steps: number of training steps, until patience ended if it did.
        clock: what `StepClock.read` returned.
        kept: whether the states from the frozen beginning were kept.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_score: float = float("-inf")
    steps: int = 0
    clock: dict = field(default_factory=dict)
    kept: bool = False


def train(
    models: Sequence[Model],
    training: View,
    validation: View,
    recipes: Sequence[Recipe],
    seed: int,
    device: torch.device,
    task: Task,
    compiler: str = "off",
) -> list[Fit]:
    """Train what requires a gradient with AdamW on the task's loss, then restore the best checkpoint.

    The best checkpoint has the highest primary score on the validation split; `recipe.patience` validations after it
    training stops. Usually there is one model. Several
    models that differ in learning rate or rank alone train as one (`fused`), each with its own recipe and optimiser.
    Training is deterministic in `seed` on a CPU with a fixed number of threads. The order of samples depends on `seed`
    and the view alone, so every method sees the same batches. `compiler` is one of `COMPILERS`.

    Raises:
        FloatingPointError: a loss is not finite.
        RuntimeError: after training, the kept states differ from what the network computes.
    """
    recipe = recipes[0]
    steps = math.ceil(len(training) / recipe.batch)
    total = recipe.epochs * steps
    due = _validations(recipe, steps)
    learners = [_Learner(model, own, total, device, task) for model, own in zip(models, recipes, strict=True)]
    finish = compiled(together(models), compiler)
    autocast = _autocast(recipe, device)
    _each(models, training=True)
    feed = Feed(models[0], training, recipe.batch, device, autocast=autocast)
    _each(models, training=False)
    check = Feed(models[0], validation, recipe.batch, device)
    targets = training.targets.to(device)
    expected = validation.targets.numpy()
    order = rng("order", seed, len(training))
    clock = StepClock(device)
    step = 0
    for _ in range(recipe.epochs):
        if all(learner.gave_up for learner in learners):
            break
        batches = np.array_split(_drawn(order, training), steps)
        states = feed.states(batches)
        for at in batches:
            step += 1
            _each(models, training=True)
            with clock.step():
                with autocast():
                    predicted = finish(next(states))
                wanted = targets[torch.from_numpy(at).to(device)]
                losses = [learner.loss(own, wanted) for learner, own in zip(learners, predicted, strict=True)]
                torch.stack(losses).sum().backward()
                for learner in learners:
                    learner.step()
            if step in due:
                _each(models, training=False)
                for learner, own in zip(learners, logits(finish, check, recipe.batch), strict=True):
                    learner.validated(step, round(step / steps, 3), task.score(expected, own))
                if all(learner.gave_up for learner in learners):
                    break
    if feed.kept:
        at = np.arange(min(recipe.batch, len(training)))
        for model in models:
            verify(model, training, feed.state(at), device, at, autocast, exact=recipe.precision == "fp32")
    timed = clock.read(steps, len(models))
    return [learner.finished(timed, bool(feed.kept)) for learner in learners]


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


def _each(models: Sequence[Model], training: bool) -> None:
    for model in models:
        model.train(training)


def compiled(finish: Callable[[State], Tensor], compiler: str, **options) -> Callable[[State], Tensor]:
    """Compile `finish` with torch.compile; the arguments are those of `COMPILERS` and `options`."""
    if compiler == "off":
        return finish
    return torch.compile(finish, **COMPILERS[compiler], **options)


class _Learner:
    """One model in training: its optimiser, its learning-rate schedule and its best parameters so far."""

    def __init__(self, model: Model, recipe: Recipe, total: int, device: torch.device, task: Task):
        self.model = model
        self.task = task
        self.recipe = recipe
        self.trained = model.trained()
        self.optimizer = torch.optim.AdamW(
            _parameter_sets(model, recipe), lr=recipe.lr, betas=(recipe.beta1, recipe.beta2), eps=recipe.eps, fused=True
        )
        factor = _Linear(total, max(round(recipe.warmup * total), 1))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, factor)
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.fit = Fit(steps=total)
        self.best: dict[str, Tensor] = {}
        self.since = 0
        self.gave_up = False
        self.losses: list[Tensor] = []

    def loss(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Clear the gradients and return the loss of one step, scaled in fp16."""
        loss = self.task.loss(predicted.float(), wanted) + self.model.method.penalty()
        self.losses.append(loss.detach())
        self.optimizer.zero_grad(set_to_none=True)
        return self.scaler.scale(loss)

    def step(self) -> None:
        """Update the parameters from their gradients, then the learning rate."""
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()

    def validated(self, step: int, epoch: float, score: float) -> None:
        """Record the score and the mean loss since the last validation; save the parameters if they score best.

        Once out of patience it hears of nothing, though models that are trained with it may go on.
        """
        if self.gave_up:
            return
        mean = torch.stack(self.losses).mean().item()
        if not math.isfinite(mean):
            decay = self.recipe.weight_decay
            raise FloatingPointError(
                f"the training loss is {mean} at step {step}: lower recipe.lr ({self.recipe.lr:g})"
                + (f" or recipe.weight_decay ({decay:g})." if decay > 1 else ".")
            )
        self.losses.clear()
        self.fit.history.append({"step": step, "epoch": epoch, "loss": mean, "val_score": score})
        self.fit.steps = step
        if not self.best or score > self.fit.best_score:
            self.since, self.fit.best_score, self.fit.best_step = 0, score, step
            self.best = {name: p.detach().clone() for name, p in self.trained.items()}
        else:
            self.since += 1
            self.gave_up = 0 < self.recipe.patience <= self.since

    def finished(self, clock: dict, kept: bool) -> Fit:
        """Restore the best parameters and return the result."""
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(self.best[name])
        self.fit.clock, self.fit.kept = clock, kept
        return self.fit


def _parameter_sets(model: Model, recipe: Recipe) -> list[dict]:
    """The optimiser's parameter groups: the classifier has its own rate; biases have no weight decay, nor have norms,
    unless the recipe has that of the classifier's decay."""
    head = {id(p) for p in model.head.parameters()}
    norms = {id(m.weight) for m in model.head if isinstance(m, torch.nn.LayerNorm)} if recipe.decay_norms else set()
    alike: dict[tuple[float, float], list[torch.Tensor]] = {}
    for parameter in model.trained().values():
        rate = recipe.lr * (recipe.head_lr_mult if id(parameter) in head else 1.0)
        decay = recipe.weight_decay if parameter.ndim >= 2 or id(parameter) in norms else 0.0
        alike.setdefault((rate, decay), []).append(parameter)
    return [{"params": own, "lr": rate, "weight_decay": decay} for (rate, decay), own in alike.items()]


class _Linear:
    """Learning-rate factor: linear warm-up, then linear decay to 0."""

    def __init__(self, total: int, warmup: int):
        self.total, self.warmup = total, warmup

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return max(self.total - step, 0) / max(self.total - self.warmup, 1)


def _autocast(recipe: Recipe, device: torch.device) -> Callable[[], AbstractContextManager]:
    """A function that makes the context of a training pass."""
    if recipe.precision == "fp16" and device.type != "cuda":
        raise UserError(f"recipe.precision fp16 needs a GPU, and the device is {device}. Use fp32 or bf16.")
    if recipe.precision == "fp32":
        return nullcontext
    dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float16
    return lambda: torch.autocast(device.type, dtype)
