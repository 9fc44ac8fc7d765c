"""Going on from another dataset."""

import dataclasses

import pytest
import torch
from conftest import make_cell

from mora_bench.data import datasets
from mora_bench.errors import UserError
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid
from mora_bench.records.store import Store
from mora_bench.training import cell as cells
from mora_bench.training import transfer
from mora_bench.training.cell import run_cells
from mora_bench.training.work import work


def after(runtime, name="cxr"):
    return f"{name} {datasets.fingerprinted(name, dataclasses.replace(runtime, data_root=None))[1]}"


def test_what_was_trained_before_is_where_it_starts_but_the_classifier(runtime, folder, monkeypatch):
    """With no step of its own, the target's network is the source's trained one, and its classifier is a new one."""
    cell = make_cell(runtime, folder, after=after(runtime))
    source = make_cell(runtime, folder, dataset="cxr")
    assert transfer.before(cell, runtime) == source
    models = []
    fitted = cells.fitted

    def recorded(networks, trained_cells, *rest, **more):
        models.append(
            (trained_cells[0].dataset, networks[0], {n: p.detach().clone() for n, p in networks[0].trained().items()})
        )
        return fitted(networks, trained_cells, *rest, **more)

    monkeypatch.setattr(cells, "fitted", recorded)
    run_cells([cell], runtime)
    (first, trained, start), (second, _, begun) = models
    assert (first, second) == ("cxr", "odir")
    carried = [name for name in begun if not name.startswith("head.")]
    assert {name.split(".")[0] for name in carried} >= {"method", "pooler"}
    for name in carried:
        assert torch.equal(begun[name], trained.trained()[name]), name
    assert any(not torch.equal(start[name], begun[name]) for name in carried)
    fresh = cells.built([dataclasses.replace(cell, after="")], *_data(cell, runtime))[0].trained()
    assert all(torch.equal(begun[n], fresh[n]) for n in begun if n.startswith("head."))


def _data(cell, runtime):
    _, views, _ = cells.untrained([dataclasses.replace(cell, after="")], runtime, torch.device("cpu"))
    return views["train"].samples, views["train"], torch.device("cpu")


def test_it_is_another_cell_with_other_scores(runtime, folder):
    alone, gone_on = make_cell(runtime, folder), make_cell(runtime, folder, after=after(runtime))
    assert alone.key != gone_on.key
    assert gone_on.label == "odir mora r2 b0,1 both@0.7 dummy after cxr seed0"
    (one,), (two,) = run_cells([alone], runtime), run_cells([gone_on], runtime)
    assert one.scores.val != two.scores.val
    assert one.record.data.split == two.record.data.split


def test_a_source_of_other_data_is_refused_in_the_record(runtime, folder):
    cell = make_cell(runtime, folder, after="cxr 0123456789abcdef")
    with pytest.raises(UserError, match=r"cxr is not the data that .* was planned on"):
        run_cells([cell], runtime)
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "failed"
    assert "was planned on" in record.error


def test_the_plan_says_what_cannot_come_before(runtime, folder):
    grid = Grid(
        methods=("mora",), floors=("none",), datasets=("odir", "odir-eyes"), backbone=(str(folder),), seeds=(0,),
        after=("", "odir", "cxr"),
    )  # fmt: skip
    plan = expand(grid, grid, runtime)
    assert [(c.dataset, c.after.partition(" ")[0]) for c in plan.cells] == [
        ("odir", ""), ("odir", "cxr"), ("odir-eyes", "")
    ]  # fmt: skip
    assert plan.collapsed == {
        "odir does not come after itself": 1,
        "odir-eyes does not have the modalities of odir, text, image": 1,
        "odir-eyes does not have the modalities of cxr, text, image": 1,
    }
    with pytest.raises(UserError, match="mechanism 'covariate:age' on cxr: it takes the name of a covariate"):
        expand(dataclasses.replace(grid, mechanism=("covariate:age",), datasets=("odir",)), grid, runtime)
    with pytest.raises(UserError, match="unknown dataset 'oidr'"):
        expand(dataclasses.replace(grid, after=("oidr",)), grid, runtime)


def test_rows_of_a_table_say_what_came_before():
    from by_hand import record

    from mora_bench.report import frame
    from mora_bench.report.compare import compare

    pairs = [record("mora", 0), record("mora", 0, f1=0.6, after="cxr 0123456789abcdef")]
    (table,) = compare(frame.cells(*map(list, zip(*pairs, strict=True))))
    assert [row.label for row in table.sections[0].rows] == ["mora (r=4, blocks 0)", "mora (r=4, blocks 0, after cxr)"]


def test_nothing_to_carry_over_is_said(runtime, folder):
    """A method that trains the classifier alone would silently start anew."""
    cell = make_cell(runtime, folder, method="head")
    (model,) = cells.built([cell], *_data(cell, runtime))
    model.pooler.requires_grad_(False)
    with pytest.raises(UserError, match="nothing to transfer, because this method trains only the classifier"):
        transfer.carry_over([model], [model])
