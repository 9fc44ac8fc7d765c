"""Scores at every missing rate from one set of predictions."""

import dataclasses

import numpy as np
import pytest
from by_hand import cell
from units import units

from mora_bench.cells.cell import Scoring
from mora_bench.cells.missing import UNIFORM, Missing
from mora_bench.data import presence
from mora_bench.missing import masks
from mora_bench.scoring.curves import DRAWS, expectation, under_masks
from mora_bench.scoring.protocol import Predicted, scored
from mora_bench.tasks.multilabel import MultiLabel

N, CLASSES = 300, 2


def predicted(seed=0, n=N):
    cohort = units(n, seed=seed)
    rng = np.random.default_rng(seed)
    # Predictions that lean to the truth, the more the more is there: text only, image only, complete.
    lean = np.array([0.6, 0.9, 1.8])[None, :, None] * (2.0 * cohort.targets[:, None] - 1)
    return Predicted(cohort, (lean + rng.normal(size=(n, 3, CLASSES))).astype(np.float32))


def both(seed=0):
    return {"val": predicted(seed + 1), "test": predicted(seed)}


@pytest.mark.parametrize("mechanism", ["uniform", "label", "hidden", "observed"])
def test_a_curve_is_what_fresh_evaluations_under_the_same_masks_give(mechanism):
    trained = cell(scoring=Scoring(Missing(mechanism, 2.0), None))
    scores = scored(trained, both())
    test, task = predicted(), MultiLabel()
    for pattern in ("image", "text", "both"):
        for at, rate in enumerate(scores.rates):
            values = []
            for draw in range(DRAWS):
                split = f"test, draw {draw}" if draw else "test"
                kept = masks.mask(
                    test.units,
                    pattern,
                    rate,
                    trained.test_missing,
                    data=trained.drawn_by,
                    split=split,
                    seed=trained.seed,
                )
                present = presence.combine(test.units.natural, kept)
                # What a network would be asked for: each sample under the pattern that it shows.
                asked = np.stack([test.logits[i, present[i] @ [1, 2] - 1] for i in range(N)])
                values.append(task.scores(test.units.targets, asked)["f1_macro"])
            assert scores.curves[pattern].mean[at] == np.mean(values)
            assert scores.curve[pattern][at] == values[0]
        assert scores.curves[pattern].draws == DRAWS


def test_the_expectation_agrees_with_many_masks_within_its_error():
    test, task = predicted(), MultiLabel()

    def present(draw):
        kept = masks.masks(test.units, "both", [0.0, 0.5, 1.0], UNIFORM, data="d", split=f"draw {draw}", seed=0)
        return [presence.combine(test.units.natural, mask) for mask in kept]

    def score(logits):
        return task.score(test.units.targets, logits)

    rates = [0.0, 0.5, 1.0]
    few = expectation(under_masks(score, test.logits, present), rates, task.metric)
    others = under_masks(score, test.logits, lambda draw: present(draw + 1000), draws=400)
    many = expectation(others, rates, task.metric)
    assert few.std[0] == 0
    for k in (1, 2):
        assert abs(few.mean[k] - many.mean[k]) < 4 * many.std[k] * (1 / DRAWS + 1 / 400) ** 0.5
    assert few.area == pytest.approx(0.25 * few.mean[0] + 0.5 * few.mean[1] + 0.25 * few.mean[2])
    assert few.worst == min(few.mean)


def test_more_missing_is_never_better_here_and_twins_say_what_is_possible():
    twin = dataclasses.replace(cell(), dataset="odir", source="twin")
    scores = scored(twin, both())
    for pattern in ("image", "text", "both"):
        assert scores.curves[pattern].mean[0] > scores.curves[pattern].mean[-1]
        bounds = scores.curves[pattern].ceiling
        assert len(bounds) == len(scores.rates)
        assert bounds == sorted(bounds, reverse=True)
        assert bounds[0] == scores.test["complete"].ceiling["f1_macro"]


def test_where_what_is_missing_tells_something_of_a_sample_no_bound_is_said():
    """Who loses a modality by its label shows the label: a reader of contents alone would be exceeded."""
    by_label = cell(dataset="odir", source="twin", scoring=Scoring(Missing("label", 2.0), None))
    scores = scored(by_label, both())
    assert {pattern for pattern, setting in scores.test.items() if setting.ceiling} == {"complete"}
    assert all(curve.ceiling == [] for curve in scores.curves.values())
