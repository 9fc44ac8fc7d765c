"""How a grid's cells are trained: what changes a recipe, what its schedule reads, which precision auto becomes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from conftest import make_cell

from mora_bench import campaign, registry
from mora_bench.backbones.spec import Spec
from mora_bench.cells import precision
from mora_bench.cells.recipe import Recipe
from mora_bench.cli.main import main
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError
from mora_bench.plan.expand import expand
from mora_bench.plan.fitting import fitting
from mora_bench.plan.grid import Grid
from mora_bench.plan.presets import load_preset
from mora_bench.plan.recipes import asks_auto, watched_of
from mora_bench.records.store import Store
from mora_bench.training.work import work

ERRORS = Path(__file__).parents[1] / "plugins" / "errors.py"
PLATEAU = Recipe(schedule="plateau", epochs=9, patience=2, validate_every=1, warmup=0.1, max_text=64)


@pytest.fixture
def grid(folder):
    return Grid(
        methods=("head", "mora"), datasets=("odir",), seeds=(0,), backbone=(str(folder),), floors=("none",),
        recipe=PLATEAU, limit=60,
    )  # fmt: skip


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """Lets this machine have a processor of such flags."""

    def has(flags):
        file = tmp_path / "cpuinfo"
        file.write_text(f"model name : Toy CPU\nflags : {flags}\n")
        monkeypatch.setattr(precision, "CPUINFO", file)

    return has


@pytest.fixture
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))


def test_cells_of_a_plateau_hold_what_it_reads_and_the_score_that_is_watched(grid, runtime):
    """So that a warm-up by shares, which it does not read, makes no other cells."""
    cells = [expand(replaced, replaced, runtime).cells for replaced in (grid, with_recipe(grid, warmup=0.3))]
    assert [cell.key for cell in cells[0]] == [cell.key for cell in cells[1]]
    assert {(cell.watched, cell.recipe.warmup) for cell in cells[0]} == {("auroc", 0.0)}
    (linear, _) = expand(*[with_recipe(grid, schedule="linear")] * 2, runtime).cells
    assert (linear.watched, linear.recipe.warmup) == ("", 0.1)


def with_recipe(grid, **changes):
    return dataclasses.replace(grid, recipe=dataclasses.replace(grid.recipe, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": 0.3}, "--recipe.warmup has no effect: head on odir uses schedule plateau. Leave it out, or"),
        (
            {"schedule": "linear", "decay_epochs": 2.0},
            r"decay-epochs has no effect: .* schedule linear.* --recipe.schedule plateau",
        ),
        ({"patience": 0}, "odir head: recipe.schedule plateau ends by patience: give recipe.patience, 1 or more"),
        ({"epochs": 1}, "recipe.epochs 1 is less than recipe.warmup_epochs 0.5 and recipe.decay_epochs 1 together"),
    ],
)
def test_flags_that_a_schedule_does_not_read_and_plateaus_that_cannot_be_are_refused(grid, runtime, changes, message):
    with pytest.raises(UserError, match=message):
        expand(with_recipe(grid, **changes), grid, runtime)


def test_a_task_watches_what_it_says_or_its_first_score_without_a_threshold():
    registry.load_plugins([ERRORS])
    assert [watched_of(task, PLATEAU) for task in ("multi-label", "multi-class")] == ["auroc", "auroc"]
    # Its primary score needs a threshold, the other one does not.
    assert watched_of("wrong", PLATEAU) == "rmse"
    assert watched_of("months", PLATEAU) == "rmse"
    assert watched_of("wrong", Recipe()) == ""


def test_a_task_whose_scores_all_need_a_threshold_has_no_plateau(monkeypatch):
    registry.load_plugins([ERRORS])
    kind = registry.get(registry.TASKS, "wrong")
    monkeypatch.setattr(kind, "metrics", {"wrong": kind.metrics["wrong"]})
    with pytest.raises(UserError, match=r"reads a score without a threshold, and task 'wrong' has none"):
        watched_of("wrong", PLATEAU)


@pytest.mark.parametrize(("flags", "chosen"), [("avx512_bf16", "bf16"), ("avx2", "fp32")])
def test_auto_is_what_the_device_computes_in_when_planned(grid, runtime, processor, flags, chosen):
    processor(flags)
    auto = with_recipe(grid, precision="auto")
    named = with_recipe(grid, precision=chosen)
    cells = [expand(asked, asked, runtime).cells for asked in (auto, named)]
    assert [cell.key for cell in cells[0]] == [cell.key for cell in cells[1]]
    assert {cell.recipe.precision for cell in cells[0]} == {chosen}


def test_auto_is_found_wherever_a_grid_may_say_it(grid):
    assert not asks_auto(grid)
    assert asks_auto(with_recipe(grid, precision="auto"))
    assert asks_auto(dataclasses.replace(grid, overrides={"full": {"precision": "auto"}}))
    assert asks_auto(dataclasses.replace(grid, parts=({"recipe": {"precision": "auto"}},)))


def test_what_auto_chose_is_not_emulated_elsewhere(runtime, folder, processor):
    """And what was asked for by name is."""
    processor("avx2")
    cell = make_cell(runtime, folder, method="head", recipe=Recipe(epochs=1, batch=8, precision="bf16", max_text=64))
    work([cell], dataclasses.replace(runtime, native=True))
    record = Store(runtime.out).record(cell)
    assert record.status == "failed"
    assert "has no native bf16" in record.error
    assert "(the processor has neither avx512_bf16 nor amx_bf16). Run the cell on a machine with bf16" in record.error
    Store(runtime.out).forget_failed({cell: "failed"})
    work([cell], runtime)
    assert Store(runtime.out).record(cell).status == "done"


@pytest.mark.usefixtures("own_cache")
def test_a_plan_says_what_auto_became_and_why_and_what_is_emulated(folder, tmp_path, capsys, processor):
    options = ["grid", "--datasets", "odir", "--methods", "head", "--floors", "none", "--limit", "60", "--plan"]
    options += ["--backbone", str(folder), "--recipe.max-text", "64", "--out", str(tmp_path / "out"), "--device", "cpu"]
    for flags, asked, message in (
        ("avx512_bf16", "auto", "recipe.precision auto: bf16, because the processor has avx512_bf16."),
        ("avx2", "auto", "recipe.precision auto: fp32, because the processor has neither avx512_bf16 nor amx_bf16."),
        ("avx2", "bf16", "recipe.precision bf16 is emulated here, slowly, because the processor has neither"),
    ):
        processor(flags)
        assert main([*options, "--recipe.precision", asked]) == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith(message)
    assert main([*options, "--recipe.precision", "fp32"]) == 0
    assert "recipe.precision" not in capsys.readouterr().out


@pytest.mark.usefixtures("own_cache")
def test_a_worker_is_told_whether_a_precision_was_chosen(grid):
    assert campaign.runtime(with_recipe(grid, precision="auto")).native
    assert not campaign.runtime(with_recipe(grid, precision="bf16")).native
    assert not campaign.runtime(load_preset("quick")).native


PICTURE = {"image": "a.png", "bag": ("a.png",)}


def samples(text, picture, kind="image"):
    """A table of 20 samples, of which so many have a text and the last so many a picture, or a bag of one."""
    n = 20
    columns = {
        "note": Column("text", tuple("a" if i < text else None for i in range(n))),
        "film": Column(kind, tuple(PICTURE[kind] if i >= n - picture else None for i in range(n))),
    }
    ids = tuple(map(str, range(n)))
    return Table("toy", "real", ("ill",), ids, ids, columns, np.zeros((n, 1)))


@pytest.mark.parametrize("kind", ["image", "bag"])
def test_a_projection_is_aligned_where_there_are_pictures_beside_texts(kind):
    recipe, spec = Recipe(projection="aligned"), Spec("fused:toy", "fused", "0", 1, 4, {}, projection=True)
    assert fitting(recipe, spec, samples(20, 10, kind)) == (recipe, "")
    plain = dataclasses.replace(recipe, projection="trained")
    why = "toy has no picture for the projection of fused:toy, which stays frozen"
    assert fitting(recipe, spec, samples(20, 0, kind)) == (recipe, "")
    assert fitting(plain, spec, samples(20, 0, kind)) == (recipe, why)
    with pytest.raises(UserError, match="9 samples of toy have both a text and a picture, expected 10 or more"):
        fitting(recipe, spec, samples(20, 9, kind))
    assert fitting(plain, spec, samples(20, 9, kind)) == (plain, "")
