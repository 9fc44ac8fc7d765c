"""Whole texts under several patients."""

from dataclasses import replace

import numpy as np
import pytest
from planted import clean, sentence, with_text

from mora_bench.doctor import repeats
from mora_bench.doctor.questions import all_samples


def test_none_in_texts_that_differ():
    assert repeats.look(all_samples(clean(1))) == []


def test_a_patient_may_say_the_same_twice():
    table = clean(2, 600, a_patient=4)
    texts = [f"of {patient}" for patient in table.patients]
    seen = repeats.repeats(all_samples(with_text(table, texts)), "text")
    assert (seen.shared, seen.samples, seen.in_training, seen.names) == (0, 0, 0, ("",) * 600)


def test_how_often_and_with_which_labels():
    rng = np.random.default_rng(0)
    table = clean(3, 1000, labels=1)
    normal = table.targets[:, 0] == 0
    texts = ["No  acute disease." if n and k % 2 else sentence(rng, 9) for k, n in enumerate(normal)]
    texts[0] = "no acute DISEASE."
    table = with_text(table, texts)
    (finding,) = repeats.look(all_samples(table))
    times = sum("acute" in text.casefold() for text in texts)
    seen = finding.facts
    assert (seen["shared"], seen["samples"], seen["largest"]) == (1, times, times)
    assert seen["in_training"] == pytest.approx(times / 1000, abs=0.06)
    assert seen["same"] >= 0.99
    assert "of test texts also occur in training, 100.0 % of these with the same labels" in finding.seen
    other = table.targets.copy()
    other[:, 0] = rng.random(1000) < 0.5
    assert repeats.repeats(all_samples(replace(table, targets=other)), "text").same < 0.7


def test_the_split_is_that_of_a_cell(runtime, folder):
    from conftest import make_cell

    from mora_bench.data import datasets
    from mora_bench.data.sides import sides

    table = datasets.load("odir", None, 60)
    for seed in (0, 3):
        cell = make_cell(runtime, folder, seed=seed)
        of_a_cell = {name: side.rows.tolist() for name, side in sides(cell, table).items()}
        assert {name: rows.tolist() for name, rows in repeats.split_of(table, seed).items()} == of_a_cell
