"""benchmarks/convergence.py, on toys."""

from dataclasses import replace

from convergence import longer, main

from mora_bench.plan.grid import Grid


def test_twice_the_cap_is_twice_whoever_says_it():
    grid = Grid(overrides={"odir": {"epochs": 7}, "full": {"lr": 1e-3}})
    assert longer(grid).recipe.epochs == 200
    assert longer(grid).overrides == {"odir": {"epochs": 14}, "full": {"lr": 1e-3}}
    assert longer(grid).recipe.patience == grid.recipe.patience
    patient = replace(grid, overrides={"odir": {"epochs": 7, "patience": 2}})
    assert longer(patient, 3).overrides == {"odir": {"epochs": 14, "patience": 6}}
    assert longer(patient, 3).recipe.patience == 3 * grid.recipe.patience


def test_a_table_says_what_twice_the_cap_changes(folder, tmp_path, capsys, cache, monkeypatch):
    """A rate so small that patience ends both alike: no difference, and none is cut short."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    words = ["--datasets", "odir", "--methods", "head", "lora", "--limit", "60", "--seeds", "0", "1", "--backbone"]
    words += [
        str(folder),
        "--recipe.max-text",
        "64",
        "--out",
        str(tmp_path),
        "--engine",
        "inline",
        "--recipe.lr",
        "1e-9",
    ]
    words += ["--recipe.schedule", "plateau", "--recipe.epochs", "9", "--recipe.patience", "2", "--recipe.batch", "16"]
    words += ["--recipe.warmup-epochs", "0.3", "--recipe.decay-epochs", "0.7", "--recipe.validate-every", "1"]
    main(words)
    rows = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines() if "|" in line]
    # Two methods, four patterns.
    body = [row for row in rows if row[3].startswith(("head", "lora"))]
    assert len(body) == 8
    assert {row[6] for row in body} == {"+0.0"}
    assert {(row[9], row[10]) for row in body} == {("0 of 2", "0 of 2")}
    # The first look is the best, two are not, and the decay.
    assert all(row[11] == row[12] for row in body)
    assert {row[11] for row in body} == {"3.67 to 3.67"}
