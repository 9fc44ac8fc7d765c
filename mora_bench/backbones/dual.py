"""Dual encoders: one tower per kind of content, one stream per modality, features side by side."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mora_bench.backbones.blocks import Packed
from mora_bench.backbones.contract import At
from mora_bench.backbones.tokens import Part, Tokens, concatenated
from mora_bench.backbones.tower import Tower
from mora_bench.data.batch import Batch


class Dual(Packed):
    """Streams of one kind, such as two pictures, run through the same tower.

    A modality of a kind without a tower has a stream without blocks: the mean of its tokens is its feature.
    An absent modality's features are those of what stands in for it (the dummy, or what an imputer made).

    Args:
        net: all weights; towers: by kind of content; modalities: kind by name.
    """

    kinds = ("text", "image", "bag")

    def __init__(self, net: nn.Module, towers: Mapping[str, Tower], modalities: Mapping[str, str]):
        super().__init__()
        self.net: Any = net
        # Bags run through the tower of images.
        kinds = ["image" if kind == "bag" else kind for kind in modalities.values()]
        self._towers = [towers.get(kind) for kind in kinds]
        self._idle = [tower for kind, tower in towers.items() if kind not in kinds]
        # The width of embedders, where a modality has no tower.
        free = max(tower.width for tower in towers.values())
        self.modalities = self.streams = tuple(modalities)
        self.towers = tuple(kinds)
        self.widths = tuple(free if tower is None else tower.width for tower in self._towers)
        self.depths = tuple(0 if tower is None else tower.depth for tower in self._towers)

    @property
    def network(self) -> nn.Module:
        return self.net

    def embed(self, batch: Batch) -> list[Part]:
        parts = []
        for tower, inputs in zip(self._towers, batch.inputs, strict=True):
            if tower is None:
                empty = torch.zeros(len(batch), 0, device=batch.present.device)
                parts.append(Part(empty[..., None], empty.bool()))
            else:
                parts.append(tower.embed(inputs))
        return parts

    def join(self, parts: Sequence[Part], present: Tensor) -> tuple[Tokens, ...]:
        return tuple(concatenated([(m, part)], present) for m, part in enumerate(parts))

    def block(
        self, at: At, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None, first: int | None = None
    ) -> Tokens:
        tower = self._towers[at.stream]
        if tower is None or at.block >= tower.depth:
            return tokens
        return self.run(tower.steps(at.block), tokens, prefix, first, tower.order(tokens))

    def query(self, at: At, x: Tensor) -> Tensor:
        tower = self._towers[at.stream]
        assert tower is not None, "a stream without a tower has no blocks"
        steps = tower.steps(at.block)
        return steps.query(steps.before(x))

    def norm(self, stream: int, x: Tensor) -> Tensor:
        tower = self._towers[stream]
        return x if tower is None else tower.norm(x)

    @abstractmethod
    def make_pooler(self) -> nn.ModuleDict:
        """A copy of each tower's projection, by kind of content; kinds whose features stay as they are have none."""

    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        """The features of all streams side by side, [B, `features`]."""
        pooled = [
            tokens.mean() if tower is None else tower.pooled(tokens)
            for tower, tokens in zip(self._towers, streams, strict=True)
        ]
        return self.combine(pooled, pooler)

    def make_combiner(self) -> nn.ModuleDict:
        """All of the pooler: the projections."""
        return self.make_pooler()

    def combine(self, features: Sequence[Tensor], combiner: nn.Module) -> Tensor:
        projections: Any = combiner
        pairs = zip(self.towers, features, strict=True)
        return torch.cat([projections[kind](x) if kind in projections else x for kind, x in pairs], -1)

    @property
    def unused(self) -> list[nn.Parameter]:
        return [parameter for tower in self._idle for parameter in tower.module.parameters()]

    def tower(self, at: At) -> Tower:
        """The tower of a stream that has blocks."""
        tower = self._towers[at.stream]
        assert tower is not None
        return tower

    def layer(self, at: At) -> nn.Module:
        return self.tower(at).layer(at.block)

    def path(self, at: At) -> str:
        return self.tower(at).at(at.block)

    def linear(self, at: At, role: str) -> str:
        return f"{self.path(at)}.{self.tower(at).paths[role]}"


class ProjectedDual(Dual):
    """Towers' features are projected; the projections are what `make_pooler` copies and every method trains."""

    #: The path in the network of the projection of a tower's features, by kind of content.
    projections: ClassVar[Mapping[str, str]]

    def make_pooler(self) -> nn.ModuleDict:
        used = {kind: path for kind, path in self.projections.items() if kind in self.towers}
        return nn.ModuleDict({kind: copy.deepcopy(self.net.get_submodule(path)) for kind, path in used.items()})

    def pooler_path(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        return f"{self.projections[kind]}.{rest}"

    @property
    def shares(self) -> tuple[int, ...]:
        sizes = {kind: _size(self.net.get_submodule(path)) for kind, path in self.projections.items()}
        return tuple(sizes.get(tower, width) for tower, width in zip(self.towers, self.widths, strict=True))

    @property
    def unused(self) -> list[nn.Parameter]:
        paths = self.projections.values()
        return [*super().unused, *(p for path in paths for p in self.net.get_submodule(path).parameters())]


def _size(projection: nn.Module) -> int:
    """The number of features that a projection gives: those of its last linear layer."""
    return [layer for layer in projection.modules() if isinstance(layer, nn.Linear)][-1].out_features
