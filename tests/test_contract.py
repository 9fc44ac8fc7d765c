"""One contract for every registered method (and imputer)."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import RECIPE, make_model, tiny_backbone

from mora_bench import registry
from mora_bench.data.samples import View
from mora_bench.feed import Feed
from mora_bench.measure import forward_flops, step_flops
from mora_bench.train import train

METHODS = registry.names(registry.METHODS)
IMPUTERS = registry.names(registry.IMPUTERS)
CPU = torch.device("cpu")


def load(folder):
    from mora_bench.backbone.load import load, resolve

    return load(resolve(str(folder)), 64, 0)


def views(toy):
    present = np.ones((len(toy), 2), bool)
    present[::3, 0] = False
    present[1::3, 1] = False
    rows = np.arange(len(toy))
    return View(toy, rows[:40], present[:40]), View(toy, rows[40:], present[40:])


def fitted(name, backbone, toy, impute="dummy"):
    model = make_model(name, backbone, impute=impute)
    training, validation = views(toy)
    with torch.no_grad():
        batch = training.batch(np.arange(len(training)))
        model.imputer.fit([(model.backbone.embed(batch), batch.present)])
    fit = train(model, training, validation, RECIPE, 0, CPU)
    return model, fit


@pytest.mark.parametrize("impute", IMPUTERS)
@pytest.mark.parametrize("name", METHODS)
def test_absent_content_never_reaches_the_logits(name, impute, folder, toy):
    """Another patient's picture and text, or noise, in what is absent: the logits stay bit-equal."""
    model, _ = fitted(name, load(folder), toy, impute)
    rng = np.random.default_rng(0)
    noise = dataclasses.replace(
        toy,
        pixels=rng.integers(0, 256, len(toy.pixels), dtype=np.uint8),
        ids=rng.integers(5, 50, len(toy.ids), dtype=np.int32),
    )
    rows = np.arange(6)
    for absent in (0, 1):
        present = np.ones((6, 2), bool)
        present[:, absent] = False
        mixed = dataclasses.replace(toy, pixels=noise.pixels) if absent else dataclasses.replace(toy, ids=noise.ids)
        with torch.no_grad():
            clean, dirty = (model.eval()(samples.batch(rows, present)) for samples in (toy, mixed))
        assert torch.equal(clean, dirty)
        other = np.ones((6, 2), bool)
        with torch.no_grad():
            assert not torch.equal(model(toy.batch(rows, other)), model(mixed.batch(rows, other)))


@pytest.mark.parametrize("name", METHODS)
def test_frozen_weights_stay_and_declared_ones_move(name, folder, toy):
    backbone = load(folder)
    before = {n: t.clone() for n, t in backbone.state_dict().items()}
    model = make_model(name, backbone)
    start = {n: p.detach().clone() for n, p in model.named_parameters()}
    trained = set(model.trained())
    training, validation = views(toy)
    train(model, training, validation, RECIPE, 0, CPU)
    for n, p in model.named_parameters():
        if n not in trained:
            assert torch.equal(p, start[n]), f"{n} is frozen and changed"
    if name != "full":
        shared = model.backbone.state_dict()
        for n, t in before.items():
            now = (
                shared[n]
                if n in shared
                else shared[n.replace("query.", "query.base_layer.").replace("value.", "value.base_layer.")]
            )
            assert torch.equal(now, t), n


@pytest.mark.parametrize("name", METHODS)
def test_every_declared_parameter_gets_a_gradient(name, folder, toy):
    model = make_model(name, load(folder))
    for p in model.trained().values():
        if not p.any():  # zero at the start by design: give gradients a way through
            torch.nn.init.normal_(p, std=0.02)
    training, _ = views(toy)
    model(training.batch(np.arange(40))).pow(2).sum().backward()
    rows_of_tables = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    for n, p in model.trained().items():
        assert p.grad is not None, n
        assert p.grad.abs().sum() > 0 or (name == "full" and any(t in n for t in rows_of_tables)), n


@pytest.mark.parametrize("name", METHODS)
def test_detaching_restores_the_backbone(name, folder, toy):
    backbone = load(folder)
    before = {n: t.clone() for n, t in backbone.state_dict().items()}
    model, _ = fitted(name, backbone, toy)
    after = model.detach().state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[n], after[n]) for n in before)
    assert not any(p.requires_grad for p in backbone.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_trained_parameters_saved_and_loaded_give_equal_logits(name, folder, toy):
    model, _ = fitted(name, load(folder), toy)
    saved = {n: p.detach().clone() for n, p in model.trained().items()}
    fresh = make_model(name, load(folder))
    with torch.no_grad():
        for n, p in fresh.trained().items():
            p.copy_(saved[n])
        batch = toy.batch(np.arange(5), np.ones((5, 2), bool))
        assert torch.equal(model.eval()(batch), fresh.eval()(batch))


@pytest.mark.parametrize("name", METHODS)
def test_flops_are_countable_and_both_counters_agree(name, folder, toy):
    model = make_model(name, load(folder))
    batch = toy.batch(np.arange(1), np.ones((1, 2), bool))
    step = step_flops(model, batch)
    assert forward_flops(model, batch) == pytest.approx(step["forward"], rel=1e-3)
    assert step["begin"] <= step["forward"]


@pytest.mark.parametrize("name", METHODS)
def test_groups_hold_every_parameter_once(name):
    model = make_model(name, tiny_backbone())
    groups = model.groups()
    ids = [id(p) for group in groups.values() for p in group]
    assert len(ids) == len(set(ids))
    unused = sum(p.numel() for p in model.backbone.vilt.pooler.parameters())
    assert sum(p.numel() for g in groups.values() for p in g) == sum(p.numel() for p in model.parameters()) - unused


@pytest.mark.parametrize("name", METHODS)
def test_the_kept_beginning_is_what_computing_it_each_time_gives(name, folder, toy):
    model, _ = fitted(name, load(folder), toy)
    training, _ = views(toy)
    at = np.array([3, 30, 7])
    with torch.no_grad():
        kept, computed = (model.finish(Feed(model, training, 16, CPU, keep=keep).state(at)) for keep in (True, False))
    torch.testing.assert_close(kept, computed, rtol=0, atol=1e-5)
