"""Cells counted as products are as many as are built."""

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
        "floors": st.sampled_from([("none",), ("prior", "tfidf"), ("all",)]),
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
    place = Runtime(out=tmp_path_factory.getbasetemp(), cache=tmp_path_factory.getbasetemp() / "counted", limit=40)
    grid = campaign.preset("quick", **changes)
    rows = count(grid, place)
    assert sum(own.cells for own in rows) == len(expand(grid, grid, place).cells)
    one = expand(smallest(grid, rows[-1]), grid, place).cells
    assert rows[-1].method in {cell.method for cell in one}


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))


def test_a_large_grid_is_a_table_with_a_price(tmp_path, capsys):
    seeds = [str(seed) for seed in range(1100)]
    large = ["--methods", "all", "--ranks", *map(str, range(1, 33)), "--limit", "40", "--seeds", *seeds]
    assert main(["grid", *large, "--plan", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert lines[-2].startswith("743,600 cells; 0 records lie in")
    assert "values of axes" in lines[0]


def test_short_cells_are_timed_for_a_price(folder, tmp_path, capsys):
    given = ["--datasets", "odir", "--limit", "60", "--methods", "head", "--floors", "prior", "--seeds", "0", "1"]
    given += ["--backbone", str(folder), "--recipe.max-text", "64", "--out", str(tmp_path / "out")]
    assert main(["grid", *given, "--plan", "--measure"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("About ")
    assert "measured on short cells here" in said
    assert "GB of disk" in said
    assert not (tmp_path / "out" / "records").exists()
