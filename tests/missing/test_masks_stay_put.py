"""Masks stay put: a sample that comes, goes or changes flips at most the one that stands at the boundary, or those
whose probability it shifts."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from units import drawn, only, units

from mora_bench import seeds
from mora_bench.cells.missing import Missing
from mora_bench.checks import mechanism as checks
from mora_bench.missing import masks
from mora_bench.missing.contract import Mechanism, lowest

READ_NOTHING = ("uniform", "uneven:text=3")
READ = ("covariate:age", "covariate:site", "label:A", "label", "hidden", "observed", "site:site", "site")
PATTERN = st.sampled_from(["text", "image", "both"])


def flips(cohort, rows, missing, **how):
    """How many of the samples that are in both lose another thing when only `rows` are there."""
    return int((drawn(cohort, missing, **how)[rows] != drawn(only(cohort, rows), missing, **how)).any(1).sum())


@pytest.mark.parametrize("name", READ_NOTHING)
@given(st.integers(3, 200), st.integers(0, 10**6), st.floats(0, 1), PATTERN, st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_by_chance_one_more_or_less_flips_at_most_the_one_at_the_boundary(name, n, gone, rate, pattern, seed):
    """The total stays exact, so where it changes by one, one sample must flip. Which set a sample loses never does."""
    cohort, rows = units(n), np.delete(np.arange(n), gone % n)
    how = {"pattern": pattern, "rate": rate, "seed": seed}
    assert flips(cohort, rows, Missing(name), **how) <= 1
    before, after = drawn(cohort, Missing(name), **how)[rows], drawn(only(cohort, rows), Missing(name), **how)
    both = ~before.all(1) & ~after.all(1)
    assert (before[both] == after[both]).all()


@pytest.mark.parametrize("name", READ_NOTHING)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 10**6), st.floats(0, 1), PATTERN)
@settings(max_examples=25, deadline=None)
def test_where_patients_lose_one_more_or_less_flips_at_most_one_patient(name, patients, size, gone, rate, pattern):
    cohort = units(patients * size, patients=patients)
    stay = np.array([i for i in range(len(cohort)) if cohort.patients[i] != f"p{gone % patients}"], int)
    missing = Missing(name, 1.0, "patient")
    changed = (drawn(cohort, missing, pattern, rate)[stay] != drawn(only(cohort, stay), missing, pattern, rate)).any(1)
    assert len({cohort.patients[i] for i in stay[changed]}) <= 1
    if size > 1:
        # One sample less of a patient who stays: nobody notices.
        assert (
            flips(cohort, np.delete(np.arange(len(cohort)), gone % len(cohort)), missing, pattern=pattern, rate=rate)
            == 0
        )


@pytest.mark.parametrize("name", READ_NOTHING)
@given(st.integers(2, 60), st.integers(0, 10**6), st.floats(0, 1), PATTERN)
@settings(max_examples=20, deadline=None)
def test_by_chance_a_sample_that_changes_flips_nothing(name, n, which, rate, pattern):
    cohort, targets = units(n), units(n).targets.copy()
    targets[which % n] ^= 1
    contents = cohort.contents() + (np.arange(n) == which % n)[:, None]
    sites = tuple("z" if i == which % n else site for i, site in enumerate(cohort.covariates["site"]))
    other = dataclasses.replace(
        cohort, targets=targets, contents=lambda: contents, covariates=cohort.covariates | {"site": sites}
    )
    assert (drawn(cohort, Missing(name), pattern, rate) == drawn(other, Missing(name), pattern, rate)).all()


@pytest.mark.parametrize(
    # Beyond 1 `site` knows nothing more.
    ("name", "strength"),
    [(name, strength) for name in READ for strength in (0.0, 0.5, 1.0, 2.0) if strength <= 1 or "site" not in name],
)
def test_what_is_read_of_one_flips_at_most_two_others_on_average(name, strength):
    """Over 60 samples that go, one after the other; several patterns, rates and seeds."""
    cohort = units(200, patients=40) if name == "site" else units(200)
    for pattern, rate in (("text", 0.3), ("both", 0.7)):
        counts = [
            flips(
                cohort,
                np.delete(np.arange(200), gone),
                Missing(name, strength),
                pattern=pattern,
                rate=rate,
                seed=gone % 7,
            )
            for gone in range(0, 180, 3)
        ]
        assert np.mean(counts) <= 2, (pattern, rate)


@pytest.mark.parametrize("name", ["covariate:age", "label:A", "site:site", "hidden"])
def test_one_that_changes_flips_at_most_two_others_on_average(name):
    cohort, missing = units(200), Missing(name, 1.0)
    counts = []
    for which in range(0, 180, 3):
        here = np.arange(200) == which
        targets, contents = cohort.targets ^ here[:, None].astype(np.uint8), cohort.contents() + 20 * here[:, None]
        ages = tuple("75" if changed else age for changed, age in zip(here, cohort.covariates["age"], strict=True))
        sites = tuple("a" if changed else site for changed, site in zip(here, cohort.covariates["site"], strict=True))
        other = dataclasses.replace(
            cohort, targets=targets, contents=lambda fixed=contents: fixed, covariates={"age": ages, "site": sites}
        )
        counts.append((drawn(cohort, missing) != drawn(other, missing)).any(1)[~here].sum())
    assert np.mean(counts) <= 2


@pytest.mark.parametrize("name", [*READ_NOTHING, *READ])
def test_the_order_of_samples_does_not_matter(name):
    cohort = units(150)
    order = np.random.default_rng(0).permutation(150)
    assert (drawn(cohort, Missing(name))[order] == drawn(only(cohort, order), Missing(name))).all()


def test_a_mask_depends_on_the_datasets_name_and_on_no_digest():
    cohort = units(100)
    twin, real = (
        masks.mask(cohort, "both", 0.5, Missing(), data=data, split="train", seed=0)
        for data in ("odir twin", "odir real")
    )
    assert (twin != real).any()


class ByPlace(Mechanism):
    """Draws by the place of a unit among the others, so that one that goes moves all that come after it."""

    title, source = "by place", "this test"
    graded = False

    def draw(self, context, rate, strength):
        (lost,) = lowest(seeds.rng(*context.names).random(len(context)), [rate])
        return context.without(lost, context.sets()[lost])


def test_check_names_a_mechanism_whose_masks_do_not_stay_put():
    ((rule, wrong),) = [(rule, wrong) for rule, wrong in checks.check(ByPlace) if wrong]
    assert rule.startswith("A unit that goes changes nothing for the others")
    assert re.match(r"without one of 400 units \d\d+ others lose something else. Draw from context.uniform", wrong)
