"""One model in training: its optimiser, its learning-rate schedule, its best parameters so far."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mora_bench.cells.recipe import Recipe
from mora_bench.data.audit import some
from mora_bench.errors import UserError
from mora_bench.methods.network import Model
from mora_bench.records.schema import Training, Validation, cut_short
from mora_bench.tasks.contract import Task
from mora_bench.training.schedule import Plateau, schedule_of


class NotFinite(FloatingPointError):
    """A loss, a gradient or an output of a training is NaN or infinite."""


@dataclass
class Fit:
    """The result of training one model.

    Attributes:
        history: one row per validation.
        best_step, best_score: the step whose parameters were restored, and its validation score.
        steps: number of training steps, until patience ended if it did; cap: the most that there could have been.
        fell_after: the steps after which a plateau's decay began; None without one.
        clock: what `StepClock.read` returned.
        kept: whether the states from the frozen beginning were kept.
        resumed: the steps after which training went on from a checkpoint.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_score: float = float("nan")
    steps: int = 0
    cap: int = 0
    fell_after: int | None = None
    clock: dict = field(default_factory=dict)
    kept: bool = False
    resumed: list[int] = field(default_factory=list)

    def as_record(self, watched: str) -> Training:
        """The fit as a record has it; `watched` as a cell says it."""
        short = cut_short(self.best_step, self.cap)
        history = [Validation(**row) for row in self.history]
        return Training(
            history=history, best_step=self.best_step, best_score=self.best_score, steps=self.steps,
            resumed=self.resumed, watched=watched, cap=self.cap, fell_after=self.fell_after, cut_short=short,
        )  # fmt: skip


