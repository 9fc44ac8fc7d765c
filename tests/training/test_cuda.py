"""Cells on a CUDA device: every competitor, imputer, precision and compiler ends, and ends where the CPU does.

Skipped where there is none.
"""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import ON_A_STREAM, RECIPE, make_cell
from scipy.special import expit

from mora_bench import registry
from mora_bench.records.store import Store
from mora_bench.training.work import work

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
#: The largest difference in a probability between two devices after six steps, and within one device in half precision.
DEVICES, HALF = 0.02, 0.1


@pytest.fixture
def gpu(runtime):
    return dataclasses.replace(runtime, device="cuda")


def ran(cells, runtime):
    """The records and test probabilities of cells that ran as one."""
    work(cells, runtime)
    store = Store(runtime.out)
    records = [store.record(cell) for cell in cells]
    assert [record.error for record in records] == [""] * len(cells)
    return records, [{n: expit(v) for n, v in store.predictions(c).items() if "logits" in n} for c in cells]


def near(probabilities, expected, most):
    assert probabilities.keys() == expected.keys()
    for name in probabilities:
        np.testing.assert_allclose(probabilities[name], expected[name], rtol=0, atol=most, err_msg=name)


def on_both(cell, gpu, runtime, tmp_path, most=DEVICES):
    (record,), (probabilities,) = ran([cell], gpu)
    _, (expected,) = ran([cell], dataclasses.replace(runtime, out=tmp_path / "cpu"))
    assert record.provenance.device == torch.cuda.get_device_name()
    assert record.memory["peak_allocated_mib"] > 0
    near(probabilities, expected, most)


@pytest.mark.parametrize("name", ON_A_STREAM)
def test_methods(name, gpu, runtime, folder, tmp_path):
    on_both(make_cell(runtime, folder, method=name), gpu, runtime, tmp_path)


@pytest.mark.parametrize("name", registry.names(registry.IMPUTERS))
def test_imputers(name, gpu, runtime, folder, tmp_path):
    on_both(make_cell(runtime, folder, impute=name), gpu, runtime, tmp_path)


@pytest.mark.parametrize("method", ["full", "lora", "mora"])
def test_two_towers(method, gpu, runtime, clip_folder, tmp_path):
    on_both(make_cell(runtime, clip_folder, method=method), gpu, runtime, tmp_path)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("method", ["full", "mora"])
def test_precisions(precision, method, gpu, runtime, folder, tmp_path):
    single = make_cell(runtime, folder, method=method)
    half = make_cell(runtime, folder, method=method, recipe=dataclasses.replace(RECIPE, precision=precision))
    near(ran([half], gpu)[1][0], ran([single], gpu)[1][0], HALF)


@pytest.mark.parametrize("compiler", ["on", "graphs"])
def test_compilers(compiler, gpu, runtime, folder, tmp_path):
    cell = make_cell(runtime, folder)
    probabilities = ran([cell], dataclasses.replace(gpu, compiler=compiler, out=tmp_path / compiler))[1][0]
    near(probabilities, ran([cell], gpu)[1][0], DEVICES)


def test_cells_as_one(gpu, runtime, folder, tmp_path):
    cells = [make_cell(runtime, folder, rank=rank) for rank in (1, 2, 4)]
    records, together = ran(cells, gpu)
    assert [(record.not_as_one, record.time.cells_as_one) for record in records] == [("", 3)] * 3
    for cell, probabilities in zip(cells, together, strict=True):
        near(probabilities, ran([cell], dataclasses.replace(gpu, out=tmp_path / "alone"))[1][0], DEVICES)


def test_a_cell_goes_on_from_a_checkpoint(gpu, runtime, folder, tmp_path, monkeypatch):
    from mora_bench.training.checkpoint import Checkpoint

    recipe = dataclasses.replace(RECIPE, dropout=0.1)
    cell = make_cell(runtime, folder, recipe=recipe)
    expected = ran([cell], dataclasses.replace(gpu, out=tmp_path / "whole"))[1][0]
    save = Checkpoint.save

    def dies(self, *rest):
        save(self, *rest)
        raise KeyboardInterrupt

    often = dataclasses.replace(gpu, checkpoint_minutes=1e-9)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", dies)
        with pytest.raises(KeyboardInterrupt):
            work([cell], often)
    (record,), (probabilities,) = ran([cell], often)
    assert record.training.resumed == [1]
    near(probabilities, expected, 1e-5)


def test_twice_the_same(gpu, runtime, folder, tmp_path):
    """The loss of a network whose every part trains is the same to the last bit on the same device."""
    cell = make_cell(runtime, folder, method="full")
    (one,), (first,) = ran([cell], gpu)
    (two,), (second,) = ran([cell], dataclasses.replace(gpu, out=tmp_path / "again"))
    assert one.training.history == two.training.history
    near(first, second, 0)
