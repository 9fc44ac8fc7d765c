"""What a grid survives: methods that exit, hang or kill, commands that die, folders that go."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from by_hand import measured
from conftest import make_cell, once

from mora_bench.cli import main as cli
from mora_bench.engines import worker
from mora_bench.engines.processes import Processes
from mora_bench.records.store import Store
from mora_bench.training.bundles import bundles
from mora_bench.training.work import lost, work

TINY = ["--datasets", "odir", "cxr", "--methods", "prior", "always", "presence", "--seeds", "0", "1", "2"]
TINY += ["--pool", "20"]
CELLS = 18


@pytest.fixture
def forked(monkeypatch):
    """Workers that are copies of this process, so that they know what a test has changed."""
    monkeypatch.setattr(worker, "context", lambda: multiprocessing.get_context("fork"))


def _hangs(cells, runtime):
    if cells[0].method == "mora":
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
    work(cells, runtime)


def _exits(cells, runtime):
    if cells[0].method == "mora":
        os._exit(3)
    work(cells, runtime)


def ended(cells, runtime, doing):
    list(Processes().run(bundles(cells, 1), runtime, doing, lost))
    return {cell.method: Store(runtime.out).record(cell) for cell in cells}


def sleepers():
    return [p.pid for p in psutil.Process().children(recursive=True) if p.name() == "sleep"]


def test_a_cell_that_hangs_is_killed_with_its_children_and_the_others_run(runtime, folder, forked):
    cells = [make_cell(runtime, folder, method=m) for m in ("mora", "head")]
    limited = dataclasses.replace(runtime, workers=2, limit_minutes=0.15)
    before = sleepers()
    begun = time.monotonic()
    records = ended(cells, limited, _hangs)
    assert time.monotonic() - begun < 60
    assert records["mora"].status == "failed"
    assert "--limit-minutes 0.15" in records["mora"].error
    assert records["head"].status == "done"
    time.sleep(0.2)
    assert set(sleepers()) <= set(before)


def test_a_cell_that_ends_its_process_is_a_record_with_the_exit_code(runtime, folder, forked):
    cells = [make_cell(runtime, folder, method=m) for m in ("mora", "head")]
    records = ended(cells, dataclasses.replace(runtime, workers=1), _exits)
    assert (records["mora"].status, records["head"].status) == ("failed", "done")
    assert "exit code 3" in records["mora"].error


def test_a_method_that_exits_does_not_end_a_debuggers_command(runtime, folder, monkeypatch):
    cell = make_cell(runtime, folder)
    monkeypatch.setattr("mora_bench.methods.mora.Mora.__init__", lambda *a: sys.exit(0))
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "failed"
    assert "SystemExit" in record.error
    assert record.competitor.family == "MoRA"


def command(out: Path, *more: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "mora_bench", "grid", *TINY, "--out", str(out), "--workers", "2"]
    words = once([*words, *more])
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_records(out: Path, process: subprocess.Popen, least: int) -> None:
    while process.poll() is None and len(list((out / "records").glob("*.json"))) < least:
        time.sleep(0.02)


def gone(pids: list[int], within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in pids):
            return True
        time.sleep(0.1)
    return False


def scores_of(out: Path) -> dict[str, dict]:
    return {file.name: measured(file.read_bytes()) for file in (out / "scores").glob("*.json")}


def test_a_command_that_is_killed_leaves_no_process_and_loses_nothing(tmp_path, cache, monkeypatch):
    """Killed in three ways, each time after some records more, then started again: every record is there, none was made
    twice, scores as without the kills."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    out = tmp_path / "killed"
    kept: dict[Path, int] = {}
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        process = command(out)
        first_records(out, process, len(kept) + 3)
        children = [p.pid for p in psutil.Process(process.pid).children(recursive=True)]
        assert children
        process.send_signal(how)
        process.communicate(timeout=60)
        assert gone(children, 5)
        assert process.returncode == (-how if how == signal.SIGKILL else 130)
        records = {file: file.stat().st_mtime_ns for file in (out / "records").glob("*.json")}
        assert kept.items() <= records.items()
        assert len(kept) + 3 <= len(records) < CELLS
        kept = records
    again = command(out)
    printed, _ = again.communicate(timeout=300)
    assert again.returncode == 0
    assert f"{CELLS} cells" in printed
    assert kept.items() <= {file: file.stat().st_mtime_ns for file in (out / "records").glob("*.json")}.items()
    assert not [f for f in out.rglob(".*") if f.is_file()]
    whole = tmp_path / "whole"
    assert cli.main(["grid", *TINY, "--out", str(whole), "--engine", "inline"]) == 0
    assert scores_of(out) == scores_of(whole)
    assert len(scores_of(whole)) == CELLS


def test_a_folder_that_goes_is_not_success(tmp_path, cache, monkeypatch, capsys):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    out = tmp_path / "r"
    arguments = ["grid", "--datasets", "odir", "--methods", "prior", "always", "--seeds", "0", "--out", str(out)]
    arguments += ["--engine", "inline", "--pool", "40"]
    write = Store.write

    def forgetful(store, cell, *rest):
        write(store, cell, *rest)
        if cell.method == "always":
            # The first record goes once the second one is there.
            for file in (out / "records").glob("*.json"):
                if file.stem != cell.key:
                    file.unlink()

    monkeypatch.setattr(Store, "write", forgetful)
    assert cli.main(arguments) == 1
    assert "without a result: 1 cell; the same command computes the rest" in capsys.readouterr().err
    monkeypatch.setattr(Store, "write", write)
    assert cli.main(arguments) == 0


def test_fail_fast_stops_at_the_first_failure(tmp_path, cache, monkeypatch, capsys):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr("mora_baselines.prior.Prior.fit", lambda *a: 1 / 0)
    arguments = ["grid", "--datasets", "odir", "--methods", "prior", "always", "--seeds", "0", "1"]
    arguments += ["--engine", "inline", "--pool", "40"]
    assert cli.main([*arguments, "--out", str(tmp_path / "fast"), "--fail-fast"]) == 1
    assert len(list((tmp_path / "fast" / "records").glob("*.json"))) == 1
    assert cli.main([*arguments, "--out", str(tmp_path / "all")]) == 1
    assert len(list((tmp_path / "all" / "records").glob("*.json"))) == 4
    capsys.readouterr()
    assert cli.main([*arguments, "--out", str(tmp_path / "x"), "--limit-minutes", "0"]) == 2
    assert "--limit-minutes is 0" in capsys.readouterr().err
