"""Mechanisms of missingness: the rules of their contract, closed forms, and what each claims to be."""

import dataclasses
import re
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from units import drawn, units

from mora_bench import registry
from mora_bench.cells.missing import UNIFORM, Missing
from mora_bench.checks import mechanism as contract
from mora_bench.checks.run import check
from mora_bench.data.presence import pattern_presence
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.missing.contract import Known, Mechanism, Reads, intercepts, numbers, sigmoid, standard
from mora_bench.missing.masks import settled


@pytest.mark.parametrize("name", registry.names(registry.MECHANISMS))
def test_every_mechanism_keeps_its_contract(name):
    assert [(rule, problem) for rule, problem in check(registry.MECHANISMS, name) if problem] == []


def slope(lost: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """The slope of a logistic regression of bool [n] on float [n] (maximum likelihood by Newton's method), and its
    standard error."""
    design, weights = np.stack([np.ones(len(x)), x], 1), np.zeros(2)
    for _ in range(20):
        p = sigmoid(design @ weights)
        information = (design * (p * (1 - p))[:, None]).T @ design
        weights += np.linalg.solve(information, design.T @ (lost - p))
    return weights[1], np.linalg.inv(information)[1, 1] ** 0.5


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_the_covariate_moves_the_odds_by_e_to_its_strength(strength):
    cohort = units(20_000)
    lost = ~drawn(cohort, Missing("covariate:age", strength)).all(1)
    estimate, error = slope(lost, numbers(cohort.covariates["age"]))
    assert estimate == pytest.approx(strength, abs=4 * error)


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
@pytest.mark.parametrize(("name", "label"), [("label:B", 1), ("label", None)])
def test_a_label_multiplies_the_odds_by_e_to_the_strength(name, label, strength):
    cohort = units(20_000)
    y = cohort.targets.sum(1) > 1 if label is None else cohort.targets[:, label] > 0
    lost = ~drawn(cohort, Missing(name, strength), rate=0.3).all(1)
    estimate, error = slope(lost, y.astype(float))
    assert estimate == pytest.approx(strength, abs=4 * error)
    assert lost.mean() == pytest.approx(0.3, abs=3 * (0.3 * 0.7 / len(cohort)) ** 0.5)


@pytest.mark.parametrize(("rate", "strength"), [(0.3, 1.0), (0.7, 2.0)])
def test_what_is_missing_by_a_label_tells_of_it_as_the_closed_form_says(rate, strength):
    """P(y = 1 | lost) = pi p1 / (pi p1 + (1 - pi) p0), p1 and p0 the chances of losing something."""
    cohort = units(40_000)
    y, lost = cohort.targets[:, 0] > 0, ~drawn(cohort, Missing("label:A", strength), rate=rate).all(1)
    (a,) = intercepts(strength * y, np.array([rate]))
    p1, p0, pi = sigmoid(np.array(a + strength)), sigmoid(np.array(a)), y.mean()
    expected = pi * p1 / (pi * p1 + (1 - pi) * p0)
    assert y[lost].mean() == pytest.approx(expected, abs=4 * (expected * (1 - expected) / lost.sum()) ** 0.5)


@pytest.mark.parametrize(("name", "weighed"), [("hidden", 0), ("observed", 1)])
def test_missing_by_what_is_hidden_or_by_what_stays(name, weighed):
    """Of a pattern that takes modality m, `hidden` weighs content m and `observed` the other one."""
    cohort = units(40_000)
    z = standard(cohort.contents())
    for m, pattern in enumerate(cohort.modalities):
        lost = ~drawn(cohort, Missing(name, 1.5), pattern=pattern, rate=0.4)[:, m]
        for of in (0, 1):
            estimate, error = slope(lost, z[:, m if of == 0 else 1 - m])
            assert estimate == pytest.approx(1.5 if of == weighed else 0.0, abs=4 * error + 0.1 * (of == weighed))
        both = ~drawn(cohort, Missing(name, 1.5), rate=0.4)
        # In turn: half of the units may lose m, and these by m's own slope.
        assert both[:, m].mean() == pytest.approx(0.2, abs=0.01)


def test_given_what_stays_an_observed_loss_does_not_depend_on_what_is_hidden():
    """MAR, of one modality: text is lost by the picture alone, though both contents hang together."""
    cohort = units(40_000)
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(40_000, 1))
    tied = dataclasses.replace(cohort, contents=lambda: shared + rng.normal(size=(40_000, 2)) * 0.5)
    fixed = tied.contents()
    tied = dataclasses.replace(tied, contents=lambda: fixed)
    lost = ~drawn(tied, Missing("observed", 2.0), pattern="text")[:, 0]
    z = standard(fixed)
    assert slope(lost, z[:, 0])[0] > 0.5
    order = np.argsort(z[:, 1])
    bands = [band for band in np.array_split(order, 200) if 0 < lost[band].sum() < len(band)]
    within = [np.corrcoef(lost[band], z[band, 0])[0, 1] for band in bands]
    assert len(bands) > 150
    assert abs(np.mean(within)) < 4 * np.std(within) / len(bands) ** 0.5


