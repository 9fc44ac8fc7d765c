"""The contract, over every registered method and imputer; and broken ones, that it must catch."""

import dataclasses
from functools import lru_cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import ON_A_STREAM, load
from torch import nn

from mora_bench import registry
from mora_bench.backbones.contract import At
from mora_bench.backbones.tokens import Part
from mora_bench.checks import leaks
from mora_bench.checks import method as contract
from mora_bench.checks.rules import BrokenRule
from mora_bench.checks.subject import Subject
from mora_bench.data.samples import Samples
from mora_bench.methods.contract import Method, declares
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.mora import Mora

IMPUTERS = registry.names(registry.IMPUTERS)


def subject(method, imputer, folder, toy):
    return Subject(method, imputer, toy, lambda: load(folder))


@pytest.fixture(scope="module")
def shared(folder, toy):
    """Gives the subject of a method and an imputer by their names: their rules share its trainings, as in `check`."""

    @lru_cache(maxsize=2)
    def made(method, imputer):
        return subject(registry.get(registry.METHODS, method), registry.get(registry.IMPUTERS, imputer), folder, toy)

    return made


@pytest.mark.parametrize("rule", contract.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", ON_A_STREAM)
def test_every_method_keeps(name, rule, shared):
    rule(shared(name, "dummy"))


@pytest.mark.parametrize("rule", contract.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [name for name in IMPUTERS if name != "dummy"])
def test_every_imputer_keeps(name, rule, shared):
    rule(shared("mora", name))


@pytest.mark.parametrize("rule", [contract.absent, contract.detaching, contract.saving], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", [name for name in IMPUTERS if name != "dummy"])
def test_every_imputer_keeps_where_embeddings_train(name, rule, shared):
    rule(shared("full", name))


class Nameless(Method):
    """A method that keeps every rule but the one about names."""

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.bias = nn.Parameter(torch.zeros(backbone.width))

    @property
    def first_block(self):
        return 1

    def block(self, at, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x + self.bias) if at.block == 1 else out


class Plain(Nameless):
    """A method that keeps every rule; the broken ones below differ from it in one thing."""

    title, source = "plain", "test"


class HasNoTitle(Nameless):
    source = "test"


class HasNoSource(Nameless):
    title = "plain"


class Unfreezes(Plain):
    def attach(self, backbone):
        backbone.layer(At(0, 2)).requires_grad_(True)


class UnfreezesLater(Plain):
    def attach(self, backbone):
        self._seen = [backbone]

    def block(self, at, frozen, tokens):
        # While nothing trains, as when it is found out what may be spared, it behaves.
        if torch.is_grad_enabled():
            self._seen[0].layer(At(0, 2)).output.dense.bias.requires_grad_(True)
        return super().block(at, frozen, tokens)


class ChangesFrozenWeights(Plain):
    def attach(self, backbone):
        self._seen = [backbone]

    def block(self, at, frozen, tokens):
        with torch.no_grad():
            self._seen[0].layer(At(0, 2)).output.dense.bias.add_(1e-3)
        return super().block(at, frozen, tokens)


class WrongWidth(Plain):
    def block(self, at, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x[..., :-1])


class ForgetsTheMask(Plain):
    def block(self, at, frozen, tokens):
        return tokens.with_x(torch.cat([frozen(tokens).x, tokens.x], 1))


class ReturnsATensor(Plain):
    def block(self, at, frozen, tokens):
        return frozen(tokens).x


class Raises(Plain):
    def block(self, at, frozen, tokens):
        raise ZeroDivisionError("on purpose")


class MixesSamples(Plain):
    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
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

    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        if self.training:
            self._sum += 0.01
        return out.with_x(out.x + self._sum) if at.block == 1 else out


class LeavesAHook(Plain):
    def attach(self, backbone):
        backbone.layer(At(0, 1)).extra = nn.Linear(2, 2)


class HooksALinearLayer(Plain):
    """Adds something that depends on where in its sample a token stands, inside a block."""

    def attach(self, backbone):
        self._hook = backbone.layer(At(0, 1)).output.dense.register_forward_hook(self._add)

    def detach(self, backbone):
        self._hook.remove()

    def _add(self, module, inputs, out):
        return out + torch.arange(out.shape[-2])[:, None] * torch.linspace(-1, 1, out.shape[-1])


class FitsOnWhatIsHidden(Plain):
    """Draws its start from the training samples, those under the mask among them."""

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self._backbone = [backbone]

    def fit(self, observed):
        samples = _peeked[0]
        rows = np.arange(16)
        parts = self._backbone[0].embed(samples.batch(rows, np.ones((16, 2), bool)))
        with torch.no_grad():
            self.bias += sum(part.x.mean((0, 1)) for part in parts)


class FitsOnWhatIsShown(Plain):
    """The same from what it is handed."""

    def fit(self, observed):
        with torch.no_grad():
            for parts, present in observed:
                for m, part in enumerate(parts):
                    self.bias += part.x[present[:, m]].mean((0, 1))


#: The samples of the subject under test, around the protocol.
_peeked: list = []


@pytest.fixture
def peeks(monkeypatch):
    original = Subject.model

    def model(self, *args, **kwargs):
        _peeked[:] = [self.samples]
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Subject, "model", model)


def test_a_fit_on_what_the_training_mask_hides_is_found(folder, toy, peeks):
    with pytest.raises(BrokenRule, match=r"where the training mask hides something changed method\.bias"):
        leaks.hidden(subject(FitsOnWhatIsHidden, Dummy, folder, toy))


def test_a_fit_on_what_is_shown_keeps_every_rule(folder, toy):
    candidate = subject(FitsOnWhatIsShown, Dummy, folder, toy)
    assert [problem for _, problem in contract.check(candidate) if problem] == []
    assert candidate.model().method.bias.any()


class RemembersItself(Plain):
    """Adds the labels of the training sample that is most like it, which in training is the sample itself."""

    reads_labels = True
    leaves_out = False

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self._backbone = [backbone]
        self.bias = nn.Parameter(0.1 * torch.randn(8, backbone.width))

    @property
    def first_block(self):
        return 0

    def fit_labelled(self, observed, steady):
        assert steady.tolist() == [True, True]
        (batch,) = observed
        parts, present, labels = batch
        assert labels.shape == (16, 8)
        (tokens,) = self._backbone[0].join(parts, present)
        self.register_buffer("keys", self.key(tokens))
        self.register_buffer("patterns", tokens.pattern)
        self.register_buffer("labels", labels)

    def key(self, tokens):
        return (tokens.x * (tokens.modality == 0)[..., None]).sum(1)

    def block(self, at, frozen, tokens):
        out = frozen(tokens)
        if at.block:
            return out
        distance = torch.cdist(self.key(tokens), self.keys, compute_mode="donot_use_mm_for_euclid_dist")
        if self.leaves_out:
            itself = (distance < 1e-3) & (tokens.pattern[:, None] == self.patterns)
            distance = distance.masked_fill(itself, torch.inf)
        return out.with_x(out.x + (self.labels[distance.argmin(1)] @ self.bias)[:, None])


class LeavesItselfOut(RemembersItself):
    """Leaves it out where it shows what it showed; with less it is another one, which it does not know for itself."""

    leaves_out = True


class OutOfRange(Plain):
    @property
    def first_block(self):
        return 7


class TrainsNothing(Plain):
    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        del self.bias
        self.register_buffer("bias", torch.ones(backbone.width))


class NormedBranch(nn.Module):
    """A branch with a layer norm over the rank, where zeros count."""

    def __init__(self, width, rank, modalities):
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, width) / rank)
        self.up = nn.Parameter(torch.zeros(modalities, rank, width))

    def forward(self, x, gate):
        low = F.linear(x, self.down)
        low = F.layer_norm(low, low.shape[-1:])
        return low @ torch.einsum("bm,mrd->brd", gate.to(x), self.up)


