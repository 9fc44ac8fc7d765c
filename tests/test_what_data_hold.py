"""docs/datasets.md: each of its tables is what benchmarks/what_data_hold.py counts on the real files."""

import re
import subprocess
import sys
from pathlib import Path

import held_counts
import held_odir
import numpy as np
import pytest
import what_data_hold
from conftest import EVERYTHING

PAGE = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text()
TABLE = re.compile(r"<!-- counted: ([a-z-]+) -->\n(.*?)\n<!-- end of \1 -->", re.S)
#: Numbers of two decimals, AUROCs, hang on the last bits of a library within this; all others must be equal.
CLOSE = 0.02


def test_the_page_has_every_table_once_below_its_command():
    assert [name for name, _ in TABLE.findall(PAGE)] == list(what_data_hold.TABLES)
    for section in PAGE.split("\n## ")[1:]:
        names = [name for name, _ in TABLE.findall(section)]
        command = re.search(r"^python benchmarks/what_data_hold\.py --data-root DATA(.*)$", section, re.M)
        assert [name for options in [command[1] if command else ""] for name in options.split()] == names, section[:60]


def differs(published, counted):
    """The first line counted that is not as published, or how many lines were counted; None if nothing differs."""
    if len(published.splitlines()) != len(counted.splitlines()):
        return f"{len(counted.splitlines())} lines"
    for one, other in zip(published.splitlines(), counted.splitlines(), strict=True):
        numbers = [re.findall(r"\d[\d,]*(?:\.\d+)?", line) for line in (one, other)]
        texts = [re.sub(r"[-\s]+", " ", re.sub(r"\d[\d,]*(?:\.\d+)?", "#", line)) for line in (one, other)]
        near = len(numbers[0]) == len(numbers[1]) and all(map(close, *numbers))
        if texts[0] != texts[1] or not near:
            return other
    return None


def close(one, other):
    decimals = re.fullmatch(r"\d\.\d\d", one) and re.fullmatch(r"\d\.\d\d", other)
    return abs(float(one) - float(other)) < CLOSE + 1e-9 if decimals else one == other


@pytest.mark.parametrize(
    ("counted", "same"),
    [
        ("| a | 17 | 0.62 (0.60 to 0.64) | 23.9 % |", True),
        ("| a   | 17 | 0.63 (0.61 to 0.65) | 23.9 % |", True),
        ("| a | 18 | 0.62 (0.60 to 0.64) | 23.9 % |", False),
        ("| a | 17 | 0.65 (0.60 to 0.64) | 23.9 % |", False),
        ("| a | 17 | 0.62 (0.60 to 0.64) | 23.8 % |", False),
        ("| b | 17 | 0.62 (0.60 to 0.64) | 23.9 % |", False),
    ],
)
def test_a_number_that_changed_is_seen(counted, same):
    assert (differs("| a | 17 | 0.62 (0.60 to 0.64) | 23.9 % |", counted) is None) == same


#: Tables that take longer than all others together.
LONG = ("odir-shortcuts", "odir-components", "odir-id", "odir-blur", "cxr-names")
COUNTED = [name for name in what_data_hold.TABLES if EVERYTHING or name not in LONG]


@pytest.mark.real
@pytest.mark.parametrize("name", COUNTED)
def test_a_table_of_the_page_is_what_is_counted(name, real_data):
    published = dict(TABLE.findall(PAGE))[name]
    assert differs(published, what_data_hold.TABLES[name](real_data).markdown()) is None


def test_the_six_words():
    assert held_odir.labels_of("normal fundus") == held_odir.labels_of("lens dust，normal fundus") == set()  # noqa: RUF001
    assert held_odir.labels_of("mild nonproliferative retinopathy, laser spot") == {"D", "O"}
    # Of two keywords that a full-width comma joins, the second is one of its own.
    assert held_odir.labels_of("cataract，drusen") == {"C", "O"}  # noqa: RUF001
    assert held_odir.labels_of("cataract，drusen", comma=",") == {"C"}  # noqa: RUF001


def test_an_area_and_its_interval():
    truth, score = np.array([True] * 40 + [False] * 60), np.arange(100)
    assert held_counts.auroc(truth, -score) == "1.00 (1.00 to 1.00)"
    # Hanley and McNeil's standard error of 0.5 at 40 and 60 is 0.0598.
    even = np.where(np.arange(100) % 2, 1, 0)
    assert held_counts.auroc(truth, even) == "0.50 (0.38 to 0.62)"
    assert held_counts.share(truth) == "40.0 % (30.9 to 49.8)"


def test_a_forest_is_asked_of_samples_that_it_has_not_seen():
    rng = np.random.default_rng(0)
    feature = np.arange(400)[:, None].astype(float)
    assert held_counts.forest_auroc(feature[:, 0] > 250, feature).startswith("1.00")
    area = float(held_counts.forest_auroc(rng.random(400) < 0.3, feature)[:4])
    assert 0.35 < area < 0.65


def test_an_unknown_table_is_named():
    script = Path(what_data_hold.__file__)
    asked = [sys.executable, str(script), "--data-root", "nowhere", "odir-ids"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no table odir-ids; there are odir-rule" in done.stderr
