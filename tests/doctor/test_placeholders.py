"""Placeholders in columns and texts."""

from dataclasses import replace

import numpy as np
import pytest
from planted import clean, with_text

from mora_bench.data.table import Column
from mora_bench.doctor import placeholders
from mora_bench.doctor.questions import all_samples


def marks(table):
    return {(p.column, p.value): int(p.rows.sum()) for p in placeholders.placeholders(all_samples(table))}


def put(values, k, value):
    """`value` in place of k of the values, spread."""
    values = list(values)
    for row in np.linspace(0, len(values) - 1, k).astype(int):
        values[row] = value
    return tuple(values)


RNG = np.random.default_rng(0)
#: As ODIR's ages are: from 14 on, few of the youngest.
AGES = tuple(str(a) for a in np.clip(RNG.normal(58, 11.7, 3484), 14, 91).round().astype(int))
PRESSURE = tuple(f"{v:.0f}" for v in RNG.normal(120, 15, 600))
DAYS = tuple(str(np.datetime64("2015-03-01") + int(d)) for d in RNG.integers(0, 1500, 600))


def test_an_age_of_one_as_odirs():
    ages = (*AGES, *["1"] * 16)
    assert marks(clean(1, 3500, covariates={"age": ages})) == {("age", "1"): 16}


@pytest.mark.parametrize(
    ("values", "value", "k"),
    [
        (PRESSURE, "0", 20), (PRESSURE, "-999", 9), (PRESSURE, "999.0", 9), (DAYS, "1900-01-01", 12),
        (tuple(d[8:] + "/" + d[5:7] + "/" + d[:4] for d in DAYS), "01/01/1970", 12),
        (tuple(RNG.choice(["0", "1", "2", "3"], 600)), "99", 30), (tuple(RNG.choice(["0", "1"], 600)), "-9", 6),
        (tuple(RNG.choice(["left", "right"], 600)), "Unknown", 8), (PRESSURE, 0, 20),
    ],
)  # fmt: skip
def test_a_value_that_is_far_and_frequent(values, value, k):
    assert marks(clean(2, covariates={"v": put(values, k, value)})) == {("v", str(value)): k}


@pytest.mark.parametrize(
    "values",
    [
        PRESSURE, DAYS, AGES[:600], put(PRESSURE, 3, "0"), put(PRESSURE, 40, ""), put(PRESSURE, 40, "nan"),
        tuple(str(v) for v in RNG.poisson(1.2, 600)),
        tuple(str(v) for v in RNG.geometric(0.3, 600) - 1),
        tuple(str(10 * v) for v in RNG.integers(0, 12, 600)),
        tuple(f"{v:.0f}" for v in RNG.lognormal(2, 1, 600)),
        tuple(f"{max(v, 0.5):.1f}" for v in RNG.lognormal(0, 1, 600)),
        tuple(RNG.choice(["0", "1", "2", "5", "10", "50", "100"], 600)),
        tuple(f"{v:.6f}" for v in RNG.standard_cauchy(600)),
        tuple(RNG.choice(["f", "m", "other"], 600)),
        ("7",) * 600,
    ],
)  # fmt: skip
def test_a_measured_column_has_none(values):
    """Counts with many zeros, doses, detection limits, long tails, and a few rows that are wrong."""
    assert marks(clean(3, covariates={"v": values})) == {}


def test_a_patient_who_came_ten_times_has_one_age():
    table = clean(4, 600, a_patient=150)
    values = tuple("1" if p == table.patients[0] else v for p, v in zip(table.patients, AGES, strict=False))
    assert sum(v == "1" for v in values) > 20
    assert marks(replace(table, covariates={"age": values})) == {}


def test_columns_of_a_modality_too():
    rows = tuple({"crp": None if k % 7 == 0 else float(v), "sex": "f"} for k, v in enumerate(put(PRESSURE, 30, "-1")))
    table = clean(5)
    table = replace(table, modalities=table.modalities | {"lab": Column("table", rows)})
    assert list(marks(table)) == [("lab.crp", "-1.0")]


@pytest.mark.parametrize(
    ("mark", "name"),
    [("XXXX", "XXXX"), ("of ___ years", "___"), ("[**Name 12**]", "[**NAME 12**]"), ("<DATE>", "<DATE>")],
)
def test_what_was_taken_out_of_texts(mark, name):
    table = clean(6)
    texts = [f"{text} {mark} since" if k % 3 == 0 else text for k, text in enumerate(table.modalities["text"].values)]
    assert marks(with_text(table, texts)) == {("text", name): 200}


def test_texts_that_say_nothing():
    table = clean(7)
    texts = [
        ("See report." if k % 2 else "-") if k % 5 == 0 else t for k, t in enumerate(table.modalities["text"].values)
    ]
    assert marks(with_text(table, texts)) == {("text", "see report."): 60, ("text", "-"): 60}
    (finding,) = placeholders.look(
        all_samples(with_text(table, texts)), placeholders.placeholders(all_samples(with_text(table, texts)))
    )
    assert "text '-' 60 times (10.0 %; it says nothing)" in finding.seen
    assert finding.facts["of"] == 600