class Learner:
    """One model in training: its optimiser, its learning-rate schedule and its best parameters so far.

    Args:
        steps: the number of steps of an epoch.
        watched: the score that says which parameters are best, "" for the task's primary one.
        weights: the weight of a positive of each class in the loss, [C]; None: 1.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        steps: int,
        device: torch.device,
        task: Task,
        watched: str = "",
        weights: np.ndarray | None = None,
    ):
        self.model = model
        self.task = task
        self.watched = watched or task.primary
        self.metric = task.metrics[self.watched]
        self.weights = None if weights is None else torch.from_numpy(weights).float().to(device)
        self.recipe = recipe
        self.steps_an_epoch = steps
        self.trained = model.trained()
        self.optimizer = torch.optim.AdamW(
            _parameter_sets(model, recipe), lr=recipe.lr, betas=(recipe.beta1, recipe.beta2), eps=recipe.eps, fused=True
        )
        self.rate = schedule_of(recipe, steps)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self.rate)
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.fit = Fit(steps=self.rate.end, cap=self.rate.end)
        self.best: dict[str, Tensor] = {}
        self.since = 0
        self.gave_up = False
        self.losses: list[Tensor] = []
        #: Steps that fp16's scaler did not leave out, and the look by which their number last grew.
        self.taken = self.moved = 0

    @property
    def open_ended(self) -> bool:
        """Whether patience may end it before `rate.end`."""
        waits = not isinstance(self.rate, Plateau) or self.fit.fell_after is None
        return self.recipe.patience > 0 and waits and not self.gave_up

    def looks_after(self, step: int) -> bool:
        """Whether it wants a look that is not due: where its decay begins and ends."""
        return isinstance(self.rate, Plateau) and step in (self.rate.falls_after, self.rate.end)

    def loss(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Clear the gradients and return the loss of one step, scaled in fp16."""
        loss = self._of_task(predicted.float(), wanted) + self.model.method.penalty()
        self.losses.append(loss.detach())
        self.optimizer.zero_grad(set_to_none=True)
        return self.scaler.scale(loss)

    def _of_task(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        if self.recipe.loss:
            return self.task.loss_by(self.recipe.loss, predicted, wanted)
        # Tasks without class weights need not know the argument.
        weights = {} if self.weights is None else {"weights": self.weights}
        return self.task.loss(predicted, wanted, **weights)

    def step(self) -> None:
        """Update the parameters from their gradients, then the learning rate."""
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()

    def look(self, step: int, targets: np.ndarray, logits: np.ndarray) -> None:
        """Score the targets and logits of the validation samples, both [n, C], after a step; see `validated`. Once it
        has ended it looks at nothing, though models that are trained with it may go on."""
        if not self.gave_up:
            score = self.task.value(self.watched, targets, logits)
            self.validated(step, round(step / self.steps_an_epoch, 3), score)

    def validated(self, step: int, epoch: float, score: float) -> None:
        """Record the score and the mean loss since the last validation; save the parameters if they score best, in the
        direction of the metric that is watched.

        Raises:
            NotFinite: a loss since the last validation was not finite, or in fp16 no gradient of an epoch was.
            UserError: the decay of a plateau begins, and no look had a score.
        """
        mean = torch.stack(self.losses).mean().item()
        if not math.isfinite(mean):
            raise NotFinite(f"the training loss is {mean} at step {step}.")
        self.losses.clear()
        self._check_steps(step)
        # A user's task may give NumPy's numbers, which JSON does not know.
        score = float(score)
        self.fit.history.append({"step": step, "epoch": epoch, "loss": mean, "val_score": score})
        self.fit.steps = step
        on_plateau = isinstance(self.rate, Plateau)
        # With the published schedule the first look is the best so far also where it has no score.
        first = not self.best and not (on_plateau and math.isnan(score))
        if first or self.metric.key(score) > self.metric.key(self.fit.best_score):
            self.since, self.fit.best_score, self.fit.best_step = 0, score, step
            self.best = {name: p.detach().clone() for name, p in self.trained.items()}
        elif not on_plateau or step >= self.rate.warmup:
            self.since += 1
        if on_plateau:
            self._on_plateau(step)
        else:
            self.gave_up = 0 < self.recipe.patience <= self.since

    def _on_plateau(self, step: int) -> None:
        """Begin the decay where patience, or the cap, ends the plateau; end with it.

        It begins from the best parameters so far, because later steps made them no better on samples that were
        not trained on; from the last ones it would lower the rate of parameters that have just proved to overfit. The
        optimiser's moments stay: they are averages over tens of steps, and saving them too would double the memory.
        """
        assert isinstance(self.rate, Plateau)
        if self.fit.fell_after is None and (self.since >= self.recipe.patience or step == self.rate.falls_after):
            if not self.best:
                raise UserError(
                    f"{self.metric.title} was undefined in every validation ({self.metric.convention}), so early "
                    "stopping is impossible: use more samples, or recipe.schedule linear."
                )
            self.rate.falls_after = self.fit.fell_after = step
            self._restore_best()
        self.gave_up = step >= self.rate.end

    def _restore_best(self) -> None:
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(self.best[name])

    def _check_steps(self, step: int) -> None:
        """Refuse to go on where fp16's scaler left out all steps of an epoch, because a gradient was not finite: then
        nothing trains, though losses look well."""
        if not self.scaler.is_enabled():
            return
        # The optimiser does not count a step that is left out. Reading it waits for the device, so looks alone do.
        taken = max((int(state["step"]) for state in self.optimizer.state.values()), default=0)
        if taken > self.taken:
            self.taken, self.moved = taken, step
        if step - self.moved >= self.steps_an_epoch:
            odd = not_finite(self.trained)
            raise NotFinite(
                f"in fp16 the last {step - self.moved} steps were left out, because a gradient was not finite"
                f"{f': that of {some(odd)}' * bool(odd)}; the scale of the loss fell to {self.scaler.get_scale():.3g}. "
                "Use bf16 or fp32; if it is not finite there either, its parameter is named, too."
            )

    def finished(self, clock: dict, kept: bool) -> Fit:
        """Restore the best parameters and return the result."""
        self._restore_best()
        self.fit.clock, self.fit.kept = clock, kept
        return self.fit

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that training changes: tensors by name, and a plain part that JSON can hold."""
        optimizer = self.optimizer.state_dict()
        tensors = {f"now {name}": tensor for name, tensor in self._current().items()}
        tensors |= {f"best {name}": tensor for name, tensor in self.best.items()}
        tensors |= {f"optimizer {k} {n}": t for k, moments in optimizer["state"].items() for n, t in moments.items()}
        if self.losses:
            tensors["losses"] = torch.stack(self.losses)
        names = ("history", "best_step", "best_score", "steps", "fell_after")
        fit = {name: getattr(self.fit, name) for name in names}
        plain = {"groups": optimizer["param_groups"], "schedule": self.schedule.state_dict()}
        plain |= {"scaler": self.scaler.state_dict(), "fit": fit, "since": self.since, "gave_up": self.gave_up}
        plain |= {"taken": self.taken, "moved": self.moved}
        return tensors, plain

    def _current(self) -> dict[str, Tensor]:
        return {**self.trained, **dict(self.model.named_buffers())}

    def fits(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether tensors are those of a model like this one."""
        shapes = {name.removeprefix("now "): t.shape for name, t in tensors.items() if name.startswith("now ")}
        return shapes == {name: tensor.shape for name, tensor in self._current().items()}

    def restore(self, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Take over the `state` of another learner: its tensors and its plain part."""
        optimizer: dict[int, dict[str, Tensor]] = {}
        with torch.no_grad():
            for name, current in self._current().items():
                current.copy_(tensors[f"now {name}"])
        for key, tensor in tensors.items():
            kind, _, name = key.partition(" ")
            if kind == "best":
                self.best[name] = tensor.to(self.trained[name].device)
            elif kind == "optimizer":
                number, _, part = name.partition(" ")
                optimizer.setdefault(int(number), {})[part] = tensor
        groups = [group | {"betas": tuple(group["betas"])} for group in plain["groups"]]
        self.optimizer.load_state_dict({"state": optimizer, "param_groups": groups})
        self.schedule.load_state_dict(dict(plain["schedule"]))
        self.scaler.load_state_dict(plain["scaler"])
        self.losses = (
            list(tensors["losses"].to(next(iter(self.trained.values())).device)) if "losses" in tensors else []
        )
        for name, value in plain["fit"].items():
            setattr(self.fit, name, value)
        for name in ("since", "gave_up", "taken", "moved"):
            setattr(self, name, plain[name])


def class_weights(recipe: Recipe, task: Task, targets: np.ndarray) -> np.ndarray | None:
    """The weight of a positive of each class in the loss, [C], by the training targets [N, C]; None: 1.

    A recipe that draws samples by weights (`reweigh`) changes nothing here: what it draws stands for the training split
    itself, so classes are as frequent among it, in expectation.

    Raises:
        UserError: the task has no class weights.
    """
    if recipe.class_weights == "none":
        return None
    weights = task.balanced(targets)
    if weights is None:
        raise UserError(f"recipe.class_weights {recipe.class_weights}: {type(task).__name__}.balanced gives none.")
    return weights


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
    return [{"params": parameters, "lr": rate, "weight_decay": decay} for (rate, decay), parameters in alike.items()]


def not_finite(trained: Mapping[str, torch.nn.Parameter]) -> list[str]:
    """The names of parameters whose gradient holds NaN or infinity."""
    return [n for n, p in trained.items() if p.grad is not None and not bool(p.grad.isfinite().all())]
