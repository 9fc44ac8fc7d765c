"""Masks stay put: a sample that comes, goes or changes flips at most the one that stands at the boundary, or those
whose probability it shifts."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from units import drawn, units

from mora_bench import seeds
from mora_bench.cells.missing import Missing
from mora_bench.checks import mechanism as checks
from mora_bench.missing import masks
from mora_bench.missing.contract import Mechanism, lowest

READ_NOTHING = ("uniform", "uneven:text=3")
READ = ("covariate:age", "covariate:site", "label:A", "label", "hidden", "observed", "site:site", "site")
PATTERN = st.sampled_from(["text", "image", "both"])


def only(own, rows):
    """Some of the samples, with contents as they were."""
    contents = own.contents()[rows]
    return dataclasses.replace(
        own,
        natural=own.natural[rows],
        tokens=own.tokens[rows],
        covariates={name: tuple(values[i] for i in rows) for name, values in own.covariates.items()},
        patients=tuple(own.patients[i] for i in rows),
        targets=own.targets[rows],
        contents=lambda: contents,
    )


def flips(own, rows, missing, **how):
    """How many of the samples that are in both lose another thing when only `rows` are there."""
    return int((drawn(own, missing, **how)[rows] != drawn(only(own, rows), missing, **how)).any(1).sum())


@pytest.mark.parametrize("name", READ_NOTHING)
@given(st.integers(3, 200), st.integers(0, 10**6), st.floats(0, 1), PATTERN, st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_by_chance_one_more_or_less_flips_at_most_the_one_at_the_boundary(name, n, gone, rate, pattern, seed):
    """The total stays exact, so where it changes by one, one sample must flip. Which set a sample loses never does."""
    own, rows = units(n), np.delete(np.arange(n), gone % n)
    how = {"pattern": pattern, "rate": rate, "seed": seed}
    assert flips(own, rows, Missing(name), **how) <= 1
    before, after = drawn(own, Missing(name), **how)[rows], drawn(only(own, rows), Missing(name), **how)
    both = ~before.all(1) & ~after.all(1)
    assert (before[both] == after[both]).all()


@pytest.mark.parametrize("name", READ_NOTHING)
@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 10**6), st.floats(0, 1), PATTERN)
@settings(max_examples=25, deadline=None)
def test_where_patients_lose_one_more_or_less_flips_at_most_one_patient(name, patients, size, gone, rate, pattern):
    own = units(patients * size, patients=patients)
    stay = np.array([i for i in range(len(own)) if own.patients[i] != f"p{gone % patients}"], int)
    missing = Missing(name, 1.0, "patient")
    changed = (drawn(own, missing, pattern, rate)[stay] != drawn(only(own, stay), missing, pattern, rate)).any(1)
    assert len({own.patients[i] for i in stay[changed]}) <= 1
    if size > 1:
        # One sample less of a patient who stays: nobody notices.
        assert flips(own, np.delete(np.arange(len(own)), gone % len(own)), missing, pattern=pattern, rate=rate) == 0


@pytest.mark.parametrize("name", READ_NOTHING)
@given(st.integers(2, 60), st.integers(0, 10**6), st.floats(0, 1), PATTERN)
@settings(max_examples=20, deadline=None)
def test_by_chance_a_sample_that_changes_flips_nothing(name, n, which, rate, pattern):
    own, targets = units(n), units(n).targets.copy()
    targets[which % n] ^= 1
    contents = own.contents() + (np.arange(n) == which % n)[:, None]
    sites = tuple("z" if i == which % n else site for i, site in enumerate(own.covariates["site"]))
    other = dataclasses.replace(
        own, targets=targets, contents=lambda: contents, covariates=own.covariates | {"site": sites}
    )
    assert (drawn(own, Missing(name), pattern, rate) == drawn(other, Missing(name), pattern, rate)).all()


@pytest.mark.parametrize(
    # Beyond 1 `site` knows nothing more.
    ("name", "strength"),
    [(name, strength) for name in READ for strength in (0.0, 0.5, 1.0, 2.0) if strength <= 1 or "site" not in name],
)
def test_what_is_read_of_one_flips_at_most_two_others_on_average(name, strength):
    """Over 60 samples that go, one after the other; several patterns, rates and seeds."""
    own = units(200, patients=40) if name == "site" else units(200)
    for pattern, rate in (("text", 0.3), ("both", 0.7)):
        found = [
            flips(
                own, np.delete(np.arange(200), gone), Missing(name, strength), pattern=pattern, rate=rate, seed=gone % 7
            )
            for gone in range(0, 180, 3)
        ]
        assert np.mean(found) <= 2, (pattern, rate)


@pytest.mark.parametrize("name", ["covariate:age", "label:A", "site:site", "hidden"])
def test_one_that_changes_flips_at_most_two_others_on_average(name):
    own, missing = units(200), Missing(name, 1.0)
    found = []
    for which in range(0, 180, 3):
        here = np.arange(200) == which
        targets, contents = own.targets ^ here[:, None].astype(np.uint8), own.contents() + 20 * here[:, None]
        ages = tuple("75" if changed else age for changed, age in zip(here, own.covariates["age"], strict=True))
        sites = tuple("a" if changed else site for changed, site in zip(here, own.covariates["site"], strict=True))
        other = dataclasses.replace(
            own, targets=targets, contents=lambda own=contents: own, covariates={"age": ages, "site": sites}
        )
        found.append((drawn(own, missing) != drawn(other, missing)).any(1)[~here].sum())
    assert np.mean(found) <= 2


@pytest.mark.parametrize("name", [*READ_NOTHING, *READ])
def test_the_order_of_samples_does_not_matter(name):
    own = units(150)
    order = np.random.default_rng(0).permutation(150)
    assert (drawn(own, Missing(name))[order] == drawn(only(own, order), Missing(name))).all()


def test_a_mask_depends_on_the_datasets_name_and_on_no_digest():
    own = units(100)
    here, there = (
        masks.mask(own, "both", 0.5, Missing(), data=data, split="train", seed=0) for data in ("odir twin", "odir real")
    )
    assert (here != there).any()


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
