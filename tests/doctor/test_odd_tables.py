"""Tables that are small, large or strange: no look fails, and none says what cannot be known."""

import resource
import time
from dataclasses import replace

import numpy as np
import pytest
from planted import clean, no_pictures_alike, sentence, with_text

from mora_bench.data.table import Column
from mora_bench.doctor import looks
from mora_bench.doctor.questions import MOST_SAMPLES
from mora_bench.doctor.screen import lines
from mora_bench.files import FileHashes


@pytest.fixture
def diagnose(tmp_path, monkeypatch):
    no_pictures_alike(monkeypatch)
    hashes = FileHashes(tmp_path / "hashes.json")
    return lambda table: looks.diagnose(table, table, hashes, None, 1, lambda _: None)


def only(table, name):
    return replace(table, modalities={name: table.modalities[name]})


def control(table):
    return with_text(table, [f"\x1b[31m{t}\u202e" if t else t for t in table.modalities["text"].values])


ODD = {
    "three rows": lambda: clean(1, 3),
    "one row": lambda: clean(1, 1),
    "labels all equal": lambda: replace(clean(2, 90), targets=np.ones((90, 4), np.uint8)),
    "nobody's labels": lambda: replace(clean(2, 90), targets=np.zeros((90, 4), np.uint8)),
    "no text": lambda: only(clean(3, 90), "film"),
    "texts alone": lambda: only(clean(4, 90), "text"),
    "every text absent": lambda: with_text(clean(5, 90), [None] * 90),
    "no picture": lambda: replace(clean(6, 90), modalities={"film": Column("image", (None,) * 90)}),
    "ids of 5,000 digits": lambda: replace(clean(7, 90), ids=tuple("9" * 5000 + str(k) for k in range(90))),
    "UUIDs": lambda: clean(8, 90, ids="uuid"),
    "one patient": lambda: replace(clean(9, 90), patients=("p",) * 90),
    "numbers of no size": lambda: clean(10, 90, covariates={"v": ("inf", "nan", "-inf", "1e999", "1") * 18}),
    "digits of other scripts": lambda: replace(clean(11, 90), ids=tuple(f"\u0663{k}\u00b2" for k in range(90))),
    "other scripts": lambda: with_text(clean(12, 90), ["\u767d\u5185\u969c\uff0c\u6b63\u5e38 \U0001f441"] * 90),
    "control characters": lambda: control(clean(13, 90)),
    "a text of 200,000 letters": lambda: with_text(clean(14, 90), ["word " * 40_000, *["x"] * 89]),
    "cells that are no text": lambda: clean(15, 90, covariates={"v": tuple(range(45)) + (None, 1.5, np.nan) * 15}),
    "a covariate of lists": lambda: clean(16, 90, covariates={"v": ([1, 2],) * 90}),
    "classes": lambda: replace(
        clean(17, 90), targets=np.eye(4, dtype=np.uint8)[np.arange(90) * 7 % 4], task="multi-class"
    ),
    "files that are gone": lambda: gone(clean(18, 90)),
}


def gone(table):
    from pathlib import Path

    from mora_bench.data.modalities.image import PictureFile

    films = tuple((PictureFile(Path(f"/nowhere/{k}.png")), None) for k in range(len(table)))
    return replace(table, modalities=table.modalities | {"film": Column("image", films)})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_an_odd_table(name, diagnose):
    table = ODD[name]()
    diagnosis = diagnose(table)
    assert all(0 <= finding.weight <= 1 for finding in diagnosis.findings)
    assert lines(diagnosis, table)
    assert {f.look for f in diagnosis.findings} <= {"repeats", "placeholders"}, [f.seen for f in diagnosis.findings]


def test_the_classes_of_a_multi_class_task_are_labels(diagnose):
    table = clean(20, 400, labels=3)
    grade = np.arange(400) * 7 % 3
    texts = [
        f"{('mild', 'moderate', 'severe')[g]} {sentence(np.random.default_rng(k), 6)}" for k, g in enumerate(grade)
    ]
    table = with_text(replace(table, targets=np.eye(3, dtype=np.uint8)[grade], task="multi-class"), texts)
    (finding,) = [f for f in diagnose(table).findings if f.look == "words"]
    rules = finding.facts["rules"]
    assert [rule["wrong"] for rule in rules.values()] == [0, 0, 0]


def test_a_hundred_thousand_rows_take_bounded_time_and_memory(diagnose):
    n = 100_000
    rng = np.random.default_rng(0)
    table = clean(21, 2000, labels=6)
    texts = tuple(sentence(rng, 8) for _ in range(1000))
    table = replace(
        table,
        ids=tuple(f"s{k}" for k in range(n)),
        patients=tuple(f"p{k // 2}" for k in range(n)),
        modalities={"text": Column("text", tuple(texts[k] for k in rng.integers(0, 1000, n)))},
        targets=np.repeat((rng.random((n // 2, 6)) < 0.2).astype(np.uint8), 2, 0),
        covariates={"age": tuple(str(a) for a in rng.integers(20, 90, n))},
    )
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    diagnosis = diagnose(table)
    assert time.process_time() - begun < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 800_000
    assert diagnosis.drawn <= MOST_SAMPLES
    assert any("were searched in" in line for line in lines(diagnosis, table))
    assert [f.look for f in diagnosis.findings] == ["repeats"]