class NormsTheRank(Mora):
    def branch(self, width, rank, modalities):
        return NormedBranch(width, rank, modalities)


class NormsTheRankAndPadsIt(NormsTheRank):
    pads_rank = True


class ChangesObserved(Dummy):
    def fill(self, parts, present):
        return [Part(part.x + 1, part.mask) for part in parts]


class FillsInNan(Dummy):
    def fill(self, parts, present):
        return [
            part.replaced(~present[:, m], [torch.full((2, part.x.shape[-1]), torch.nan)] * int((~present[:, m]).sum()))
            for m, part in enumerate(parts)
        ]


class MakesATensorOnTheCpu(Plain):
    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        return out.with_x(out.x + torch.zeros(out.x.shape[-1]))


class KeepsATensorOutsideItsBuffers(Plain):
    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.held = [torch.zeros(backbone.width)]

    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        return out.with_x(out.x + self.held[0])


class FitsOnTheCpu(Plain):
    def fit(self, observed):
        for parts, present in observed:
            self.bias.data += (parts[0].x.mean(1) * present[:, :1] * torch.ones(len(present), 1)).mean(0)


class KeepsWhatItFitted(Plain):
    """Holds no buffer, but what it was fitted on, which is on the GPU where that is."""

    def fit(self, observed):
        ((parts, _),) = observed
        self.held = [parts[0].x.mean((0, 1))]

    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        return out.with_x(out.x + self.held[0])


class AsksForValues(Plain):
    """Reads a number off its tokens, and mixes devices behind that."""

    def block(self, at, frozen, tokens):
        out = super().block(at, frozen, tokens)
        return out.with_x(out.x + out.x.max().item() * torch.zeros(out.x.shape[-1]))


class FillsFromTheCpu(Dummy):
    def fill(self, parts, present):
        return [Part(part.x + torch.zeros(1, 1, part.x.shape[-1]), part.mask) for part in parts]


