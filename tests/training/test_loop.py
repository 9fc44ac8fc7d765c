"""The training loop: precision, compilation and reading ahead change what is trained by no more than their rounding."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import EVERYTHING, ON_A_STREAM, RECIPE, load, make_cell, settled_model, thirds

from mora_bench import registry
from mora_bench.checks.subject import CPU
from mora_bench.errors import UserError
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.tasks.named import task_of
from mora_bench.training.cell import build, run_cells
from mora_bench.training.loop import compiled, train
from mora_bench.training.state_cache import Feed

#: Tasks whose primary score is an error.
ERRORS = Path(__file__).parents[1] / "plugins" / "errors.py"
#: Their forward pass asks for values (sizes of pictures) or for what dynamo cannot trace (peft's DoRA).
BREAKS = ("full", "dora")


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(16))


#: A branch beside a block, and tokens that are added to its sequence: the others do one of the two.
COMPILED = ("mora", "map")


@pytest.mark.parametrize("name", [n for n in ON_A_STREAM if n not in BREAKS and (EVERYTHING or n in COMPILED)])
def test_what_trains_compiles_to_one_graph_that_gives_the_same(name, folder, view):
    model = settled_model(name, folder, view)
    state = Feed(model, view, 8, CPU).state(np.arange(6))
    torch._dynamo.reset()
    finish = compiled(lambda state: model.finish(state)[None], "on", backend="eager", fullgraph=True)
    torch.testing.assert_close(finish(state)[0], model.finish(state), rtol=0, atol=1e-5)


def test_compiled_training_trains_the_same(folder, view, monkeypatch):
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **options: compile_(f, backend="aot_eager", **options))
    plain, fast = settled_model("mora", folder, view), settled_model("mora", folder, view)
    # One step an epoch, all of one shape: each shape is compiled anew.
    recipe = dataclasses.replace(RECIPE, batch=len(view))
    train([plain], view, view, [recipe], 0, CPU, MultiLabel())
    train([fast], view, view, [recipe], 0, CPU, MultiLabel(), "on")
    for name, parameter in fast.trained().items():
        torch.testing.assert_close(parameter, plain.trained()[name], rtol=0, atol=1e-4)


def test_graphs_are_few(folder, view, monkeypatch):
    """As many programs would be captured as there are shapes; what is trained is the same."""
    shapes: set[tuple] = set()

    def spied(finish, **options):
        def run(state):
            shapes.add(tuple(state.streams[0].x.shape))
            return finish(state)

        return run

    monkeypatch.setattr(torch, "compile", spied)
    plain, few = settled_model("mora", folder, view), settled_model("mora", folder, view)
    recipe = dataclasses.replace(RECIPE, epochs=3, batch=3)
    train([plain], view, view, [recipe], 0, CPU, MultiLabel(), "on")
    unpadded, _ = set(shapes), shapes.clear()
    train([few], view, view, [recipe], 0, CPU, MultiLabel(), "graphs")
    assert len(shapes) < len(unpadded)
    assert {length % 16 for _, length, _ in shapes} == {0}
    for name, parameter in few.trained().items():
        torch.testing.assert_close(parameter, plain.trained()[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["full", "lora", "mora"])
def test_reading_ahead_changes_no_bit(name, folder, view):
    model = settled_model(name, folder, view).eval()
    batches = [np.array([3, 1]), np.array([7]), np.array([0, 5, 9])]
    ahead, one_by_one = (Feed(model, view, 4, CPU, keep=False) for _ in range(2))
    ahead.reads_ahead = True
    with torch.no_grad():
        for a, b in zip(ahead.states(batches), one_by_one.states(batches), strict=True):
            assert torch.equal(model.finish(a), model.finish(b))
    with pytest.raises(StopIteration):
        next(ahead.states(batches[:0]))


def test_bf16_keeps_the_loss_near_that_of_fp32(runtime, folder):
    records = {}
    for precision in ("fp32", "bf16"):
        recipe = dataclasses.replace(RECIPE, precision=precision)
        (outcome,) = run_cells([make_cell(runtime, folder, recipe=recipe)], runtime)
        records[precision] = outcome.record
    last = {name: record.training.history[-1].loss for name, record in records.items()}
    assert last["bf16"] != last["fp32"]
    assert last["bf16"] == pytest.approx(last["fp32"], rel=0.02)


def test_the_frozen_beginning_is_computed_as_training_is(folder, view):
    """Under autocast, kept or not, the same numbers come out."""
    model = settled_model("head", folder, view)
    autocast = lambda: torch.autocast("cpu", torch.bfloat16)  # noqa: E731
    stored, computed = (Feed(model, view, 8, CPU, keep=keep, autocast=autocast) for keep in (True, False))
    at = np.arange(8)
    assert stored.kept
    assert not computed.kept
    x, same, other = (feed.state(at).streams[0].x for feed in (stored, computed, Feed(model, view, 8, CPU)))
    assert torch.equal(x, same)
    assert not torch.equal(x, other)


def trained(folder, view, task=None, **changes):
    recipe = dataclasses.replace(RECIPE, **changes)
    model = settled_model("head", folder, view)
    return model, train([model], view, view, [recipe], 0, CPU, task or MultiLabel())[0]


@pytest.mark.parametrize(
    ("name", "scores", "best"),
    [
        ("multi-label", [0.5, 0.7, 0.6], 1),
        ("wrong", [0.5, 0.3, 0.4], 1),
        ("months", [30.0, 40.0, 29.0], 2),
        # Whatever has no number is worse than all that have one.
        ("months", [math.nan, 40.0, 50.0], 1),
        ("multi-label", [math.nan, 0.1, 0.05], 1),
    ],
)
def test_the_best_checkpoint_is_that_of_the_metrics_direction(folder, view, monkeypatch, name, scores, best):
    registry.load_plugins([ERRORS])
    task = task_of(name)
    queue = iter(scores)
    monkeypatch.setattr(type(task), "score", lambda self, targets, logits: next(queue))
    _, fit = trained(folder, view, task, epochs=3, validate_every=1, patience=0)
    assert [row["val_score"] for row in fit.history] == pytest.approx(scores, nan_ok=True)
    assert (fit.best_score, fit.best_step) == (scores[best], fit.history[best]["step"])


def test_patience_counts_validations_that_err_no_less(folder, view, monkeypatch):
    registry.load_plugins([ERRORS])
    task = task_of("months")
    queue = iter([30.0, 20.0, 25.0, 21.0, 1.0])
    monkeypatch.setattr(type(task), "score", lambda self, targets, logits: next(queue))
    _, fit = trained(folder, view, task, epochs=5, validate_every=1, patience=2)
    assert (len(fit.history), fit.best_score) == (4, 20.0)


def test_training_stops_out_of_patience_and_keeps_the_best(folder, view):
    """A rate so small that no score changes: the first validation stays the best one."""
    _, fit = trained(folder, view, epochs=9, lr=1e-12, validate_every=1, patience=2)
    assert len(fit.history) == 3
    assert fit.best_step == fit.history[0]["step"]
    assert fit.steps == fit.history[-1]["step"] == 3 * len(view) / RECIPE.batch


def test_patience_that_does_not_end_changes_nothing(folder, view):
    (one, short), (other, long) = (trained(folder, view, epochs=3, validate_every=1, patience=p) for p in (0, 3))
    assert short.history == long.history
    for name, parameter in one.trained().items():
        assert torch.equal(parameter, other.trained()[name])


def test_patience_of_cells_that_are_trained_as_one_is_each_ones_own(folder, view):
    rates = (1e-12, 1e-2)
    recipes = [dataclasses.replace(RECIPE, epochs=6, lr=lr, validate_every=1, patience=2) for lr in rates]
    models = [settled_model("head", folder, view) for _ in rates]
    together = train(models, view, view, recipes, 0, CPU, MultiLabel())
    for fit, recipe in zip(together, recipes, strict=True):
        (apart,) = train([settled_model("head", folder, view)], view, view, [recipe], 0, CPU, MultiLabel())
        assert (fit.best_step, fit.steps) == (apart.best_step, apart.steps)
        assert [row["val_score"] for row in fit.history] == pytest.approx([row["val_score"] for row in apart.history])


def test_the_norm_of_the_classifier_decays_where_asked(folder, view):
    """AdamW's decay alone, on a weight that gets a gradient of nearly nothing: (1 - lr * decay) a step."""
    norms = {
        decay: trained(folder, view, epochs=1, lr=1e-3, weight_decay=10.0, decay_norms=decay)[0].head[1].weight
        for decay in (False, True)
    }
    assert norms[True].mean() < 0.99 < norms[False].mean()