def test_by_chance_nothing_that_is_known_tells_what_is_lost():
    """MCAR: loss by chance, evenly or not, is independent of labels, covariates and contents."""
    cohort = units(20_000)
    for name in ("uniform", "uneven:text=3"):
        lost = ~drawn(cohort, Missing(name))
        bands = [*cohort.targets.T, np.array(cohort.covariates["site"]), *(standard(cohort.contents()) > 0).T]
        for m in (0, 1):
            for values in bands:
                table = [[(lost[:, m] & (values == v)).sum(), (~lost[:, m] & (values == v)).sum()] for v in set(values)]
                assert chi2_contingency(table)[1] > 1e-3


def test_uneven_takes_the_text_three_times_as_often():
    """The total is exact; each unit draws which of the two it loses, so that their shares are so within chance."""
    lost = ~drawn(units(1000), Missing("uneven:text=3,image=1"), rate=0.4)
    assert lost.sum() == 400
    assert lost[:, 0].sum() == pytest.approx(300, abs=4 * (400 * 0.75 * 0.25) ** 0.5)


def test_given_the_covariate_what_is_lost_does_not_depend_on_the_label():
    """MAR: within narrow bands of the covariate, loss and label are independent (chi-square, summed over bands)."""
    cohort = units(20_000)
    rng = np.random.default_rng(5)
    age = numbers(cohort.covariates["age"])
    label = rng.random(len(cohort)) < sigmoid(2 * age)
    lost = ~drawn(cohort, Missing("covariate:age", 2.0)).all(1)
    assert (
        chi2_contingency(
            [[(lost & label).sum(), (lost & ~label).sum()], [(~lost & label).sum(), (~lost & ~label).sum()]]
        )[1]
        < 1e-6
    )
    # Narrow bands, so that the covariate hardly varies within one.
    order = np.argsort(age)
    chi_squares = []
    for band in np.array_split(order, 100):
        table = np.array([[(lost[band] == a).astype(int) @ (label[band] == b) for b in (0, 1)] for a in (0, 1)])
        if table.sum(0).min() > 0 and table.sum(1).min() > 0:
            chi_squares.append(chi2_contingency(table, correction=False)[0])
    # A sum of k chi-squares of one degree has mean k and variance 2 k.
    assert sum(chi_squares) < len(chi_squares) + 4 * (2 * len(chi_squares)) ** 0.5


def test_which_of_several_is_lost_is_at_random():
    cohort = units(20_000)
    kept = drawn(cohort, Missing("covariate:age", 3.0))
    lost = ~kept
    assert abs(lost[:, 0].sum() - lost[:, 1].sum()) < 4 * lost.sum() ** 0.5
    age = numbers(cohort.covariates["age"])
    difference = age[lost[:, 0]].mean() - age[lost[:, 1]].mean()
    assert abs(difference) < 4 * (2 / lost[:, 0].sum()) ** 0.5


def test_a_patient_loses_a_modality_with_all_samples():
    cohort = units(600, patients=200)
    kept = drawn(cohort, Missing("uniform", 1.0, "patient"), rate=0.3)
    first = {}
    for group, row in zip(cohort.patients, kept.tolist(), strict=True):
        assert first.setdefault(group, row) == row
    assert sum(not all(row) for row in first.values()) == 60