BROKEN = [
    (Unfreezes, Dummy, "frozen", "of the backbone would train; set trains_backbone = True"),
    (UnfreezesLater, Dummy, "frozen", "began to require a gradient during training"),
    (ChangesFrozenWeights, Dummy, "frozen", "should be frozen and changed in training"),
    (ChangesFrozenWeights, Dummy, "detaching", "are not what they were"),
    (WrongWidth, Dummy, "outputs", r"block\(1, ...\) returned x of shape \[4, \d+, 31\]; expected \[4, T, 32\]"),
    (ForgetsTheMask, Dummy, "outputs", "returned mask of shape"),
    (ReturnsATensor, Dummy, "outputs", "returned Tensor; expected Tokens"),
    (RemembersItself, Dummy, "own_label", "the label of a training sample changed its own logits in training"),
    (LeavesItselfOut, Dummy, "own_label", "the label of a training sample changed its own logits in training"),
    (OutOfRange, Dummy, "outputs", "first_block is 7; expected -1"),
    (MixesSamples, Dummy, "alone", "gives a sample other logits elsewhere in a batch, or beside other samples"),
    (Peeks, Dummy, "absent", "in the text of samples that have none changed their logits"),
    (HoldsAnIdleParameter, Dummy, "gradients", "idle would train and got no gradient"),
    (LearnsOutsideItsParameters, Dummy, "saving", "something learned is no parameter"),
    (LeavesAHook, Dummy, "detaching", "the backbone has gained vilt.encoder.layer.1.extra"),
    (HooksALinearLayer, Dummy, "padding", "when padding is left out of the blocks"),
    (HasNoTitle, Dummy, "named", "title is None; expected a line for `list` and the tables, e.g. title ="),
    (HasNoSource, Dummy, "named", "source is None; expected a line for `list` and the tables, e.g. source ="),
    (TrainsNothing, Dummy, "something", "changes blocks from 1 on and trains nothing but pooler and classifier"),
    (NormsTheRankAndPadsIt, Dummy, "ranks", "the smaller rank's zeros are not without effect"),
    (MakesATensorOnTheCpu, Dummy, "device", r"on a GPU MakesATensorOnTheCpu .*test_method.py, line .* meta"),
    (KeepsATensorOutsideItsBuffers, Dummy, "device", "keep those of __init__ by register_buffer"),
    (FitsOnTheCpu, Dummy, "device", "on a GPU FitsOnTheCpu would mix devices"),
    (Plain, FillsFromTheCpu, "device", "on a GPU Plain with FillsFromTheCpu would mix devices"),
    (Plain, ChangesObserved, "observed_kept", "fill changed the text of samples that have it"),
    (Plain, FillsInNan, "observed_kept", "not finite"),
]


@pytest.mark.parametrize(("method", "imputer", "rule", "message"), BROKEN)
def test_a_broken_one_is_told_which_rule_it_breaks(method, imputer, rule, message, folder, toy, monkeypatch):
    monkeypatch.setattr(Samples, "batch", Samples.batch)
    broken_rule = next(r for r in contract.RULES if r.__name__ == rule)
    with pytest.raises(BrokenRule, match=message):
        broken_rule(subject(method, imputer, folder, toy))


def test_the_plain_one_keeps_every_rule_and_the_report_says_so(folder, toy):
    assert [problem for _, problem in contract.check(subject(Plain, Dummy, folder, toy))] == [None] * len(
        contract.RULES
    )


def test_what_a_fit_holds_and_what_asks_for_values_mixes_no_devices(folder, toy):
    contract.device(subject(KeepsWhatItFitted, Dummy, folder, toy))
    # Nobody can say without a GPU.
    contract.device(subject(AsksForValues, Dummy, folder, toy))


def test_what_cannot_run_is_reported_once_with_its_line(folder, toy):
    # What needs nothing to run is reported before.
    *before, (rule, problem) = contract.check(subject(Raises, Dummy, folder, toy))
    assert [wrong for _, wrong in before] == [None] * contract.RULES.index(contract.outputs)
    assert rule.startswith("It runs")
    assert "ZeroDivisionError: on purpose" in problem
    assert "test_method.py, line" in problem


def test_a_first_block_claimed_too_late_is_no_different_method(folder, toy):
    """Blocks before `first_block` never reach the method, so its change there is simply not made: the parameter that
    was to make it gets no gradient."""
    with pytest.raises(BrokenRule, match="bias would train and got no gradient"):
        contract.gradients(subject(ClaimsALaterBlock, Dummy, folder, toy))


def test_what_a_class_declares_its_subclass_does_not(folder, toy):
    assert declares(Mora, "pads_rank")
    assert not declares(NormsTheRank, "pads_rank")
    contract.ranks(subject(NormsTheRank, Dummy, folder, toy))
    with pytest.raises(KeyError):
        declares(Mora, "rank")
