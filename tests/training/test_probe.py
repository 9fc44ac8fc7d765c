"""What may be spared of a model is found out, and what was kept is held against the whole network after training."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE, make_model, settled, thirds, tiny_backbone
from torch import nn

from mora_bench.backbones.contract import At
from mora_bench.checks.subject import CPU
from mora_bench.data.samples import View
from mora_bench.methods.contract import Axes, Method
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model, Shortcuts
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.loop import train
from mora_bench.training.probe import settle, verify
from mora_bench.training.state_cache import Feed

SHORTCUTS = {
    # Nothing is changed, so there is no block to compute ahead.
    "head": Shortcuts(constant=True, ahead=False, lean=True),
    "mora": Shortcuts(constant=True, ahead=True, lean=True),
    "lora": Shortcuts(constant=True, ahead=False, lean=True),
    "full": Shortcuts(constant=False, ahead=False, lean=True),
    "case-lora": Shortcuts(constant=True, ahead=False, lean=True),
    "map": Shortcuts(constant=True, ahead=False, lean=True),
    "map-attention": Shortcuts(constant=True, ahead=False, lean=True),
    "bitfit": Shortcuts(constant=True, ahead=False, lean=True),
}


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(12))


@pytest.fixture
def backbone(toy):
    """Tiny, with random weights and words enough for the toy's texts."""
    return backbone_for(toy)


def backbone_for(toy, **changes):
    return tiny_backbone(vocab_size=int(toy.contents[0].ids.max()) + 1, **changes)


def built(kind, backbone) -> Model:
    return Model(backbone, kind(backbone, Axes()), Dummy(backbone), 8, head_seed=1)


@pytest.mark.parametrize("name", SHORTCUTS)
def test_what_is_found_of_registered_methods(name, backbone, view):
    model = make_model(name, backbone)
    assert model.shortcuts == Shortcuts()
    assert settle(model, view, CPU) == SHORTCUTS[name]
    assert model.shortcuts == SHORTCUTS[name]


@pytest.mark.parametrize("name", SHORTCUTS)
def test_the_model_is_left_as_it_was(name, backbone, view):
    model = make_model(name, backbone)
    model.train()
    model.backbone.eval()
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    loose = [p.requires_grad for p in model.parameters()]
    random = torch.get_rng_state()
    settle(model, view, CPU)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == loose
    assert all(p.grad is None for p in model.parameters())
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)


class Late(Method):
    """Adds a trained bias behind block 2; what follows does something else besides."""

    title, source = "late", "test"
    where = 2

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.bias = nn.Parameter(torch.zeros(backbone.width))

    @property
    def first_block(self):
        return self.where

    def block(self, at, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x + self.bias) if at.block == self.where else out


class HooksBlock0(Late):
    """A parameter of its own in the output of a block that it says it does not change."""

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.early = nn.Parameter(torch.zeros(backbone.width))

    def attach(self, backbone):
        self._hook = backbone.layer(At(0, 0)).output.dense.register_forward_hook(self._add)

    def detach(self, backbone):
        self._hook.remove()

    def _add(self, module, inputs, out):
        return out + self.early


class SharesWithBlock0(HooksBlock0):
    """The parameter it has at its own place reaches back: a gradient arrives, but not from there."""

    def _add(self, module, inputs, out):
        return out + self.bias


@pytest.mark.parametrize("kind", [HooksBlock0, SharesWithBlock0])
def test_a_first_block_that_is_too_late_is_refused(kind, backbone, view):
    model = built(kind, backbone)
    with pytest.raises(RuntimeError, match=rf"{kind.__name__}: what trains changes .* before its first_block \(2\)"):
        settle(model, view, CPU)
    assert not any(p.any() for p in model.method.parameters())


def test_the_late_one_itself_is_spared(backbone, view):
    assert settled(built(Late, backbone), view).shortcuts == Shortcuts(constant=True, ahead=True, lean=True)


def test_nothing_is_kept_of_a_beginning_with_dropout(toy, view):
    model = settled(make_model("mora", backbone_for(toy, hidden_dropout_prob=0.1)), view)
    assert not model.shortcuts.constant
    assert not model.shortcuts.ahead
    model.train()
    assert not Feed(model, view, 8, CPU).kept
    (fit,) = train([model], view, view, [replace(RECIPE, epochs=1)], 0, CPU, MultiLabel())
    assert not fit.kept


def test_what_is_kept_is_said_of_training(backbone, view):
    model = settled(make_model("mora", backbone), view)
    (fit,) = train([model], view, view, [replace(RECIPE, epochs=1)], 0, CPU, MultiLabel())
    assert fit.kept


class CountsSteps(Late):
    """Its beginning depends on how often it has run."""

    def attach(self, backbone):
        self._calls = 0
        self._hook = backbone.layer(At(0, 0)).output.dense.register_forward_hook(self._add)

    def detach(self, backbone):
        self._hook.remove()

    def _add(self, module, inputs, out):
        self._calls += 1
        return out + 0.01 * self._calls


