"""Whole cells: determinism, workers, resumption, failure."""

import dataclasses
import json
import multiprocessing
import os
import signal

import numpy as np
import pytest
from conftest import make_cell
from safetensors.numpy import load_file

from mora_bench.engines import processes, serial
from mora_bench.missing import masks as missing
from mora_bench.records.store import Store
from mora_bench.tasks import metrics as scores
from mora_bench.training.cell import run_cell, samples, work

SAME = ("scores", "training", "parameters", "flops", "data")


def test_the_same_seed_gives_the_same_bits(site, folder):
    cell = make_cell(site, folder)
    (one, first), (two, second) = run_cell(cell, site), run_cell(cell, site)
    for part in SAME:
        assert json.dumps(one[part]) == json.dumps(two[part]), part
    assert all((first[n] == second[n]).all() or np.isnan(first[n]).any() for n in first)


def test_workers_change_nothing(site, folder):
    cells = [make_cell(site, folder, method=m, seed=s) for m in ("mora", "head") for s in (0, 1)]
    alone = {c.key: r for c, r in serial.run(cells, site)}
    other = dataclasses.replace(site, out=site.out / "two", workers=2)
    together = {c.key: r for c, r in processes.run(cells, other)}
    assert alone.keys() == together.keys()
    for key in alone:
        for part in SAME:
            assert json.dumps(alone[key][part]) == json.dumps(together[key][part])


def test_predictions_are_enough_to_score_again(site, folder):
    cell = make_cell(site, folder)
    (record,) = work([cell], site)
    assert record["status"] == "done", record.get("trace")
    saved = load_file(Store(site.out).prediction_file(cell))
    kept = missing.mask(len(saved["test_rows"]), "both", 0.7, data=cell.data, split="test", seed=cell.seed)
    present = missing.combine(saved["test_natural"], kept)
    again = scores.stratified(saved["test_targets"], saved["test_logits"], present)
    assert again["f1_macro"] == record["scores"]["test"]["both"]["f1_macro"]
    at = record["scores"]["curve"]["rates"].index(0.7)
    assert record["scores"]["curve"]["both"][at] == again["f1_macro"]
    assert record["scores"]["curve"]["image"][0] == record["scores"]["test"]["complete"]["f1_macro"]


def test_naturally_missing_pictures_are_predicted_only_as_they_are(site, folder, monkeypatch):
    cell = make_cell(site, folder, method="head")
    data = samples("odir", str(folder), 64, site)
    natural = data.present.copy()
    natural[::2, 1] = False
    lacking = dataclasses.replace(data, present=natural)
    monkeypatch.setattr("mora_bench.training.cell.samples", lambda *a: lacking)
    record, predictions = run_cell(cell, site)
    without = ~predictions["test_natural"][:, 1]
    assert without.any()
    logits = predictions["test_logits"]
    assert np.isnan(logits[without][:, 1:]).all()
    assert not np.isnan(logits[without][:, 0]).any()
    assert not np.isnan(logits[~without]).any()
    assert record["data"]["realised"]["test"]["naturally_without_image"] == pytest.approx(without.mean())


def test_a_failing_cell_is_a_record_and_the_next_one_runs(site, folder, monkeypatch):
    good, bad = make_cell(site, folder, method="head"), make_cell(site, folder, method="mora")
    monkeypatch.setattr("mora_bench.methods.mora.Mora.__init__", lambda *a: 1 / 0)
    records = dict(serial.run([bad, good], site))
    assert records[bad]["status"] == "failed"
    assert "ZeroDivisionError" in records[bad]["error"]
    assert records[good]["status"] == "done"
    assert Store(site.out).status([bad]) == {bad.key: "failed"}


def _dies(cells, site):
    if cells[0].method == "mora":
        os.kill(os.getpid(), signal.SIGKILL)
    return work(cells, site)


def test_a_killed_worker_takes_one_cell_with_it(site, folder, monkeypatch):
    monkeypatch.setattr(processes, "work", _dies)
    monkeypatch.setattr(processes, "context", lambda: multiprocessing.get_context("fork"))
    cells = [make_cell(site, folder, method=m, seed=s) for s in (0, 1) for m in ("mora", "head")]
    records = dict(processes.run(cells, dataclasses.replace(site, workers=2)))
    assert {c.method: r["status"] for c, r in records.items()} == {"mora": "failed", "head": "done"}
    error = next(r["error"] for c, r in records.items() if c.method == "mora")
    assert "SIGKILL" in error
    assert "out of memory" in error


def test_workers_keep_to_cores_of_their_own_where_they_fill_the_machine(site, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {2, 3, 5, 7}, raising=False)
    full = dataclasses.replace(site, workers=2, threads=2)
    assert [processes.own_cores(place, full) for place in (0, 1)] == [{2, 3}, {5, 7}]
    assert processes.own_cores(0, dataclasses.replace(site, workers=3)) is None
    assert processes.own_cores(0, dataclasses.replace(full, device="cuda")) is None


def test_methods_see_the_same_masks_and_splits(site, folder):
    records = [work([make_cell(site, folder, method=m)], site)[0] for m in ("head", "map")]
    assert records[0]["data"]["split"] == records[1]["data"]["split"]
    assert records[0]["data"]["realised"] == records[1]["data"]["realised"]


def test_training_learns(site, folder):
    """On the training rows themselves: a few epochs of full fine-tuning must lower the loss."""
    recipe = dataclasses.replace(make_cell(site, folder).recipe, epochs=8, lr=2e-3)
    cell = make_cell(site, folder, method="full", missing="complete", rate=0.0, recipe=recipe)
    (record,) = work([cell], site)
    losses = [row["loss"] for row in record["training"]["history"]]
    assert losses[-1] < 0.8 * losses[0]


def test_a_loss_that_explodes_says_so(site, folder):
    recipe = dataclasses.replace(make_cell(site, folder).recipe, lr=1e30)
    (record,) = work([make_cell(site, folder, method="full", recipe=recipe)], site)
    assert record["status"] == "failed"
    assert "lower recipe.lr" in record["error"]
