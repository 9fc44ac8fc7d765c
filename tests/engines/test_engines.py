"""Every engine runs the same grid to the same bits, and to the same records of what fails."""

import json
import shutil
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from by_hand import measured
from conftest import once

from mora_bench import campaign
from mora_bench.cli import main as cli
from mora_bench.engines import slurm, slurm_jobs
from mora_bench.errors import UserError
from mora_bench.records import provenance

PLUGIN = '''
import os
import time
from pathlib import Path

import numpy as np

from mora_bench.api import Predictor


class Steady(Predictor):
    """The prior of the training labels, tilted by the seed; it takes a moment, and notes that it ran."""

    title = "steady"
    source = "this test"

    def fit(self, train, validation, seed):
        with (Path(__file__).parent / "ran").open("a") as lines:
            lines.write(f"{seed}\\n")
        time.sleep(0.2)
        self.prior = train.targets.mean(0) * (1 - seed % 7 / 10)

    def predict(self, samples):
        return np.tile(self.prior, (len(samples), 1))


class Exits(Steady):
    """Ends its process."""

    def fit(self, train, validation, seed):
        os._exit(3)


class Fails(Steady):
    """Raises."""

    def fit(self, train, validation, seed):
        raise ArithmeticError("no numbers today")


class Sleeps(Steady):
    """Runs until it is killed."""

    def fit(self, train, validation, seed):
        (Path(__file__).parent / "asleep").touch()
        time.sleep(600)
'''
SEEDS = ("0", "1", "2", "3", "4", "5")
#: As many as two workers need to have work left when one of them ends.
FEW = SEEDS[:3]
GRID = ["grid", "--datasets", "odir", "--floors", "none", "--pool", "20", "--threads", "1", "--lease-seconds", "5"]


