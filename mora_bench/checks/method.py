"""The rules that every method and imputer keeps.

`mora_bench check NAME` and tests/checks/test_method.py run the same rules.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mora_bench.backbones.tokens import Tokens
from mora_bench.checks.device import device
from mora_bench.checks.leaks import absent, hidden, moved_at_random, own_label
from mora_bench.checks.rules import Rule, described, expect, some, tried
from mora_bench.checks.spared import beginning, flops, padding, ranks
from mora_bench.checks.subject import CPU, Subject
from mora_bench.data import presence
from mora_bench.methods.contract import EMBEDDINGS
from mora_bench.methods.network import PrefixState
from mora_bench.training.checkpoint import Checkpoint
from mora_bench.training.probe import CLOSE
from mora_bench.training.unsteady import owner, unsteady
from mora_bench.training.watch import not_finite


def named(subject: Subject) -> None:
    """It has a title, a source and a family, as text."""
    for kind in (subject.method, subject.imputer):
        described(kind, ("title", "source"))
    described(subject.method, ("family",))
    expect(isinstance(subject.method.version, int), f"version is {subject.method.version!r}; expected a whole number")


def something(subject: Subject) -> None:
    """It trains something of its own, or says by `first_block` = depth that it only trains what every method does."""
    model = subject.model()
    owned = model.by_owner()
    trained = [p for name in ("adapter", "backbone") for p in owned[name] if p.requires_grad]
    expect(
        bool(trained) or model.method.first_block == model.backbone.depth,
        f"it changes blocks from {model.method.first_block} on and trains nothing but pooler and classifier",
    )


def outputs(subject: Subject) -> None:
    """It runs: every block gives tokens of the right shape, and the logits are finite."""
    model = subject.model(spare=False).eval()
    method, depth = model.method, model.backbone.depth
    first = method.first_block
    expect(
        first in (EMBEDDINGS, *range(depth + 1)),
        f"first_block is {first!r}; expected {EMBEDDINGS} (it changes embeddings) or 0..{depth}",
    )
    batch = subject.validation.batch(np.arange(4))
    with torch.no_grad():
        parts = model.imputer.fill(model.embed(batch), batch.present)
        state = PrefixState(model.backbone.join(parts, batch.present))
        for i in range(max(first, 0), depth):
            streams = method.depth(i, model.frozen(i, state), state.streams)
            for tokens, width in zip(streams, model.backbone.widths, strict=True):
                _check_tokens(tokens, f"block({i}, ...)", 4, width)
            state = PrefixState(streams)
        logits = model(batch)
    expect(bool(torch.isfinite(logits).all()), "the logits of an untrained model are not finite")


def _check_tokens(tokens: Tokens, where: str, rows: int, width: int) -> None:
    expect(isinstance(tokens, Tokens), f"{where} returned {type(tokens).__name__}; expected Tokens")
    shape = tuple(tokens.x.shape)
    expect(
        len(shape) == 3 and shape[0] == rows and shape[2] == width and shape[1] > 0,
        f"{where} returned x of shape {list(shape)}; expected [{rows}, T, {width}]",
    )
    for name in ("mask", "modality"):
        other = tuple(getattr(tokens, name).shape)
        expect(other == shape[:2], f"{where} returned {name} of shape {list(other)}; x has {list(shape)}")
    expect(bool(tokens.mask[:, 0].all()), f"{where} masked token 0, the [CLS] that the pooler reads")


def alone(subject: Subject) -> None:
    """A sample's logits depend on that sample alone: not on chance, on its batch, or on padding."""
    # Before it is trained, because training stops at any of these, too, whatever rule asks for it.
    model = moved_at_random(subject.model(spare=False)).eval()
    cause = unsteady(model, subject.training, np.arange(12), CPU, CLOSE)
    expect(not cause, f"{owner(model)} {cause}")
    model = subject.evaluated
    with torch.no_grad():
        together = model(subject.training.batch(np.arange(12)))
        apart = torch.cat([model(subject.training.batch(np.array([i]))) for i in range(12)])
    worst = (together - apart).abs().max().item()
    expect(worst < 1e-3, f"logits of the same samples differ by {worst:.2g} when they are predicted one by one")


def frozen(subject: Subject) -> None:
    """What was not declared to train stays bit for bit; the backbone trains only if `trains_backbone` says so."""
    watched = subject.again
    model, declared, named_by_id = watched.model, watched.declared, watched.of_backbone
    if not subject.method.trains_backbone:
        loose = [named_by_id[id(p)] for n, p in model.named_parameters() if n in declared and id(p) in named_by_id]
        expect(not loose, f"{some(loose)} of the backbone would train; set trains_backbone = True if that is meant")
    added = set(model.trained()) - declared
    expect(not added, f"{some(sorted(added))} began to require a gradient during training")
    moved = [n for n, p in model.named_parameters() if n not in declared and not torch.equal(p, watched.start[n])]
    expect(not moved, f"{some(moved)} should be frozen and changed in training")


def gradients(subject: Subject) -> None:
    """Every parameter that is declared to train gets a gradient."""
    model = subject.model()
    for parameter in model.trained().values():
        if not parameter.any():
            # Zero at the start by design: give gradients a way through.
            nn.init.normal_(parameter, std=0.02)
    model(subject.training.batch(np.arange(16))).pow(2).sum().add(model.method.penalty()).backward()
    silent = [n for n, p in model.trained().items() if p.grad is None]
    if not subject.method.trains_backbone:
        # Rows of embedding tables that no sample uses get none.
        silent += [n for n, p in model.trained().items() if p.grad is not None and not p.grad.any()]
    expect(not silent, f"{some(silent)} would train and got no gradient")


