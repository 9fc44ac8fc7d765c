"""The rules that every family of backbones keeps, on what it ships and patients of the ODIR twin."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mora_bench.backbones.contract import ROLES, At, Backbone, Spec
from mora_bench.backbones.tokens import Tokens
from mora_bench.checks.rules import described, expect, tried
from mora_bench.checks.subject import MAX_TEXT, in_memory
from mora_bench.data.cache import prepare
from mora_bench.data.samples import Samples
from mora_bench.data.twins import tables as twins

ROWS = np.arange(6)


@dataclass(frozen=True)
class Subject:
    """A family, what it ships first, and decoded samples."""

    kind: type[Backbone]
    spec: Spec
    samples: Samples

    def loaded(self) -> Backbone:
        return self.kind.load(self.spec, self.samples.table.shape, MAX_TEXT, 0)

    def streams(self, backbone: Backbone) -> tuple[Tokens, ...]:
        batch = self.samples.batch(ROWS, np.ones((len(ROWS), len(self.samples.contents)), bool))
        return backbone.join(backbone.embed(batch), batch.present)


def named(subject: Subject) -> None:
    """It has a title and a source, as text, and says what kinds it embeds."""
    described(subject.kind, ("title", "source"))
    expect(bool(subject.kind.kinds), "kinds is empty")


def runs(subject: Subject) -> None:
    """Embedding, blocks and pooling give tokens and features of the width it says."""
    backbone = subject.loaded()
    said, found = (subject.spec.width, subject.spec.depth), (min(backbone.widths), backbone.depth)
    expect(found == said, f"width and depth are {found}; its spec says {said}")
    count = len(backbone.streams)
    expected = 1 if subject.spec.single_stream else len(backbone.modalities)
    expect(count == expected, f"{count} streams; its spec says {expected}")
    for name in ("towers", "widths", "depths", "shares"):
        own = getattr(backbone, name)
        expect(len(own) == count, f"{name} is {own}; expected one value per stream, {count}")
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


def alone(subject: Subject) -> None:
    """`first` computes the first tokens alone, and a `prefix` is seen by them."""
    backbone = subject.loaded()
    with torch.no_grad():
        tokens = subject.streams(backbone)[0]
        whole, lean = backbone.block(At(0, 0), tokens), backbone.block(At(0, 0), tokens, first=1)
        worst = (whole.x[:, :1] - lean.x).abs().max().item()
        keys = torch.ones(len(ROWS), 3, backbone.widths[0])
        prefixed = backbone.block(At(0, 0), tokens, prefix=(keys, keys))
    expect(lean.x.shape[1] == 1 and worst < 1e-4, f"the first token differs by {worst:.2g} when it is computed alone")
    expect(not torch.allclose(prefixed.x, whole.x), "a prefix changes nothing")


def linear(subject: Subject) -> None:
    """Every role is a linear layer of its network, inside the block's own module."""
    backbone = subject.loaded()
    for at in backbone.places(range(backbone.depth)):
        inside = set(backbone.layer(at).modules())
        for role in ROLES:
            layer = backbone.network.get_submodule(backbone.linear(at, role))
            expect(backbone.network.get_submodule(backbone.path(at)) is backbone.layer(at), f"path({at}) is wrong")
            expect(isinstance(layer, torch.nn.Linear), f"{role} of {at} is {type(layer).__name__}, not a linear layer")
            expect(layer in inside, f"{role} of {at} is not inside layer({at})")


RULES = (named, runs, alone, linear)


def check(kind: type[Backbone], family: str) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    known_by = [*kind.shipped, *([kind.example] if kind.example else [])]
    if not known_by:
        yield "It ships something, or gives an example, that needs no download.", "shipped and example are empty"
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
    yield from tried(RULES, Subject(kind, spec, samples), needed=runs)