@pytest.fixture(scope="module")
def plugin_file(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("plugin") / "engines_plugin.py"
    file.write_text(PLUGIN)
    return file


@pytest.fixture
def plugin(plugin_file, cache, monkeypatch) -> Path:
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    for left in ("ran", "asleep"):
        (plugin_file.parent / left).unlink(missing_ok=True)
    return plugin_file


def grid(plugin, out, engine, *more, methods=("steady", "fails", "exits"), seeds=SEEDS):
    words = [*GRID, "--plugin", str(plugin), "--methods", *methods, "--seeds", *seeds]
    return cli.main(once([*words, "--out", str(out), "--engine", engine, *more]))


def ran(plugin) -> Counter:
    """How often each seed was trained; what a method is handed is drawn from the cell's."""
    return Counter((plugin.parent / "ran").read_text().split())


def each_once(plugin, seeds=SEEDS) -> bool:
    return len(ran(plugin)) == len(seeds) and set(ran(plugin).values()) == {1}


def content(out) -> dict[str, bytes]:
    return {
        f"{folder}/{file.name}": measured(file.read_bytes())
        for folder in ("scores", "predictions")
        for file in (out / folder).glob("*")
    }


def errors(out) -> dict[str, set[str]]:
    """The errors of each method's cells, without what names a process or a file."""
    messages: dict[str, set[str]] = {}
    for file in (out / "records").iterdir():
        record = json.loads(file.read_text())
        messages.setdefault(record["cell"]["method"], set()).add(record["error"].partition(";")[0])
    return messages


ERRORS = {
    "steady": {""},
    "fails": {"ArithmeticError: no numbers today"},
    "exits": {"RuntimeError: the worker ended with exit code 3"},
}


def check(plugin, out, alone, seeds=SEEDS):
    assert content(out).items() <= content(alone).items()
    assert len(content(out)) * len(SEEDS) == len(content(alone)) * len(seeds)
    assert errors(out) == ERRORS
    assert len(list((out / "records").iterdir())) == 3 * len(seeds)
    assert each_once(plugin, seeds)
    assert not [file for file in (out / "leases").rglob("*") if file.is_file()]


@pytest.fixture
def alone(plugin, tmp_path) -> Path:
    """What one grid in this process makes of the cells that do not fail."""
    out = tmp_path / "alone"
    assert grid(plugin, out, "inline", methods=("steady",)) == 0
    (plugin.parent / "ran").unlink()
    return out


@pytest.mark.parametrize("workers", ["1", "2"])
def test_processes(plugin, tmp_path, alone, workers):
    assert grid(plugin, tmp_path / "out", "processes", "--workers", workers, seeds=FEW) == 1
    check(plugin, tmp_path / "out", alone, FEW)


def test_ray_with_a_node_that_dies(plugin, tmp_path, alone):
    """Two nodes; one is killed while it runs a cell, which runs again on the other."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    # A dead node is noticed in a second instead of fifteen.
    soon = {f"health_check_{name}": n for name, n in (("period_ms", 300), ("timeout_ms", 900), ("initial_delay_ms", 0))}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": soon | {"health_check_failure_threshold": 3}}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        doomed = cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        cluster.wait_for_nodes()

        def kill():
            until = time.monotonic() + 120
            while not (plugin.parent / "ran").exists() and time.monotonic() < until:
                time.sleep(0.05)
            cluster.remove_node(doomed, allow_graceful=False)

        killer = threading.Thread(target=kill)
        killer.start()
        assert grid(plugin, tmp_path / "out", "ray", methods=("steady",)) == 0
        killer.join()
        until = time.monotonic() + 60
        while sum(node["Alive"] for node in ray.nodes()) > 1 and time.monotonic() < until:
            time.sleep(0.1)
        assert [node["Alive"] for node in ray.nodes()].count(True) == len(ray.nodes()) - 1 == 1
        assert content(tmp_path / "out") == content(alone)
        assert len(ran(plugin)) == len(SEEDS)
        assert ran(plugin).total() <= len(SEEDS) + 1
        (plugin.parent / "ran").unlink()
        assert grid(plugin, tmp_path / "out", "ray", seeds=FEW[:1]) == 1
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert content(tmp_path / "out") == content(alone)
    assert errors(tmp_path / "out") == ERRORS
    assert not (plugin.parent / "ran").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--resources", "num_gpu=1"], "of Ray, address, num_cpus, num_gpus, memory can be given"),
        (["--resources", "num_gpus=one"], "num_gpus=one: expected a number"),
        (["--resources", "num_gpus"], "expected NAME=VALUE"),
    ],
)
def test_ray_refuses_what_it_does_not_know(plugin, tmp_path, capsys, options, message):
    pytest.importorskip("ray")
    assert grid(plugin, tmp_path / "out", "ray", *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "records").exists()


def slurm_runs() -> bool:
    if shutil.which("sinfo") is None:
        return False
    return subprocess.run(["sinfo", "-h"], capture_output=True, timeout=20, check=False).returncode == 0


needs_slurm = pytest.mark.skipif(not slurm_runs(), reason="no Slurm runs here")


@needs_slurm
def test_slurm(plugin, tmp_path, alone, monkeypatch):
    """An array of eighteen cells, of which some fail and some call os._exit."""
    monkeypatch.setattr(slurm_jobs, "LOOK", 0.5)
    monkeypatch.setattr(slurm, "GONE", 2.0)
    assert grid(plugin, tmp_path / "out", "slurm", "--resources", "slurm_array_parallelism=2", "timeout_min=10") == 1
    check(plugin, tmp_path / "out", alone)
    assert not list((tmp_path / "out" / "slurm" / "queued").iterdir())


@needs_slurm
def test_slurm_job_that_is_killed_is_a_record(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr(slurm_jobs, "LOOK", 0.5)
    monkeypatch.setattr(slurm, "GONE", 2.0)

    def kill():
        until = time.monotonic() + 120
        while not (plugin.parent / "asleep").exists() and time.monotonic() < until:
            time.sleep(0.1)
        (file,) = (tmp_path / "out" / "slurm" / "queued").iterdir()
        subprocess.run(["scancel", json.loads(file.read_text())["job"]], check=True)

    killer = threading.Thread(target=kill)
    killer.start()
    assert grid(plugin, tmp_path / "out", "slurm", methods=("sleeps",), seeds=("0",)) == 1
    killer.join()
    ((error,),) = errors(tmp_path / "out").values()
    assert "ended without a word" in error


@needs_slurm
def test_slurm_runs_a_single_bundle(plugin, tmp_path, monkeypatch):
    """Which is a job and no array."""
    monkeypatch.setattr(slurm_jobs, "LOOK", 0.5)
    assert grid(plugin, tmp_path / "out", "slurm", methods=("steady",), seeds=("0",)) == 0


@needs_slurm
def test_slurm_jobs_go_on_without_the_command_and_are_found_again(plugin, tmp_path, alone, monkeypatch, capsys):
    """Submitted and left; edited code does not reach them; the same command submits nothing twice."""
    monkeypatch.setattr(slurm_jobs, "LOOK", 0.5)
    monkeypatch.setattr(slurm, "GONE", 2.0)
    out = tmp_path / "out"
    assert grid(plugin, out, "slurm", "--detach", methods=("steady",)) == 1
    assert f"{len(SEEDS)} Slurm jobs are submitted" in capsys.readouterr().err
    submitted = len(list((out / "slurm" / "jobs").glob("*_submitted.pkl")))
    assert submitted == len(SEEDS)
    (copy,) = (out / "slurm" / "code").iterdir()
    assert json.loads((copy / "commit.json").read_text()) == provenance.commit()
    assert grid(plugin, out, "slurm", methods=("steady",)) == 0
    assert len(list((out / "slurm" / "jobs").glob("*_submitted.pkl"))) == submitted
    assert content(out) == content(alone)
    assert each_once(plugin)


@needs_slurm
def test_slurm_refuses_what_it_does_not_know(plugin, tmp_path, capsys):
    assert grid(plugin, tmp_path / "out", "slurm", "--resources", "partitoin=x") == 2
    assert "--resources: " in capsys.readouterr().err
    assert not (tmp_path / "out" / "records").exists()
    assert grid(plugin, tmp_path / "out", "slurm", "--resources", "slurm_partition=absent") == 2
    assert "sbatch refused" in capsys.readouterr().err


@pytest.mark.parametrize(("engine", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_an_engine_without_its_library_says_what_to_install(plugin, tmp_path, capsys, monkeypatch, engine, package):
    monkeypatch.setattr(f"mora_bench.engines.{engine}.find_spec", lambda name: None)
    assert grid(plugin, tmp_path / "out", engine) == 2
    assert f"pip install 'mora-bench[{engine}]'" in capsys.readouterr().err


def test_shards_are_the_grid_and_share_nothing(plugin, tmp_path, alone):
    for part in (1, 2, 3):
        assert grid(plugin, tmp_path / f"{part}", "inline", "--shard", f"{part}/3", methods=("steady",)) == 0
    # A part of so small a grid may be empty.
    shards = [set(content(tmp_path / f"{part}")) for part in (1, 2, 3)]
    assert sum(map(len, shards)) == len(content(alone))
    assert set().union(*shards) == set(content(alone))
    assert each_once(plugin)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", "1.5/2"])
def test_a_shard_that_is_none_is_refused(shard):
    with pytest.raises(UserError, match="expected I/N"):
        campaign.preset("quick", shard=shard)
