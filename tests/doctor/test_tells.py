"""Labels that one number tells: each kind is found where it is planted, and no other."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from planted import clean, mixed, often, sentence, where, with_files, with_text

from mora_bench.data.table import Column
from mora_bench.doctor import tells
from mora_bench.doctor.questions import MOST_SAMPLES, NONE, all_samples, drawn


def tells_of(table):
    return {finding.facts["by"]: finding.facts["labels"] for finding in tells.look(all_samples(table))}


def by_order(seed, n=600):
    """Labels of a table that drift along its file, in waves that no straight line sees."""
    table = clean(seed, n, ids="uuid")
    chance = 0.5 + 0.45 * np.sin(np.arange(n) / 60)
    targets = table.targets.copy()
    targets[:, 0] = np.random.default_rng(seed).random(n) < chance
    return replace(table, targets=targets, patients=table.ids)


def test_nothing_is_told_where_nothing_tells():
    assert tells_of(clean(1)) == {}


def test_the_order_in_the_file():
    labels = tells_of(by_order(2))["the order in the file"]
    assert list(labels) == ["label 0"]
    assert 0.6 < labels["label 0"]["low"] < labels["label 0"]["auroc"] < labels["label 0"]["high"] < 1


def test_the_id_and_the_order_are_one_look_where_they_are_the_same():
    table = by_order(3)
    seen = tells_of(replace(table, ids=tuple(f"P-{k}" for k in range(len(table)))))
    assert list(seen) == ["the id and the order in the file"]
    assert "the patient" in next(iter(tells_of(replace(table, patients=tuple(f"{k}" for k in range(len(table)))))))


def test_the_numbers_in_ids_count_and_not_their_letters():
    """In the order of text 10 stands before 9, and the waves would be cut up."""
    table = by_order(4)
    numbered = replace(table, ids=tuple(f"{k}_left.png" for k in range(len(table))))
    assert list(tells_of(mixed(numbered))) == ["the id"]


def test_the_patients_id_tells_where_the_samples_does_not():
    table = by_order(5)
    table = replace(table, patients=tuple(f"{k // 2}" for k in range(len(table))))
    assert list(tells_of(mixed(table))) == ["the patient's id"]


def test_the_number_of_pictures():
    table = clean(6)
    rng = np.random.default_rng(0)
    parts = 1 + often(rng, where(table), 0.8, 0.2)
    films = tuple(tuple(table.ids[k] + str(p) for p in range(n)) for k, n in enumerate(parts))
    table = replace(table, modalities=table.modalities | {"film": Column("bag", films)})
    assert list(tells_of(table)) == ["the number of pictures of film"]


def test_whether_there_is_a_text_and_its_length():
    table = clean(7)
    rng = np.random.default_rng(0)
    texts = list(table.modalities["text"].values)
    gone = often(rng, where(table), 0.6, 0.05)
    absent = with_text(table, [None if g else t for g, t in zip(gone, texts, strict=True)])
    assert list(tells_of(absent)) == ["whether there is text"]
    long = [sentence(rng, 14 if yes else 9) for yes in where(table)]
    assert list(tells_of(with_text(table, long))) == ["the length of text"]


@pytest.mark.parametrize("values", [("young", "old"), (31, 74), (None, 40)])
def test_a_covariate_of_words_numbers_or_with_gaps(values):
    table = clean(8)
    rng = np.random.default_rng(0)
    old = often(rng, where(table), 0.85, 0.2)
    if values[0] is None:
        # Those who have one at all differ by a second one.
        cells = [None if k % 5 == 0 else 40 + 30 * o + rng.integers(9) for k, o in enumerate(old)]
    else:
        cells = [values[o] for o in old.astype(int)]
    assert list(tells_of(replace(table, covariates={"when": tuple(cells)}))) == ["covariate when"]


def picture(width, height, form, rng):
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (height, width), np.uint8)).save(stream, format=form)
    return stream.getvalue()


def test_the_size_the_format_and_the_shape_of_files(tmp_path):
    table = clean(9, 300)
    rng = np.random.default_rng(0)
    label = often(rng, where(table), 0.9, 0.1)
    sizes = [bytes(200 + 100 * yes + rng.integers(80)) for yes in label]
    assert list(tells_of(with_files(table, tmp_path / "size", sizes))) == ["the size in bytes of the files of film"]
    plain = picture(20, 20, "PNG", rng)
    forms = [picture(20, 20, "BMP", rng) if yes else plain for yes in label]
    assert "the format of the files of film" in next(iter(tells_of(with_files(table, tmp_path / "form", forms))))
    shapes = [picture(20 + 4 * yes, 30, "BMP", rng) for yes in label]
    assert "the width of the files of film" in next(iter(tells_of(with_files(table, tmp_path / "shape", shapes))))


def test_nobody_s_label_is_a_label_too():
    table = clean(10, labels=2)
    targets = table.targets.copy()
    rng = np.random.default_rng(0)
    nothing = often(rng, np.arange(len(table)) < 0, 0, 0.4)
    targets[nothing] = 0
    texts = [sentence(rng, 5 if yes else 12) for yes in nothing]
    table = with_text(replace(table, targets=targets), texts)
    assert NONE in tells_of(table)["the length of text"]


def test_patients_count_and_not_their_visits():
    """Twelve patients with a hundred visits each: what looks certain by visits is chance by patients."""
    alarms = 0
    for seed in range(12):
        table = clean(20 + seed, 1200, labels=3, a_patient=100)
        alarms += bool(tells_of(table))
    assert alarms == 0


def test_of_many_samples_whole_patients_are_drawn_and_always_the_same():
    n = MOST_SAMPLES + 2000
    table = clean(11, n, labels=1, a_patient=3)
    some, again = drawn(table), drawn(mixed(table))
    assert MOST_SAMPLES - 10 < len(some.table) <= MOST_SAMPLES
    assert set(some.table.ids) == set(again.table.ids)
    whole_table = dict(zip(*np.unique(table.patients, return_counts=True), strict=True))
    assert all(whole_table[p] == k for p, k in zip(*np.unique(some.table.patients, return_counts=True), strict=True))
    assert [table.ids[k] for k in some.position] == list(some.table.ids)
