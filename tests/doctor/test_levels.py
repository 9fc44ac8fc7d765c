"""Whether those who lack something have other labels."""

from dataclasses import replace

import numpy as np
from planted import clean, often, where, with_text

from mora_bench.data.table import Column
from mora_bench.doctor import levels, placeholders
from mora_bench.doctor.questions import NONE, all_samples


def levels_of(table):
    subject = all_samples(table)
    seen = levels.look(subject, placeholders.placeholders(subject))
    return {level["level"]: level["labels"] for finding in seen for level in finding.facts["levels"]}


def test_nothing_where_labels_do_not_depend_on_it():
    for seed in range(5):
        assert levels_of(clean(seed)) == {}


def test_the_number_of_pictures():
    table = clean(10, 900)
    rng = np.random.default_rng(0)
    parts = 2 - often(rng, where(table), 0.5, 0.1).astype(int)
    films = tuple(tuple("ab"[:n]) for n in parts)
    seen = levels_of(replace(table, modalities={"film": Column("bag", films)}))
    assert list(seen) == ["with 1 picture of film"]
    shares = seen["with 1 picture of film"]["label 0"]
    one = parts == 1
    assert shares["share"] == where(table)[one].mean()
    assert shares["others"] == where(table)[~one].mean()
    assert shares["low"] < shares["share"] < shares["high"]
    assert shares["low"] > shares["others"] + 0.05


def test_few_who_are_all_alike():
    """Of 600 the 20 without a text have no label: a floor by AUROC would not see them."""
    table = clean(11, 600, labels=3)
    targets = table.targets.copy()
    gone = np.arange(600) % 30 == 0
    targets[gone] = 0
    table = with_text(replace(table, targets=targets), [None if g else "words" for g in gone])
    assert levels_of(table)["without text"][NONE]["share"] == 1


def test_an_empty_cell_and_a_placeholder():
    table = clean(12, 900)
    rng = np.random.default_rng(0)
    odd = often(rng, where(table), 0.3, 0.02)
    ages = [str(a) for a in rng.integers(20, 90, 900)]
    cells = {"gone": tuple("" if o else a for o, a in zip(odd, ages, strict=True))}
    assert list(levels_of(replace(table, covariates=cells))) == ["without covariate gone"]
    cells = {"age": tuple("-999" if o else a for o, a in zip(odd, ages, strict=True))}
    assert list(levels_of(replace(table, covariates=cells))) == ["with age '-999'"]


def test_a_difference_below_the_margin_is_not_said():
    table = clean(13, 6000, labels=1)
    rng = np.random.default_rng(0)
    gone = rng.random(6000) < 0.4
    targets = (rng.random((6000, 1)) < np.where(gone, 0.34, 0.28)[:, None]).astype(np.uint8)
    assert levels_of(with_text(replace(table, targets=targets), [None if g else "words" for g in gone])) == {}


def test_patients_count_and_not_their_visits():
    """One patient of sixty visits, all without text, all ill."""
    table = clean(14, 600, labels=1, a_patient=2)
    patients = tuple("same" if k < 60 else p for k, p in enumerate(table.patients))
    targets = table.targets.copy()
    targets[:60] = 1
    texts = [None if k < 60 else "words" for k in range(600)]
    assert levels_of(with_text(replace(table, patients=patients, targets=targets), texts)) == {}
