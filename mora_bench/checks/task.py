"""The rules that every task keeps."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mora_bench.checks.device import GPU, on_one_device
from mora_bench.checks.rules import BrokenRule, described, expect, tried
from mora_bench.errors import UserError
from mora_bench.plan.fitting import weighs
from mora_bench.tasks.contract import Task
from mora_bench.tasks.metric import check_agree, check_metrics

N = 60
#: Scores of near certainty, logits of 10 and -10, are this near to those of certainty, as a share of how far those of
#: random logits are; two sums of the same numbers in another order differ by less than the second, in whatever unit.
NEAR, EQUAL = 1e-3, 1e-9
#: How far logits are moved towards the truth.
STEP = 0.1


def _example(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The task's own example: targets, logits drawn without them, and those of somebody who knows them for sure."""
    targets, sure = task.example(N)
    return targets, np.random.default_rng(0).normal(size=sure.shape).astype(np.float32), sure


def _known(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The samples of the example of whom everybody knows which labels are true: as `_example`, and 0 or 1 [n, C]."""
    example = _example(task)
    truth = task.truth(example[0])
    rows = ~np.isnan(truth).any(1)
    return example[0][rows], example[1][rows], example[2][rows], truth[rows]


def _scores(task: Task, targets: np.ndarray, logits: np.ndarray) -> dict:
    """All scores of the samples, those included that know other samples or weigh them: here the same, and all alike."""
    weights = np.ones(len(targets))
    return task.scores(targets, logits) | {
        **task.tuned((targets, logits), targets, logits),
        **task.weighted(targets, logits, weights),
    }


def named(task: Task) -> None:
    """It has a title and a source, as text; metrics say direction, range, convention; primary, agree and beside name
    some of them, and what is watched is one that needs no threshold."""
    described(type(task), ("title", "source"))
    try:
        check_metrics(type(task).__name__, task.primary, task.metrics, task.watched)
        check_agree(type(task).__name__, task.primary, task.metrics, task.agree, task.beside)
    except UserError as error:
        raise BrokenRule(str(error)) from None


def scored(task: Task) -> None:
    """Every metric is a number within its bounds; without samples there is only n; `score` is the primary score, and
    `value` the score that it is asked for."""
    targets, logits, _ = _example(task)
    scores = _scores(task, targets, logits)
    for name, metric in task.metrics.items():
        value = scores.get(name)
        if not isinstance(value, float):
            raise BrokenRule(f"scores have no number {name!r}")
        low, high = metric.bounds
        expect(not metric.outside(value), f"{name} is {value:g}, outside its bounds {low:g} to {high:g}")
    expect(task.scores(targets[:0], logits[:0]) == {"n": 0}, "the scores without samples are not {'n': 0}")
    score = task.score(targets, logits)
    same = math.isclose(score, scores[task.primary], rel_tol=EQUAL, abs_tol=EQUAL)
    expect(same, f"score is {score}, scores say {scores[task.primary]}")
    for name in task.scores(targets, logits).keys() & task.metrics.keys():
        alone = task.value(name, targets, logits)
        same = math.isclose(alone, scores[name], rel_tol=EQUAL, abs_tol=EQUAL)
        expect(same, f"value of {name} is {alone}, scores say {scores[name]}")


def directed(task: Task) -> None:
    """Perfect logits score at the better end of every metric, and no worse than random ones."""
    targets, logits, sure = _example(task)
    scores, best = _scores(task, targets, logits), _scores(task, targets, sure)
    for name, metric in task.metrics.items():
        value, end = best[name], metric.better_end
        near = NEAR * abs(scores[name] - (end if math.isfinite(end) else value)) + EQUAL
        ahead = metric.oriented(value) >= metric.oriented(scores[name]) - near
        expect(ahead, f"{name}: perfect logits score {value:g}, random ones {scores[name]:g}, and {metric.direction}")
        reached = not math.isfinite(end) or abs(value - end) <= near
        expect(reached, f"{name}: perfect logits score {value:g}; the better end of its bounds is {end:g}")


def learned(task: Task) -> None:
    """The loss is a finite scalar with a gradient, and lower for better logits."""
    targets, logits, sure = _example(task)
    wanted, predicted = torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(logits).requires_grad_(True)
    loss = task.loss(predicted, wanted)
    expect(loss.ndim == 0 and bool(torch.isfinite(loss)), f"the loss is {loss}")
    loss.backward()
    expect(predicted.grad is not None and bool(predicted.grad.any()), "the loss gives no gradient")
    known = torch.from_numpy(sure).float()
    expect(float(task.loss(known, wanted)) < loss.item(), "the loss of perfect logits is not lower")


def _losses(task: Task) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Every loss, of logits and targets, by what messages call it."""
    named: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"the loss": task.loss}
    return named | {f"the loss {name!r}": partial(task.loss_by, name) for name in task.losses}


def towards(task: Task) -> None:
    """Every loss falls when the logits of true labels rise, and when those of untrue ones fall.

    Asked where each label has a logit of its own."""
    targets, logits, sure, truth = _known(task)
    if task.columns or sure.shape != truth.shape:
        return
    wanted, start = torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(logits)
    truer, less = torch.from_numpy(truth > 0).float(), torch.from_numpy(truth == 0).float()
    for name, loss in _losses(task).items():
        before = float(loss(start, wanted))
        for which, change in (("true labels rise", truer), ("untrue labels fall", -less)):
            after = float(loss(start + STEP * change, wanted))
            expect(
                after < before,
                f"{name} goes from {before:.4g} to {after:.4g} when the logits of {which}; it must fall. Its arguments "
                "are the logits, then the targets: they may be exchanged",
            )


