"""Mechanisms of missingness: the rules of their contract, closed forms, and what each claims to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from units import drawn, units

from mora_bench import registry
from mora_bench.cells.missing import UNIFORM, Missing
from mora_bench.checks.run import check
from mora_bench.data.presence import pattern_presence
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.missing.contract import intercept, numbers, sigmoid
from mora_bench.missing.masks import settled


@pytest.mark.parametrize("name", registry.names(registry.MECHANISMS))
def test_every_mechanism_keeps_its_contract(name):
    assert [(rule, problem) for rule, problem in check(registry.MECHANISMS, name) if problem] == []


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_the_covariate_moves_the_odds_by_e_to_its_strength(strength):
    """Logistic regression of what is lost on the standardised covariate gives back the slope (maximum likelihood by
    Newton's method); 4 standard errors are allowed."""
    own = units(20_000)
    lost = ~drawn(own, Missing("covariate:age", strength)).all(1)
    x = np.stack([np.ones(len(own)), numbers(own.covariates["age"])], 1)
    weights = np.zeros(2)
    for _ in range(20):
        p = sigmoid(x @ weights)
        information = (x * (p * (1 - p))[:, None]).T @ x
        weights += np.linalg.solve(information, x.T @ (lost - p))
    assert weights[1] == pytest.approx(strength, abs=4 * np.linalg.inv(information)[1, 1] ** 0.5)


def test_given_the_covariate_what_is_lost_does_not_depend_on_the_label():
    """MAR: within deciles of the covariate, loss and label are independent (chi-square, summed over deciles)."""
    own = units(20_000)
    rng = np.random.default_rng(5)
    age = numbers(own.covariates["age"])
    label = rng.random(len(own)) < sigmoid(2 * age)
    lost = ~drawn(own, Missing("covariate:age", 2.0)).all(1)
    assert (
        chi2_contingency(
            [[(lost & label).sum(), (lost & ~label).sum()], [(~lost & label).sum(), (~lost & ~label).sum()]]
        )[1]
        < 1e-6
    )
    # Narrow bands, so that the covariate hardly varies within one.
    order = np.argsort(age)
    found = []
    for band in np.array_split(order, 100):
        table = np.array([[(lost[band] == a).astype(int) @ (label[band] == b) for b in (0, 1)] for a in (0, 1)])
        if table.min(initial=9) > 0 or (table.sum(0).min() > 0 and table.sum(1).min() > 0):
            found.append(chi2_contingency(table, correction=False)[0])
    # A sum of k chi-squares of one degree has mean k and variance 2 k.
    assert sum(found) < len(found) + 4 * (2 * len(found)) ** 0.5


def test_which_of_several_is_lost_is_at_random():
    own = units(20_000)
    kept = drawn(own, Missing("covariate:age", 3.0))
    lost = ~kept
    assert abs(lost[:, 0].sum() - lost[:, 1].sum()) < 4 * lost.sum() ** 0.5
    age = numbers(own.covariates["age"])
    difference = age[lost[:, 0]].mean() - age[lost[:, 1]].mean()
    assert abs(difference) < 4 * (2 / lost[:, 0].sum()) ** 0.5


def test_a_patient_loses_a_modality_with_all_samples():
    own = units(600, patients=200)
    kept = drawn(own, Missing("uniform", 1.0, "patient"), rate=0.3)
    first = {}
    for group, row in zip(own.patients, kept.tolist(), strict=True):
        assert first.setdefault(group, row) == row
    assert sum(not all(row) for row in first.values()) == 60


@pytest.mark.parametrize("missing", [UNIFORM, Missing("covariate:age", 2.0)])
@given(low=st.floats(0, 1), high=st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_masks_are_nested_over_rates(missing, low, high):
    own = units(150)
    low, high = sorted((low, high))
    assert (drawn(own, missing, rate=low) | ~drawn(own, missing, rate=high)).all()


@given(st.integers(2, 4), st.floats(0, 1), st.integers(5, 60))
@settings(max_examples=40, deadline=None)
def test_both_with_m_modalities_takes_exactly_one_of_each_and_each_equally_often(m, rate, n):
    own = units(n, tuple("abcd"[:m]))
    kept = drawn(own, UNIFORM, rate=rate)
    lost = int(np.floor(rate * n + 0.5))
    assert sorted((~kept).sum(1).tolist()) == [0] * (n - lost) + [1] * lost
    counts = (~kept).sum(0)
    assert counts.max() - counts.min() <= 1


def test_a_set_of_modalities_is_lost_together():
    own = units(100, ("left", "right", "note"))
    kept = drawn(own, UNIFORM, pattern="left+note", rate=0.4)
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
    assert len(pattern_presence(3)) == 7


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.9])
def test_the_intercept_gives_the_rate(rate):
    slopes = 3 * np.random.default_rng(0).normal(size=500)
    assert sigmoid(intercept(slopes, rate) + slopes).mean() == pytest.approx(rate, abs=1e-9)


def test_what_a_mechanism_reads_is_part_of_what_it_is():
    older = settled(Missing("covariate:age"), "d", {"age": ("1", "2")})
    other = settled(Missing("covariate:age"), "d", {"age": ("1", "3")})
    assert older.reads
    assert older != other
    assert settled(UNIFORM, "d", {"age": ("1", "2")}) == UNIFORM
    # Strength means nothing to chance, so it makes no other cell.
    assert settled(Missing("uniform", 3.0), "d", {}) == UNIFORM


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("covariate", "takes the name of a covariate, e.g. covariate:age; this dataset has age"),
        ("covariate:sex", "this dataset has age"),
        ("uniform:age", "it takes no argument, and was given 'age'"),
        ("unifrom", "unknown mechanism 'unifrom'; known: .*Did you mean 'uniform'"),
    ],
)
def test_a_wrong_mechanism_is_told_why(name, message):
    with pytest.raises(UserError, match=message):
        settled(Missing(name), "d", {"age": ("1",)})


def test_a_covariate_of_words_has_an_effect_for_each():
    own = units()
    lost = ~drawn(own, Missing("covariate:site", 2.0)).all(1)
    shares = [lost[np.array(own.covariates["site"]) == s].mean() for s in "abcdefghij"]
    assert max(shares) - min(shares) > 0.3


def test_absent_covariates_count_as_the_mean():
    assert numbers(("1", "", "3")).tolist() == pytest.approx([-1, 0, 1])
    assert numbers(("a", "1")) is None
    assert numbers(("2", "2")).tolist() == [0, 0]
