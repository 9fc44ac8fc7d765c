"""What goes wrong while a grid runs (disks, data, caches, memory, plug-ins) is one clear record or one sentence."""

import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from by_hand import measured
from conftest import once
from mora_baselines.prior import Prior

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.data import datasets
from mora_bench.records.store import Store
from mora_bench.records.verify import verify

GRID = ["grid", "--datasets", "odir", "--methods", "prior", "--floors", "none", "--pool", "20", "--seeds", "0", "1"]


@pytest.fixture(autouse=True)
def at_home(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))


def grid(out, *more):
    return cli.main(once([*GRID, "--out", str(out), "--engine", "inline", *more]))


def between(monkeypatch, happens):
    """Let something happen once, after the first cell was written."""
    write = Store.write
    done = []

    def then(store, cell, *rest):
        write(store, cell, *rest)
        if not done:
            done.append(cell)
            happens()

    monkeypatch.setattr(Store, "write", then)


def outcomes(out) -> list[tuple[str, str]]:
    return sorted((record.status, record.error) for record in Store(out).records()[0])


def limited(size: int, out: Path, result) -> None:
    """Run the grid where no file may be larger than `size` bytes, which looks to a program like a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    with open(out.with_suffix(".err"), "w") as stream:
        sys.stderr = stream
        result.value = grid(out)


@pytest.mark.parametrize("size", [0, 200, 3000])
def test_a_disk_that_is_full(tmp_path, size):
    """One sentence, a code that is not 0, nothing half written; with room, the same command goes on."""
    out = tmp_path / "out"
    fork = multiprocessing.get_context("fork")
    result = fork.Value("i", -1)
    process = fork.Process(target=limited, args=(size, out, result))
    process.start()
    process.join(60)
    assert result.value in (1, 2)
    assert not [file for file in out.rglob(".*") if file.is_file()]
    assert grid(out) == 0
    assert verify(Store(out)).wrong == []


def test_a_disk_that_is_full_in_a_worker(tmp_path, capsys, monkeypatch):
    """The worker tells the command, which says it."""
    fork = multiprocessing.get_context("fork")
    monkeypatch.setattr("mora_bench.engines.worker.context", lambda *a: fork)

    def full(self, *anything):
        raise OSError(28, "No space left on device", str(self.folder / "records" / "x"))

    monkeypatch.setattr(Store, "write", full)
    assert cli.main([*GRID, "--out", str(tmp_path / "out"), "--workers", "2"]) == 1
    text = capsys.readouterr().err
    assert f"{tmp_path / 'out' / 'records' / 'x'}: No space left on device. What was finished before is kept." in text
    assert "Traceback" not in text


@contextmanager
def disk(folder: Path, options: str):
    """A small file system of its own; the test is skipped where none may be made."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("mount is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_small_disk_that_fills_up(tmp_path, capsys):
    """A file system of 64 kB, for real."""
    out = tmp_path / "out"
    with disk(out, "size=64k"):
        assert grid(out) == 1
        assert "No space left on device" in capsys.readouterr().err
        assert not [file for file in out.rglob(".*") if file.is_file()]


def test_a_disk_that_is_read_only(tmp_path, capsys):
    out = tmp_path / "out"
    with disk(out, "ro"):
        assert grid(out) == 2
        assert f"--out {out}: cannot be written (Read-only file system)" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["out", "cache"])
def test_a_folder_that_is_a_file(tmp_path, capsys, monkeypatch, where):
    file = tmp_path / "file"
    file.write_text("")
    if where == "cache":
        monkeypatch.setenv("MORA_BENCH_CACHE", str(file / "cache"))
    assert grid(file / "out" if where == "out" else tmp_path / "out") == 2
    assert str(file) in capsys.readouterr().err
    assert file.read_text() == ""


