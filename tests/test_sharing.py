"""Any number of grids on one folder: no cell runs twice while nobody dies, and nothing is lost when somebody does."""

import multiprocessing
import os
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from by_hand import measured
from conftest import once
from mora_baselines.prior import Prior

from mora_bench.cli import main as cli

SEEDS = [str(seed) for seed in range(12)]
GRID = ["--datasets", "odir", "--methods", "prior", "--floors", "none", "--pool", "20", "--engine", "inline"]
GRID += ["--seeds", *SEEDS, "--lease-seconds", "1"]
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def log(tmp_path, cache, monkeypatch) -> Path:
    """A file to which every training of every process adds a line, before it takes its time."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    file = tmp_path / "log"
    file.touch()
    fit = Prior.fit

    def counted(self, training, validation, seed):
        with file.open("a") as lines:
            lines.write(f"{seed} {os.getpid()}\n")
        time.sleep(0.15)
        return fit(self, training, validation, seed)

    monkeypatch.setattr(Prior, "fit", counted)
    return file


def trained(log: Path) -> Counter:
    """How often each seed was trained."""
    return Counter(line.split()[0] for line in log.read_text().splitlines())


def grid(out: Path, *more: str, later: float = 0.0) -> None:
    """What one process runs; `later`: seconds that its time of day is ahead."""
    if later:
        now = time.time
        time.time = lambda: now() + later
    raise SystemExit(cli.main(once(["grid", *GRID, *more, "--out", str(out)])))


def start(out: Path, *more: str, later: float = 0.0) -> multiprocessing.Process:
    process = FORK.Process(target=grid, args=(out, *more), kwargs={"later": later})
    process.start()
    return process


def until(reached, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def files(out: Path, folder: str) -> dict[str, bytes]:
    return {file.name: measured(file.read_bytes()) for file in (out / folder).rglob("*") if file.is_file()}


def check(out: Path, alone: Path) -> None:
    """Whether a folder is bit-equal to one that one grid made, and holds nothing else."""
    assert files(out, "scores") == files(alone, "scores")
    assert files(out, "predictions") == files(alone, "predictions")
    assert set(files(out, "records")) == set(files(alone, "records"))
    assert len(files(out, "scores")) == len(SEEDS)
    assert not files(out, "leases")
    assert not [file for file in out.rglob(".*") if file.is_file()]


@pytest.fixture
def alone(tmp_path, log) -> Path:
    out = tmp_path / "alone"
    assert cli.main(["grid", *GRID, "--out", str(out)]) == 0
    log.write_text("")
    return out


@pytest.mark.parametrize("later", [0.0, 3600.0])
def test_four_grids_share_the_work(tmp_path, log, alone, later):
    """One of them with a clock an hour ahead."""
    out = tmp_path / "out"
    four = [start(out, later=later if k == 1 else 0.0) for k in range(4)]
    for process in four:
        process.join(60)
    assert [process.exitcode for process in four] == [0, 0, 0, 0]
    assert len(trained(log)) == len(SEEDS)
    assert set(trained(log).values()) == {1}
    who = {line.split()[1] for line in log.read_text().splitlines()}
    assert len(who) > 1
    check(out, alone)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_of_four_grids_one_is_killed(tmp_path, log, alone, how):
    """At most the cell that it ran is trained again."""
    out = tmp_path / "out"
    four = [start(out) for _ in range(4)]
    until(lambda: any(line.split()[1] == str(four[0].pid) for line in log.read_text().splitlines()))
    os.kill(four[0].pid, how)
    for process in four:
        process.join(60)
    assert [process.exitcode for process in four[1:]] == [0, 0, 0]
    assert four[0].exitcode != 0
    assert len(trained(log)) == len(SEEDS)
    assert sum(trained(log).values()) <= len(SEEDS) + 1
    check(out, alone)


def test_of_three_grids_one_is_paused_beyond_its_lease(tmp_path, log, alone):
    """The others finish its cell; when it goes on, it sees that, and ends as they did."""
    out = tmp_path / "out"
    three = [start(out) for _ in range(3)]
    until(lambda: any(line.split()[1] == str(three[0].pid) for line in log.read_text().splitlines()))
    os.kill(three[0].pid, signal.SIGSTOP)
    for process in three[1:]:
        process.join(60)
    assert [process.exitcode for process in three[1:]] == [0, 0]
    assert len(files(out, "records")) == len(SEEDS)
    written = files(out, "records")
    os.kill(three[0].pid, signal.SIGCONT)
    three[0].join(60)
    assert three[0].exitcode == 0
    assert sum(trained(log).values()) <= len(SEEDS) + 1
    assert files(out, "records") == written
    check(out, alone)


def test_status_says_who_runs_what_and_what_is_left(tmp_path, log, capsys):
    out = tmp_path / "out"
    process = start(out)
    until(lambda: len(list((out / "records").glob("*.json"))) >= 3 if (out / "records").is_dir() else False)
    os.kill(process.pid, signal.SIGSTOP)
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    assert cli.main(["status", *GRID, "--out", str(out)]) == 1
    printed = capsys.readouterr().out
    os.kill(process.pid, signal.SIGCONT)
    process.join(60)
    assert "12 cells: " in printed
    assert " done, " in printed
    assert f"process {process.pid}" in printed or " to do" in printed
    assert " left for " in printed
    assert cli.main(["status", *GRID, "--out", str(out)]) == 0
    assert capsys.readouterr().out == "12 cells: 12 done\n"
