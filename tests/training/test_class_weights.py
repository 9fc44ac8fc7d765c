"""What a positive of each class weighs: against torch, scikit-learn and by hand, in both tasks and in training."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import RECIPE, load, make_cell, make_model, thirds
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from mora_bench import registry
from mora_bench.cells.recipe import Recipe
from mora_bench.checks import task as rules
from mora_bench.checks.rules import BrokenRule
from mora_bench.errors import UserError
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid
from mora_bench.plan.versions import start_versions
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.cell import build
from mora_bench.training.learner import Learner, class_weights
from mora_bench.training.loop import train

CPU = torch.device("cpu")
BALANCED = Recipe(class_weights="balanced")


def drawn(seed: int, n: int, c: int, one: bool):
    """Targets of either task and logits."""
    rng = np.random.default_rng(seed)
    targets = np.eye(c)[rng.integers(0, c, n)] if one else rng.random((n, c)) < rng.random(c)
    return torch.from_numpy(targets.astype(np.float32)), torch.from_numpy(rng.normal(size=(n, c)).astype(np.float32))


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_weights_of_1_are_no_weights_and_others_are_torchs(seed, n, c):
    weights = torch.from_numpy(np.random.default_rng(seed + 1).uniform(0.1, 20, c).astype(np.float32))
    losses = {
        MultiLabel: lambda factors: torch.nn.BCEWithLogitsLoss(pos_weight=factors),
        MultiClass: lambda factors: torch.nn.CrossEntropyLoss(weight=factors),
    }
    for task, theirs in losses.items():
        targets, logits = drawn(seed, n, c, one=task is MultiClass)
        wanted = targets.argmax(1) if task is MultiClass else targets
        plain = task().loss(logits, targets)
        torch.testing.assert_close(task().loss(logits, targets, torch.ones(c)), plain)
        torch.testing.assert_close(task().loss(logits, targets, weights), theirs(weights)(logits, wanted))


def test_the_weighted_losses_by_hand():
    logits, weights = torch.tensor([[0.0, np.log(3)], [np.log(3), 0.0]], dtype=torch.float32), torch.tensor([2.0, 5.0])
    # Of labels: -log p times the weight where true, -log(1 - p) where not; p is 1/2 or 3/4.
    labels = [2 * np.log(2), np.log(4), np.log(4), 5 * np.log(2)]
    loss = MultiLabel().loss(logits, torch.eye(2), weights)
    assert loss.item() == pytest.approx(np.mean(labels))
    # Of classes: both true ones have a softmax of 1/4.
    loss = MultiClass().loss(logits, torch.eye(2), weights)
    assert loss.item() == pytest.approx((2 * np.log(4) + 5 * np.log(4)) / (2 + 5))


def test_balanced_weights_by_hand():
    labels = np.array([[1, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0], [0, 0, 1, 0]])
    # Three negatives to a positive; no positive, no negative: nothing to balance; as many of either.
    assert MultiLabel().balanced(labels).tolist() == [3, 1, 1, 1]
    classes = np.eye(4, dtype=np.uint8)[[0, 0, 0, 1, 1, 3]]
    assert MultiClass().balanced(classes).tolist() == pytest.approx([6 / 12, 6 / 8, 1, 6 / 4])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
@settings(deadline=None)
def test_balanced_weights_of_classes_are_scikit_learns(truth):
    truth = np.array([0, 1, 2, 3, *truth])
    expected = compute_class_weight("balanced", classes=np.arange(4), y=truth)
    np.testing.assert_allclose(MultiClass().balanced(np.eye(4)[truth]), expected)


@pytest.mark.parametrize("task", [MultiLabel, MultiClass])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_no_constant_has_less_loss_than_the_prior(task, weighted, seed):
    wanted, _ = drawn(seed, 40, 4, one=task is MultiClass)
    targets = wanted.numpy()
    weights = task().balanced(targets) if weighted else None
    loss_weights = () if weights is None else (torch.from_numpy(weights).float(),)
    best = torch.from_numpy(task().logits(task().prior(targets, weights)[None]))
    least = task().loss(best.expand_as(wanted), wanted, *loss_weights)
    for step in torch.randn(200, 4, generator=torch.Generator().manual_seed(seed)) * 0.3:
        assert task().loss((best + step).expand_as(wanted), wanted, *loss_weights) >= least - 1e-6


def test_a_balanced_start_is_even_and_an_unweighted_one_at_prevalence(toy, runtime, folder):
    training = thirds(toy, np.arange(16))
    starts = {}
    for weights in ("none", "balanced"):
        recipe = dataclasses.replace(RECIPE, head_bias="prevalence", class_weights=weights)
        model = build(make_cell(runtime, folder, method="head", recipe=recipe), toy, training, CPU)
        starts[weights] = torch.sigmoid(model.head[-1].bias.detach()).numpy()
    share = training.targets.numpy().mean(0)
    np.testing.assert_allclose(starts["none"], share.clip(1e-6, 1 - 1e-6), rtol=1e-4)
    both = (share > 0) & (share < 1)
    assert both.any()
    assert not both.all()
    np.testing.assert_allclose(starts["balanced"][both], 0.5, rtol=1e-5)
    np.testing.assert_allclose(starts["balanced"][~both], share[~both].clip(1e-6, 1 - 1e-6), rtol=1e-4)


def test_a_start_at_prevalence_is_at_that_of_samples_as_weights_of_the_table_draw_them(toy, runtime, folder):
    training = thirds(toy, np.arange(16))
    targets = training.targets.numpy()
    weights = np.where(np.arange(60) % 4 == 0, 2.5, 0.5)
    table = dataclasses.replace(toy.table, weights=tuple(weights))
    weighted = dataclasses.replace(training, samples=dataclasses.replace(toy, table=table))
    recipe = dataclasses.replace(RECIPE, head_bias="prevalence")
    model = build(make_cell(runtime, folder, method="head", recipe=recipe), weighted.samples, weighted, CPU)
    start = torch.sigmoid(model.head[-1].bias.detach()).numpy()
    expected = np.average(targets, axis=0, weights=weights[:16])
    # Of 16 samples each is drawn as often as its weight says, rounded up or down.
    assert np.abs(start - expected).max() < 2 / 16
    assert np.abs(start - targets.mean(0)).max() > 1 / 16
    assert start_versions(recipe, table) == (("start by weights", 2),)
    assert start_versions(recipe, toy.table) == start_versions(RECIPE, table) == ()


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(16))


def heads(folder, count=1):
    return [make_model("head", load(folder)) for _ in range(count)]


def test_training_takes_the_weights_of_its_own_split(folder, view):
    """A step by hand with torch's loss, beside the learner's."""
    task, targets = MultiLabel(), view.targets.numpy()
    weights = class_weights(BALANCED, task, targets)
    positive = targets.sum(0)
    seen = (positive > 0) & (positive < 16)
    np.testing.assert_allclose(weights[seen], (16 - positive[seen]) / positive[seen])
    (model,) = heads(folder)
    learner = Learner(model, BALANCED, 10, CPU, task, weights=weights)
    predicted = model(view.batch(np.arange(8)))
    theirs = torch.nn.BCEWithLogitsLoss(pos_weight=torch.from_numpy(weights).float())(predicted, view.targets[:8])
    torch.testing.assert_close(learner.loss(predicted, view.targets[:8]), theirs)
    assert class_weights(Recipe(), task, targets) is None


def test_models_that_train_as_one_have_the_weights_too(folder, view):
    recipes = [dataclasses.replace(RECIPE, epochs=1, lr=lr, class_weights="balanced") for lr in (1e-3, 1e-2)]
    fits = train(heads(folder, 2), view, view, recipes, 0, CPU, MultiLabel())
    for fit, recipe in zip(fits, recipes, strict=True):
        (apart,) = train(heads(folder), view, view, [recipe], 0, CPU, MultiLabel())
        assert [row["loss"] for row in fit.history] == pytest.approx([row["loss"] for row in apart.history], rel=1e-4)
        (plain,) = train(
            heads(folder), view, view, [dataclasses.replace(recipe, class_weights="none")], 0, CPU, MultiLabel()
        )
        assert apart.history[0]["loss"] > 1.2 * plain.history[0]["loss"]


def test_drawing_samples_by_weights_leaves_class_weights_alone(folder, view):
    """What is drawn stands for the split itself; a weight of a sample says what its mask did."""
    recipe = dataclasses.replace(RECIPE, epochs=1, class_weights="balanced", reweigh=True)
    drawn_by = dataclasses.replace(view, weights=np.where(np.arange(16) % 3 == 0, 4.0, 0.5))
    even, uneven = (
        train(heads(folder), training, view, [recipe], 0, CPU, MultiLabel())[0] for training in (view, drawn_by)
    )
    assert even.history[0]["loss"] != uneven.history[0]["loss"]
    weights = [class_weights(recipe, MultiLabel(), v.targets.numpy()) for v in (view, drawn_by)]
    assert np.array_equal(*weights)


def test_what_a_mechanism_makes_rare_is_as_frequent_once_drawn_by_weights():
    """The reason why class weights count the split as it is: inverse-probability weights keep labels' shares."""
    rng = np.random.default_rng(0)
    label = rng.random(200_000) < 0.2
    chance = np.where(label, 0.9, 0.3)
    lost = rng.random(len(label)) < chance
    share = np.where(lost, lost.mean(), 1 - lost.mean())
    weights = share / np.where(lost, chance, 1 - chance)
    assert np.average(label, weights=weights) == pytest.approx(label.mean(), abs=5e-3)


