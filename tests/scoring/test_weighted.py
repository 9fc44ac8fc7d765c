"""Inverse-probability weights, and toys of known truth."""

import dataclasses

import numpy as np
import pytest
import torch
from by_hand import cell
from conftest import make_cell
from units import units

from mora_bench.cells.missing import Missing
from mora_bench.data.sides import Side
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.missing.contract import numbers
from mora_bench.scoring import protocol
from mora_bench.scoring.protocol import Predicted, scored
from mora_bench.training import masking
from mora_bench.training.cell import run_cells
from mora_bench.training.decoded import samples
from mora_bench.training.loop import _drawn

N = 2000


def easier_with_age(seed):
    """Predictions that are right the more often the older a patient is; both classes the same."""
    cohort = units(N, seed=seed)
    age = numbers(cohort.covariates["age"])
    right = np.random.default_rng(seed).random((N, 2)) < 0.5 + 0.45 / (1 + np.exp(-2 * age[:, None]))
    logits = np.where(right, 1.0, -1.0) * (2.0 * cohort.targets - 1)
    return Predicted(cohort, np.repeat(logits[:, None], 3, 1).astype(np.float32))


@pytest.fixture
def without_curves(monkeypatch):
    """Scores over one rate beside the cell's own, which take most of the time and are read by no test here."""
    monkeypatch.setattr(protocol, "CURVE", (0.0,))


@pytest.mark.usefixtures("without_curves")
@pytest.mark.parametrize("name", ["covariate:age", "uniform"])
def test_weights_give_back_the_scores_of_complete_data_under_mar(name):
    """The samples that lost nothing are the young, for whom predictions are worse; weighted, they stand for all."""
    weighted, plain, complete = [], [], []
    for seed in range(16):
        asked = dataclasses.replace(cell(seed=seed), mechanism=Missing(name, 2.0), rate=0.5)
        tested = scored(asked, dict.fromkeys(("val", "test"), easier_with_age(seed))).test
        weighted.append(tested["both"].scores["f1_macro_weighted"])
        plain.append(tested["both"].strata["complete"]["f1_macro"])
        complete.append(tested["complete"].scores["f1_macro"])
    off = np.array(weighted) - complete
    assert abs(off.mean()) < 3 * off.std(ddof=1) / 4 + 1e-3
    biased = np.array(plain) - complete
    if name == "uniform":
        # By chance the weights are all the same.
        assert np.allclose(weighted, plain)
    else:
        assert biased.mean() < -0.05


def test_samples_that_have_nothing_to_lose_do_not_stand_for_others():
    """Half the pictures are naturally absent, and pictures are lost by a label: without the pictures that were never
    there, kept by no luck of theirs, the weighted share of the label is that of all samples."""
    base = easier_with_age(0)
    natural = np.ones((N, 2), bool)
    natural[::2, 1] = False
    cohort = dataclasses.replace(base.units, natural=natural)
    logits = base.logits.copy()
    logits[::2, 1:] = np.nan
    asked = dataclasses.replace(cell(), mechanism=Missing("label:A", 2.0), missing="image", rate=0.7)
    test = Predicted(cohort, logits)
    scores = scored(asked, {"val": test, "test": test}).test["image"].scores
    complete = masks.mask(cohort, "image", 0.7, asked.mechanism, data=asked.drawn_by, split="test", seed=0).all(1)
    chance = masks.chances(cohort, "image", 0.7, asked.mechanism, data=asked.drawn_by, split="test", seed=0)
    prevalence = np.average(cohort.targets[complete, 0], weights=1 / (1 - chance[complete]))
    assert prevalence == pytest.approx(cohort.targets[:, 0].mean(), abs=0.06)
    predicted = np.where(natural[:, [1]], logits[:, 2], logits[:, 0])[complete] > 0
    weights, true = 1 / (1 - chance[complete]), cohort.targets[complete] > 0
    hits, errors = weights @ (predicted & true), weights @ (predicted ^ true)
    assert scores["f1_macro_weighted"] == pytest.approx((2 * hits / (2 * hits + errors)).mean(), abs=1e-6)


def test_where_probabilities_are_unknown_or_nobody_keeps_everything_there_is_no_weighted_score():
    sides = dict.fromkeys(("val", "test"), easier_with_age(0))
    site = dataclasses.replace(cell(), mechanism=Missing("site:site"))
    assert "f1_macro_weighted" not in scored(site, sides).test["both"].scores
    everyone = dataclasses.replace(cell(), rate=1.0)
    assert "f1_macro_weighted" not in scored(everyone, sides).test["both"].scores
    assert "f1_macro_weighted" in scored(everyone, sides).test["complete"].scores


