"""Options that no cell reads are named; what a cell reads, and what a preset says, is not."""

import dataclasses

import pytest

from mora_bench.cells.recipe import Recipe
from mora_bench.cli.main import main
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid
from mora_bench.plan.unused import READERS, unused

GRADED = "no cell loses anything by a mechanism that has a strength"
TRAINED = "nothing in this grid is trained as a network"


@pytest.fixture
def preset(folder):
    return Grid(methods=("head",), datasets=("odir",), seeds=(0,), backbone=(str(folder),), floors=("none",))


def said(preset, runtime, **flags):
    grid = dataclasses.replace(preset, **flags)
    return unused(grid, preset, expand(grid, preset, runtime).cells)


@pytest.mark.parametrize(
    ("flags", "sentences"),
    [
        ({}, []),
        ({"ranks": (2, 4)}, ["--ranks changes nothing: no method of this grid has a rank"]),
        ({"ranks": (2,), "methods": ("head", "mora")}, []),
        ({"blocks": ("0",)}, ["--blocks changes nothing: no method of this grid goes into blocks"]),
        (
            {"strength": (2.0,)},
            [f"--strength changes nothing: {GRADED}"],
        ),
        ({"strength": (2.0,), "mechanism": ("covariate:age",)}, []),
        ({"strength": (2.0,), "test_mechanism": "covariate:age"}, []),
        ({"folds": 5}, ["--folds changes nothing: only real data without an official split have folds"]),
        ({"pool": 40}, []),
        ({"pool": 0}, []),
        ({"lrs": (1e-3, 2e-3), "recipe": Recipe(epochs=2)}, []),
        ({"methods": ("prior",), "lrs": (1e-3,)}, [f"--lrs changes nothing: {TRAINED}"]),
        (
            {"methods": ("prior",), "recipe": Recipe(epochs=2, weight_decay=0.3, max_text=64)},
            [f"--recipe.epochs --recipe.weight-decay change nothing: {TRAINED}"],
        ),
        ({"methods": ("prior",), "recipe": Recipe(max_text=64)}, []),
        ({"methods": ("prior",), "recipe": Recipe(epochs=2)}, [f"--recipe.epochs changes nothing: {TRAINED}"]),
    ],
    ids=str,
)
def test_an_option_that_no_cell_reads_is_named(preset, runtime, flags, sentences):
    assert said(preset, runtime, **flags) == sentences


def test_real_data_read_folds_also_none(preset, runtime, monkeypatch):
    (cell,) = expand(preset, preset, runtime).cells
    real = dataclasses.replace(cell, source="real", pool=0)
    for folds in (0, 5):
        grid = dataclasses.replace(preset, folds=folds)
        assert unused(grid, preset, [dataclasses.replace(real, folds=folds)]) == []
    official = dataclasses.replace(real, split="official")
    (sentence,) = unused(dataclasses.replace(preset, folds=5), preset, [official])
    assert sentence.startswith("--folds changes nothing")
    (sentence,) = unused(dataclasses.replace(preset, pool=40), preset, [real])
    assert sentence.startswith("--pool changes nothing")


def test_what_the_preset_says_is_not_named(preset, runtime):
    preset = dataclasses.replace(preset, ranks=(2, 4), strength=(2.0,), folds=5)
    assert said(preset, runtime) == []


def test_every_field_is_one_of_a_grid():
    assert READERS.keys() <= {field.name for field in dataclasses.fields(Grid)}


def test_the_command_says_it_and_what_was_not_saved(folder, tmp_path, capsys, monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    words = (
        f"grid --backbone {folder} --methods head prior --datasets odir --seeds 0 --limit 60 --floors none --ranks 3"
    )
    words += " --recipe.epochs 1 --recipe.batch 8 --recipe.max-text 64 --engine inline"

    def printed(out, *more):
        assert main([*words.split(), "--out", str(tmp_path / out), *more]) == 0
        return capsys.readouterr().out

    assert "--ranks changes nothing" in printed("plain")
    unsaved = "--save-adapters: what 1 of the done cells trained was not saved; a new --out trains them again"
    assert unsaved in printed("plain", "--save-adapters")
    for _ in range(2):
        assert "--save-adapters" not in printed("saved", "--save-adapters")
