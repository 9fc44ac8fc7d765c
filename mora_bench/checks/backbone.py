"""The rules that every family of backbones keeps, on what it ships and patients of the ODIR twin."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import ROLES, At, Backbone
from mora_bench.backbones.encoder import without_dropout
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Tokens
from mora_bench.checks.device import GPU, on_one_device
from mora_bench.checks.rules import described, expect, tried
from mora_bench.checks.subject import MAX_TEXT, in_memory
from mora_bench.data.cache import prepare
from mora_bench.data.samples import Samples
from mora_bench.data.twins import tables as twins

ROWS = np.arange(6)


@dataclass(frozen=True)
class FamilySubject:
    """A family, what it ships first, and decoded samples."""

    kind: type[Backbone]
    spec: Spec
    samples: Samples

    def loaded(self) -> Backbone:
        return backbones.load(self.spec, self.samples.table.shape, MAX_TEXT, 0)

    def streams(self, backbone: Backbone, lacking: int | None = None) -> tuple[Tokens, ...]:
        """The samples' tokens before the first block, without modality number `lacking`."""
        present = np.ones((len(ROWS), len(self.samples.contents)), bool)
        present[:, [] if lacking is None else lacking] = False
        batch = self.samples.batch(ROWS, present)
        return backbone.join(backbone.embed(batch), batch.present)


def named(subject: FamilySubject) -> None:
    """It has a title and a source, as text, and says what kinds it embeds."""
    described(subject.kind, ("title", "source"))
    expect(bool(subject.kind.kinds), "kinds is empty")


def runs(subject: FamilySubject) -> None:
    """Embedding, blocks and pooling give tokens and features of the width it says."""
    backbone = subject.loaded()
    declared, actual = (subject.spec.width, subject.spec.depth), (min(backbone.widths), backbone.depth)
    expect(actual == declared, f"width and depth are {actual}; its spec says {declared}")
    count = len(backbone.streams)
    expected = 1 if subject.spec.single_stream else len(backbone.modalities)
    expect(count == expected, f"{count} streams; its spec says {expected}")
    for name in ("towers", "widths", "depths", "shares"):
        values = getattr(backbone, name)
        expect(len(values) == count, f"{name} is {values}; expected one value per stream, {count}")
    with torch.no_grad():
        streams = subject.streams(backbone)
        expect(len(streams) == len(backbone.streams), f"{len(streams)} streams; it names {len(backbone.streams)}")
        for i in range(backbone.depth):
            before = [tuple(tokens.x.shape) for tokens in streams]
            streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
            after = [tuple(tokens.x.shape) for tokens in streams]
            expect(before == after, f"block {i} made {after} of {before}")
        features = backbone.pool(streams, backbone.make_pooler())
    expect(features.shape == (len(ROWS), backbone.features), f"pool gave {list(features.shape)}")
    expect(bool(torch.isfinite(features).all()), "features are not finite")


def alone(subject: FamilySubject) -> None:
    """`first` computes the first tokens alone, and a `prefix` is seen by them."""
    backbone = subject.loaded()
    with torch.no_grad():
        tokens = subject.streams(backbone)[0]
        full, lean = backbone.block(At(0, 0), tokens), backbone.block(At(0, 0), tokens, first=1)
        worst = (full.x[:, :1] - lean.x).abs().max().item()
        keys = torch.ones(len(ROWS), 3, backbone.widths[0])
        prefixed = backbone.block(At(0, 0), tokens, prefix=(keys, keys))
    expect(lean.x.shape[1] == 1 and worst < 1e-4, f"the first token differs by {worst:.2g} when it is computed alone")
    expect(not torch.allclose(prefixed.x, full.x), "a prefix changes nothing")


