"""A training ends when validation says so: nothing hangs on the cap until then, nor how long the decay is."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from conftest import RECIPE, make_cell, settled_model, thirds

from mora_bench.cells.recipe import Recipe
from mora_bench.checks.subject import CPU
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.learner import Learner, NotFinite
from mora_bench.training.loop import train
from mora_bench.training.schedule import LinearSchedule, Plateau, schedule_of
from mora_bench.training.work import work

#: Two steps an epoch, a look after each: two steps of warm-up, four of decay.
PLATEAU = dataclasses.replace(
    RECIPE, schedule="plateau", epochs=20, patience=3, validate_every=0.5, warmup_epochs=1, decay_epochs=2
).settled()


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(16))


def scripted(monkeypatch, scores):
    """Looks score so, one after the other; the last for ever."""
    queue = iter(scores)
    last = [math.nan]

    def value(self, name, targets, logits):
        assert name == "auroc"
        last[0] = next(queue, last[0])
        return last[0]

    monkeypatch.setattr(MultiLabel, "value", value)


def trained(folder, view, recipe, monkeypatch=None, scores=()):
    """Train the head; its fit, parameters, and of each step the rate and the parameters before it."""
    if monkeypatch is not None:
        scripted(monkeypatch, scores)
    model, steps = settled_model("head", folder, view), []
    step = Learner.step

    def watched(self):
        steps.append((self.optimizer.param_groups[0]["lr"], self.trained["head.0.weight"].detach().clone()))
        step(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "step", watched)
        (fit,) = train([model], view, view, [recipe], 0, CPU, MultiLabel(), watched="auroc")
    return fit, model.trained(), steps


def test_linear_is_as_published():
    """Rises over the warm-up, falls to 0 at the end of all epochs, which it must know."""
    rate = schedule_of(dataclasses.replace(RECIPE, warmup=0.2, epochs=5), 4)
    assert [rate(k) for k in range(21)] == [1 / 4, 2 / 4, 3 / 4, 1, *[(20 - k) / 16 for k in range(4, 21)]]
    assert isinstance(rate, LinearSchedule)


@pytest.mark.parametrize("cap", [12, 24, 240])
def test_a_plateau_is_constant_until_it_falls_for_as_long_whatever_the_cap(cap):
    rate = Plateau(cap, warmup=2, decay=4)
    assert [rate(k) for k in range(8)] == [0.5, 1, 1, 1, 1, 1, 1, 1]
    assert (rate.falls_after, rate.end) == (cap - 4, cap)
    rate.falls_after = 8
    assert [rate(k) for k in range(14)] == [0.5, *[1] * 8, 0.75, 0.5, 0.25, 0, 0]
    assert rate.end == 12


@pytest.mark.parametrize(
    ("changes", "warmup", "decay"),
    [
        ({}, 4, 8),
        ({"warmup_epochs": 0}, 1, 8),
        ({"decay_epochs": 0}, 4, 0),
        ({"warmup_epochs": 0.4, "decay_epochs": 0.7}, 2, 3),
        ({"warmup_epochs": 18}, 72, 8),
    ],
)
def test_lengths_are_epochs_and_do_not_hang_on_the_cap(changes, warmup, decay):
    for epochs in (20, 40):
        rate = schedule_of(dataclasses.replace(PLATEAU, epochs=epochs, **changes), 4)
        assert (rate.warmup, rate.decay, rate.end) == (warmup, decay, 4 * epochs)


def test_patience_ends_the_plateau_and_the_decay_begins_at_the_best(folder, view, monkeypatch):
    """The score rises until the fifth look; three are no better, equal ones among them."""
    scores = [0.5, 0.6, 0.6, 0.55, 0.7, 0.6, 0.7, 0.65, 0.6, 0.68, 0.71, 0.7]
    fit, parameters, steps = trained(folder, view, PLATEAU, monkeypatch, scores)
    assert [row["val_score"] for row in fit.history] == scores
    assert (fit.fell_after, fit.steps, fit.cap) == (8, 12, 40)
    factors = [lr / PLATEAU.lr for lr, _ in steps]
    assert factors == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    # What stood after the fifth step stands before the ninth again.
    assert torch.equal(steps[8][1], steps[5][1])
    assert not torch.equal(steps[8][1], steps[7][1])
    # Looks go on in the decay, and the best of all is kept.
    assert (fit.best_step, fit.best_score) == (11, 0.71)
    assert torch.equal(parameters["head.0.weight"], steps[11][1])


def test_looks_of_the_warm_up_may_be_the_best_but_do_not_count_against_patience(folder, view, monkeypatch):
    recipe = dataclasses.replace(PLATEAU, warmup_epochs=3, patience=2)
    fit, _, _ = trained(folder, view, recipe, monkeypatch, [0.9, 0.8, 0.7, 0.6, 0.5])
    # Steps 6, the end of the warm-up, and 7.
    assert (fit.fell_after, fit.steps, fit.best_step) == (7, 11, 1)
    assert recipe.fewest_epochs == 5.5


def test_a_score_that_always_rises_is_cut_short_by_the_cap_with_its_decay(folder, view, monkeypatch):
    recipe = dataclasses.replace(PLATEAU, epochs=6)
    fit, _, steps = trained(folder, view, recipe, monkeypatch, [k / 100 for k in range(12)])
    assert (fit.fell_after, fit.steps, fit.cap, fit.best_step) == (8, 12, 12, 12)
    assert [lr / PLATEAU.lr for lr, _ in steps[8:]] == pytest.approx([1, 0.75, 0.5, 0.25])
    assert fit.as_record("auroc").cut_short


def test_looks_are_where_the_decay_begins_and_ends_also_if_none_is_due(folder, view, monkeypatch):
    recipe = dataclasses.replace(PLATEAU, epochs=5, validate_every=4, decay_epochs=2.5, patience=9)
    fit, _, _ = trained(folder, view, recipe, monkeypatch, [0.1, 0.2, 0.3, 0.4])
    assert [row["step"] for row in fit.history] == [5, 8, 10]


def test_without_a_decay_training_ends_with_patience(folder, view, monkeypatch):
    recipe = dataclasses.replace(PLATEAU, decay_epochs=0)
    fit, _, _ = trained(folder, view, recipe, monkeypatch, [0.5, 0.6, 0.6])
    assert (fit.fell_after, fit.steps) == (5, 5)


def test_twice_the_cap_changes_no_bit_where_patience_ended_before(folder, view):
    runs = [trained(folder, view, dataclasses.replace(PLATEAU, epochs=epochs, patience=2)) for epochs in (30, 60)]
    (fit, parameters, _), (longer, other, _) = runs
    assert fit.fell_after is not None
    assert fit.steps < 0.8 * fit.cap
    assert (fit.history, fit.best_step, fit.steps) == (longer.history, longer.best_step, longer.steps)
    assert all(torch.equal(parameters[name], other[name]) for name in parameters)
    assert not fit.as_record("auroc").cut_short


def test_a_look_without_a_score_is_no_better_and_none_with_one_fails(folder, view, monkeypatch):
    fit, _, _ = trained(folder, view, PLATEAU, monkeypatch, [math.nan, math.nan, 0.1, 0.05])
    assert (fit.best_step, fit.best_score) == (3, 0.1)
    with pytest.raises(UserError, match=r"AUROC was undefined in every validation .*schedule linear"):
        trained(folder, view, PLATEAU, monkeypatch, [math.nan])


def test_cells_that_are_trained_as_one_end_each_as_alone(folder, view):
    base = dataclasses.replace(PLATEAU, epochs=12, validate_every=1, decay_epochs=1.5)
    recipes = [dataclasses.replace(base, lr=lr, patience=patience) for lr, patience in ((1e-12, 1), (1e-2, 3))]
    models = [settled_model("head", folder, view) for _ in recipes]
    together = train(models, view, view, recipes, 0, CPU, MultiLabel(), watched="auroc")
    for fit, recipe, model in zip(together, recipes, models, strict=True):
        apart, parameters, _ = trained(folder, view, recipe)
        assert [row["step"] for row in fit.history] == [row["step"] for row in apart.history]
        assert (fit.best_step, fit.steps, fit.fell_after) == (apart.best_step, apart.steps, apart.fell_after)
        for name, parameter in model.trained().items():
            torch.testing.assert_close(parameter, parameters[name], rtol=0, atol=1e-5)
    assert together[0].steps < together[1].steps


def test_the_head_after_three_epochs_of_the_published_schedule_was_cut_short(runtime):
    """On drawings, as in the tables that were shipped at commit 307f536; a record says so."""
    recipe = Recipe(epochs=3, batch=16, lr=5e-3, validate_every=1, warmup=0.1, max_text=128)
    runtime = dataclasses.replace(runtime, limit=120)
    cell = make_cell(runtime, "small", method="head", recipe=recipe)
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "done", record.error
    assert record.training.cut_short is record.cut_short is True
    assert record.training.cap == record.training.steps


def test_a_gradient_that_fp16_always_leaves_out_fails_with_its_name(folder, view):
    """With the scaler of a CPU, which leaves out steps as that of a GPU does."""
    learner = Learner(settled_model("head", folder, view), PLATEAU, 2, CPU, MultiLabel(), "auroc")
    learner.scaler = torch.amp.GradScaler("cpu")

    def step(number, factor):
        weight = learner.trained["head.0.weight"]
        predicted = weight.sum() * torch.zeros(8, 8)
        learner.loss(predicted, torch.ones(8, 8)).backward()
        weight.grad = torch.full_like(weight, factor)
        before = weight.detach().clone()
        learner.step()
        learner.validated(number, number / 2, 0.5)
        return bool((weight != before).any())

    # A step that overflows now and then is left out, and says nothing.
    assert [step(1, 1.0), step(2, math.inf), step(3, 1.0)] == [True, False, True]
    step(4, math.nan)
    with pytest.raises(NotFinite, match=r"the last 2 steps were left out.*that of head\.0\.weight.*Use bf16 or fp32"):
        step(5, math.nan)
