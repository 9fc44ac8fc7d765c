"""Whole cells: determinism, workers, resumption, failure."""

import dataclasses
import multiprocessing
import os
import signal

import msgspec
import numpy as np
import pytest
from conftest import make_cell, with_present

from mora_bench.cells.cell import Cell
from mora_bench.cells.missing import UNIFORM
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.engines import worker
from mora_bench.engines.inline import Inline
from mora_bench.engines.processes import Processes
from mora_bench.missing import masks
from mora_bench.records import store as stores
from mora_bench.records.equal import differences
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import Store
from mora_bench.scoring.pick import stratified
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training import cell as cell_module
from mora_bench.training import masking
from mora_bench.training.bundles import bundles
from mora_bench.training.cell import run_cells
from mora_bench.training.decoded import samples
from mora_bench.training.work import lost, work

SAME = ("training", "beginning", "parameters", "flops", "data")


def ran(engine, cells, runtime) -> dict[Cell, tuple[Record, Scores | stores.Refused]]:
    """Records and scores of all cells, in the order in which they ended."""
    store = Store(runtime.out)
    ended = engine().run(bundles(cells, runtime.fuse), runtime, work, lost)
    return {cell: (store.record(cell), store.scores_of(cell)) for cell in ended}


def record_of(cell: Cell, runtime: Runtime) -> Record:
    work([cell], runtime)
    return Store(runtime.out).record(cell)


def text(value) -> bytes:
    """As it stands in a file, to the last digit."""
    return msgspec.json.encode(value)


def test_the_same_seed_gives_the_same_bits(runtime, folder):
    cell = make_cell(runtime, folder)
    ((one,), (two,)) = run_cells([cell], runtime), run_cells([cell], runtime)
    assert text(one.scores) == text(two.scores)
    for part in SAME:
        assert text(getattr(one.record, part)) == text(getattr(two.record, part)), part
    first, second = one.predictions, two.predictions
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[n], second[n], equal_nan=True) for n in first)


def test_workers_change_nothing(runtime, folder):
    cells = [make_cell(runtime, folder, method=m, seed=s) for m in ("mora", "head") for s in (0, 1)]
    alone = ran(Inline, cells, runtime)
    together = ran(Processes, cells, dataclasses.replace(runtime, out=runtime.out / "two", workers=2))
    assert alone.keys() == together.keys()
    for cell, (record, scores) in alone.items():
        other, others = together[cell]
        # Each names its own record, in which times stand.
        assert not differences(scores, others)
        for part in SAME:
            assert text(getattr(record, part)) == text(getattr(other, part))


def test_predictions_are_enough_to_score_again(runtime, folder):
    cell = make_cell(runtime, folder)
    record = record_of(cell, runtime)
    assert record.status == "done", record.trace
    saved = Store(runtime.out).predictions(cell)
    natural = saved["test_natural"]
    units = masks.Units(natural, cell.modalities, saved["test_tokens"], {}, (), saved["test_targets"])
    kept = masks.mask(units, "both", 0.7, UNIFORM, data=cell.drawn_by, split="test", seed=cell.seed)
    present = presence.combine(natural, kept)
    again, _ = stratified(MultiLabel(), saved["test_targets"], saved["test_logits"], present, cell.modalities)
    scores = Store(runtime.out).scores_of(cell)
    assert again["f1_macro"] == scores.test["both"].scores["f1_macro"]
    at = scores.rates.index(0.7)
    assert scores.curve["both"][at] == again["f1_macro"]
    assert scores.curve["image"][0] == scores.test["complete"].scores["f1_macro"]


def test_naturally_missing_pictures_are_predicted_only_as_they_are(runtime, folder, monkeypatch):
    cell = make_cell(runtime, folder, method="head")
    data = samples("odir", str(folder), 64, runtime)
    lacking = without_pictures(data)
    monkeypatch.setattr("mora_bench.training.cell.samples", lambda *a: lacking)
    (outcome,) = run_cells([cell], runtime)
    without = ~outcome.predictions["test_natural"][:, 1]
    assert without.any()
    logits = outcome.predictions["test_logits"]
    assert np.isnan(logits[without][:, 1:]).all()
    assert not np.isnan(logits[without][:, 0]).any()
    assert not np.isnan(logits[~without]).any()
    assert outcome.record.data.realised["test"]["naturally_without_image"] == pytest.approx(without.mean())


def without_pictures(data):
    """Samples of which every other has no picture, in the table as among what was decoded."""
    images = data.table.modalities["image"]
    values = tuple(None if row % 2 == 0 else value for row, value in enumerate(images.values))
    modalities = data.table.modalities | {"image": dataclasses.replace(images, values=values)}
    lacking = dataclasses.replace(data, table=dataclasses.replace(data.table, modalities=modalities))
    return with_present(lacking, lacking.table.present)


