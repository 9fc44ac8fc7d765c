"""Leases: one holder at a time, whatever the clocks say, and no cell that stays with a holder that is gone."""

import dataclasses
import subprocess
import sys
import threading
import time

import pytest

from mora_bench.records import leases
from mora_bench.records.leases import SIZE, Holder, Leases


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock of the leases, set by hand."""
    now = [1000.0]
    monkeypatch.setattr(leases.time, "monotonic", lambda: now[0])
    return now


def elsewhere(results, key="a", generation=1, beat=0, token="x", job=""):
    """A lease file as a process of another machine writes it."""
    folder = results / "leases" / key[:2]
    folder.mkdir(exist_ok=True, parents=True)
    holder = Holder("far", "another machine", 7, 1.0, token, beat, job)
    (folder / f"{key}.{generation}").write_text(leases._text(holder))


def names(results):
    return sorted(file.name for file in (results / "leases").rglob("*") if file.is_file())


def test_one_holder_at_a_time(tmp_path):
    ours, theirs = Leases(tmp_path), Leases(tmp_path)
    with ours.holding(["a", "b"]) as mine:
        assert list(mine) == ["a", "b"]
        assert names(tmp_path) == ["a.1", "b.1"]
        with theirs.holding(["b", "c"]) as other:
            assert list(other) == ["c"]
        assert not theirs.free("a", theirs.held())
    assert names(tmp_path) == []
    assert theirs.free("a", theirs.held())


def test_many_claims_at_once_have_one_winner(tmp_path):
    """Sixteen threads with their own view of the folder race for each of fifty cells."""
    won: list[str] = []
    start = threading.Barrier(16)

    def race():
        ours = Leases(tmp_path)
        for number in range(50):
            start.wait()
            if ours.claim(f"k{number}") is not None:
                won.append(f"k{number}")

    threads = [threading.Thread(target=race) for _ in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(won) == sorted(f"k{number}" for number in range(50))


def test_a_holder_elsewhere_is_believed_while_it_beats_and_for_a_while_after(tmp_path, clock):
    ours = Leases(tmp_path, expires=60)
    for beat in range(5):
        elsewhere(tmp_path, beat=beat)
        assert not ours.free("a", ours.held())
        clock[0] += 59
        assert not ours.free("a", ours.held())
        assert ours.claim("a") is None
    clock[0] += 2
    assert ours.free("a", ours.held())
    assert names(tmp_path) == ["a.1", "a.2"]
    # What one process has seen expire, another may claim; then nobody else may.
    assert Leases(tmp_path).claim("a") is not None
    assert names(tmp_path) == ["a.1", "a.2", "a.3"]
    assert ours.claim("a") is None


def test_the_time_of_day_does_not_matter(tmp_path, monkeypatch):
    elsewhere(tmp_path)
    ours = Leases(tmp_path)
    assert not ours.free("a", ours.held())
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert not ours.free("a", ours.held())


def test_a_holder_that_died_here_is_known_at_once(tmp_path):
    script = "import sys; from pathlib import Path; from mora_bench.records.leases import Leases\n"
    script += "Leases(Path(sys.argv[1])).claim('a')"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert names(tmp_path) == ["a.1"]
    ours = Leases(tmp_path)
    assert ours.free("a", ours.held())
    with ours.holding(["a"]) as mine:
        assert list(mine) == ["a"]
        assert names(tmp_path) == ["a.1", "a.2"]
    assert names(tmp_path) == []


def test_a_process_of_the_same_number_that_began_later_is_another(tmp_path):
    lease = Leases(tmp_path).claim("a")
    assert not lease.holder.dead
    assert dataclasses.replace(lease.holder, begun=lease.holder.begun - 1).dead


def test_sweep_removes_what_nobody_holds_and_nothing_else(tmp_path, clock):
    ours = Leases(tmp_path, expires=60)
    elsewhere(tmp_path, "alive")
    elsewhere(tmp_path, "expired")
    ours.free("expired", ours.held())
    clock[0] += 61
    assert ours.free("expired", ours.held())
    (tmp_path / "leases" / "be").mkdir()
    (tmp_path / "leases" / "be" / "being-made.1").write_text("")
    ours.sweep()
    assert names(tmp_path) == ["alive.1", "being-made.1"]


def test_a_holder_learns_that_its_lease_was_taken(tmp_path):
    """Paused beyond its lease: what it goes on to compute is not written."""
    ours = Leases(tmp_path, expires=0.4)
    with ours.holding(["a", "b"]) as held:
        elsewhere(tmp_path, "a", generation=2)
        assert held["a"].lost
        assert not held["b"].lost
        before = held["a"].file.read_text(), held["b"].file.read_text()
        time.sleep(0.3)
        assert held["a"].file.read_text() == before[0]
        assert held["b"].file.read_text() != before[1]
    # Nothing of the new holder goes, nor what is before it.
    assert names(tmp_path) == ["a.1", "a.2"]


def test_beats_change_the_file_in_place_and_keep_its_size(tmp_path):
    lease = Leases(tmp_path).claim("a")
    first = lease.file.read_text()
    lease.beat()
    second = lease.file.read_text()
    assert first != second
    assert len(first) == len(second) == SIZE
    assert Leases(tmp_path).holders()["a"].beat == 1


@pytest.mark.parametrize("content", ["", "{", "null", '{"host": 1}', "x" * 1000, '{"beat": 1e999}'])
def test_a_lease_that_says_nothing_expires_like_any_other(tmp_path, clock, content):
    (tmp_path / "leases" / "a").mkdir(parents=True)
    (tmp_path / "leases" / "a" / "a.1").write_text(content)
    ours = Leases(tmp_path)
    assert not ours.free("a", ours.held())
    assert ours.claim("a") is None
    clock[0] += leases.EXPIRES + 1
    assert ours.free("a", ours.held())
    assert ours.claim("a") is not None


def test_what_a_job_of_a_cluster_left_is_taken_by_that_job_alone(tmp_path):
    """A job that is queued again, or a command that knows it to have ended, need not wait until its lease expires."""
    elsewhere(tmp_path, job="slurm 7_1")
    assert Leases(tmp_path).claim("a") is None
    assert Leases(tmp_path, job="slurm 7_2").claim("a") is None
    with Leases(tmp_path, job="slurm 7_1").holding(["a"]) as mine:
        assert list(mine) == ["a"]
        assert Leases(tmp_path).holders()["a"].job == "slurm 7_1"
    assert names(tmp_path) == []


def test_a_holder_that_asks_for_more_time_is_given_it(tmp_path, clock):
    """Grids with other --lease-seconds do not take each other's cells."""
    elsewhere(tmp_path)
    hasty = Leases(tmp_path, expires=2)
    assert not hasty.free("a", hasty.held())
    clock[0] += 30
    assert not hasty.free("a", hasty.held())
    clock[0] += leases.EXPIRES
    assert hasty.free("a", hasty.held())


def test_a_sweep_beside_a_claim_leaves_one_holder(tmp_path):
    """What is swept is claimed first, so a claim in between is either before or after."""
    elsewhere(tmp_path, generation=1)
    (tmp_path / "leases" / "a" / "a.2").write_text(leases.FREE)
    lease = Leases(tmp_path).claim("a")
    Leases(tmp_path).sweep()
    assert not lease.lost
    assert names(tmp_path) == ["a.1", "a.2", "a.3"]
    assert Leases(tmp_path).claim("a") is None