def test_the_cache_goes_while_a_grid_runs(tmp_path, monkeypatch, cache):
    """It is filled again; the scores are the same."""
    undisturbed = tmp_path / "whole"
    cache_copy = tmp_path / "cache"
    shutil.copytree(cache, cache_copy)
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache_copy))
    assert grid(undisturbed) == 0
    between(monkeypatch, lambda: (shutil.rmtree(cache_copy), datasets.forget()))
    assert grid(tmp_path / "out") == 0
    for file in (undisturbed / "scores").iterdir():
        assert measured((tmp_path / "out" / "scores" / file.name).read_bytes()) == measured(file.read_bytes())


def test_the_results_folder_goes_while_a_grid_runs(tmp_path, monkeypatch):
    """A cell whose record went before the command has looked at it runs again."""
    out = tmp_path / "out"
    between(monkeypatch, lambda: shutil.rmtree(out))
    assert grid(out) == 0
    assert outcomes(out) == [("done", "")] * 2
    assert verify(Store(out)).wrong == []


def test_the_results_folder_cannot_be_made_again(tmp_path, monkeypatch, capsys):
    """A file stands in its place by then."""
    out = tmp_path / "out"
    between(monkeypatch, lambda: (shutil.rmtree(out), out.write_text("")))
    assert grid(out) == 1
    message = capsys.readouterr().err
    assert str(out) in message
    assert "What was finished before is kept." in message


@pytest.fixture
def root(tmp_path):
    """A data root on disk."""
    assert cli.main(["twin", "odir", str(tmp_path / "root"), "-n", "90"]) == 0
    return tmp_path / "root"


REAL = ["--folds", "0", "--pool", "0", "--methods", "pixels", "prior"]


def test_the_data_root_goes_while_a_grid_runs(tmp_path, root, monkeypatch):
    """Every cell that reads it is a record that says so; what was done is kept."""
    out = tmp_path / "out"
    between(monkeypatch, lambda: (root.rename(tmp_path / "away"), datasets.forget()))
    assert grid(out, *REAL, "--data-root", str(root)) == 1
    endings = outcomes(out)
    assert len([1 for status, _ in endings if status == "done"]) >= 1
    failed = [error for status, error in endings if status == "failed"]
    assert failed
    assert all(str(root) in error for error in failed)


def test_a_picture_that_becomes_corrupt_while_a_grid_runs(tmp_path, root, monkeypatch):
    """Those cells are records that say that the data have changed; none is trained on something else."""
    out = tmp_path / "out"

    def corrupt():
        picture = sorted(root.rglob("*.jpg"))[3]
        picture.write_bytes(picture.read_bytes()[:200])
        datasets.forget()

    between(monkeypatch, corrupt)
    assert grid(out, *REAL, "--data-root", str(root)) == 1
    failed = [error for status, error in outcomes(out) if status == "failed"]
    assert failed
    assert all("changed after this cell was planned" in error for error in failed)


def test_a_picture_that_is_corrupt_is_named_before_anything_trains(tmp_path, root, capsys, folder):
    """Before a network sees any of them, all are decoded."""
    picture = sorted(root.rglob("*.jpg"))[3]
    picture.write_bytes(picture.read_bytes()[:200])
    more = ["--methods", "head", "--backbone", str(folder), "--recipe.max-text", "64"]
    assert grid(tmp_path / "out", *REAL, "--data-root", str(root), *more) == 2
    assert picture.name in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.json"))


def test_all_corrupt_pictures_are_named_at_once(tmp_path, root, capsys, folder):
    """Up to twenty, then a count."""
    for picture in sorted(root.rglob("*.jpg"))[:50:2]:
        picture.write_bytes(b"no picture")
    more = ["--methods", "head", "--backbone", str(folder), "--recipe.max-text", "64"]
    assert grid(tmp_path / "out", *REAL, "--data-root", str(root), *more) == 2
    message = capsys.readouterr().err
    named, count = message.count("not a readable picture"), re.search(r"\.\.\. and (\d+) more", message)
    assert named == 20
    # A sample of which both pictures are corrupt is one.
    assert 1 <= int(count[1]) <= 5


