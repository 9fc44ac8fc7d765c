"""The one training loop. It knows no method by name: what trains is asked of PyTorch."""

import math
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from mora_bench import scores
from mora_bench.cell import Recipe
from mora_bench.data import missing
from mora_bench.data.samples import View
from mora_bench.errors import UserError
from mora_bench.feed import Feed
from mora_bench.measure import StepClock
from mora_bench.model import Model
from mora_bench.predict import logits


@dataclass
class Fit:
    """What came of training: a row a validation, which of them was kept, and the clock's readings."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_step: int = 0
    best_f1: float = -1.0
    steps: int = 0
    clock: dict = field(default_factory=dict)


def train(model: Model, training: View, validation: View, recipe: Recipe, seed: int, device: torch.device) -> Fit:
    """Train what requires a gradient with AdamW and BCE, keep the best checkpoint by validation F1-macro.

    Deterministic in `seed` on a CPU with a fixed number of threads. The order of samples depends on `seed` and the
    view alone, so every method sees the same batches.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    trained = model.trained()
    optimizer = torch.optim.AdamW(
        _groups(model, recipe), lr=recipe.lr, betas=(recipe.beta1, recipe.beta2), eps=recipe.eps, fused=True
    )
    a_pass = math.ceil(len(training) / recipe.batch)
    total = recipe.epochs * a_pass
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _Linear(total, max(round(recipe.warmup * total), 1)))
    due = {
        min(math.ceil(k * recipe.validate_every * a_pass), total)
        for k in range(1, math.ceil(recipe.epochs / recipe.validate_every) + 1)
    }
    due.add(total)
    autocast, scaler = _precision(recipe, device)
    feed = Feed(model, training, recipe.batch, device)
    check = Feed(model, validation, recipe.batch, device)
    targets = training.targets.to(device)
    expected = validation.targets.numpy()
    order = missing.rng("order", seed, len(training))
    fit = Fit(steps=total)
    clock = StepClock(device)
    best: dict[str, torch.Tensor] = {}
    losses: list[torch.Tensor] = []
    step = 0
    for _ in range(recipe.epochs):
        for at in np.array_split(order.permutation(len(training)), a_pass):
            step += 1
            model.train()
            with clock.step():
                with autocast():
                    predicted = model.finish(feed.state(at))
                loss = F.binary_cross_entropy_with_logits(predicted.float(), targets[torch.from_numpy(at).to(device)])
                loss = loss + model.method.penalty()
                optimizer.zero_grad(set_to_none=True)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            schedule.step()
            losses.append(loss.detach())
            if step in due:
                mean = torch.stack(losses).mean().item()
                if not math.isfinite(mean):
                    raise FloatingPointError(
                        f"the training loss is {mean} at step {step}: lower recipe.lr ({recipe.lr:g})."
                    )
                f1 = scores.f1_macro(expected, logits(model, check, recipe.batch))
                fit.history.append({"step": step, "epoch": round(step / a_pass, 3), "loss": mean, "val_f1_macro": f1})
                losses.clear()
                if f1 > fit.best_f1:
                    fit.best_f1, fit.best_step = f1, step
                    best = {name: p.detach().clone() for name, p in trained.items()}
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(best[name])
    fit.clock = clock.read(a_pass)
    return fit


def _groups(model: Model, recipe: Recipe) -> list[dict]:
    """Optimiser groups: the classifier at its own rate, biases and norms without decay."""
    head = {id(p) for p in model.head.parameters()}
    groups: dict[tuple[float, float], list[torch.Tensor]] = {}
    for parameter in model.trained().values():
        rate = recipe.lr * (recipe.head_lr_mult if id(parameter) in head else 1.0)
        decay = recipe.weight_decay if parameter.ndim >= 2 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


class _Linear:
    """Learning-rate factor: linear warm-up, then linear decay to 0."""

    def __init__(self, total: int, warmup: int):
        self.total, self.warmup = total, warmup

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return max(self.total - step, 0) / max(self.total - self.warmup, 1)


def _precision(recipe: Recipe, device: torch.device):
    if recipe.precision == "fp16" and device.type != "cuda":
        raise UserError(f"recipe.precision fp16 needs a GPU, and the device is {device}. Use fp32 or bf16.")
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
    if recipe.precision == "fp32":
        return nullcontext, scaler
    dtype = torch.bfloat16 if recipe.precision == "bf16" else torch.float16
    return lambda: torch.autocast(device.type, dtype), scaler
