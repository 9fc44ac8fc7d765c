"""A training that is killed goes on from its checkpoint and ends with the same bits."""

import dataclasses
import errno
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
import torch
from by_hand import measured
from conftest import EVERYTHING, ON_A_STREAM, RECIPE, make_cell

from mora_bench import registry
from mora_bench.checks.subject import CPU
from mora_bench.records.store import Store
from mora_bench.training import checkpoint
from mora_bench.training.checkpoint import Checkpoint, Position
from mora_bench.training.cost import StepClock
from mora_bench.training.work import work


class Killed(BaseException):
    """What a kill is to a process that a test runs in."""


@pytest.fixture
def often(runtime):
    """A runtime where every step is saved."""
    return dataclasses.replace(runtime, checkpoint_minutes=1e-9)


def dies(monkeypatch, after):
    """Let the process die after so many saves."""
    save = Checkpoint.save
    saves = []

    def counted(self, *rest):
        self.every = 0.0
        save(self, *rest)
        self.every = 0.0
        saves.append(rest[2].step)
        if len(saves) == after:
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", counted)
    return saves


def killed(cell, runtime, monkeypatch):
    """Train a cell until its second save."""
    with monkeypatch.context() as patch:
        dies(patch, 2)
        with pytest.raises(Killed):
            work([cell], runtime)


def results(cells, runtime):
    store = Store(runtime.out)
    records = [store.record(cell) for cell in cells]
    assert all(record.status == "done" for record in records), [record.error for record in records]
    outcomes = [(store.predictions(cell), measured(store.score_file(cell).read_bytes())) for cell in cells]
    histories = [(r.training.history, r.training.best_step, r.training.steps) for r in records]
    return outcomes, histories, [record.training.resumed for record in records]


def same(cells, runtime, often, tmp_path, monkeypatch, after):
    """Train whole, then killed after some saves and again: the same bits."""
    work(cells, dataclasses.replace(runtime, out=tmp_path / "whole", checkpoint_minutes=0))
    expected, histories, never = results(cells, dataclasses.replace(runtime, out=tmp_path / "whole"))
    assert never == [[]] * len(cells)
    often = dataclasses.replace(often, out=tmp_path / "killed")
    resumed = []
    for dying in after:
        with monkeypatch.context() as patch:
            saves = dies(patch, dying)
            with pytest.raises(Killed):
                work(cells, often)
        resumed.append(saves[-1])
    # Whatever the process drew before it was killed must not matter.
    torch.manual_seed(99)
    work(cells, often)
    again, histories_again, gone_on = results(cells, often)
    assert gone_on == [resumed] * len(cells)
    assert histories_again == histories
    for (predictions, scores), (predictions_again, scores_again) in zip(expected, again, strict=True):
        assert scores_again == scores
        for name, values in predictions.items():
            np.testing.assert_array_equal(predictions_again[name], values, strict=True)
    assert not list((tmp_path / "killed" / "checkpoints").iterdir())


#: The others are killed without dropout, by `resuming` in the rules of methods.
KILLED = ("mora", "full", "dora", "memprompt", "aoept", "ragpt")


@pytest.mark.parametrize("name", [name for name in ON_A_STREAM if EVERYTHING or name in KILLED])
def test_every_method_goes_on_to_the_same_bits(name, runtime, often, folder, tmp_path, monkeypatch):
    """With dropout, so that random states matter; killed in the first epoch and, after that, in a later one."""
    # One that reads labels runs without the network's dropout; RAGPT has its own.
    dropout = 0.0 if registry.get(registry.METHODS, name).reads_labels else 0.1
    recipe = dataclasses.replace(RECIPE, epochs=3, dropout=dropout)
    same([make_cell(runtime, folder, method=name, recipe=recipe)], runtime, often, tmp_path, monkeypatch, (1, 4))


@pytest.mark.parametrize(
    "changes",
    [
        {"patience": 1, "epochs": 6},
        {"validate_every": 0.5},
        {"precision": "bf16"},
        {"warmup": 0.5, "head_lr_mult": 3.0, "weight_decay": 0.1},
        {"projection": "aligned"},
    ],
    ids=str,
)
def test_every_recipe_goes_on_to_the_same_bits(changes, runtime, often, folder, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPE, epochs=2)
    folder = "fused:untrained,untrained" if "projection" in changes else folder
    cell = make_cell(runtime, folder, method="mora", recipe=dataclasses.replace(recipe, **changes))
    same([cell], runtime, often, tmp_path, monkeypatch, (2,))


@pytest.mark.parametrize("fuse", [1, 2])
def test_a_cell_that_is_killed_in_its_decay_goes_on_to_the_same_bits(
    fuse, runtime, often, folder, tmp_path, monkeypatch
):
    """A rate so small that no look is better than the first, so that the decay begins after three epochs."""
    changes = {"schedule": "plateau", "patience": 2, "epochs": 9, "warmup_epochs": 0.5, "decay_epochs": 2}
    # Cells that train as one cannot draw.
    changes |= {"dropout": 0.1 if fuse == 1 else 0.0}
    recipes = [dataclasses.replace(RECIPE, lr=lr, **changes).settled() for lr in (1e-9, 2e-9)[:fuse]]
    cells = [make_cell(runtime, folder, method="lora", recipe=recipe, watched="auroc") for recipe in recipes]
    same(cells, runtime, often, tmp_path, monkeypatch, (2, 19))
    training = Store(tmp_path / "killed").record(cells[0]).training
    assert training.fell_after == 18
    assert training.resumed[-1] in range(19, training.steps)


