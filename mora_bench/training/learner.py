"""One model in training: its optimiser, its learning-rate schedule, its best parameters so far."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mora_bench.cells.recipe import Recipe
from mora_bench.errors import UserError
from mora_bench.methods.network import Model
from mora_bench.tasks.contract import Task


class NotFinite(FloatingPointError):
    """A loss, a gradient or an output of a training is NaN or infinite."""


@dataclass
class Fit:
    """The result of training one model.

    Attributes:
        history: one row per validation.
        best_step, best_score: the step whose parameters were restored, and its validation score.
        steps: number of training steps, until patience ended if it did.
        clock: what `StepClock.read` returned.
        kept: whether the states from the frozen beginning were kept.
        resumed: the steps after which training went on from a checkpoint.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_score: float = float("nan")
    steps: int = 0
    clock: dict = field(default_factory=dict)
    kept: bool = False
    resumed: list[int] = field(default_factory=list)


class Learner:
    """One model in training: its optimiser, its learning-rate schedule and its best parameters so far.

    Args:
        total: the number of steps.
        weights: what a positive of each class weighs in the loss, [C]; None: 1.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        total: int,
        device: torch.device,
        task: Task,
        weights: np.ndarray | None = None,
    ):
        self.model = model
        self.task = task
        self.weights = None if weights is None else torch.from_numpy(weights).float().to(device)
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
        # Tasks without class weights need not know the argument.
        weights = {} if self.weights is None else {"weights": self.weights}
        loss = self.task.loss(predicted.float(), wanted, **weights) + self.model.method.penalty()
        self.losses.append(loss.detach())
        self.optimizer.zero_grad(set_to_none=True)
        return self.scaler.scale(loss)

    def step(self) -> None:
        """Update the parameters from their gradients, then the learning rate."""
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()

    def validated(self, step: int, epoch: float, score: float) -> None:
        """Record the score and the mean loss since the last validation; save the parameters if they score best, in the
        direction of the task's metric.

        Once out of patience it hears of nothing, though models that are trained with it may go on.

        Raises:
            NotFinite: a loss since the last validation was not finite.
        """
        if self.gave_up:
            return
        mean = torch.stack(self.losses).mean().item()
        if not math.isfinite(mean):
            raise NotFinite(f"the training loss is {mean} at step {step}.")
        self.losses.clear()
        # A task of one's own may give NumPy's numbers, which JSON does not know.
        score = float(score)
        self.fit.history.append({"step": step, "epoch": epoch, "loss": mean, "val_score": score})
        self.fit.steps = step
        if not self.best or self.task.metric.key(score) > self.task.metric.key(self.fit.best_score):
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

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that training changes: tensors by name, and what JSON can hold."""
        optimizer = self.optimizer.state_dict()
        tensors = {f"now {name}": tensor for name, tensor in self._own().items()}
        tensors |= {f"best {name}": tensor for name, tensor in self.best.items()}
        tensors |= {f"optimizer {k} {n}": t for k, own in optimizer["state"].items() for n, t in own.items()}
        if self.losses:
            tensors["losses"] = torch.stack(self.losses)
        fit = {name: getattr(self.fit, name) for name in ("history", "best_step", "best_score", "steps")}
        plain = {"groups": optimizer["param_groups"], "schedule": self.schedule.state_dict()}
        plain |= {"scaler": self.scaler.state_dict(), "fit": fit, "since": self.since, "gave_up": self.gave_up}
        return tensors, plain

    def _own(self) -> dict[str, Tensor]:
        return {**self.trained, **dict(self.model.named_buffers())}

    def fits(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether tensors are those of a model like this one."""
        found = {name.removeprefix("now "): t.shape for name, t in tensors.items() if name.startswith("now ")}
        return found == {name: tensor.shape for name, tensor in self._own().items()}

    def restore(self, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Be as the learner was whose `state` is given."""
        optimizer: dict[int, dict[str, Tensor]] = {}
        with torch.no_grad():
            for name, own in self._own().items():
                own.copy_(tensors[f"now {name}"])
        for whole, tensor in tensors.items():
            kind, _, name = whole.partition(" ")
            if kind == "best":
                self.best[name] = tensor.to(self.trained[name].device)
            elif kind == "optimizer":
                number, _, what = name.partition(" ")
                optimizer.setdefault(int(number), {})[what] = tensor
        groups = [group | {"betas": tuple(group["betas"])} for group in plain["groups"]]
        self.optimizer.load_state_dict({"state": optimizer, "param_groups": groups})
        self.schedule.load_state_dict(dict(plain["schedule"]))
        self.scaler.load_state_dict(plain["scaler"])
        self.losses = (
            list(tensors["losses"].to(next(iter(self.trained.values())).device)) if "losses" in tensors else []
        )
        for name, value in plain["fit"].items():
            setattr(self.fit, name, value)
        self.since, self.gave_up = plain["since"], plain["gave_up"]


def class_weights(recipe: Recipe, task: Task, targets: np.ndarray) -> np.ndarray | None:
    """What a positive of each class weighs in the loss, [C], by the training targets [N, C]; None: 1.

    A recipe that draws samples by weights (`reweigh`) changes nothing here: what it draws stands for the training split
    itself, so classes are as frequent among it, in expectation.

    Raises:
        UserError: the task has no class weights.
    """
    if recipe.class_weights == "none":
        return None
    found = task.balanced(targets)
    if found is None:
        raise UserError(f"recipe.class_weights {recipe.class_weights}: {type(task).__name__}.balanced gives none.")
    return found


def _parameter_sets(model: Model, recipe: Recipe) -> list[dict]:
    """The optimiser's parameter groups: the classifier has its own rate; biases have no weight decay, nor have norms,
    unless the recipe has that of the classifier's decay."""
    head = {id(p) for p in model.head.parameters()}
    norms = {id(m.weight) for m in model.head.modules() if isinstance(m, torch.nn.LayerNorm) and recipe.decay_norms}
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
