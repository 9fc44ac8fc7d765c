"""Where the frozen beginning is kept changes no number."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import ON_A_STREAM, load, make_model, settled, thirds, with_present

from mora_bench.backbones.contract import At
from mora_bench.checks.subject import CPU
from mora_bench.data.samples import View
from mora_bench.methods.contract import Place
from mora_bench.methods.network import PrefixState, Shortcuts
from mora_bench.training import state_cache as feeds
from mora_bench.training.predict import predict
from mora_bench.training.state_cache import Feed

AT = np.array([5, 0, 11, 7])


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(12))


def model_of(name, folder, view):
    model = make_model(name.partition("-")[0], load(folder))
    if name == "mora-late":
        # Beside the last block, of which only [CLS] is computed.
        model.method.place = {At(0, 2): Place("all", 0)}
    for parameter in model.method.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return settled(model, view).eval()


@pytest.mark.parametrize("name", ["head", "mora", "mora-late", "lora", "map"])
@pytest.mark.parametrize("storage", ["host", "disk"])
def test_kept_states_give_what_computing_them_gives(name, storage, folder, view, monkeypatch):
    model = model_of(name, folder, view)
    monkeypatch.setattr(feeds, "BLOCKS", 1)
    monkeypatch.setattr(feeds, "_room", lambda device: {"host": 0, "disk": 1e9, storage: 1e9})
    stored, computed = Feed(model, view, 5, CPU), Feed(model, view, 5, CPU, keep=False)
    assert stored.kept
    assert not computed.kept
    assert ("ahead" in stored.kept[0].columns) == name.startswith("mora")
    with torch.no_grad():
        torch.testing.assert_close(model.finish(stored.state(AT)), model.finish(computed.state(AT)), rtol=0, atol=1e-5)
        logits = torch.cat([model.finish(state) for state in stored.in_order(5)])
        torch.testing.assert_close(logits, model(view.batch(np.arange(12))), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ON_A_STREAM)
@pytest.mark.parametrize("keep", [True, False])
def test_few_lengths_give_the_same_logits(name, keep, folder, view):
    model = settled(make_model(name, load(folder)), view).eval()
    few, plain = (Feed(model, view, 5, CPU, keep, few_lengths=few) for few in (True, False))
    batches = [AT, np.array([3]), np.array([1, 2, 8])]
    lengths = set()
    with torch.no_grad():
        for at, padded, state in zip(batches, few.states(batches), plain.states(batches), strict=True):
            torch.testing.assert_close(model.finish(padded), model.finish(state), rtol=0, atol=1e-5)
            torch.testing.assert_close(model.finish(few.state(at)), model.finish(state), rtol=0, atol=1e-5)
            if isinstance(padded, PrefixState):
                lengths |= {tokens.x.shape[1] for tokens in padded.streams}
    assert all(length == 1 or length % 16 == 0 for length in lengths)


def test_lengths_are_few_and_little_longer():
    lengths = range(1, 2000)
    rounded = [feeds.rounded(length) for length in lengths]
    assert rounded == sorted(rounded)
    assert all(0 <= longer - length < max(16, length / 8) for longer, length in zip(rounded, lengths, strict=True))
    assert len(set(rounded)) == 1 + 16 + 3 * 8
    assert [feeds.rounded(length) for length in (16, 17, 256, 257, 1025)] == [16, 32, 256, 288, 1152]
    # A sequence of one token stays one, because what was computed ahead of it is told by its length.
    assert feeds.rounded(1) == 1


def test_what_fits_nowhere_is_computed_each_time(folder, view, monkeypatch):
    monkeypatch.setattr(feeds, "_room", lambda device: {"host": 1000, "disk": 1000})
    assert not Feed(model_of("head", folder, view), view, 5, CPU).kept


def test_nothing_is_kept_of_a_model_of_which_nothing_is_known(folder, view):
    model = model_of("head", folder, view)
    model.shortcuts = Shortcuts()
    assert not Feed(model, view, 5, CPU).kept


def test_embeddings_alone_are_never_read_from_disk(folder, view, monkeypatch):
    monkeypatch.setattr(feeds, "_room", lambda device: {"host": 0, "disk": 1e9})
    assert not Feed(model_of("mora", folder, view), view, 5, CPU).kept
    assert Feed(model_of("head", folder, view), view, 5, CPU).kept


def test_what_grows_beyond_its_room_is_given_up(folder, view, monkeypatch):
    """The first batch is the shortest: text only."""
    model = model_of("lora", folder, view)
    order = np.argsort(view.present[:, 1], kind="stable")
    ordered = View(view.samples, view.rows[order], view.present[order])
    sizes = []
    monkeypatch.setattr(feeds, "_room", lambda device: {"host": 1e9, "disk": 0})
    original = Feed._place
    monkeypatch.setattr(Feed, "_place", lambda self, size: sizes.append(size) or original(self, size))
    assert Feed(model, ordered, 2, CPU).kept
    monkeypatch.setattr(feeds, "_room", lambda device: {"host": sizes[0] / feeds.SHARE + 8, "disk": 0})
    text, image = view.samples.contents
    longer = dataclasses.replace(view.samples, contents=(text, dataclasses.replace(image, canvas=(16, 16))))
    assert not Feed(model, dataclasses.replace(ordered, samples=longer), 2, CPU).kept


def test_every_pattern_is_predicted_as_if_it_were_the_mask(folder, toy, view):
    model = model_of("mora", folder, view)
    natural = toy.present.copy()
    natural[3] = (True, False)
    natural[4] = (False, True)
    samples = with_present(toy, natural)
    rows = np.arange(2, 13)
    logits = predict(model, samples, rows, 4, CPU)
    assert logits.shape == (11, 3, 8)
    for k, pattern in enumerate([(True, False), (False, True), (True, True)]):
        able = (natural[rows] | ~np.array(pattern)).all(1)
        assert np.isnan(logits[~able, k]).all()
        with torch.no_grad():
            expected = model(samples.batch(rows[able], np.tile(pattern, (able.sum(), 1))))
        np.testing.assert_allclose(logits[able, k], expected.numpy(), rtol=0, atol=1e-5)
