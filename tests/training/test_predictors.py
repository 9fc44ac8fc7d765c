"""How competitors without a network are fitted: by the weights of a table, and with a patient's samples in one fold."""

import dataclasses

import numpy as np
import pytest
from conftest import make_floor
from hypothesis import given, settings
from hypothesis import strategies as st
from mora_baselines import late_fusion
from mora_baselines.late_fusion import LateFusion

from mora_bench.data.shown import shown
from mora_bench.data.sides import Side
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError
from mora_bench.plan.versions import fit_versions
from mora_bench.training import predictors

ROWS = 120


def side(weights, rows=None):
    table = dataclasses.replace(twins.odir(range(ROWS)), weights=tuple(weights))
    return Side(table, np.arange(ROWS) if rows is None else rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=ROWS, max_size=ROWS), st.integers(0, 5))
def test_each_sample_is_drawn_as_often_as_its_weight_says(weights, seed):
    drawn = predictors._drawn(side(weights), "train", seed)
    expected = ROWS * np.array(weights) / np.sum(weights)
    counts = np.bincount(drawn, minlength=ROWS)
    assert len(drawn) == ROWS
    assert (np.abs(counts - expected) < 1 + 1e-9).all()


def test_the_draw_is_right_on_average_and_another_by_seed():
    weights = np.random.default_rng(0).uniform(0.2, 5, ROWS)
    counts = [np.bincount(predictors._drawn(side(weights), "train", s), minlength=ROWS) for s in range(400)]
    np.testing.assert_allclose(np.mean(counts, 0), ROWS * weights / weights.sum(), atol=0.09)
    assert len({tuple(count) for count in counts}) > 50


@pytest.mark.parametrize("weight", [1.0, 1 / 3, 7e5])
def test_equal_weights_draw_every_sample_once_and_validation_is_never_drawn(weight):
    for seed in range(50):
        np.testing.assert_array_equal(predictors._drawn(side([weight] * ROWS), "train", seed), np.arange(ROWS))
    uneven = side(np.arange(1.0, ROWS + 1))
    np.testing.assert_array_equal(predictors._drawn(uneven, "val", 0), np.arange(ROWS))


class Recorded:
    """In place of a regression: it keeps what it was fitted on, and expects to predict nothing of it."""

    def __init__(self, strength):
        self.strength = strength

    def fit(self, features, targets):
        self.seen = set(np.asarray(features)[:, 0].tolist())
        return self

    def predict(self, features):
        assert not self.seen & set(np.asarray(features)[:, 0].tolist())
        return np.full((len(features), 2), 0.5)


@pytest.mark.parametrize("patients", [40, 7, 3, 2])
def test_no_vote_is_of_a_model_that_saw_the_patient(patients, monkeypatch):
    """The one feature is the number of the patient; four samples of each are drawn, some more than once."""
    monkeypatch.setattr(late_fusion, "Linear", Recorded)
    whose = np.sort(np.random.default_rng(0).integers(0, patients, 4 * patients))
    fusion = LateFusion()
    fusion.labels, fusion.models = 2, {("note",): Recorded(1.0)}
    table = twins.odir(range(len(whose)))
    table = dataclasses.replace(table, patients=tuple(f"patient {number}" for number in whose))
    train = shown(table, np.arange(len(whose)), np.ones((len(whose), 2), bool), targets=True)
    np.testing.assert_array_equal(train.groups, np.unique(whose, return_inverse=True)[1])
    seen = late_fusion.Described({"note": whose[:, None]}, {"note": np.arange(len(whose))})
    for seed in range(5):
        fusion.unseen(train, seen, "note", seed)


def test_where_each_patient_has_one_sample_folds_are_drawn_sample_by_sample():
    """As before patients were told apart: the records of single samples stay what they are."""
    table = twins.odir(range(ROWS))
    train = shown(table, np.arange(ROWS)[::-1], np.ones((ROWS, 2), bool), targets=True)
    np.testing.assert_array_equal(train.groups, np.arange(ROWS))
    assert shown(table, np.arange(ROWS), np.ones((ROWS, 2), bool), targets=False).groups is None


def test_late_fusion_of_one_patient_weighs_all_votes_alike():
    table = dataclasses.replace(twins.odir(range(30)), patients=("one",) * 30)
    train = shown(table, np.arange(20), np.ones((20, 2), bool), targets=True)
    fusion = LateFusion()
    fusion.fit(train, shown(table, np.arange(20, 30), np.ones((10, 2), bool), targets=True), 0)
    assert not fusion.weights
    assert fusion.predict(train).shape == train.targets.shape


def test_another_way_of_fitting_makes_other_cells_and_older_ones_are_not_fitted_again(runtime, folder):
    table = twins.odir(range(ROWS))
    weighted = dataclasses.replace(table, weights=(1.0,) * ROWS)
    visits = dataclasses.replace(table, patients=table.patients[:-1] + table.patients[:1])
    assert [fit_versions("late-fusion", t) for t in (table, weighted, visits)] == [
        (), (("draws by weights", 2),), (("own folds", 2),)
    ]  # fmt: skip
    assert fit_versions("stacked", visits) == ()
    # Of one modality there is one vote, and nothing is learned across folds.
    alone = {"text": table.modalities["text"]}
    assert fit_versions("late-fusion", dataclasses.replace(visits, modalities=alone)) == ()
    cell = make_floor(runtime, folder, "stacked")
    sides = {"train": Side(weighted, np.arange(100)), "val": Side(weighted, np.arange(100, ROWS))}
    with pytest.raises(UserError, match=r"an earlier version fitted it in another way \(draws by weights\)"):
        predictors.fitted(cell, sides, {name: {} for name in sides})