def test_a_classifier_can_start_at_the_prevalence(toy, runtime, folder):
    cell = make_cell(runtime, folder, method="head", recipe=dataclasses.replace(RECIPE, head_bias="prevalence"))
    training = thirds(toy, np.arange(16))
    model = build(cell, toy, training, CPU)
    expected = training.targets.mean(0).clamp(1e-6, 1 - 1e-6)
    torch.testing.assert_close(torch.sigmoid(model.head[-1].bias), expected)
    plain = build(make_cell(runtime, folder, method="head"), toy, training, CPU)
    assert not plain.head[-1].bias.any()


def test_dropout_acts_on_the_frozen_network_in_training_alone(toy, runtime, folder):
    cell = make_cell(runtime, folder, method="head", recipe=dataclasses.replace(RECIPE, dropout=0.1))
    training = thirds(toy, np.arange(16))
    dropping, plain = (
        build(cell, toy, training, CPU),
        build(make_cell(runtime, folder, method="head"), toy, training, CPU),
    )
    batch = training.batch(np.arange(8))
    assert not dropping.shortcuts.constant
    assert plain.shortcuts.constant
    with torch.no_grad():
        assert torch.equal(dropping.eval()(batch), plain.eval()(batch))
        dropping.train()
        assert not torch.equal(dropping(batch), dropping(batch))
    rates = {n: m.p for n, m in dropping.backbone.network.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert {rate for name, rate in rates.items() if "attention.attention" in name} == {0.0}
    assert {rate for name, rate in rates.items() if "attention.attention" not in name} == {0.1}


def test_a_backbone_whose_blocks_have_no_dropout_says_so(folder):
    backbone = load("small-dual")
    with pytest.raises(UserError, match=r"recipe.dropout 0.1: the blocks of this backbone have no dropout"):
        backbone.set_dropout(0.1)