@pytest.mark.parametrize("missing", [UNIFORM, Missing("covariate:age", 2.0)])
@given(low=st.floats(0, 1), high=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_masks_are_nested_over_rates(missing, low, high):
    cohort = units(150)
    low, high = sorted((low, high))
    assert (drawn(cohort, missing, rate=low) | ~drawn(cohort, missing, rate=high)).all()


@given(st.integers(2, 4), st.floats(0, 1), st.integers(5, 60))
@settings(max_examples=40, deadline=None)
def test_both_with_m_modalities_takes_exactly_one_of_each_and_each_equally_often_within_chance(m, rate, n):
    cohort = units(n, tuple("abcd"[:m]))
    kept = drawn(cohort, UNIFORM, rate=rate)
    lost = int(np.floor(rate * n + 0.5))
    assert sorted((~kept).sum(1).tolist()) == [0] * (n - lost) + [1] * lost
    assert (np.abs((~kept).sum(0) - lost / m) <= 5.5 * (lost / m * (1 - 1 / m)) ** 0.5 + 1).all()


def test_a_set_of_modalities_is_lost_together():
    cohort = units(100, ("left", "right", "note"))
    kept = drawn(cohort, UNIFORM, pattern="left+note", rate=0.4)
    assert {tuple(row) for row in kept.tolist()} == {(True, True, True), (False, True, False)}
    assert (~kept[:, 0]).sum() == 40


@pytest.mark.parametrize("pattern", ["txt", "text+image", "text+text", "text+", "both+text"])
def test_an_unknown_pattern_lists_the_known(pattern):
    with pytest.raises(UserError, match=r"known: complete, text, image, both"):
        masks.taken(pattern, ("text", "image"))


def test_subsets_are_named_where_there_are_any():
    with pytest.raises(UserError, match=r"joined by \+, e\.g\. a\+b"):
        masks.taken("x", ("a", "b", "c"))


def test_patterns_of_the_test_are_complete_each_the_last_first_and_both():
    assert masks.patterns(("text", "image")) == ("complete", "image", "text", "both")
    of_three = masks.patterns(("left", "right", "note"))
    assert of_three == ("complete", "note", "right", "left", "left+right", "left+note", "right+note", "both")
    # With the complete one, and each of the others for all samples at 100 %, these are all seven patterns of presence.
    assert len(pattern_presence(3)) == len(of_three) - 1 == 7


@pytest.mark.parametrize("steep", [0.0, 1.0, 3.0, 30.0])
def test_the_intercepts_give_the_rates_whichever_are_asked_for(steep):
    slopes = steep * np.random.default_rng(0).normal(size=500)
    rates = np.array([0.002, 0.01, 0.3, 0.5, 0.9, 0.998])
    solutions = intercepts(slopes, rates)
    for a, rate in zip(solutions, rates, strict=True):
        assert sigmoid(a + slopes).mean() == pytest.approx(rate, abs=1e-9)
        assert intercepts(slopes, np.array([rate]))[0] == a


@pytest.mark.parametrize("name", ["uniform", "uneven:text=3", "covariate:age", "label", "hidden", "observed", "site"])
def test_masks_at_several_rates_are_those_at_each(name):
    cohort, rates = units(300), [0.0, 0.1, 0.5, 0.9, 1.0]
    same = {"data": "d", "split": "train", "seed": 3}
    missing = Missing(name, min(2.0, masks.mechanism(name)[0].strengths[1]))
    together = masks.masks(cohort, "both", rates, missing, **same)
    for rate, kept in zip(rates, together, strict=True):
        assert np.array_equal(kept, masks.mask(cohort, "both", rate, missing, **same))


def test_what_a_mechanism_reads_is_part_of_what_it_is():
    older = settled(Missing("covariate:age"), "d", Known({"age": ("1", "2")}))
    other = settled(Missing("covariate:age"), "d", Known({"age": ("1", "3")}))
    assert older.reads
    assert older != other
    assert settled(UNIFORM, "d", Known({"age": ("1", "2")})) == UNIFORM
    # Strength means nothing to chance, so it makes no other cell.
    assert settled(Missing("uniform", 3.0), "d", Known({})) == UNIFORM


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("covariate", "takes the name of a covariate, e.g. covariate:age; this dataset has age"),
        ("covariate:sex", "this dataset has age"),
        ("uniform:age", "it takes no argument, and was given 'age'"),
        ("label:D", "takes the name of a label, e.g. label:D, or nothing for the number of labels; this dataset has A"),
        ("uneven:txt=3", "weights of modalities.*; this dataset has text, image, and not txt"),
        ("uneven:text", "'text' is not of that form"),
        ("uneven:text=-1", "'text=-1' is not of that form"),
        ("hidden:text", "it takes no argument, and was given 'text'"),
        ("unifrom", "unknown mechanism 'unifrom'; known: .*Did you mean 'uniform'"),
    ],
)
def test_a_wrong_mechanism_is_told_why(name, message):
    with pytest.raises(UserError, match=message):
        settled(Missing(name), "d", Known({"age": ("1",)}, ("A",), ("text", "image")))