def test_a_failing_cell_is_a_record_and_the_next_one_runs(runtime, folder, monkeypatch):
    good, bad = make_cell(runtime, folder, method="head"), make_cell(runtime, folder, method="mora")
    monkeypatch.setattr("mora_bench.methods.mora.Mora.__init__", lambda *a: 1 / 0)
    records = {cell: record for cell, (record, _) in ran(Inline, [bad, good], runtime).items()}
    assert records[bad].status == "failed"
    assert "ZeroDivisionError" in records[bad].error
    assert records[good].status == "done"
    assert Store(runtime.out).status([bad]) == {bad: "failed"}


def _dies(cells, runtime):
    if cells[0].method == "mora":
        os.kill(os.getpid(), signal.SIGKILL)
    work(cells, runtime)


def test_a_killed_worker_takes_one_cell_with_it(runtime, folder, monkeypatch):
    monkeypatch.setattr(worker, "context", lambda: multiprocessing.get_context("fork"))
    cells = [make_cell(runtime, folder, method=m, seed=s) for s in (0, 1) for m in ("mora", "head")]
    runtime = dataclasses.replace(runtime, workers=2)
    ended = list(Processes().run(bundles(cells, 1), runtime, _dies, lost))
    assert set(ended) == set(cells)
    assert len(ended) == len(cells)
    records = {cell: Store(runtime.out).record(cell) for cell in ended}
    assert {c.method: r.status for c, r in records.items()} == {"mora": "failed", "head": "done"}
    error = next(r.error for c, r in records.items() if c.method == "mora")
    assert "SIGKILL" in error
    assert "out of memory" in error


def test_workers_keep_to_cores_of_their_own_where_they_fill_the_machine(runtime, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {2, 3, 5, 7}, raising=False)
    full = dataclasses.replace(runtime, workers=2, threads=2)
    assert [worker.own_cores(number, full) for number in (0, 1)] == [{2, 3}, {5, 7}]
    assert worker.own_cores(0, dataclasses.replace(runtime, workers=3)) is None
    assert worker.own_cores(0, dataclasses.replace(full, device="cuda")) is None


def test_methods_see_the_same_masks_and_splits(runtime, folder):
    records = [record_of(make_cell(runtime, folder, method=m), runtime) for m in ("head", "map")]
    assert records[0].data.split == records[1].data.split
    assert records[0].data.realised == records[1].data.realised


def test_training_learns(runtime, folder):
    """On the training rows themselves: a few epochs of full fine-tuning must lower the loss."""
    recipe = dataclasses.replace(make_cell(runtime, folder).recipe, epochs=8, lr=2e-3)
    cell = make_cell(runtime, folder, method="full", missing="complete", rate=0.0, recipe=recipe)
    losses = [row.loss for row in record_of(cell, runtime).training.history]
    assert losses[-1] < 0.8 * losses[0]


def test_a_loss_that_explodes_says_so(runtime, folder):
    recipe = dataclasses.replace(make_cell(runtime, folder).recipe, lr=1e30)
    record = record_of(make_cell(runtime, folder, method="full", recipe=recipe), runtime)
    assert record.status == "failed"
    assert "lower recipe.lr" in record.error


def test_a_cell_whose_decoded_samples_are_written_into_is_a_record_and_the_next_one_reads_what_is_right(
    runtime, folder, tmp_path, monkeypatch
):
    runtime = dataclasses.replace(runtime, cache=tmp_path / "cache")
    intact, damaged, after = (make_cell(runtime, folder, method="head", seed=seed) for seed in (0, 1, 1))
    work([intact], runtime)
    (sample_folder,) = (tmp_path / "cache" / "samples").iterdir()
    assert masking.decoded(intact, runtime) == [sample_folder]
    real = cell_module.fitted

    def fitted(*rest, **more):
        (sample_folder / "1" / "pixels.bin").write_bytes(bytes((sample_folder / "1" / "pixels.bin").stat().st_size))
        return real(*rest, **more)

    store = Store(runtime.out)
    with monkeypatch.context() as patch:
        patch.setattr(cell_module, "fitted", fitted)
        work([damaged], runtime)
    record = store.record(damaged)
    assert record.status == "failed"
    assert f"{sample_folder}: 1/pixels.bin was written into while this cell read it" in record.error
    elsewhere = dataclasses.replace(runtime, out=tmp_path / "elsewhere")
    work([after], elsewhere)
    right = dataclasses.replace(runtime, out=tmp_path / "right", cache=tmp_path / "other")
    work([after], right)
    assert not differences(Store(elsewhere.out).scores_of(after), Store(right.out).scores_of(after))
