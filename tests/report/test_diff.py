"""Two folders held against each other."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from by_hand import failed, record

from mora_bench.cells.cell import Scoring
from mora_bench.cells.missing import Missing
from mora_bench.cells.recipe import Recipe
from mora_bench.cli import main as cli
from mora_bench.records.store import Store
from mora_bench.report.contract import Results
from mora_bench.report.diff import against, markdown

GOLDEN = Path(__file__).parent / "golden-against.md"


def results(pairs):
    records, scores = [entry for entry, _ in pairs], [document for _, document in pairs if document is not None]
    return Results.of(records, scores)


def stored(folder, pairs):
    for entry, scores in pairs:
        Store(folder).write(entry.cell, entry, None, scores)
    return folder


SEEDS = range(4)
OLD = [record("mora", s, 0.50 + 0.01 * s) for s in SEEDS] + [record("head", s, 0.4) for s in SEEDS]


def test_the_same_cells_are_the_same_to_the_digit_or_nearly_or_not():
    assert against(results(OLD), results(OLD)).reproduced
    close = [record("mora", s, 0.50 + 0.01 * s + 1e-9) for s in SEEDS]
    (line,) = against(results(close), results(OLD)).lines
    assert line.verdict == "same to 1e-6"
    assert line.largest == pytest.approx(1e-9, rel=1e-3)
    other = [record("mora", s, 0.52 + 0.01 * s + 0.001 * (s % 2)) for s in SEEDS]
    comparison = against(results(other), results(OLD))
    assert [line.verdict for line in comparison.lines] == ["better"]
    assert not comparison.reproduced
    assert comparison.only_second == [entry.cell.label for entry, _ in OLD[4:]]
    assert [line.verdict for line in against(results(OLD), results(other)).lines] == ["worse"]
    # Four equal differences: a test of signs has p = 1/8, and nothing else is known of their spread.
    shifted = [record("mora", s, 0.52 + 0.01 * s) for s in SEEDS]
    assert [line.verdict for line in against(results(shifted), results(OLD)).lines] == ["inconclusive"]
    noisy = [record("mora", s, 0.5 + 0.01 * s + (-1) ** s * 0.02) for s in SEEDS]
    assert [line.verdict for line in against(results(noisy), results(OLD)).lines] == ["inconclusive"]


def test_cells_of_one_folder_that_differ_in_more_than_the_seed_are_not_counted_as_seeds():
    masks = [Missing("label", strength) for strength in (1.0, 3.0)]
    protocols = [Scoring(rate=rate) for rate in (0.2, 0.5)]
    new = [record("mora", s, mechanism=m) for s in (0, 1) for m in masks]
    new += [record("mora", 0, scoring=p) for p in protocols]
    text = markdown(against(results(new), results([record("head", 0, 0.4)])), ("a", "b"))
    label = "- odir mora r4 b0 both@0.7"
    assert f"{label} label dummy, 2 seeds\n" in text
    assert f"{label} label (strength 3) dummy, 2 seeds\n" in text
    assert f"{label} dummy tested at 0.2\n" in text


def test_cells_of_other_settings_are_paired_and_say_what_differs():
    faster = Recipe(epochs=1, lr=0.01)
    new = [record("mora", s, 0.55 + 0.01 * s + 0.001 * (s % 2), recipe=faster, pool=500) for s in SEEDS]
    (line,) = against(results(new), results(OLD)).lines
    assert line.fields == ("recipe.lr: 0.01 | 0.001", "pool: 500 | 0")
    assert line.seeds == 4
    # 0.0505 - t(0.975, 3) * 0.000577 * sqrt(1 / 4 + 10 / 80): one folder's test samples are cut from those that train.
    assert line.low == pytest.approx(0.04937, abs=1e-5)
    assert line.verdict == "better"
    # Two settings of one name cannot be paired with one.
    both = [*new, *OLD[:4]]
    comparison = against(results(both), results([record("mora", s, 0.5, pool=100) for s in SEEDS]))
    assert not comparison.lines
    assert len(comparison.only_first) == 8


def test_cells_of_other_mechanisms_are_lines_of_their_own():
    from mora_bench.cells.missing import Missing

    by_label = [record("mora", s, 0.4, mechanism=Missing("label", 2.0, "sample", "1", "")) for s in SEEDS]
    comparison = against(results([*OLD[:4], *by_label]), results([*OLD[:4], *by_label]))
    assert {line.what for line in comparison.lines} == {
        "odir mora r4 b0 both@0.7 dummy", "odir mora r4 b0 both@0.7 label (strength 2) dummy"
    }  # fmt: skip
    assert {line.seeds for line in comparison.lines} == {4}


def test_cells_of_one_label_are_named_by_what_tells_them_apart():
    def on(backbone, seeds=(0, 1), **changes):
        return [record("head", s, 0.5, backbone=backbone, weights=backbone * 4, **changes) for s in seeds]

    comparison = against(results(on("ours")), results(on("their") + on("else")))
    label = "odir head both@0.7 dummy"
    assert comparison.lines == []
    text = " ".join(markdown(comparison, ("a", "b")).split())
    assert f"Only in a, 2 cells: - {label}, backbone ours, 2 seeds " in text
    assert f"Only in b, 4 cells: - {label}, backbone else, 2 seeds - {label}, backbone their, 2 seeds" in text
    rates = [on("ours", recipe=Recipe(epochs=1, lr=lr)) for lr in (0.001, 0.1)]
    both = results([*rates[0], *rates[1]])
    assert sorted(line.what for line in against(both, both).lines) == [
        f"{label}, recipe.lr 0.001", f"{label}, recipe.lr 0.1",
    ]  # fmt: skip
    (line,) = against(results(rates[0]), results(rates[0])).lines
    assert line.what == label


def test_a_failed_cell_reproduces_nothing():
    comparison = against(results([*OLD[:4], failed("full")]), results(OLD[:4]))
    assert comparison.only_first == ["odir full both@0.7 dummy seed0 (failed)"]
    assert not comparison.reproduced


def test_scores_that_one_of_the_files_does_not_know_are_not_compared():
    entry, scores = record("mora")
    newer = msgspec.structs.replace(scores, val=dict(scores.val), test=dict(scores.test))
    for split in (newer.val, newer.test):
        for name, setting in split.items():
            split[name] = msgspec.structs.replace(setting, scores=setting.scores | {"brier": 0.1})
    assert against(results([(entry, newer)]), results([(entry, scores)])).reproduced


def example():
    recipe = Recipe(epochs=1, lr=0.01)
    new = [record("mora", s, 0.55 + 0.01 * s + 0.001 * (s % 2), recipe=recipe) for s in SEEDS]
    new += [record("head", s, 0.4) for s in SEEDS] + [record("full", s, 0.3, knobs=(("a|b", 1),)) for s in (0, 1)]
    return markdown(against(results(new), results([*OLD, failed("map")])), ("new", "old_"))


def test_the_golden_comparison():
    assert example() == GOLDEN.read_text()


def test_the_command_says_whether_a_machine_reproduces_another(tmp_path, capsys):
    first, second = stored(tmp_path / "a", OLD[:4]), stored(tmp_path / "b", OLD)
    assert cli.main(["compare", str(first), str(second)]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(f"\nevery cell of {first} has the scores of {second}; 4 only in {second}\n")
    assert "same digits" in printed
    assert cli.main(["compare", str(second), str(first)]) == 1
    # The one holds all of the other, so it is not said that it does not reproduce it.
    assert capsys.readouterr().out.endswith(
        f"\nthe scores of the 4 cells that both hold are the same; 4 only in {second}\n"
    )
    worse = stored(tmp_path / "c", [record("mora", s, 0.3) for s in SEEDS])
    assert cli.main(["compare", str(worse), str(first)]) == 1
    assert capsys.readouterr().out.endswith(
        f"\n{worse} does not reproduce {first}: other scores in 4 of 4 cells that both hold\n"
    )
    assert cli.main(["compare", str(first), str(tmp_path / "none")]) == 2
    assert "no records" in capsys.readouterr().err


def test_other_data_are_never_paired():
    real = [record("mora", s, 0.5, source="real", folds=10) for s in SEEDS]
    comparison = against(results(real), results(OLD))
    assert not comparison.lines
    assert dataclasses.asdict(comparison)["only_first"]