PLUGIN = """
import numpy as np
from mora_bench.api import Predictor


class Fickle(Predictor):
    title = "fickle"
    source = "this test"

    def fit(self, train, validation, seed):
        self.prior = train.targets.mean(0) * {factor}

    def predict(self, samples):
        return np.tile(self.prior, (len(samples), 1))
"""


def test_a_plugin_that_is_edited_while_a_grid_runs(tmp_path, monkeypatch):
    """Cells planned with the file as it was are not run with what it became."""
    file = tmp_path / "fickle.py"
    file.write_text(PLUGIN.format(factor=1.0))
    monkeypatch.setattr(registry, "_plugins", {group: dict(plugins) for group, plugins in registry._plugins.items()})
    between(monkeypatch, lambda: file.write_text(PLUGIN.format(factor=0.5)))
    out = tmp_path / "out"
    assert grid(out, "--methods", "fickle", "--plugin", str(file)) == 1
    assert outcomes(out) == [
        ("done", ""),
        ("failed", "UserError: fickle was changed after the grid was planned; the same command plans again."),
    ]
    # The edited file is another method, with cells of its own.
    assert grid(out, "--methods", "fickle", "--plugin", str(file)) == 0
    assert len(outcomes(out)) == 4


def test_a_plugin_that_goes_while_a_grid_runs(tmp_path, monkeypatch):
    file = tmp_path / "gone.py"
    file.write_text(PLUGIN.format(factor=1.0).replace("Fickle", "Gone"))
    monkeypatch.setattr(registry, "_plugins", {group: dict(plugins) for group, plugins in registry._plugins.items()})
    between(monkeypatch, file.unlink)
    out = tmp_path / "out"
    assert grid(out, "--methods", "gone", "--plugin", str(file)) == 1
    (error,) = [error for status, error in outcomes(out) if status == "failed"]
    assert f"--plugin {file}: no such file" in error


def hungry(monkeypatch):
    """A method that wants more memory than its process may have."""

    def fit(self, training, validation, seed):
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (held + 2**28, before[1]))
        try:
            self.much = [bytearray(2**26) for _ in range(64)]
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)

    monkeypatch.setattr(Prior, "fit", fit)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_method_that_runs_out_of_memory(tmp_path, monkeypatch, capsys):
    hungry(monkeypatch)
    assert grid(tmp_path / "out", "--methods", "prior", "always") == 1
    endings = outcomes(tmp_path / "out")
    assert [status for status, _ in endings] == ["done", "done", "failed", "failed"]
    assert all(error.startswith("MemoryError") for status, error in endings if status == "failed")
    assert "Bayes" not in capsys.readouterr().err


def test_a_clock_that_jumps(tmp_path, monkeypatch):
    """Scores and keys do not know the time of day."""
    import time

    assert grid(tmp_path / "one") == 0
    now = time.time
    between(monkeypatch, lambda: monkeypatch.setattr(time, "time", lambda: now() - 86400))
    assert grid(tmp_path / "two") == 0
    for file in (tmp_path / "one" / "scores").iterdir():
        assert measured((tmp_path / "two" / "scores" / file.name).read_bytes()) == measured(file.read_bytes())


@pytest.mark.parametrize(
    "name", [".prior.json.{machine}.{dead}.0123abcd", ".x.safetensors.{machine}.{dead}.deadbeef"], ids=str
)
def test_what_a_kill_left_is_swept_at_the_next_start(tmp_path, name, cache):
    from mora_bench.files import machine

    ended = subprocess.Popen(["true"])
    ended.wait()
    out = tmp_path / "out"
    (out / "records").mkdir(parents=True)
    names = name.format(machine=machine(), dead=ended.pid)
    (out / "records" / names).write_text("half")
    (cache / names).mkdir()
    (cache / names / "half").write_text("")
    other = out / "records" / name.format(machine="elsewhere", dead=ended.pid)
    other.write_text("of a machine that may still write it")
    living = out / "records" / name.format(machine=machine(), dead=os.getpid())
    living.write_text("of a process that lives")
    assert grid(out) == 0
    assert sorted(file.name for file in out.rglob(".*")) == sorted([other.name, living.name])
    assert not (cache / names).exists()
