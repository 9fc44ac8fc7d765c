"""status of a results folder, without the options of its grids."""

import json

import pytest
from by_hand import cell, failed, record

from mora_bench.cli import main as cli
from mora_bench.records import plans
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


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert cli.main(["status", str(tmp_path / "nosuch")]) == 2
    assert "no records" in capsys.readouterr().err
