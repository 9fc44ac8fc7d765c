"""Decoded samples and their cache."""

import dataclasses

import numpy as np
import pytest
import torch

from mora_bench.backbones.load import resolve
from mora_bench.data import twins
from mora_bench.data.modalities.pictures import resize, side_by_side
from mora_bench.data.samples import Inputs, View, prepare


@pytest.fixture
def inputs(folder):
    spec = resolve(str(folder))
    return Inputs(spec.rule, spec.tokenizer, 64)


def test_pixels_are_the_resized_pair(toy):
    table = toy.table
    pair = side_by_side([p.read() for p in table.pictures[3]])
    expected = resize(pair, 32, 64)
    batch = toy.batch(np.array([3]), np.array([[True, True]]))
    got = ((batch.pixels[0].permute(1, 2, 0) + 1) * 127.5).round().numpy().astype(np.uint8)
    assert (got == expected).all()
    assert batch.grid.tolist() == [[2, 4]]


def test_dummies_are_all_ones_and_the_empty_text(toy):
    batch = toy.batch(np.array([0, 1]), np.array([[True, False], [False, True]]))
    assert (batch.pixels[0] == 1).all()
    assert not (batch.pixels[1] == 1).all()
    assert batch.ids_mask.sum(1)[1] == 2
    assert batch.ids[1, :2].tolist() == toy.empty.tolist()


def test_a_dummy_picture_has_the_canvas_not_the_samples_own_size(toy):
    sizes = toy.sizes.copy()
    sizes[0] = (16, 16)
    odd = dataclasses.replace(toy, sizes=sizes)
    assert odd.batch(np.array([0]), np.array([[True, False]])).grid.tolist() == [[2, 4]]
    assert odd.batch(np.array([0]), np.array([[True, True]])).grid.tolist() == [[1, 1]]


def test_what_a_sample_lacks_cannot_be_declared_present(toy):
    lacking = dataclasses.replace(toy, present=np.zeros_like(toy.present))
    with pytest.raises(ValueError, match="declared present"):
        lacking.batch(np.array([0]), np.array([[True, True]]))


def test_a_second_call_opens_the_cache(inputs, tmp_path, monkeypatch):
    table = twins.cxr(12)
    first = prepare(table, "f", inputs, tmp_path)
    monkeypatch.setattr("mora_bench.data.samples._write", lambda *a: pytest.fail("decoded twice"))
    second = prepare(table, "f", inputs, tmp_path)
    assert isinstance(second.pixels, np.memmap)
    assert (first.pixels == second.pixels).all()
    assert list((tmp_path / "samples").glob(".*")) == []


def test_the_cache_key_holds_every_input(inputs, tmp_path):
    table = twins.cxr(3)
    for fingerprint, changed in (("f", inputs), ("g", inputs), ("f", dataclasses.replace(inputs, max_text=32))):
        prepare(table, fingerprint, changed, tmp_path)
    assert len(list((tmp_path / "samples").iterdir())) == 3


def test_long_texts_are_cut_and_counted(inputs, tmp_path):
    data = prepare(twins.cxr(20), "f", dataclasses.replace(inputs, max_text=16), tmp_path)
    assert data.text_lengths(np.arange(20)).max() == 16
    assert 0 < data.truncated <= 1


def test_a_dataset_without_any_picture_has_a_square_canvas(inputs, tmp_path):
    table = dataclasses.replace(twins.cxr(5), pictures=((None,),) * 5)
    data = prepare(table, "f", inputs, tmp_path)
    assert data.canvas == (32, 32)
    assert not data.present[:, 1].any()
    assert (data.batch(np.arange(5), data.present).pixels == 1).all()


def test_a_view_combines_mask_and_nature(toy):
    view = View(toy, np.arange(4), np.array([[1, 1], [0, 1], [1, 0], [1, 1]], bool))
    assert view.targets.dtype == torch.float32
    assert view.present.tolist() == [[True, True], [False, True], [True, False], [True, True]]
