"""A patient who loses a modality with all samples is drawn by all of them, in whatever order they stand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from units import drawn, only, units

from mora_bench.cells.missing import Missing
from mora_bench.missing.by_patient import of_patients
from mora_bench.missing.masks import version_of

VISITS, PATIENTS = 3, 40
N = VISITS * PATIENTS


def visits():
    """Three visits of forty patients, of which each has values of its own."""
    rng = np.random.default_rng(0)
    samples = units(N, patients=PATIENTS)
    return replace(
        samples,
        natural=rng.random((N, 2)) < 0.9,
        covariates=samples.covariates | {"sex": tuple("FM"[i % 2] for i in range(N))},
        targets=(rng.random((N, 2)) < 0.2).astype(np.uint8),
    )


def by_patient(samples, mechanism, strength=1.0):
    return drawn(samples, Missing(mechanism, strength, "patient"))


@pytest.mark.parametrize("mechanism", ["uniform", "label:A", "covariate:age", "covariate:sex", "hidden", "site:sex"])
@given(st.permutations(range(N)))
def test_the_order_of_rows_has_no_effect(mechanism, order):
    order = np.array(order)
    samples = visits()
    np.testing.assert_array_equal(by_patient(only(samples, order), mechanism), by_patient(samples, mechanism)[order])


def test_a_patient_is_what_the_samples_are_together():
    samples = replace(
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
    people, back = of_patients(samples)
    assert back.tolist() == [0, 0, 0]
    assert people.natural.tolist() == [[True, True]]
    assert people.targets.tolist() == [[1, 0]]
    assert people.covariates == {"age": ("55",), "sex": ("F",), "site": ("a",), "one": ("7.50",)}
    np.testing.assert_array_equal(people.contents(), [[1.5, np.nan]])
    assert people.patients == ("p",)


def test_a_label_of_a_later_visit_counts():
    """Who is ill at any visit loses more often by `label:A`."""
    samples = visits()
    lost = ~by_patient(samples, "label:A", 4.0).all(1)
    ill = {patient for patient, target in zip(samples.patients, samples.targets[:, 0], strict=True) if target}
    has = np.array([patient in ill for patient in samples.patients])
    assert lost[has].mean() > lost[~has].mean() + 0.3


def test_the_version_says_that_it_draws_by_all_samples():
    assert version_of("label", "sample") == "1"
    assert version_of("label", "patient") == "1.p2"