def test_cells_that_train_as_one_go_on_as_one(runtime, often, folder, tmp_path, monkeypatch):
    recipe = dataclasses.replace(RECIPE, epochs=2)
    cells = [
        make_cell(runtime, folder, method="lora", recipe=dataclasses.replace(recipe, lr=lr)) for lr in (1e-3, 3e-3)
    ]
    same(cells, runtime, often, tmp_path, monkeypatch, (3,))


def test_a_checkpoint_of_something_else_is_not_gone_on_from(runtime, often, folder, tmp_path, monkeypatch):
    """Other threads give other last bits."""
    cell = make_cell(runtime, folder, method="mora", recipe=dataclasses.replace(RECIPE, epochs=2))
    often = dataclasses.replace(often, out=tmp_path)
    killed(cell, often, monkeypatch)
    work([cell], dataclasses.replace(often, threads=2))
    torch.set_num_threads(1)
    assert results([cell], often)[2] == [[]]


@pytest.mark.parametrize("content", [b"", b"{", b"\x08\0\0\0\0\0\0\0{}      ", None])
def test_a_checkpoint_that_is_cut_or_none_is_not_believed(content, runtime, often, folder, tmp_path, monkeypatch):
    cell = make_cell(runtime, folder, method="head", recipe=dataclasses.replace(RECIPE, epochs=2))
    often = dataclasses.replace(often, out=tmp_path)
    killed(cell, often, monkeypatch)
    (file,) = (tmp_path / "checkpoints").iterdir()
    file.write_bytes(file.read_bytes()[:-7] if content is None else content)
    work([cell], often)
    assert results([cell], often)[2] == [[]]


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_a_byte_of_a_checkpoint_that_flips_is_not_gone_on_from(part, runtime, often, folder, tmp_path, monkeypatch):
    cell = make_cell(runtime, folder, method="head", recipe=dataclasses.replace(RECIPE, epochs=2))
    often = dataclasses.replace(often, out=tmp_path)
    killed(cell, often, monkeypatch)
    (file,) = (tmp_path / "checkpoints").iterdir()
    content = bytearray(file.read_bytes())
    content[int(part * len(content))] ^= 1
    file.write_bytes(content)
    work([cell], often)
    assert results([cell], often)[2] == [[]]


def test_a_disk_that_is_full_costs_the_checkpoint_alone(runtime, often, folder, tmp_path, monkeypatch, capsys):
    def full(*anything):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mora_bench.training.checkpoint.write_atomic", full)
    cell = make_cell(runtime, folder, method="head")
    often = dataclasses.replace(often, out=tmp_path)
    work([cell], often)
    results([cell], often)
    printed = capsys.readouterr().err
    assert printed.count("no checkpoint (No space left on device); a killed cell would start anew") == 1


@pytest.mark.parametrize(("seconds", "every"), [(0.1, 300.0), (2.0, 400.0)])
def test_saves_are_rare_enough_to_cost_half_a_percent(tmp_path, monkeypatch, seconds, every):
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])

    def slow(*anything):
        now[0] += seconds

    monkeypatch.setattr(checkpoint, "write_atomic", slow)
    saver = Checkpoint(tmp_path / "x", {}, 300.0)
    now[0] += 299.0
    assert not saver.due()
    now[0] += 1.0
    assert saver.due()
    saver.save([], StepClock(CPU), Position(), CPU)
    now[0] += every - 1
    assert not saver.due()
    now[0] += 1
    assert saver.due()


def test_a_cell_that_is_killed_for_real_goes_on(runtime, often, folder, tmp_path, cache):
    """SIGKILL while it trains, wherever it is; at most one interval is lost."""
    recipe = dataclasses.replace(RECIPE, epochs=40)
    cell = make_cell(runtime, folder, method="mora", recipe=recipe)
    work([cell], dataclasses.replace(runtime, out=tmp_path / "whole"))
    often = dataclasses.replace(often, out=tmp_path / "killed")
    for kill in range(3):
        process = multiprocessing.get_context("fork").Process(target=work, args=([cell], often))
        process.start()
        until = time.monotonic() + 60
        checkpoints = tmp_path / "killed" / "checkpoints"
        seen = {f.stat().st_mtime_ns for f in checkpoints.glob("*.safetensors")} if checkpoints.is_dir() else set()
        while time.monotonic() < until and process.is_alive():
            now = {f.stat().st_mtime_ns for f in checkpoints.glob("*.safetensors")} if checkpoints.is_dir() else set()
            if now - seen:
                break
            time.sleep(0.005)
        time.sleep(0.03 * kill)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    work([cell], often)
    outcomes, histories, resumed = results([cell], often)
    reference, expected, _ = results([cell], dataclasses.replace(runtime, out=tmp_path / "whole"))
    assert len(resumed[0]) >= 1
    assert sorted(resumed[0]) == resumed[0]
    assert histories == expected
    assert outcomes[0][1] == reference[0][1]
