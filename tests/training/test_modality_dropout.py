"""Modality dropout: what a step sees of what the mask shows, and that keeping states changes nothing of it."""

import dataclasses

import numpy as np
import pytest
from conftest import make_cell
from hypothesis import given, settings
from hypothesis import strategies as st

from mora_bench.cells.recipe import Recipe
from mora_bench.data.samples import View
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.training.modality_dropout import MOST_KEPT, Dropping
from mora_bench.training.work import work


@pytest.fixture
def view(toy):
    """60 samples, some of which the mask leaves one modality."""
    rng = np.random.default_rng(0)
    present = np.ones((60, 2), bool)
    present[rng.permutation(60)[:30], rng.integers(0, 2, 30)] = False
    return View(toy, np.arange(60), present)


def trained(cell, runtime):
    """The record and the test logits of a cell."""
    work([cell], runtime)
    store = Store(runtime.out)
    record = store.record(cell)
    assert record.status == "done", record.error
    return record, store.predictions(cell)["test_logits"]


def shown(dropping, step, at):
    return dropping.view.present[dropping.at(step, at)]


def test_without_it_the_view_is_the_view(view):
    dropping = Dropping(view, 0.0, 3)
    assert dropping.view is view
    at = np.array([4, 1])
    assert dropping.at(1, at) is at


@given(rate=st.floats(0.01, 0.99), seed=st.integers(0, 99), step=st.integers(1, 999))
@settings(deadline=None, max_examples=30)
def test_a_step_sees_a_part_of_what_the_mask_shows_and_never_nothing(toy, rate, seed, step):
    present = np.ones((60, 2), bool)
    present[:20, 0], present[20:40, 1] = False, False
    view = View(toy, np.arange(60), present)
    dropping = Dropping(view, rate, seed)
    at = np.random.default_rng(seed).permutation(60)[:25]
    places = dropping.at(step, at)
    assert (dropping.view.rows[places] == at).all()
    seen = dropping.view.present[places]
    assert seen.any(1).all()
    assert not (seen & ~view.present[at]).any()
    # A sample's draw does not hang on who else is in the batch, nor where.
    assert (dropping.at(step, at[::-1]) == places[::-1]).all()
    assert (dropping.at(step, at[:1]) == places[:1]).all()


def test_each_modality_is_left_out_as_often_as_it_says(view):
    dropping, every = Dropping(view, 0.3, 0), np.arange(60)
    complete = view.present.all(1)
    seen = np.stack([shown(dropping, step, every) for step in range(1, 401)])
    # Of two that are there: both stay in 0.49 of all steps; both would go in 0.09, and then one of them stays.
    both, first, second = (seen[:, complete] == pattern for pattern in ((True, True), (True, False), (False, True)))
    shares = [matches.all(2).mean() for matches in (both, first, second)]
    assert shares == pytest.approx([0.49, 0.255, 0.255], abs=0.015)
    assert (seen[:, ~complete] == view.present[~complete]).all()


def test_the_rate_rises_evenly_to_its_value_and_stays(view):
    dropping, every, complete = Dropping(view, 0.8, 0, rising=100), np.arange(60), view.present.all(1)
    left = np.array([shown(dropping, step, every)[complete].all(1).mean() for step in range(1, 301)])
    # Both of two stay with the square of what the rate leaves each.
    assert left[:20].mean() == pytest.approx(np.mean([(1 - 0.008 * step) ** 2 for step in range(1, 21)]), abs=0.05)
    assert left[40:60].mean() == pytest.approx(np.mean([(1 - 0.008 * step) ** 2 for step in range(41, 61)]), abs=0.05)
    assert left[100:].mean() == pytest.approx(0.04, abs=0.02)


def test_epochs_of_a_rise_without_dropout_are_refused():
    wanted = "recipe.modality_dropout_epochs is read with recipe.modality_dropout alone; give both, or neither."
    assert Recipe(modality_dropout_epochs=2.0).problem() == wanted
    assert Recipe(modality_dropout=0.3, modality_dropout_epochs=2.0).problem() == ""


def test_other_steps_and_seeds_draw_anew(view):
    every = np.arange(60)
    first = Dropping(view, 0.5, 0).at(1, every)
    assert (Dropping(view, 0.5, 0).at(1, every) == first).all()
    assert (Dropping(view, 0.5, 0).at(2, every) != first).any()
    assert (Dropping(view, 0.5, 1).at(1, every) != first).any()


def test_states_are_kept_of_parts_where_there_are_few(view, toy):
    dropping = Dropping(view, 0.5, 0)
    # Three parts of whoever shows both, one of the others.
    assert len(dropping.view) == 3 * view.present.all(1).sum() + (~view.present.all(1)).sum()
    assert dropping.worth_keeping
    assert MOST_KEPT >= 3


@pytest.mark.parametrize("method", ["head", "mora", "lora"])
def test_kept_states_train_as_computed_ones_do(runtime, folder, method, monkeypatch):
    plain = make_cell(runtime, folder, method=method)
    cell = dataclasses.replace(plain, recipe=dataclasses.replace(plain.recipe, modality_dropout=0.4))
    assert plain.key != cell.key
    reused = trained(cell, runtime)
    monkeypatch.setattr("mora_bench.training.modality_dropout.MOST_KEPT", 0)
    computed = trained(cell, dataclasses.replace(runtime, out=runtime.out.parent / "again"))
    assert (reused[0].beginning.kept, computed[0].beginning.kept) == (True, False)
    np.testing.assert_allclose(reused[1], computed[1], atol=2e-5)
    assert not np.allclose(trained(plain, runtime)[1], reused[1], atol=1e-3, equal_nan=True)


def test_a_rate_of_one_leaves_nothing_and_is_refused():
    with pytest.raises(UserError, match=r"recipe.modality_dropout is 1.0; expected a number in \[0, 1\)"):
        Recipe(modality_dropout=1.0)
