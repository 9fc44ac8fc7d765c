"""The rules that every task keeps."""

import math
from collections.abc import Iterator

import numpy as np
import torch

from mora_bench.checks.rules import described, expect, tried
from mora_bench.tasks.contract import Task

N, C = 60, 4


def _example() -> tuple[np.ndarray, np.ndarray]:
    """Targets with one label per sample, so that they suit tasks of either kind, and logits."""
    rng = np.random.default_rng(0)
    return np.eye(C, dtype=np.uint8)[np.arange(N) % C], rng.normal(size=(N, C)).astype(np.float32)


def named(task: Task) -> None:
    """It has a title and a source, as text, and its primary score is one of its metrics."""
    described(type(task), ("title", "source"))
    expect(task.primary in task.metrics, f"primary is {task.primary!r}; metrics are {', '.join(task.metrics)}")


def scored(task: Task) -> None:
    """Every metric is a number; perfect logits have the best primary score; without samples there is only n."""
    targets, logits = _example()
    found, best = task.scores(targets, logits), task.scores(targets, 20.0 * targets - 10)
    for name in task.metrics:
        expect(isinstance(found.get(name), float), f"scores have no number {name!r}")
    expect(best[task.primary] >= found[task.primary], "perfect logits have a lower primary score than random ones")
    expect(task.scores(targets[:0], logits[:0]) == {"n": 0}, "the scores without samples are not {'n': 0}")
    own = task.score(targets, logits)
    expect(math.isclose(own, found[task.primary], rel_tol=1e-9), f"score is {own}, scores say {found[task.primary]}")


def learned(task: Task) -> None:
    """The loss is a finite scalar with a gradient, and lower for better logits."""
    targets, logits = _example()
    wanted, predicted = torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(logits).requires_grad_(True)
    loss = task.loss(predicted, wanted)
    expect(loss.ndim == 0 and bool(torch.isfinite(loss)), f"the loss is {loss}")
    loss.backward()
    expect(predicted.grad is not None and bool(predicted.grad.any()), "the loss gives no gradient")
    expect(float(task.loss(20 * wanted - 10, wanted)) < float(loss), "the loss of perfect logits is not lower")


def turned(task: Task) -> None:
    """Probabilities become finite logits that rank and predict alike, 0 and 1 included."""
    targets, _ = _example()
    logits = task.logits(targets.astype(float))
    expect(bool(np.isfinite(logits).all()), "probabilities of 0 and 1 become logits that are not finite")
    expect(math.isclose(task.score(targets, logits), task.score(targets, 20.0 * targets - 10)), "certainty is lost")


RULES = (named, scored, learned, turned)


def check(task: type[Task]) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    return tried(RULES, task(), needed=scored)