class Plain(MultiLabel):
    """A task of one's own from before there were class weights."""

    def balanced(self, targets):
        return None

    def loss(self, predicted, wanted):
        return super().loss(predicted, wanted)


class Unused(MultiLabel):
    def loss(self, predicted, wanted, weights=None):
        return super().loss(predicted, wanted)


class Untaken(MultiLabel):
    def loss(self, predicted, wanted):
        return super().loss(predicted, wanted)


class Elsewhere(MultiLabel):
    def prior(self, targets, weights=None):
        return targets.mean(0)


class TooFew(MultiLabel):
    def balanced(self, targets):
        return super().balanced(targets)[:2]


@pytest.mark.parametrize(("task", "message"), [
    (Unused, "class weights change nothing"),
    (Untaken, "its loss takes no `weights`"),
    (Elsewhere, "prior is no best constant"),
    (TooFew, "one weight a class"),
])  # fmt: skip
def test_check_says_what_is_wrong_with_class_weights(task, message):
    with pytest.raises(BrokenRule, match=message):
        rules.weighed(task())


def test_tasks_that_keep_the_rule_or_have_no_class_weights_pass():
    for task in (MultiLabel, MultiClass, Plain):
        rules.weighed(task())


def test_a_task_without_class_weights_is_refused_when_planning(runtime, folder, monkeypatch):
    grid = Grid(methods=("head",), datasets=("cxr",), seeds=(0,), backbone=(str(folder),), floors=("none",))
    asked = dataclasses.replace(grid, recipe=BALANCED)
    (cell,) = expand(asked, asked, runtime).cells
    assert cell.recipe.class_weights == "balanced"
    assert cell.key != expand(grid, grid, runtime).cells[0].key
    for task in (Plain, Untaken):
        monkeypatch.setattr(registry, "get", lambda group, name, task=task, get=registry.get: (
            task if group == registry.TASKS else get(group, name)
        ))  # fmt: skip
        expand(grid, grid, runtime)
        with pytest.raises(UserError, match="the task 'multi-label' of cxr has no class weights"):
            expand(asked, asked, runtime)
        monkeypatch.undo()


def test_an_unknown_value_is_refused():
    with pytest.raises(UserError, match=r"unknown recipe.class_weights 'even'; known: none, balanced"):
        Recipe(class_weights="even")