@pytest.mark.parametrize("name", ["uniform", "uneven:text=3", "covariate:age", "label:A", "hidden", "observed"])
def test_the_probabilities_are_those_of_the_mask(name):
    """Over many seeds a unit is lost as often as its probability says, in five bands of it."""
    cohort, missing = units(400), Missing(name, 2.0)
    lost, chance = [], []
    for seed in range(60):
        same = {"data": "d", "split": "train", "seed": seed}
        lost.append(~masks.mask(cohort, "both", 0.4, missing, **same).all(1))
        chance.append(masks.chances(cohort, "both", 0.4, missing, **same))
    lost, chance = np.concatenate(lost), np.concatenate(chance)
    for band in np.array_split(np.argsort(chance, kind="stable"), 5):
        expected = chance[band].mean()
        assert lost[band].mean() == pytest.approx(expected, abs=4.5 * (expected * (1 - expected) / len(band)) ** 0.5)


@pytest.mark.usefixtures("without_curves")
@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        # a is text, P(a) = 0.5; b is image, P(b) = 0.7. F1 of the best reader of both, of a alone, of b alone.
        (np.logical_and, 2 * 0.35 / (2 * 0.35 + 0.15), 0.0),
        (np.logical_or, 2 * 0.85 / (2 * 0.85 + 0.15), 2 * 0.85 / (2 * 0.85 + 0.15)),
        (np.logical_xor, 2 * 0.35 / (2 * 0.35 + 0.30), 0.0),
    ],
)
def test_and_or_xor_have_their_known_values(rule, one, other):
    n = 40_000
    rng = np.random.default_rng(0)
    a, b = rng.random(n) < 0.5, rng.random(n) < 0.7
    y = rule(a, b)
    # The posterior of y given a alone, b alone, and both; what is as likely as not is not predicted.
    given_a = np.where(
        a, 0.7 * rule(True, True) + 0.3 * rule(True, False), 0.7 * rule(False, True) + 0.3 * rule(False, False)
    )
    given_b = 0.5 * rule(True, b) + 0.5 * rule(False, b)
    posterior = np.stack([given_a, given_b, y.astype(float)], 1)
    logits = np.where(posterior > 0.5, 1.0, -1.0)[..., None].astype(np.float32)
    cohort = dataclasses.replace(units(n), targets=y[:, None].astype(np.uint8), labels=("y",))
    tested = scored(
        dataclasses.replace(cell(), rate=1.0), dict.fromkeys(("val", "test"), Predicted(cohort, logits))
    ).test
    assert tested["complete"].scores["f1_macro"] == 1.0
    assert tested["image"].scores["f1_macro"] == pytest.approx(one, abs=0.01)
    # Of OR, b = 1 decides and b = 0 leaves an even chance.
    expected = 2 * 0.7 / (2 * 0.7 + 0.15) if rule is np.logical_or else other
    assert tested["text"].scores["f1_macro"] == pytest.approx(expected, abs=0.01)


def reweighed(runtime, folder, mechanism, **changes):
    base = make_cell(runtime, folder, **changes)
    return dataclasses.replace(base, mechanism=mechanism, recipe=dataclasses.replace(base.recipe, reweigh=True))


def test_training_weights_undo_what_the_mechanism_made_rare(runtime, folder):
    cell = reweighed(runtime, folder, Missing("covariate:age", 2.0, "sample", "1", "x"))
    data = samples("odir", str(folder), 64, dataclasses.replace(runtime, limit=None))
    part = Side(data.table, np.arange(len(data)))
    age = numbers(masking.units(part).covariates["age"])
    # Of one mask the weighted mean of few samples is off by chance; of many it is not.
    off = []
    for seeded in (dataclasses.replace(cell, seed=seed) for seed in range(16)):
        weights = masking.weights_of(seeded, "train", part)
        lost = (masking.presence_of(seeded, "train", part) != part.natural).any(1)
        assert weights.mean() == pytest.approx(1, abs=0.15)
        assert age[lost].mean() > 0.2
        off.append([np.average(age[rows], weights=weights[rows]) for rows in (lost, ~lost)])
    assert (np.abs(np.mean(off, 0)) < [0.05, 0.15]).all()


def test_samples_are_drawn_by_their_weights_and_once_each_without():
    class Training:
        weights = np.array([0.0, 1.0, 3.0])

        def __len__(self):
            return 3

    many = np.concatenate([_drawn(np.random.default_rng(s), Training()) for s in range(2000)])
    assert np.bincount(many, minlength=3) / len(many) == pytest.approx([0, 0.25, 0.75], abs=0.02)
    Training.weights = None
    assert sorted(_drawn(np.random.default_rng(0), Training())) == [0, 1, 2]


def test_a_cell_that_reweighs_is_another_and_says_what_it_cannot(runtime, folder):
    cell = reweighed(runtime, folder, Missing("label", 2.0, "sample", "1", ""))
    plain = dataclasses.replace(cell, recipe=dataclasses.replace(cell.recipe, reweigh=False))
    assert cell.key != plain.key
    (one,), (two,) = run_cells([cell], runtime), run_cells([plain], runtime)
    assert not torch.equal(torch.tensor(one.predictions["val_logits"]), torch.tensor(two.predictions["val_logits"]))
    with pytest.raises(UserError, match=r"recipe\.reweigh: mechanism site gives no probabilities of missingness"):
        run_cells([reweighed(runtime, folder, Missing("site", 1.0, "sample", "1", ""))], runtime)
