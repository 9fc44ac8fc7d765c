"""Cells trained as one become what they become alone."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from conftest import ON_A_STREAM, RECIPE, changed, load, make_cell, settled, thirds

from mora_bench import registry
from mora_bench.checks.subject import CPU
from mora_bench.data.samples import View
from mora_bench.engines.inline import Inline
from mora_bench.engines.processes import Processes
from mora_bench.methods.contract import Axes, declares
from mora_bench.methods.network import Model
from mora_bench.records.store import Store
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training import vectorised
from mora_bench.training.bundles import bundles
from mora_bench.training.cell import run_cells
from mora_bench.training.loop import train
from mora_bench.training.work import lost, work

RANKED = [name for name in ON_A_STREAM if declares(registry.get(registry.METHODS, name), "pads_rank")]
EPOCH = dataclasses.replace(RECIPE, epochs=1)


def views(toy) -> tuple[View, View]:
    return thirds(toy, np.arange(16)), thirds(toy, np.arange(16, 24))


def models(name, folder, toy, ranks) -> list[Model]:
    method = registry.get(registry.METHODS, name)
    made = []
    for seed, rank in enumerate(ranks):
        backbone = load(folder)
        torch.manual_seed(seed)
        axes = Axes(rank if "rank" in method.reads else 0, (0, 1) if "blocks" in method.reads else ())
        imputer = registry.get(registry.IMPUTERS, "dummy")(backbone)
        model = Model(backbone, method(backbone, axes), imputer, 8, head_seed=seed)
        made.append(settled(model, views(toy)[0]))
    vectorised.share_frozen(made)
    return made


def compare(name, folder, toy, ranks, rates) -> None:
    recipes = [dataclasses.replace(EPOCH, lr=rate) for rate in rates]
    as_one, alone = models(name, folder, toy, ranks), models(name, folder, toy, ranks)
    fits = train(as_one, *views(toy), recipes, 0, CPU, MultiLabel())
    expected = [
        train([m], *views(toy), [recipe], 0, CPU, MultiLabel())[0] for m, recipe in zip(alone, recipes, strict=True)
    ]
    for one, other, fit, reference in zip(as_one, alone, fits, expected, strict=True):
        assert fit.best_step == reference.best_step
        assert fit.history[-1]["loss"] == pytest.approx(reference.history[-1]["loss"], abs=1e-5)
        for key, parameter in one.trained().items():
            torch.testing.assert_close(parameter, other.trained()[key], rtol=0, atol=1e-5, msg=key)
    assert fits[0].clock["cells_as_one"] == len(ranks)
    different = [next(iter(m.method.parameters()), next(iter(m.head.parameters()))) for m in as_one]
    assert not any(a.shape == b.shape and torch.equal(a, b) for a, b in itertools.combinations(different, 2))


#: Methods that cannot train as one, and where: a penalty on what only one model has seen; a drop drawn in training.
APART = {"aoept": (0, 1), "scp": (0, 1, 2), "ragpt": (1,)}


@pytest.mark.parametrize("name", [name for name in ON_A_STREAM if name not in ("aoept", "ragpt")])
def test_learning_rates_of_every_method(name, folder, toy):
    compare(name, folder, toy, ranks=[2, 2], rates=[3e-3, 1e-3])


@pytest.mark.parametrize("name", APART)
def test_methods_that_cannot_train_as_one_say_so_and_run_apart(name, folder, runtime):
    recipes = [dataclasses.replace(EPOCH, lr=rate) for rate in (3e-3, 1e-3)]
    cells = [make_cell(runtime, folder, method=name, blocks=APART[name], recipe=recipe) for recipe in recipes]
    list(Inline().run([cells], runtime, work, lost))
    for cell in cells:
        record = Store(runtime.out).record(cell)
        assert record.status == "done"
        assert "Error" in record.not_as_one


@pytest.mark.parametrize("name", RANKED)
def test_ranks_of_every_method_that_fills_them_up(name, folder, toy):
    compare(name, folder, toy, ranks=[1, 4, 2], rates=[3e-3, 3e-3, 1e-3])


def test_frozen_weights_are_held_once(folder, toy):
    first, second = models("lora", folder, toy, [2, 4])
    parameters = dict(first.named_parameters())
    for name, parameter in second.named_parameters():
        assert (parameter.data_ptr() == parameters[name].data_ptr()) == (not parameter.requires_grad), name


def ranks_and_rates(runtime, folder):
    return [
        make_cell(runtime, folder, rank=rank, seed=seed, recipe=dataclasses.replace(EPOCH, lr=lr))
        for seed in (0, 1)
        for rank in (1, 2)
        for lr in (1e-3, 3e-3)
    ]


def test_bundles_hold_what_differs_in_rate_or_rank_alone(runtime, folder):
    cells = ranks_and_rates(runtime, folder)
    assert bundles(cells, 1) == [[cell] for cell in cells]
    assert bundles(cells, 3) == [cells[:3], cells[3:4], cells[4:7], cells[7:]]
    assert bundles(cells, 8) == [cells[:4], cells[4:]]
    other = [
        changed(cell, method="head", rank=None, blocks=None, method_version=str(k)) for k, cell in enumerate(cells)
    ]
    assert bundles(other, 8) == [[cell] for cell in other]


def ran(engine, cells, runtime) -> dict:
    """Record and scores of each cell."""
    store = Store(runtime.out)
    ended = engine().run(bundles(cells, runtime.fuse), runtime, work, lost)
    return {cell: (store.record(cell), store.scores_of(cell)) for cell in ended}


@pytest.mark.parametrize("engine", [Inline, Processes])
def test_a_grid_trained_as_one_has_the_scores_of_one_by_one(engine, runtime, folder):
    cells = ranks_and_rates(runtime, folder)[:4]
    apart = ran(Inline, cells, runtime)
    together = ran(engine, cells, dataclasses.replace(runtime, out=runtime.out / "one", fuse=4, workers=2))
    assert apart.keys() == together.keys()
    for cell, (record, scores) in together.items():
        other, others = apart[cell]
        assert record.time.cells_as_one == 4
        assert scores.test["both"].scores["auroc"] == pytest.approx(others.test["both"].scores["auroc"], abs=1e-3)
        assert record.parameters == other.parameters


def test_what_cannot_be_trained_as_one_is_trained_alone_and_says_so(runtime, folder, monkeypatch):
    def refuse(models):
        if len(models) > 1:
            raise RuntimeError("no rule for this operator")
        return lambda state: models[0].finish(state)[None]

    written = []
    write = Store.write
    monkeypatch.setattr(Store, "write", lambda *arguments: written.append(arguments[1]) or write(*arguments))
    monkeypatch.setattr("mora_bench.training.loop.together", refuse)
    cells = ranks_and_rates(runtime, folder)[:2]
    work(cells, dataclasses.replace(runtime, fuse=2))
    for cell in cells:
        record = Store(runtime.out).record(cell)
        assert record.status == "done"
        assert record.not_as_one == "RuntimeError: no rule for this operator"
        assert record.time.cells_as_one == 1
        assert record.cell.recipe.lr == cell.recipe.lr
    assert written == cells


def test_a_loss_that_diverges_takes_only_its_own_cell(runtime, folder):
    good = make_cell(runtime, folder)
    bad = changed(good, recipe=dataclasses.replace(good.recipe, lr=1e30))
    work([good, bad], dataclasses.replace(runtime, fuse=2))
    records = [Store(runtime.out).record(cell) for cell in (good, bad)]
    assert [record.status for record in records] == ["done", "failed"]
    assert "lower recipe.lr" in records[1].error


def test_a_group_of_cells_is_what_its_cells_are(runtime, folder):
    cells = ranks_and_rates(runtime, folder)[:2]
    outcomes = run_cells(cells, dataclasses.replace(runtime, fuse=2))
    assert [outcome.record.cell.recipe.lr for outcome in outcomes] == [1e-3, 3e-3]
