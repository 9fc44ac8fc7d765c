"""Decoded samples and their cache."""

import dataclasses

import numpy as np
import pytest
import torch

from mora_bench import registry
from mora_bench.backbones.load import resolve
from mora_bench.data import datasets
from mora_bench.data.cache import prepare
from mora_bench.data.modalities.pictures import resize, side_by_side
from mora_bench.data.samples import View
from mora_bench.data.table import Column
from mora_bench.data.twins import tables as twins


@pytest.fixture
def rules(folder):
    return resolve(str(folder), 64).rules


def cut_at(rules, max_text):
    return {**rules, "text": dataclasses.replace(rules["text"], max_text=max_text)}


def test_pixels_are_the_resized_pair(toy):
    table = toy.table
    pair = side_by_side([p.read() for p in table.modalities["image"].values[3]])
    expected = resize(pair, 32, 64)
    _, image = toy.batch(np.array([3]), np.array([[True, True]])).inputs
    got = ((image.pixels[0].permute(1, 2, 0) + 1) * 127.5).round().numpy().astype(np.uint8)
    assert (got == expected).all()
    assert image.grid.tolist() == [[2, 4]]


def test_dummies_are_all_ones_and_the_empty_text(toy):
    text, image = toy.batch(np.array([0, 1]), np.array([[True, False], [False, True]])).inputs
    assert (image.pixels[0] == 1).all()
    assert not (image.pixels[1] == 1).all()
    assert text.mask.sum(1)[1] == 2
    assert text.ids[1, :2].tolist() == toy.contents[0].empty.tolist()


def test_a_dummy_picture_has_the_canvas_not_the_samples_own_size(toy):
    text, image = toy.contents
    sizes = image.sizes.copy()
    sizes[0] = (16, 16)
    odd = dataclasses.replace(toy, contents=(text, dataclasses.replace(image, sizes=sizes)))
    assert odd.batch(np.array([0]), np.array([[True, False]])).inputs[1].grid.tolist() == [[2, 4]]
    assert odd.batch(np.array([0]), np.array([[True, True]])).inputs[1].grid.tolist() == [[1, 1]]


def test_what_a_sample_lacks_cannot_be_declared_present(toy):
    lacking = dataclasses.replace(toy, present=np.zeros_like(toy.present))
    with pytest.raises(ValueError, match="declared present"):
        lacking.batch(np.array([0]), np.array([[True, True]]))


def test_a_second_call_opens_the_cache(rules, tmp_path, monkeypatch):
    table = twins.cxr(range(12))
    first = prepare(table, "f", rules, tmp_path)
    monkeypatch.setattr("mora_bench.data.cache._write", lambda *a: pytest.fail("decoded twice"))
    second = prepare(table, "f", rules, tmp_path)
    assert isinstance(second.contents[1].pixels, np.memmap)
    assert (first.contents[1].pixels == second.contents[1].pixels).all()
    assert list((tmp_path / "samples").glob(".*")) == []


def test_the_cache_key_holds_every_input(rules, tmp_path):
    table = twins.cxr(range(3))
    for fingerprint, changed in (("f", rules), ("g", rules), ("f", cut_at(rules, 32))):
        prepare(table, fingerprint, changed, tmp_path)
    assert len(list((tmp_path / "samples").iterdir())) == 3


def test_long_texts_are_cut_and_counted(rules, tmp_path):
    data = prepare(twins.cxr(range(20)), "f", cut_at(rules, 16), tmp_path)
    assert data.lengths(np.arange(20)).max() == 16
    assert 0 < data.contents[0].truncated <= 1
    assert data.facts()["text"] == {"truncated": data.contents[0].truncated}


def test_a_dataset_without_any_picture_has_a_square_canvas(rules, tmp_path):
    table = twins.cxr(range(5))
    table = dataclasses.replace(
        table, modalities=table.modalities | {"image": Column("image", ((None,), None, (None,), None, (None,)))}
    )
    data = prepare(table, "f", rules, tmp_path)
    assert data.contents[1].canvas == (32, 32)
    assert not data.present[:, 1].any()
    assert (data.batch(np.arange(5), data.present).inputs[1].pixels == 1).all()


def test_a_view_combines_mask_and_nature(toy):
    view = View(toy, np.arange(4), np.array([[1, 1], [0, 1], [1, 0], [1, 1]], bool))
    assert view.targets.dtype == torch.float32
    assert view.present.tolist() == [[True, True], [False, True], [True, False], [True, True]]


@pytest.mark.parametrize("name", registry.names(registry.DATASETS))
def test_no_model_is_given_a_name(name, rules, tmp_path):
    """Whatever the ids, patients, groups and covariates of samples are, a backbone gets the same inputs."""
    table = datasets.get(name).twin().only(np.arange(5))
    names = tuple(reversed([f"another {id}" for id in table.ids]))
    other = dataclasses.replace(table, ids=names, patients=names, covariates={}, inseparable=(("x",) * 5,))
    first, again = (prepare(variant, str(k), rules, tmp_path) for k, variant in enumerate((table, other)))
    both = [samples.batch(np.arange(5), samples.present) for samples in (first, again)]
    assert {field.name for field in dataclasses.fields(both[0])} == {"inputs", "present"}
    for one, two in zip(*(batch.inputs for batch in both), strict=True):
        for field in dataclasses.fields(one):
            left, right = getattr(one, field.name), getattr(two, field.name)
            if isinstance(left, torch.Tensor):
                torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True)
            else:
                assert left == right