def apart(subject: FamilySubject) -> None:
    """A sample's features do not hang on who else is in its batch, so padding is not read."""
    backbone = subject.loaded()
    with torch.no_grad():
        together = _features(backbone, subject.streams(backbone))
        for row in range(len(ROWS)):
            batch = subject.samples.batch(ROWS[row : row + 1], np.ones((1, len(subject.samples.contents)), bool))
            alone_in_it = _features(backbone, backbone.join(backbone.embed(batch), batch.present))
            worst = (together[row] - alone_in_it[0]).abs().max().item()
            expect(worst < 1e-3, f"features of sample number {row} differ by {worst:.2g} when it is alone in its batch")


def appended(subject: FamilySubject) -> None:
    """A token that a method appends is seen by the others, and is not pooled, but by layers that run in `pool`."""
    backbone = subject.loaded()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        streams = subject.streams(backbone)
        for s, tokens in enumerate(streams):
            if not backbone.depths[s]:
                continue
            more = tokens.append(torch.randn(len(tokens), 2, backbone.widths[s], generator=generator))
            plain, seen = backbone.block(At(s, 0), tokens), backbone.block(At(s, 0), more)
            length = tokens.x.shape[1]
            moved = (seen.x[:, :length] - plain.x)[tokens.mask].abs().max().item()
            expect(moved > 0, f"tokens that are appended to stream {s} change no other token")
        if subject.spec.pooled_only:
            return
        ended = _ended(backbone, streams)
        longer = tuple(
            tokens.append(torch.randn(len(tokens), 2, tokens.x.shape[2], generator=generator)) for tokens in ended
        )
        pooler = backbone.make_pooler()
        worst = (backbone.pool(ended, pooler) - backbone.pool(longer, pooler)).abs().max().item()
    expect(worst < 1e-4, f"features differ by {worst:.2g} when tokens are appended behind the last block")


def _ended(backbone: Backbone, streams: tuple[Tokens, ...]) -> tuple[Tokens, ...]:
    """The streams behind the last block."""
    for i in range(backbone.depth):
        streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    return streams


def _features(backbone: Backbone, streams: tuple[Tokens, ...]) -> Tensor:
    return backbone.pool(_ended(backbone, streams), backbone.make_pooler())


def linear(subject: FamilySubject) -> None:
    """Every role is a linear layer of its network, inside the block's own module."""
    backbone = subject.loaded()
    for at in backbone.places(range(backbone.depth)):
        inside = set(backbone.layer(at).modules())
        for role in ROLES:
            layer = backbone.network.get_submodule(backbone.linear(at, role))
            expect(backbone.network.get_submodule(backbone.path(at)) is backbone.layer(at), f"path({at}) is wrong")
            expect(isinstance(layer, torch.nn.Linear), f"{role} of {at} is {type(layer).__name__}, not a linear layer")
            expect(layer in inside, f"{role} of {at} is not inside layer({at})")


def adapted(subject: FamilySubject) -> None:
    """An adapter on any role moves its block's output alike in training and evaluation, and its gradient is finite
    whatever a sample lacks."""
    backbone = _without_dropout(subject.loaded())
    layers = {backbone.linear(at, role): (at, role) for at in _once(backbone) for role in ROLES}
    lora = _adapters(backbone, list(layers))
    with torch.no_grad():
        streams = subject.streams(backbone)
        for i in range(backbone.depth):
            for path, (at, role) in layers.items():
                if at.block == i:
                    _moves_alike(backbone, at, role, streams[at.stream], lora[path].lora_B["default"].weight)
            streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    _gradients(subject, backbone, {f"{role} of {tuple(at)}": lora[path] for path, (at, role) in layers.items()})


def _once(backbone: Backbone) -> list[At]:
    """Each block of each tower once."""
    return list({backbone.path(at): at for at in backbone.places(range(backbone.depth))}.values())


def _adapters(backbone: Backbone, paths: list[str]) -> dict[str, Any]:
    """peft's LoRA on every layer of the network that is named; it does nothing yet."""
    from peft import LoraConfig, LoraModel

    LoraModel(backbone.network, LoraConfig(r=2, target_modules="|".join(map(re.escape, paths))), "default")
    return {path: backbone.network.get_submodule(path) for path in paths}


