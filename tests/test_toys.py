"""Every contract takes a new implementation from one plug-in file: a toy of each, and a grid that uses them all."""

from pathlib import Path

import pytest
from conftest import once

from mora_bench import registry
from mora_bench.checks.run import check
from mora_bench.cli.main import main
from mora_bench.records.store import Store

TOYS = Path(__file__).parent / "plugins" / "toys.py"
NAMES = {
    registry.DATASETS: "toy-clinic",
    registry.MODALITIES: "numbers",
    registry.MECHANISMS: "last-first",
    registry.GAPS: "lowest-numbers",
    registry.TASKS: "one-of",
    registry.BACKBONES: "toy-net",
    registry.METHODS: "shift",
    registry.PREDICTORS: "commonest",
    registry.IMPUTERS: "zeros",
    registry.ENGINES: "backwards",
    registry.ARTEFACTS: "winners",
    registry.TRACKERS: "tally",
}


@pytest.fixture(autouse=True)
def toys(monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])
    registry.load_plugins([TOYS])


def test_the_file_defines_one_of_each():
    assert {group: [*plugins] for group, plugins in registry._plugins.items()} == {g: [n] for g, n in NAMES.items()}


@pytest.mark.parametrize("group", NAMES)
def test_each_keeps_every_rule_of_its_contract(group):
    assert [(rule, problem) for rule, problem in check(group, NAMES[group]) if problem] == []


def grid(tmp_path, *more):
    return main(
        once([
            "grid", "--plugin", str(TOYS), "--datasets", "toy-clinic", "--backbone", "towers", "--seeds", "0",
            "--mechanism", "last-first", "--impute", "zeros", "--recipe.epochs", "4", "--recipe.batch", "8",
            "--recipe.max-text", "16", "--engine", "backwards", "--workers", "1", "--out", str(tmp_path / "out"), *more,
        ])
    )  # fmt: skip


def test_a_grid_of_toys(tmp_path, capsys):
    methods = ("shift", "mora", "lora", "map", "head", "full", "commonest", "latent")
    assert grid(tmp_path, "--methods", *methods, "--missing", "both", "note+lab") == 0
    out = capsys.readouterr().out
    assert "Task: one of several. accuracy x 100" in out
    tested = "with letter or lab or note missing, with each missing in turn, and with any 2 missing"
    assert f"tested on complete data and {tested}" in out
    records, refused = Store(tmp_path / "out").records()
    assert not refused
    assert {(r.cell.method, r.cell.missing) for r in records} == {
        (m, p)
        # The clinic has no pictures, and no times.
        for m in {*methods, *registry.names(registry.PREDICTORS)} - {"pixels", "cox"}
        for p in ("both", "note+lab")
    }
    assert all(r.status == "done" for r in records), [r.error for r in records]
    (scores, _) = Store(tmp_path / "out").scores()
    strata = scores[0].test["both"].strata
    assert set(strata) == {"note_only", "lab_only", "letter_only", "note+lab", "note+letter", "lab+letter", "complete"}
    assert scores[0].test["both"].realised["without_note"] > 0
    best = (tmp_path / "out" / "tables" / "winner.txt").read_text().split()
    assert best[0] in methods or best[0] in registry.names(registry.PREDICTORS)


def test_a_tracker_is_handed_every_cell_once_with_its_validations_and_scores(tmp_path):
    words = ("--methods", "head", "--floors", "commonest", "--track", "tally")
    assert grid(tmp_path, *words) == 0
    assert grid(tmp_path, *words) == 0
    store = Store(tmp_path / "out")
    lines = [line.split() for line in (tmp_path / "out" / "tally.txt").read_text().splitlines()]
    scores = {entry.key: entry.test["both"].scores["accuracy"] for entry in store.scores()[0]}
    history = {r.key: len(r.training.history) if r.training else 0 for r in store.records()[0]}
    assert {key: (int(n), float(score)) for key, n, _, score in lines} == {
        key: (history[key], score) for key, score in scores.items()
    }
    assert sorted(method for _, _, method, _ in lines) == ["commonest", "head"]
    assert max(history.values()) == 5


def test_a_modality_that_the_backbone_does_not_know_trains_with_the_head_and_is_counted_as_adapter(tmp_path):
    assert grid(tmp_path, "--methods", "head", "--floors", "none") == 0
    ((record,), _) = Store(tmp_path / "out").records()
    assert record.parameters.trained["adapter"] == 2 * 24 + 24
    assert record.beginning.kept is False


def test_towers_have_a_down_each_and_an_up_for_every_modality_and_tower(tmp_path):
    assert grid(tmp_path, "--methods", "mora", "--floors", "none", "--ranks", "3", "--blocks", "0") == 0
    ((record,), _) = Store(tmp_path / "out").records()
    towers = modalities = 3
    assert record.parameters.trained["adapter"] == towers * (1 + modalities) * 3 * 24 + 2 * 24 + 24


def test_a_knob_is_an_axis_and_only_what_differs_from_the_papers_value_is_in_the_cell(tmp_path, capsys):
    assert grid(tmp_path, "--methods", "shift", "head", "--floors", "none", "--knobs", "size=1.0,2.5") == 0
    records, _ = Store(tmp_path / "out").records()
    assert sorted((r.cell.method, r.cell.knobs) for r in records) == [
        ("head", ()),
        ("shift", ()),
        ("shift", (("size", 2.5),)),
    ]
    assert "shift (blocks 1, size=2.5)" in capsys.readouterr().out
