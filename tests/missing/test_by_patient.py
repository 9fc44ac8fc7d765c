"""A patient who loses a modality with all samples is drawn by all of them, in whatever order they stand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mora_bench import seeds
from mora_bench.cells.missing import Missing
from mora_bench.missing.by_patient import of_patients
from mora_bench.missing.masks import Units, mask, version_of

VISITS, PATIENTS = 3, 40


def visits(order=None):
    """Three visits of forty patients, of which each has values of its own."""
    rng = np.random.default_rng(0)
    n = VISITS * PATIENTS
    patients = tuple(f"p{i % PATIENTS}" for i in range(n))
    units = Units(
        natural=rng.random((n, 2)) < 0.9,
        modalities=("text", "image"),
        tokens=seeds.tokens([f"visit{i}" for i in range(n)]),
        covariates={
            "age": tuple(f"{age:.1f}" for age in rng.normal(60, 15, n)),
            "sex": tuple("FM"[i % 2] for i in range(n)),
        },
        patients=patients,
        targets=(rng.random((n, 2)) < 0.2).astype(np.uint8),
        labels=("ill", "well"),
        contents=lambda: np.random.default_rng(1).normal(size=(n, 2)),
    )
    return units if order is None else taken(units, order)


def taken(units, order):
    contents = units.contents()
    return replace(
        units,
        natural=units.natural[order],
        tokens=units.tokens[order],
        covariates={name: tuple(values[i] for i in order) for name, values in units.covariates.items()},
        patients=tuple(units.patients[i] for i in order),
        targets=units.targets[order],
        contents=lambda: contents[order],
    )


def drawn(units, mechanism, strength=1.0):
    missing = Missing(mechanism, strength, "patient")
    return mask(units, "both", 0.5, missing, data="d", split="train", seed=0)


@pytest.mark.parametrize("mechanism", ["uniform", "label:ill", "covariate:age", "covariate:sex", "hidden", "site:sex"])
@given(st.permutations(range(VISITS * PATIENTS)))
def test_the_order_of_rows_has_no_effect(mechanism, order):
    order = np.array(order)
    np.testing.assert_array_equal(drawn(visits(order), mechanism), drawn(visits(), mechanism)[order])


def test_a_patient_is_what_the_samples_are_together():
    units = replace(
        visits(),
        natural=np.array([[True, False], [False, False], [False, True]]),
        tokens=np.arange(3, dtype=np.uint64),
        covariates={
            "age": ("50", "", "60"),
            "sex": ("F", "M", "F"),
            "site": ("b", "a", ""),
            "one": ("7.50", "7.50", ""),
        },
        patients=("p", "p", "p"),
        targets=np.array([[0, 0], [1, 0], [0, 0]], np.uint8),
        contents=lambda: np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]]),
    )
    people, back = of_patients(units)
    assert back.tolist() == [0, 0, 0]
    assert people.natural.tolist() == [[True, True]]
    assert people.targets.tolist() == [[1, 0]]
    assert people.covariates == {"age": ("55",), "sex": ("F",), "site": ("a",), "one": ("7.50",)}
    np.testing.assert_array_equal(people.contents(), [[1.5, np.nan]])
    assert people.patients == ("p",)


def test_a_label_of_a_later_visit_counts():
    """Who is ill at any visit loses more often by `label:ill`."""
    units = visits()
    lost = ~drawn(units, "label:ill", 4.0).all(1)
    ill = {patient for patient, target in zip(units.patients, units.targets[:, 0], strict=True) if target}
    has = np.array([patient in ill for patient in units.patients])
    assert lost[has].mean() > lost[~has].mean() + 0.3


def test_the_version_says_that_it_draws_by_all_samples():
    assert version_of("label", "sample") == "1"
    assert version_of("label", "patient") == "1.p2"
