"""Cells counted as products are as many as are built."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mora_bench import campaign
from mora_bench.cells.runtime import Runtime
from mora_bench.cli.main import main
from mora_bench.plan.count import count, smallest
from mora_bench.plan.expand import expand

SOME = st.fixed_dictionaries(
    {
        "datasets": st.sampled_from([("odir",), ("odir", "cxr"), ("odir-eyes",)]),
        "methods": st.sampled_from([("head",), ("mora", "full", "prior"), ("lora", "map", "tfidf"), ("all",)]),
        "floors": st.sampled_from([("none",), ("prior", "tfidf"), ("frozen",), ("all",)]),
        "backbone": st.sampled_from([("small",), ("small", "small-dual")]),
        "missing": st.sampled_from([("both",), ("complete",), ("complete", "both"), ("both", "both")]),
        "rates": st.sampled_from([(0.7,), (0.0, 0.7), (0.3, 0.7, 0.3)]),
        "mechanism": st.sampled_from([("uniform",), ("uniform", "label"), ("label", "label")]),
        "strength": st.sampled_from([(1.0,), (1.0, 4.0)]),
        "test_mechanism": st.sampled_from(["", "uniform", "label"]),
        "impute": st.sampled_from([("dummy",), ("mean", "dummy", "mean"), ("all",)]),
        "ranks": st.sampled_from([(), (2,), (1, 4, 1)]),
        "blocks": st.sampled_from([(), ("0",), ("0", "0-0", "all")]),
        "lrs": st.sampled_from([(), (1e-3,), (1e-3, 2e-3, 1e-3)]),
        "seeds": st.sampled_from([(0,), (0, 1, 2), (1, 1)]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(SOME)
def test_any_grid_has_as_many_cells_as_are_counted(tmp_path_factory, changes):
    runtime = Runtime(out=tmp_path_factory.getbasetemp(), cache=tmp_path_factory.getbasetemp() / "counted", limit=40)
    grid = campaign.preset("quick", **changes)
    rows = count(grid, runtime)
    assert sum(row.cells for row in rows) == len(expand(grid, grid, runtime).cells)
    one = expand(smallest(grid, rows[-1]), grid, runtime).cells
    assert rows[-1].method in {cell.method for cell in one}


@pytest.mark.parametrize("gaps", [("none", "block@0.5"), ("block@0.5", "none"), ("block@0.5",)])
@pytest.mark.parametrize("tested", [("same",), ("same", "none", "block@0.5")])
def test_gaps_that_an_encoder_of_signals_does_not_read_are_not_counted(gaps, tested, sound_folder, runtime):
    hears = f"small+signal:{sound_folder}"
    grid = campaign.preset(
        "quick", datasets=("icu",), methods=("head",), floors=("prior",), seeds=(0, 1), backbone=("small", hears),
        gaps=gaps, test_gaps=tested,
    )  # fmt: skip
    rows, cells = count(grid, runtime), expand(grid, grid, runtime).cells
    by_backbone = [len([cell for cell in cells if cell.backbone == row.backbone]) for row in rows]
    assert [row.cells for row in rows] == by_backbone
    # With an encoder signals are read whole, in training and in tests.
    assert {row.backbone: row.cells for row in rows}.get(hears, 0) == (2 if "none" in gaps else 0)
    # What stands for a row is a cell of it.
    for row in rows:
        assert row.method in {cell.method for cell in expand(smallest(grid, row), grid, runtime).cells}


def test_a_method_that_does_not_run_with_dropout_is_not_counted(runtime):
    grid = campaign.preset("quick", datasets=("odir",), methods=("head", "ragpt"), floors=("none",))
    grid = replace(grid, recipe=replace(grid.recipe, dropout=0.1))
    assert [row.method for row in count(grid, runtime)] == ["head"]
    assert len(expand(grid, grid, runtime).cells) == 3


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))


def test_a_large_grid_is_a_table_with_a_price(tmp_path, capsys):
    seeds = [str(seed) for seed in range(1100)]
    large = ["--methods", "all", "--ranks", *map(str, range(1, 33)), "--limit", "40", "--seeds", *seeds]
    assert main(["grid", *large, "--plan", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert lines[-2].startswith("750,200 cells; 0 records lie in")
    assert "values of axes" in lines[0]


def test_three_steps_of_each_kind_are_timed_for_a_price(folder, tmp_path, capsys):
    options = ["--datasets", "odir", "--limit", "60", "--methods", "head", "--floors", "prior", "--seeds", "0", "1"]
    options += ["--backbone", str(folder), "--recipe.max-text", "64", "--out", str(tmp_path / "out")]
    assert main(["grid", *options, "--plan", "--measure"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    # The preset has patience.
    assert line.startswith("At most about ")
    assert " Patience may end cells earlier; the least is about " in line
    assert "measured on three steps of each kind here" in line
    assert "GB of disk" in line
    assert not (tmp_path / "out" / "records").exists()


def test_without_a_record_of_its_kind_a_cell_has_no_price_and_that_is_said(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mora_bench.cli.pricing.SHIPPED", ())
    options = ["--datasets", "odir", "--limit", "60", "--methods", "head", "--floors", "none", "--seeds", "0"]
    options += ["--backbone", str(folder), "--recipe.max-text", "64", "--out", str(tmp_path / "out")]
    options += ["--engine", "inline", "--recipe.batch", "8", "--recipe.epochs", "2"]
    assert main(["grid", *options, "--plan"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("No time estimate: no record of such cells on this device; --plan --measure")
    assert main(["grid", *options]) == 0
    capsys.readouterr()
    assert main(["grid", *options[:-2], "--recipe.epochs", "4", "--plan"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("At most about ")
    assert main(["grid", *options[:-2], "--recipe.epochs", "4", "--recipe.schedule", "linear", "--plan"]) == 0
    assert "least" in capsys.readouterr().out.splitlines()[-1]
    patient = ["--recipe.schedule", "linear", "--recipe.patience", "0"]
    assert main(["grid", *options[:-2], "--recipe.epochs", "4", *patient, "--plan"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("About ")
    # Another kind of cell in the same grid is counted apart.
    at = options.index("--methods") + 1
    both = [*options[:at], "lora", *options[at:]]
    assert main(["grid", *both[:-2], "--recipe.epochs", "4", "--plan"]) == 0
    assert "; no time estimate for 1 cell, because no record is like that" in capsys.readouterr().out.splitlines()[-1]
    # What is done has no price.
    assert main(["grid", *both, "--plan"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("No time estimate: no record of such cells")
    assert main(["grid", *options, "--plan"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["1 cell: 1 done", "Nothing is to be computed."]


@pytest.mark.parametrize("more", [[], ["--seeds", *map(str, range(300))]])
@pytest.mark.parametrize("engine", ["processes", "slurm"])
def test_a_precision_that_this_machine_lacks_is_planned_and_said(folder, tmp_path, capsys, engine, more):
    flags = ["--preset", "paper", "--backbone", str(folder), "--datasets", "odir", "--limit", "60", "--recipe.max-text"]
    flags += [
        "64",
        "--engine",
        engine,
        "--out",
        str(tmp_path / "out"),
        *([] if engine == "slurm" else ["--device", "cpu"]),
    ]
    assert main(["grid", *flags, "--plan", *more]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == "fp16 needs a GPU when run; the device here is cpu."
    assert main(["grid", *flags, "--methods", "head", "--seeds", "0"]) == 2
    assert "recipe.precision fp16 needs a GPU, and the device is cpu" in capsys.readouterr().err
    assert not (tmp_path / "out" / "records").exists()