def further(task: Task) -> None:
    """Its further losses are finite scalars with a gradient, whatever a batch holds and in whatever order, and lower
    for better logits."""
    targets, logits, sure = _example(task)
    wanted, known = torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(sure).float()
    for name in task.losses:
        predicted = torch.from_numpy(logits).float().requires_grad_(True)
        loss = task.loss_by(name, predicted, wanted)
        expect(loss.ndim == 0 and bool(torch.isfinite(loss)), f"the loss {name!r} is {loss}")
        loss.backward()
        expect(predicted.grad is not None and bool(predicted.grad.any()), f"the loss {name!r} gives no gradient")
        expect(float(task.loss_by(name, known, wanted)) < loss.item(), f"{name!r} of perfect logits is not lower")
        turned_round = task.loss_by(name, predicted.flip(0), wanted.flip(0)).item()
        expect(
            math.isclose(turned_round, loss.item(), rel_tol=1e-5), f"the loss {name!r} hangs on the order of samples"
        )
        for row in range(len(wanted)):
            alone = task.loss_by(name, predicted[row : row + 1], wanted[row : row + 1])
            expect(bool(torch.isfinite(alone)), f"the loss {name!r} of sample number {row} alone is {alone}")


def device(task: Task) -> None:
    """On a GPU its losses leave nothing on the CPU. Not tried is what asks for values, as `.item()` does."""
    targets, logits, _ = _example(task)
    wanted, predicted = (torch.empty(array.shape, device=GPU) for array in (targets, logits))
    for loss in _losses(task).values():
        with on_one_device(type(task).__name__):
            loss(predicted.requires_grad_(True), wanted).backward()


def weighed(task: Task) -> None:
    """If it has class weights, 1 leaves the loss as it is, others change it, and `prior` is its best constant."""
    targets, logits, _ = _example(task)
    classes = task.truth(targets).shape[1]
    # One class is rarer than the others.
    rows = np.flatnonzero((np.arange(N) % classes > 0) | (np.arange(N) < N // 2))
    targets, logits = targets[rows], logits[rows]
    class_weights = task.balanced(targets)
    if class_weights is None:
        return
    expect(weighs(type(task)), "it has class weights, but its loss takes no `weights`, or it has no `prior` of its own")
    message = f"balanced gave {list(np.shape(class_weights))}; expected one weight a class, [{classes}]"
    expect(np.shape(class_weights) == (classes,), message)
    wanted, weights = torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(class_weights).float()
    expect(bool((weights.isfinite() & (weights >= 0)).all()), "class weights are not finite numbers of 0 or more")
    plain, ones, other = (
        task.loss(torch.from_numpy(logits), wanted, *arguments).item()
        for arguments in ((), (torch.ones(classes),), (weights,))
    )
    expect(math.isclose(ones, plain, rel_tol=1e-5), f"the loss is {plain:g}, with class weights of 1 {ones:g}")
    expect(not math.isclose(other, plain, rel_tol=1e-5), "class weights change nothing")
    start = torch.from_numpy(task.logits(task.prior(targets, class_weights)[None])).float().requires_grad_(True)
    task.loss(start.expand(len(rows), -1), wanted, weights).backward()
    steepest = 0.0 if start.grad is None else float(start.grad.abs().max())
    expect(start.grad is not None and steepest < 1e-4, f"prior is no best constant: its gradient is {steepest:.2g}")


def turned(task: Task) -> None:
    """Probabilities become finite logits that rank and predict alike, 0 and 1 included."""
    targets, random, sure, truth = _known(task)
    logits = task.logits(truth)
    expect(logits.shape == sure.shape, f"logits gave {list(logits.shape)}; expected {list(sure.shape)}")
    expect(bool(np.isfinite(logits).all()), "probabilities of 0 and 1 become logits that are not finite")
    certain, best = task.score(targets, logits), task.score(targets, sure)
    near = NEAR * abs(task.score(targets, random) - best)
    expect(math.isclose(certain, best, rel_tol=EQUAL, abs_tol=near + EQUAL), "certainty is lost")


def decided(task: Task) -> None:
    """Sure logits are decided as their targets; every question has answers that sum to 1, and targets name one of
    them."""
    targets, random, sure, true = _known(task)
    expect(bool((task.decide(sure) == (true > 0)).all()), "decide is not what sure logits say")
    if task.columns:
        return
    answers, truth = task.answers(random), task.answered(targets)
    expect(answers.ndim == 3 and truth.shape == answers.shape[:2], "answers is not [N, Q, A], or answered not [N, Q]")
    expect(bool(np.allclose(answers.sum(2), 1, atol=EQUAL)), "the answers to a question do not sum to 1")
    expect(bool(((truth >= 0) & (truth < answers.shape[2])).all()), "answered names no answer")
    expect(bool((task.answers(sure).argmax(2) == truth).all()), "sure logits do not answer as their targets")


def tallied(task: Task) -> None:
    """What it counts of decisions has every sample once: for each label, or for its true class."""
    targets, random, _ = _example(task)
    classes = task.truth(targets).shape[1]
    for rule, counts in task.confusion((targets, random), targets, random).items():
        matrix = np.array(counts)
        expected = np.full(classes, N) if task.one_by_one else (targets > 0).sum(0)
        shape = (classes, 4) if task.one_by_one else (classes, classes)
        expect(matrix.shape == shape, f"confusion {rule!r} is {list(matrix.shape)}; expected {list(shape)}")
        expect(bool((matrix.sum(1) == expected).all()), f"confusion {rule!r} does not count every sample once")


RULES = (named, scored, directed, learned, towards, further, device, weighed, turned, decided, tallied)


def check(task: type[Task]) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    return tried(RULES, task.of(task.tried_with), needed=scored)