def test_a_beginning_that_changes_by_itself_is_not_constant(backbone, view):
    assert not settled(built(CountsSteps, backbone), view).shortcuts.constant


class EditsInPlace(Late):
    """Its first block is given other tokens than it hands on, in the same tensor."""

    where = 1

    def block(self, at, frozen, tokens):
        if at.block == self.where:
            tokens.x.mul_(1.5)
        return super().block(at, frozen, tokens)


class Prefixes(Late):
    """Its first block has a prefix."""

    where = 1

    def block(self, at, frozen, tokens):
        prefix = self.bias.expand(len(tokens), 2, -1)
        return frozen(tokens, prefix=(prefix, prefix)) if at.block == self.where else frozen(tokens)


class GivesOtherTokens(Late):
    """Its first block sees a copy that it has changed."""

    where = 1

    def block(self, at, frozen, tokens):
        return frozen(tokens.with_x(tokens.x + self.bias)) if at.block == self.where else frozen(tokens)


class HooksItsFirstBlock(HooksBlock0):
    """What trains is inside its first block: that may be called as it is, but not computed ahead."""

    where = 0


@pytest.mark.parametrize("kind", [EditsInPlace, Prefixes, GivesOtherTokens, HooksItsFirstBlock])
def test_a_block_that_does_not_see_the_beginning_as_it_is_is_not_computed_ahead(kind, backbone, view):
    model = settled(built(kind, backbone), view)
    assert model.shortcuts == Shortcuts(constant=True, ahead=False, lean=True)
    same_as_whole(model, view)


class ReadsToken3(Late):
    """What is pooled has token 3 of the last block's output in it."""

    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        if at.block < self.where:
            return out
        return out.with_x(torch.cat([out.x[:, :1] + out.x[:, 3:4], out.x[:, 1:]], 1))


class ReadsTheMean(Late):
    """As if it pooled all tokens; it runs on a single one, and gives something else."""

    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        if at.block < self.where:
            return out
        mask = out.mask[..., None].to(out.x)
        return out.with_x(out.x + (out.x * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True))


@pytest.mark.parametrize("kind", [ReadsToken3, ReadsTheMean])
def test_a_last_block_of_which_more_than_the_first_token_is_read_is_computed_whole(kind, backbone, toy):
    rows = np.arange(12)
    # Token 3 is then a word's, whatever padding is between the modalities.
    assert (toy.contents[0].lengths(rows) > 3).all()
    view = View(toy, rows, np.ones((12, 2), bool))
    model = settled(built(kind, backbone), view)
    assert not model.shortcuts.lean
    same_as_whole(model, view)


def same_as_whole(model, view):
    """The logits are those of a network that spares nothing, from kept states and from computed ones."""
    model.eval()
    at = np.array([0, 5, 4])
    with torch.no_grad():
        for parameter in model.method.parameters():
            nn.init.normal_(parameter, std=0.1)
        feed, shortcuts = Feed(model, view, 5, CPU), model.shortcuts
        spared = model.finish(feed.state(at)), model(view.batch(at))
        model.shortcuts = Shortcuts()
        expected = model(view.batch(at))
    model.shortcuts = shortcuts
    assert feed.kept
    for logits in spared:
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("column", ["x", "ahead"])
def test_a_stale_state_is_told_from_what_the_network_computes(column, backbone, view):
    model = settled(make_model("mora", backbone), view)
    for parameter in model.method.parameters():
        nn.init.normal_(parameter, std=0.1)
    at = np.arange(8)
    feed = Feed(model, view, 8, CPU)
    verify(model, view, feed.state(at), CPU, at)
    shortcuts, mode = model.shortcuts, model.training
    feed.kept[0].columns[column].add_(0.5 * torch.randn_like(feed.kept[0].columns[column]))
    with pytest.raises(RuntimeError, match="logits from the kept beginning differ by"):
        verify(model, view, feed.state(at), CPU, at)
    assert (model.shortcuts, model.training) == (shortcuts, mode)


def test_training_on_something_stale_is_an_error(backbone, view):
    """A weight of the frozen beginning that moves in training, where no probe sees it."""

    class Moves(Late):
        def attach(self, backbone):
            self._seen = [backbone]

        def block(self, at, frozen, tokens):
            if torch.is_grad_enabled():
                with torch.no_grad():
                    self._seen[0].layer(At(0, 0)).output.dense.bias.add_(0.2 * torch.randn(32))
            return super().block(at, frozen, tokens)

    model = settled(built(Moves, backbone), view)
    assert model.shortcuts.constant
    with pytest.raises(RuntimeError, match="Moves changes what comes before its first_block"):
        train([model], view, view, [replace(RECIPE, epochs=1)], 0, CPU, MultiLabel())