def finite(subject: Subject) -> None:
    """The gradient of every parameter is finite, whatever a sample lacks."""
    model = subject.model()
    names = presence.stratum_names(subject.samples.table.names)
    # As it starts, and moved, because what starts at zero lets no gradient through.
    for moved in (False, True):
        for parameter in model.trained().values() if moved else ():
            if not parameter.any():
                nn.init.normal_(parameter, std=0.02)
        for name, pattern in zip(names, presence.pattern_presence(len(model.backbone.modalities)), strict=True):
            model.zero_grad(set_to_none=True)
            batch = subject.samples.batch(np.arange(4), np.broadcast_to(pattern, (4, len(pattern))))
            model(batch).pow(2).sum().add(model.method.penalty()).backward()
            broken = not_finite(model.trained())
            expect(not broken, f"the gradient of {some(broken)} is not finite for samples that are {name}")


def detaching(subject: Subject) -> None:
    """`detach` gives the backbone back as it was: the same names, the same bits, all frozen."""
    watched = subject.take_again()
    before, backbone = watched.backbone_state, watched.model.detach()
    after = backbone.state_dict()
    added, lost = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    expect(not added and not lost, f"after detach the backbone has gained {some(added)} and lost {some(lost)}")
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    expect(not changed, f"after detach {some(changed)} of the backbone are not what they were")
    loose = [name for name, p in backbone.named_parameters() if p.requires_grad]
    expect(not loose, f"after detach {some(loose)} of the backbone still require a gradient")


def saving(subject: Subject) -> None:
    """What trained, put into a new model, gives the same logits: nothing is learned elsewhere."""
    model, fresh = subject.evaluated, subject.model().eval()
    learned = model.trained()
    with torch.no_grad():
        for name, parameter in fresh.trained().items():
            parameter.copy_(learned[name])
        batch = subject.validation.batch(np.arange(6))
        worst = (model(batch) - fresh(batch)).abs().max().item()
    expect(worst == 0, f"logits of the reloaded model differ by {worst:.2g}: something learned is no parameter")


def repeatable(subject: Subject) -> None:
    """Trained twice from the same seed, it has the same bits."""
    first, second = subject.evaluated.trained(), subject.again.model.trained()
    other = [name for name in first if not torch.equal(first[name], second[name])]
    expect(not other, f"{some(other)} differ between two trainings with the same seed")


def resuming(subject: Subject) -> None:
    """A training that was killed goes on from its checkpoint and ends with the same bits: whatever changes from step to
    step is a parameter or a buffer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint"
        killed, again = subject.model(), subject.model()
        subject.train(killed, Once(file))
        gone_on = Once(file)
        subject.train(again, gone_on)
    expect(gone_on.resumed == [1], f"training went on after the steps {gone_on.resumed}; expected [1]")
    first, second = killed.trained(), again.trained()
    other = [name for name in first if not torch.equal(first[name], second[name])]
    expect(not other, f"{some(other)} differ after going on from a checkpoint; keep state in buffers")


class Once(Checkpoint):
    """A checkpoint that is saved after the first step alone."""

    def __init__(self, file: Path):
        super().__init__(file, {}, 0.0)
        self.wanted = not file.exists()

    def due(self) -> bool:
        wanted, self.wanted = self.wanted, False
        return wanted


def owners(subject: Subject) -> None:
    """Every parameter has one owner (adapter, pooler, head, backbone), and they sum to the model."""
    model = subject.evaluated
    ids = [id(p) for parameters in model.by_owner().values() for p in parameters]
    total = sum(p.numel() for parameters in model.by_owner().values() for p in parameters)
    unused = sum(p.numel() for p in model.backbone.unused)
    expect(len(ids) == len(set(ids)), "a parameter is counted twice")
    expected = sum(p.numel() for p in model.parameters()) - unused
    expect(total == expected, f"together they have {total} parameters, the model has {expected}")


def observed_kept(subject: Subject) -> None:
    """An imputer leaves what was observed bit for bit as it was, and fills in finite tokens."""
    model = subject.model()
    batch = subject.training.batch(np.arange(12))
    with torch.no_grad():
        parts = model.embed(batch)
        filled = model.imputer.fill(parts, batch.present)
    expect(len(filled) == len(parts), f"fill returned {len(filled)} parts for {len(parts)} modalities")
    for m, name in enumerate(model.backbone.modalities):
        present = batch.present[:, m]
        same = all(map(torch.equal, parts[m].rows(present), filled[m].rows(present)))
        expect(same, f"fill changed the {name} of samples that have it")
        values = filled[m].x[filled[m].mask]
        expect(bool(torch.isfinite(values).all()), f"fill put numbers that are not finite into {name}")
        expect(bool(filled[m].mask[:, 0].all()), f"fill left samples without a first token of {name}")


RULES: tuple[Rule[Subject], ...] = (
    named,
    outputs,
    something,
    observed_kept,
    alone,
    absent,
    hidden,
    own_label,
    frozen,
    gradients,
    finite,
    saving,
    repeatable,
    detaching,
    resuming,
    device,
    beginning,
    padding,
    ranks,
    flops,
    owners,
)


def check(subject: Subject) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None. Stops where nothing can run."""
    return tried(RULES, subject, needed=outputs)