def test_a_covariate_of_words_has_an_effect_for_each():
    cohort = units()
    lost = ~drawn(cohort, Missing("covariate:site", 2.0)).all(1)
    shares = [lost[np.array(cohort.covariates["site"]) == s].mean() for s in "abcdefghij"]
    assert max(shares) - min(shares) > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_a_covariate_of_words_is_one_mechanism_on_all_sides(seed):
    """Whoever loses more in training loses more in test, under every pattern."""
    cohort = units(20_000)
    site = np.array(cohort.covariates["site"])

    def shares(split, pattern, seed=seed):
        lost = ~drawn(cohort, Missing("covariate:site"), pattern, seed=seed, split=split).all(1)
        return np.array([lost[site == name].mean() for name in "abcdefghij"])

    train = shares("train", "both")
    assert np.ptp(train) > 0.3
    for split, pattern in [("val", "both"), ("test", "both"), ("train", "image"), ("test,3", "text")]:
        # Five standard errors of a difference of two shares of about 2,000.
        np.testing.assert_allclose(shares(split, pattern), train, atol=0.08)
    assert np.abs(shares("train", "both", seed + 100) - train).max() > 0.15


def test_a_covariate_of_numbers_with_a_few_words_is_refused():
    ages = ("40", "50", "60", "90+", " ", "old", "70", "90+")
    message = r"'age' holds numbers, but not in 3 of 7 cells: '90\+', 'old'\. Correct them, or empty them; if all"
    with pytest.raises(UserError, match=message):
        settled(Missing("covariate:age"), "d", Known({"age": ages}))
    # Half of the cells, and names alone, are categories.
    for names in (("40", "50", "x", "y"), ("x", "y"), ("40", "", "1e3")):
        assert settled(Missing("covariate:age"), "d", Known({"age": names})).mechanism == "covariate:age"
    assert settled(Missing("site:age"), "d", Known({"age": ages})).mechanism == "site:age"


def test_absent_covariates_count_as_the_mean():
    assert numbers(("1", "", "3")).tolist() == pytest.approx([-1, 0, 1])
    assert numbers(("a", "1")) is None
    assert numbers(("2", "2")).tolist() == [0, 0]


def test_the_number_of_labels_tells_nothing_where_each_sample_has_one():
    known = Known({}, ("A", "B"), ("text", "image"), exclusive=True)
    message = "each sample has one label, so their number tells nothing; name one, e.g. label:A"
    with pytest.raises(UserError, match=message):
        settled(Missing("label"), "d", known)
    assert settled(Missing("label:A"), "d", known).mechanism == "label:A"


def test_a_label_mechanism_that_would_be_chance_says_so():
    one_each = np.eye(2, dtype=np.uint8)[np.arange(100) % 2]
    single = dataclasses.replace(units(100), targets=one_each)
    with pytest.raises(UserError, match=r"so the mask would be completely random; name a label, e\.g\. label:A"):
        drawn(single, Missing("label", 2.0))
    assert not drawn(single, Missing("label:A", 2.0)).all()


class Forgetful(Mechanism):
    """It uses labels, and forgot to say so."""

    title, source = "more labels first", "this test"
    uses = "targets"

    def draw(self, context, rate, strength):
        assert "targets" not in repr(context)
        lost = np.argsort(getattr(context, self.uses))[: round(rate * len(context))]
        return context.without(lost, context.sets()[lost])


@pytest.mark.parametrize("uses", get_args(Reads))
def test_what_a_mechanism_uses_and_does_not_read_is_an_error_by_name(monkeypatch, uses):
    kind = type("Forgetful", (Forgetful,), {"uses": uses})
    monkeypatch.setattr("mora_bench.missing.masks.mechanism", lambda name: (kind(), ""))
    message = f'the mechanism uses context.{uses}, and its `reads` does not name it. Write reads = ("{uses}",)'
    with pytest.raises(AttributeError, match=re.escape(message)):
        drawn(units(100), Missing("forgetful"))
    problems = [problem for _, problem in contract.check(kind) if problem]
    assert len(problems) == 1
    assert message in problems[0]
