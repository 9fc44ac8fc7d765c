"""The contract, over every registered method and imputer; and broken ones, that it must catch."""

import copy
import dataclasses
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from mora_bench import registry
from mora_bench.backbones.load import load, resolve
from mora_bench.backbones.tokens import Part
from mora_bench.checks import network as contract
from mora_bench.checks.network import BrokenRule, Subject
from mora_bench.data.samples import Samples
from mora_bench.methods.contract import Method
from mora_bench.methods.imputer import Dummy

METHODS = registry.names(registry.METHODS)
IMPUTERS = registry.names(registry.IMPUTERS)


@cache
def loaded(folder):
    return load(resolve(str(folder)), 64, 0)


def subject(method, imputer, folder, toy):
    return Subject(method, imputer, toy, lambda: copy.deepcopy(loaded(folder)))


@pytest.mark.parametrize("rule", contract.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps(name, rule, folder, toy):
    rule(subject(registry.get(registry.METHODS, name), Dummy, folder, toy))


@pytest.mark.parametrize("rule", contract.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [name for name in IMPUTERS if name != "dummy"])
def test_every_imputer_keeps(name, rule, folder, toy):
    rule(subject(registry.get(registry.METHODS, "mora"), registry.get(registry.IMPUTERS, name), folder, toy))


@pytest.mark.parametrize("rule", [contract.absent, contract.detaching, contract.saving], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [name for name in IMPUTERS if name != "dummy"])
def test_every_imputer_keeps_where_embeddings_train(name, rule, folder, toy):
    rule(subject(registry.get(registry.METHODS, "full"), registry.get(registry.IMPUTERS, name), folder, toy))


class Plain(Method):
    """A method that keeps every rule; the broken ones below differ from it in one thing."""

    title, source = "plain", "test"

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.bias = nn.Parameter(torch.zeros(backbone.width))

    @property
    def first_block(self):
        return 1

    def block(self, i, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x + self.bias) if i == 1 else out


class Unfreezes(Plain):
    def attach(self, backbone):
        backbone.blocks[2].requires_grad_(True)


class UnfreezesLater(Plain):
    def attach(self, backbone):
        self._seen = [backbone]

    def block(self, i, frozen, tokens):
        self._seen[0].blocks[2].output.dense.bias.requires_grad_(True)
        return super().block(i, frozen, tokens)


class ChangesFrozenWeights(Plain):
    def attach(self, backbone):
        self._seen = [backbone]

    def block(self, i, frozen, tokens):
        with torch.no_grad():
            self._seen[0].blocks[2].output.dense.bias.add_(1e-3)
        return super().block(i, frozen, tokens)


class WrongWidth(Plain):
    def block(self, i, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x[..., :-1])


class ForgetsTheMask(Plain):
    def block(self, i, frozen, tokens):
        return tokens.with_x(torch.cat([frozen(tokens).x, tokens.x], 1))


class ReturnsATensor(Plain):
    def block(self, i, frozen, tokens):
        return frozen(tokens).x


class Raises(Plain):
    def block(self, i, frozen, tokens):
        raise ZeroDivisionError("on purpose")


class MixesSamples(Plain):
    def block(self, i, frozen, tokens):
        out = super().block(i, frozen, tokens)
        return out.with_x(out.x + out.x[:, :1].mean(0))


class Peeks(Plain):
    """Reads what is missing around the protocol."""

    def attach(self, backbone):
        self._batch = Samples.batch
        Samples.batch = lambda samples, rows, present: dataclasses.replace(
            self._batch(samples, rows, np.ones_like(present)), present=torch.from_numpy(present)
        )

    def detach(self, backbone):
        Samples.batch = self._batch


class ClaimsALaterBlock(Plain):
    @property
    def first_block(self):
        return 2


class HoldsAnIdleParameter(Plain):
    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.idle = nn.Parameter(torch.ones(3))


class LearnsOutsideItsParameters(Plain):
    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self._sum = 0.0

    def block(self, i, frozen, tokens):
        out = super().block(i, frozen, tokens)
        if self.training:
            self._sum += 0.01
        return out.with_x(out.x + self._sum) if i == 1 else out


class LeavesAHook(Plain):
    def attach(self, backbone):
        backbone.blocks[1].extra = nn.Linear(2, 2)


class HooksALinearLayer(Plain):
    """Adds something that depends on where in its sample a token stands, inside a block."""

    def attach(self, backbone):
        self._hook = backbone.blocks[1].output.dense.register_forward_hook(self._add)

    def detach(self, backbone):
        self._hook.remove()

    def _add(self, module, inputs, out):
        return out + torch.arange(out.shape[-2])[:, None] * torch.linspace(-1, 1, out.shape[-1])


class OutOfRange(Plain):
    @property
    def first_block(self):
        return 7


class ChangesObserved(Dummy):
    def fill(self, parts, present):
        return [Part(part.x + 1, part.mask) for part in parts]


class FillsInNan(Dummy):
    def fill(self, parts, present):
        return [
            part.replaced(~present[:, m], [torch.full((2, part.x.shape[-1]), torch.nan)] * int((~present[:, m]).sum()))
            for m, part in enumerate(parts)
        ]


BROKEN = [
    (Unfreezes, Dummy, "frozen", "of the backbone would train; set trains_backbone = True"),
    (UnfreezesLater, Dummy, "frozen", "began to require a gradient during training"),
    (ChangesFrozenWeights, Dummy, "frozen", "should be frozen and changed in training"),
    (ChangesFrozenWeights, Dummy, "detaching", "are not what they were"),
    (WrongWidth, Dummy, "outputs", r"block\(1, ...\) returned x of shape \[4, \d+, 31\]; expected \[4, T, 32\]"),
    (ForgetsTheMask, Dummy, "outputs", "returned mask of shape"),
    (ReturnsATensor, Dummy, "outputs", "returned Tensor; expected Tokens"),
    (OutOfRange, Dummy, "outputs", "first_block is 7; expected -1"),
    (MixesSamples, Dummy, "alone", "when they are predicted one by one"),
    (Peeks, Dummy, "absent", "in the text of samples that have none changed their logits"),
    (HoldsAnIdleParameter, Dummy, "gradients", "idle would train and got no gradient"),
    (LearnsOutsideItsParameters, Dummy, "saving", "something learned is no parameter"),
    (LeavesAHook, Dummy, "detaching", "the backbone has gained vilt.encoder.layer.1.extra"),
    (HooksALinearLayer, Dummy, "padding", "when padding is left out of the blocks"),
    (Plain, ChangesObserved, "observed_kept", "fill changed the text of samples that have it"),
    (Plain, FillsInNan, "observed_kept", "not finite"),
]


@pytest.mark.parametrize(("method", "imputer", "rule", "message"), BROKEN)
def test_a_broken_one_is_told_which_rule_it_breaks(method, imputer, rule, message, folder, toy, monkeypatch):
    monkeypatch.setattr(Samples, "batch", Samples.batch)
    found = next(r for r in contract.RULES if r.__name__ == rule)
    with pytest.raises(BrokenRule, match=message):
        found(subject(method, imputer, folder, toy))


def test_the_plain_one_keeps_every_rule_and_the_report_says_so(folder, toy):
    assert [problem for _, problem in contract.check(subject(Plain, Dummy, folder, toy))] == [None] * len(
        contract.RULES
    )


def test_what_cannot_run_is_reported_once_with_its_line(folder, toy):
    ((rule, problem),) = contract.check(subject(Raises, Dummy, folder, toy))
    assert rule.startswith("It runs")
    assert "ZeroDivisionError: on purpose" in problem
    assert "test_network.py, line" in problem


def test_a_first_block_claimed_too_late_is_no_different_method(folder, toy):
    """Blocks before `first_block` never reach the method, so its change there is simply not made: the parameter that
    was to make it gets no gradient."""
    with pytest.raises(BrokenRule, match="bias would train and got no gradient"):
        contract.gradients(subject(ClaimsALaterBlock, Dummy, folder, toy))
