"""Backbone + imputer + method + pooler + classifier, as one network with a frozen beginning."""

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mora_bench.backbones.tokens import Part, Tokens, join
from mora_bench.backbones.vilt import Backbone
from mora_bench.data.batch import Batch
from mora_bench.methods.contract import EMBEDDINGS, Frozen, Method
from mora_bench.methods.imputer import Imputer

GROUPS = ("adapter", "pooler", "head", "backbone")
#: What flows between stages: a `Batch`, then (parts, present), then `Tokens`.
State = Any


class Model(nn.Module):
    """Runs a batch through stages: embed, fill, block 0 ... block depth - 1; then pools and classifies.

    The stages before `cut` are frozen and constant: `begin` computes them without gradients, and what it returns may
    be kept and used again. `finish` runs the rest. The pooler is a copy of the backbone's, so that training it leaves
    the backbone alone; pooler and classifier train under every method.

    Args:
        backbone: frozen here; the method may then change what of it trains.
        method: attached here, detached by `detach`.
        imputer: fitted by the caller.
        classes: C.
        head_seed: draws the classifier, alike for every method.
    """

    def __init__(self, backbone: Backbone, method: Method, imputer: Imputer, classes: int, head_seed: int):
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.imputer = imputer
        self.method = method
        self.pooler = copy.deepcopy(backbone.vilt.pooler).requires_grad_(True)
        self.head = classifier(backbone.width, classes, head_seed)
        self.lean = not method.needs_all_tokens
        if method.needs_samples:
            backbone.group_cost = None
        self._own = {id(p) for p in backbone.parameters()}
        method.attach(backbone)

    @property
    def cut(self) -> int:
        """How many stages come before anything that trains: 0 none, 1 embed, 2 fill, 2 + k the first k blocks."""
        if self.method.first_block == EMBEDDINGS:
            return 0
        return 1 if self.imputer.trains else 2 + self.method.first_block

    def begin(self, batch: Batch) -> State:
        """The frozen stages, without gradients."""
        with torch.no_grad():
            state = self._run(batch, 0, self.cut)
            if self.method.keeps_input and 2 <= self.cut < self.backbone.depth + 2:
                state = replace(state, ahead=self._frozen(self.method.first_block)(state).x)
            return state

    def finish(self, state: State) -> Tensor:
        """The remaining stages, pooler and classifier: logits [B, C]."""
        return self._logits(state, self.cut)

    def forward(self, batch: Batch) -> Tensor:
        return self.finish(self.begin(batch))

    def from_parts(self, parts: list[Part], present: Tensor) -> Tensor:
        """Logits [B, C] of samples that are embedded already; present bool [B, M]."""
        return self._logits((parts, present), 1)

    def _logits(self, state: State, start: int) -> Tensor:
        tokens = self._run(state, start, self.backbone.depth + 2)
        return self.head(self.backbone.pool(tokens, self.pooler))

    def _run(self, state: State, start: int, stop: int) -> State:
        for stage in range(start, stop):
            if stage == 0:
                state = (self.backbone.embed(state), state.present)
            elif stage == 1:
                parts, present = state
                state = join(self.imputer.fill(parts, present), present)
            else:
                i, frozen = stage - 2, self._frozen(stage - 2)
                state = self.method.block(i, frozen, state) if i >= self.method.first_block else frozen(state)
        return state

    def _frozen(self, i: int) -> Frozen:
        """The backbone's own block i, as methods call it."""
        # Only [CLS] is read after the last block, so nothing else of it is computed.
        first = 1 if self.lean and i == self.backbone.depth - 1 else None

        def frozen(tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None) -> Tokens:
            if tokens.ahead is None or prefix is not None:
                return self.backbone.block(i, tokens, prefix, first)
            return (tokens if first is None else tokens.first(first)).with_x(tokens.ahead)

        return frozen

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Every parameter once, by what it belongs to; the groups sum to the model.

        The backbone's own pooler is not counted, because the trained copy stands in its place.
        """
        found: dict[str, list[nn.Parameter]] = {name: [] for name in GROUPS}
        unused = {id(p) for p in self.backbone.vilt.pooler.parameters()}
        pooler = {id(p) for p in self.pooler.parameters()}
        head = {id(p) for p in self.head.parameters()}
        for parameter in self.parameters():
            key = id(parameter)
            if key in unused:
                continue
            name = (
                "pooler" if key in pooler else "head" if key in head else "backbone" if key in self._own else "adapter"
            )
            found[name].append(parameter)
        return found

    def trained(self) -> dict[str, nn.Parameter]:
        """What trains, by name, each parameter once."""
        unused = {id(p) for p in self.backbone.vilt.pooler.parameters()}
        return {n: p for n, p in self.named_parameters() if p.requires_grad and id(p) not in unused}

    def detach(self) -> Backbone:
        """Give the backbone back as it was before."""
        self.method.detach(self.backbone)
        self.backbone.group_cost = type(self.backbone).group_cost
        return self.backbone


def classifier(width: int, classes: int, seed: int = 0) -> nn.Sequential:
    """Linear(D, 2D), layer norm, GELU, Linear(2D, C), drawn as in the released code: N(0, 0.02), biases zero."""
    head = nn.Sequential(nn.Linear(width, 2 * width), nn.LayerNorm(2 * width), nn.GELU(), nn.Linear(2 * width, classes))
    generator = torch.Generator().manual_seed(seed)
    for layer in head:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.02, generator=generator)
            nn.init.zeros_(layer.bias)
    return head
