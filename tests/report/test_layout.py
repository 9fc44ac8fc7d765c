"""Which test patterns are columns of a table."""

import csv
import io

import msgspec
import pytest
from by_hand import record

from mora_bench.missing.masks import patterns
from mora_bench.report import tables
from mora_bench.report.contract import Results
from mora_bench.report.layout import by_number, columns

FOUR = ("note", "film", "table", "scan")


def results(modalities, by_pattern):
    """Two rows over two seeds whose F1 under a pattern is said."""
    pairs = []
    for method, less in (("mora", 0), ("head", 0.1)):
        for seed in range(2):
            entry, scores = record(method, seed, modalities=modalities)
            taken = {f"without_{name}": 0.5 for name in modalities} | {f"naturally_without_{n}": 0 for n in modalities}
            test = {
                pattern: msgspec.structs.replace(
                    setting, scores={"f1_macro": by_pattern(pattern) - less, "n": 3}, realised=taken
                )
                for pattern, setting in scores.test.items()
            }
            pairs.append((entry, msgspec.structs.replace(scores, test=test)))
    return Results.of(*map(list, zip(*pairs, strict=True)))


def test_of_two_modalities_every_pattern_is_a_column():
    layout = columns(("text", "image"))
    assert list(layout.tests) == [f"score {pattern}" for pattern in patterns(("text", "image"))]
    assert layout.tests["score both"] == "both missing"
    assert not layout.rest


def test_of_four_modalities_sets_are_columns_by_number():
    layout = columns(FOUR)
    assert list(layout.tests.values()) == [
        "complete", "scan missing", "table missing", "film missing", "note missing", "each missing in turn",
        "any 2 missing", "any 3 missing",
    ]  # fmt: skip
    assert columns(FOUR, by_file=True).tests["score both"] == "missing by the mask file"
    assert len(layout.rest) == 6 + 4
    known = {name.removeprefix("score ") for name in (*layout.tests, *layout.rest)} - {"any 2", "any 3"}
    assert known == {*patterns(FOUR)}
    assert {name: len(sets) for name, sets in by_number(patterns(FOUR)).items()} == {"any 2": 6, "any 3": 4}


def test_a_column_by_number_is_the_mean_over_all_sets_of_so_many():
    scores = {"note+film": 0.9, "note+table": 0.3, "film+table": 0.6}
    (table,) = results(("note", "film", "table"), lambda pattern: scores.get(pattern, 0.5)).comparisons
    (section,) = table.sections
    mora = next(row for row in section.rows if row.method == "mora")
    assert mora.mean["score any 2"] == pytest.approx(0.6)
    assert section.title == "odir, trained on each missing in turn at 70%"
    assert "any 2 missing" in tables.markdown(table)
    assert "note+film missing" not in tables.markdown(table)
    assert "with any 2 missing (means over all sets of so many" in table.caption
    (line,) = [row for row in csv.DictReader(io.StringIO(tables.comma_separated(table))) if row["method"] == mora.label]
    assert float(line["score note+film mean"]) == pytest.approx(0.9)
    assert float(line["score any 2 mean"]) == pytest.approx(0.6)


def test_a_mean_over_sets_of_which_one_has_no_score_is_not_made():
    contents = results(("note", "film", "table"), lambda pattern: 0.5)
    for scores in contents.scores:
        del scores.test["note+film"]
    (table,) = Results.of(contents.records, contents.scores).comparisons
    assert "score any 2" not in table.tests
    assert "score note+table" in table.sections[0].rest
