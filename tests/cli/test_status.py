"""status of a results folder, without the options of its grids."""

import json
from dataclasses import replace

import pytest
from by_hand import cell, failed, record

from mora_bench import campaign
from mora_bench.cli import main as cli
from mora_bench.errors import UserError
from mora_bench.records import plans
from mora_bench.records.leases import Leases
from mora_bench.records.store import Store


@pytest.fixture
def out(tmp_path):
    """Two grids of two cells each that share one; of their three cells one is done and one failed."""
    (done, scores), bad, ahead = record("head", 0), failed("mora", 0)[0], cell("head", 1)
    store = Store(tmp_path)
    store.write(done.cell, done, {}, scores)
    store.write(bad.cell, bad, None, None)
    plans.write(tmp_path, [done.cell, ahead])
    plans.write(tmp_path, [done.cell, bad.cell])
    return tmp_path


def test_it_counts_each_grid_and_every_cell_once(out, capsys):
    assert cli.main(["status", str(out)]) == 1
    captured = capsys.readouterr()
    first, second, total, *_ = captured.out.splitlines()
    assert {first.partition(", ")[2], second.partition(", ")[2]} == {
        "2 cells (head on odir): 1 done, 1 to do", "2 cells (head, mora on odir): 1 done, 1 failed",
    }  # fmt: skip
    assert total == "3 cells: 1 done, 1 failed, 1 to do"
    assert captured.err.startswith("failed: odir mora")


def test_json_may_stand_first(out, capsys):
    assert cli.main(["status", "--json", str(out)]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["done"] == 1


def test_of_a_folder_that_does_not_say_what_was_asked_it_counts_records(out, capsys):
    for file in (out / "plans").iterdir():
        file.unlink()
    assert cli.main(["status", str(out)]) == 1
    assert capsys.readouterr().out.startswith(
        "2 records: 1 done, 1 failed. The folder does not say what was asked of it"
    )


@pytest.fixture
def ahead(runtime):
    """Two cells of a grid from Python, of which none has run."""
    grid = campaign.preset("quick", methods=("prior", "presence"), datasets=("odir",), floors=("none",), seeds=(0,))
    return campaign.plan(replace(grid, limit=60), runtime).cells


def status(runtime, capsys):
    capsys.readouterr()
    return cli.main(["status", str(runtime.out)]), capsys.readouterr().out.splitlines()


def test_from_python_the_cells_are_those_that_run_and_are_there_while_data_are_decoded(
    ahead, runtime, capsys, monkeypatch
):
    during, prepare = [], campaign.prepare

    def asked_meanwhile(*arguments):
        during.append(status(runtime, capsys))
        prepare(*arguments)

    monkeypatch.setattr(campaign, "prepare", asked_meanwhile)
    assert len(list(campaign.run(ahead, runtime, "inline"))) == 2
    ((code, lines),) = during
    (plan,) = plans.read(runtime.out)
    assert code == 1
    assert lines == [
        "2 cells: 2 to do",
        f"no cell runs; a grid was last started at {plan.time[:16].replace('T', ' ')}. One that is starting decodes "
        "its data first; one that was stopped goes on with the same command.",
    ]
    assert status(runtime, capsys) == (0, ["2 cells: 2 done"])


def test_a_grid_that_was_refused_is_asked_of_nobody(ahead, runtime, capsys, monkeypatch):
    def refuse(*_):
        raise UserError("a picture cannot be decoded")

    monkeypatch.setattr(campaign, "prepare", refuse)
    with pytest.raises(UserError, match="a picture cannot be decoded"):
        list(campaign.run(ahead, runtime, "inline"))
    assert plans.read(runtime.out) == []
    assert status(runtime, capsys) == (
        1,
        [
            "0 records: none. Nothing was asked of this folder: its grid is just starting, or was refused before it "
            "began."
        ],
    )


def test_cells_that_run_in_a_folder_without_a_plan_are_counted(out, capsys):
    for file in (out / "plans").iterdir():
        file.unlink()
    with Leases(out).holding(["0" * 16]):
        assert cli.main(["status", str(out)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "2 records: 1 done, 1 failed. 1 cell is running, of a grid that has not said yet what was asked of it."
    ]


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert cli.main(["status", str(tmp_path / "nosuch")]) == 2
    assert "no records" in capsys.readouterr().err