def _without_dropout(backbone: Backbone) -> Backbone:
    for module in without_dropout(backbone.network).modules():
        if isinstance(getattr(module, "dropout", None), float):
            setattr(module, "dropout", 0.0)  # noqa: B010 (torch's attention keeps the rate itself)
    return backbone


def _moves_alike(backbone: Backbone, at: At, role: str, tokens: Tokens, weight: Tensor) -> None:
    """Expect that a block's output moves by as much in both modes if an adapter's second factor is drawn at random."""
    start = weight.clone()
    generator = torch.Generator().manual_seed(0)
    drawn, moves = torch.randn(weight.shape, generator=generator), []
    for training in (True, False):
        backbone.train(training)
        plain = backbone.block(at, tokens).x
        weight.copy_(drawn)
        moves.append(backbone.block(at, tokens).x - plain)
        weight.copy_(start)
    backbone.eval()
    trained, evaluated = (float(move[tokens.mask].abs().max()) for move in moves)
    apart = float((moves[0] - moves[1])[tokens.mask].abs().max())
    expect(
        trained > 0 and apart <= 0.01 * trained,
        f"an adapter on {role} of {at} moves the block's output by {trained:.2g} in training and by {evaluated:.2g} in "
        "evaluation: is its layer called in both, and not only its weight read?",
    )


def _gradients(subject: FamilySubject, backbone: Backbone, lora: dict[str, Any]) -> None:
    """Expect a gradient of every adapter where all modalities are present, and a finite one where one is absent."""
    for adapter in lora.values():
        torch.nn.init.normal_(adapter.lora_B["default"].weight, std=0.02)
    # A sample's last modality is never taken.
    taken = range(len(backbone.modalities)) if len(backbone.modalities) > 1 else ()
    for lacking in (None, *taken):
        backbone.zero_grad(set_to_none=True)
        _features(backbone, subject.streams(backbone, lacking)).pow(2).sum().backward()
        clause = "with every modality" if lacking is None else f"without {backbone.modalities[lacking]}"
        for name, adapter in lora.items():
            for factor in (adapter.lora_A["default"].weight, adapter.lora_B["default"].weight):
                reached = factor.grad is not None and bool(factor.grad.any())
                expect(reached or lacking is not None, f"an adapter on {name} gets no gradient of samples {clause}")
                finite = factor.grad is None or bool(factor.grad.isfinite().all())
                expect(finite, f"the gradient of an adapter on {name} is not finite for samples {clause}")


def device(subject: FamilySubject) -> None:
    """On a GPU it leaves nothing on the CPU. Not tried is what asks for values, as `.item()` and `nonzero` do."""
    backbone = subject.loaded().to(GPU)
    batch = subject.samples.batch(ROWS, np.ones((len(ROWS), len(subject.samples.contents)), bool)).to(GPU)
    with on_one_device(type(backbone).__name__):
        _features(backbone, backbone.join(backbone.embed(batch), batch.present))


RULES = (named, runs, alone, apart, appended, linear, adapted, device)


def check(kind: type[Backbone], family: str) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    known_by = [*kind.shipped, *([kind.example] if kind.example else [])]
    if not known_by:
        rule = "It names a network that needs no download, in `shipped` or as its `example`."
        yield rule, "shipped and example are empty"
        return
    spec = kind.describe(known_by[0], None, {}, MAX_TEXT)
    if spec.family != family:
        yield "It says the name it is registered under.", f"its spec says family {spec.family!r}, not {family!r}"
    table = twins.odir(range(len(ROWS)))
    known = {name: column for name, column in table.modalities.items() if column.kind in kind.kinds}
    if not known:
        yield "It embeds texts or images, so that it can be checked.", f"kinds is {kind.kinds}"
        return
    with tempfile.TemporaryDirectory() as folder:
        samples = in_memory(prepare(replace(table, modalities=known), "check", spec.rules, Path(folder)))
    yield from tried(RULES, FamilySubject(kind, spec, samples), needed=runs)
