"""Cells trained as one become what they become alone."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch
from conftest import RECIPE, changed, make_cell, thirds

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.checks.network import CPU
from mora_bench.data.samples import View
from mora_bench.engines import processes, serial
from mora_bench.methods.contract import Axes
from mora_bench.methods.network import Model
from mora_bench.records.store import Store
from mora_bench.training import fused
from mora_bench.training.cell import groups, run_cells, work
from mora_bench.training.loop import train

METHODS = registry.names(registry.METHODS)
RANKED = [name for name in METHODS if registry.get(registry.METHODS, name).pads_rank]
EPOCH = dataclasses.replace(RECIPE, epochs=1)


def views(toy) -> tuple[View, View]:
    return thirds(toy, np.arange(16)), thirds(toy, np.arange(16, 24))


def models(name, folder, ranks) -> list[Model]:
    method = registry.get(registry.METHODS, name)
    made = []
    for seed, rank in enumerate(ranks):
        backbone = backbones.load(backbones.resolve(str(folder)), 64, 0)
        torch.manual_seed(seed)
        axes = Axes(rank if "rank" in method.reads else 0, (0, 1) if "blocks" in method.reads else ())
        imputer = registry.get(registry.IMPUTERS, "dummy")(backbone)
        made.append(Model(backbone, method(backbone, axes), imputer, 8, head_seed=seed))
    fused.share_frozen(made)
    return made


def compare(name, folder, toy, ranks, rates) -> None:
    recipes = [dataclasses.replace(EPOCH, lr=rate) for rate in rates]
    as_one, alone = models(name, folder, ranks), models(name, folder, ranks)
    fits = train(as_one, *views(toy), recipes, 0, CPU)
    expected = [train([m], *views(toy), [recipe], 0, CPU)[0] for m, recipe in zip(alone, recipes, strict=True)]
    for one, other, fit, reference in zip(as_one, alone, fits, expected, strict=True):
        assert fit.best_step == reference.best_step
        assert fit.history[-1]["loss"] == pytest.approx(reference.history[-1]["loss"], abs=1e-5)
        for key, parameter in one.trained().items():
            torch.testing.assert_close(parameter, other.trained()[key], rtol=0, atol=1e-5, msg=key)
    assert fits[0].clock["cells_as_one"] == len(ranks)
    different = [next(iter(m.method.parameters()), next(iter(m.head.parameters()))) for m in as_one]
    assert not any(a.shape == b.shape and torch.equal(a, b) for a, b in itertools.combinations(different, 2))


@pytest.mark.parametrize("name", METHODS)
def test_learning_rates_of_every_method(name, folder, toy):
    compare(name, folder, toy, ranks=[2, 2], rates=[3e-3, 1e-3])


@pytest.mark.parametrize("name", RANKED)
def test_ranks_of_every_method_that_fills_them_up(name, folder, toy):
    compare(name, folder, toy, ranks=[1, 4, 2], rates=[3e-3, 3e-3, 1e-3])


def test_frozen_weights_are_held_once(folder):
    first, second = models("lora", folder, [2, 4])
    own = dict(first.named_parameters())
    for name, parameter in second.named_parameters():
        assert (parameter.data_ptr() == own[name].data_ptr()) == (not parameter.requires_grad), name


def ranks_and_rates(site, folder):
    return [
        make_cell(site, folder, rank=rank, seed=seed, recipe=dataclasses.replace(EPOCH, lr=lr))
        for seed in (0, 1)
        for rank in (1, 2)
        for lr in (1e-3, 3e-3)
    ]


def test_groups_hold_what_differs_in_rate_or_rank_alone(site, folder):
    cells = ranks_and_rates(site, folder)
    assert groups(cells, site) == [[cell] for cell in cells]
    assert groups(cells, dataclasses.replace(site, fuse=3)) == [cells[:3], cells[3:4], cells[4:7], cells[7:]]
    assert groups(cells, dataclasses.replace(site, device="cuda")) == [cells[:4], cells[4:]]
    other = [
        changed(cell, method="head", rank=None, blocks=None, method_version=str(k)) for k, cell in enumerate(cells)
    ]
    assert groups(other, dataclasses.replace(site, fuse=8)) == [[cell] for cell in other]


@pytest.mark.parametrize("engine", [serial, processes])
def test_a_grid_trained_as_one_has_the_scores_of_one_by_one(engine, site, folder):
    cells = ranks_and_rates(site, folder)[:4]
    apart = dict(serial.run(cells, site))
    together = dict(engine.run(cells, dataclasses.replace(site, out=site.out / "one", fuse=4, workers=2)))
    assert apart.keys() == together.keys()
    for cell, record in together.items():
        assert record["time"]["cells_as_one"] == 4
        assert record["scores"]["test"]["both"]["auroc"] == pytest.approx(
            apart[cell]["scores"]["test"]["both"]["auroc"], abs=1e-3
        )
        assert record["parameters"] == apart[cell]["parameters"]


def test_what_cannot_be_trained_as_one_is_trained_alone_and_says_so(site, folder, monkeypatch):
    def refuse(models):
        if len(models) > 1:
            raise RuntimeError("no rule for this operator")
        return lambda state: models[0].finish(state)[None]

    written = []
    write = Store.write
    monkeypatch.setattr(Store, "write", lambda *arguments: written.append(arguments[1]) or write(*arguments))
    monkeypatch.setattr("mora_bench.training.loop.together", refuse)
    cells = ranks_and_rates(site, folder)[:2]
    records = work(cells, dataclasses.replace(site, fuse=2))
    for cell, record in zip(cells, records, strict=True):
        assert record["status"] == "done"
        assert record["not_as_one"] == "RuntimeError: no rule for this operator"
        assert record["time"]["cells_as_one"] == 1
        assert record["cell"]["recipe"]["lr"] == cell.recipe.lr
        assert json.loads(Store(site.out).record_file(cell).read_text())["not_as_one"] == record["not_as_one"]
    assert written == cells


def test_a_loss_that_diverges_takes_only_its_own_cell(site, folder):
    good = make_cell(site, folder)
    bad = changed(good, recipe=dataclasses.replace(good.recipe, lr=1e30))
    records = work([good, bad], dataclasses.replace(site, fuse=2))
    assert [record["status"] for record in records] == ["done", "failed"]
    assert "lower recipe.lr" in records[1]["error"]


@pytest.mark.parametrize(("seconds", "expected"), [({1: 1, 2: 1.5, 4: 2.5, 5: 6}, 4), ({1: 1, 2: 2.1}, 1)])
def test_the_probe_stops_where_a_step_gets_no_cheaper(seconds, expected, monkeypatch):
    monkeypatch.setattr(fused, "_step_seconds", lambda models, state, device: seconds[len(models)])
    assert fused.best_size(range(5), None, CPU) == expected


def test_the_probe_stops_where_memory_ends(monkeypatch):
    def full(models, state, device):
        if len(models) > 2:
            raise torch.OutOfMemoryError
        return 1.0

    monkeypatch.setattr(fused, "_step_seconds", full)
    assert fused.best_size(range(8), None, CPU) == 2


def test_the_probe_leaves_models_as_they_were(site, folder, toy):
    some = models("mora", folder, [2, 2])
    before = [{k: p.clone() for k, p in m.trained().items()} for m in some]
    state = some[0].begin(views(toy)[0].batch(np.arange(4)))
    assert fused.best_size(some, state, CPU) in (1, 2)
    for model, old in zip(some, before, strict=True):
        assert all(torch.equal(p, old[k]) and p.grad is None for k, p in model.trained().items())


def test_a_group_of_cells_is_what_its_cells_are(site, folder):
    cells = ranks_and_rates(site, folder)[:2]
    found = run_cells(cells, dataclasses.replace(site, fuse=2))
    assert [record["cell"]["recipe"]["lr"] for record, _ in found] == [1e-3, 3e-3]
