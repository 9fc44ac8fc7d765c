"""Backbone + imputer + method + pooler + classifier, as one network with a frozen beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.data.batch import Batch
from mora_bench.methods.contract import EMBEDDINGS, Frozen, Method, declares
from mora_bench.methods.imputer import Imputer
from mora_bench.methods.proportional import ProportionalHazards
from mora_bench.methods.readout import LABELS, MEAN, LabelAttention, judged, read

OWNERS = ("adapter", "pooler", "head", "backbone")
#: One more where a backbone has a projection.
PROJECTION = "projection"
#: The stages before block 0: embed; fill and join.
EMBED, FILL = range(2)
BLOCKS = 2


@dataclass(frozen=True)
class PrefixState:
    """The output of the frozen stages, if they include at least fill and join.

    Attributes:
        streams: the tokens of each stream.
        ahead: of each stream, the output of the next block's frozen weights for these tokens: float [B, T, D], or
            [B, 1, D] if only the first token is read. Empty if nothing was computed ahead.
    """

    streams: tuple[Tokens, ...]
    ahead: tuple[Tensor, ...] = ()

    def padded(self, length: Callable[[int], int]) -> PrefixState:
        """The same with longer sequences, by padding: T tokens become `length(T)`."""
        longer = tuple(tokens.padded(length(tokens.mask.shape[1])) for tokens in self.streams)
        ahead = tuple(
            x if x.shape[:2] != tokens.mask.shape else F.pad(x, (0, 0, 0, length(x.shape[1]) - x.shape[1]))
            for x, tokens in zip(self.ahead, self.streams, strict=False)
        )
        return PrefixState(longer, ahead)


#: The state that flows between stages: a `Batch`, then (parts, present), then a `PrefixState`.
State = Any


@dataclass(frozen=True)
class Shortcuts:
    """The computations of a model that `probe.settle` found can be skipped; none by default.

    Attributes:
        constant: neither training nor chance affects the stages before `cut`, so their output may be kept.
        ahead: the same holds for the frozen weights of the first changed block, so their output may be kept, too.
        lean: only the first token of the last block's output is read, so the others need not be computed.
    """

    constant: bool = False
    ahead: bool = False
    lean: bool = False


class Model(nn.Module):
    """Runs a batch through stages: embed, fill, block 0 ... block depth - 1; then pools and classifies.

    `begin` computes the stages before `cut` without gradients, `finish` the rest. Pooler and projection are copies of
    the backbone's, so that training them leaves it alone; they and the classifier train under every method.

    Args:
        backbone: frozen here; the method may then change what of it trains.
        method: attached here, detached by `detach`.
        imputer: fitted by the caller.
        outputs: K, how many logits it gives.
        head_seed: draws the classifier, alike for every method.
        embedders: networks, by modality, for kinds that the backbone does not embed; they train.
        readout: what the classifier reads of the last block, as in `Recipe.readout`.
        proportional: whether its outputs are proportional hazards.
    """

    def __init__(
        self,
        backbone: Backbone,
        method: Method,
        imputer: Imputer,
        outputs: int,
        head_seed: int,
        embedders: Mapping[str, nn.Module] | None = None,
        readout: str = "",
        proportional: bool = False,
    ):
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.imputer = imputer
        self.method = method
        self.embedders = nn.ModuleDict(embedders or {})
        self.types = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(backbone.widths[0])) for name in backbone.untyped}
        )
        self.readout = readout
        pooler = backbone.make_combiner() if readout in (MEAN, LABELS) else backbone.make_pooler()
        self.pooler = pooler.requires_grad_(True)
        self.projection = backbone.make_projection()
        if self.projection is not None:
            self.projection.requires_grad_(True)
        self.pairs, self.projection_frozen = 0, False
        self.outputs = outputs
        self.head = _head(readout, backbone, outputs, head_seed, proportional)
        self.shortcuts = Shortcuts()
        backbone.see_samples_apart(declares(type(method), "samples_apart"))
        self._backbone_ids = {id(p) for p in backbone.parameters()}
        method.attach(backbone)

    def start_at(self, logits: np.ndarray) -> None:
        """Set the classifier's last biases, [K]: what it predicts before it has learned anything."""
        last = self.head if isinstance(self.head, LabelAttention) else self.head[-1]
        if isinstance(last, ProportionalHazards):
            last.start_at(torch.from_numpy(logits))
            return
        assert isinstance(last, nn.Linear | LabelAttention)
        with torch.no_grad():
            last.bias.copy_(torch.from_numpy(logits))

    @property
    def cut(self) -> int:
        """The number of frozen stages: 0 none, 1 embed, 2 embed and fill, 2 + k these and the first k blocks."""
        outside = len(self.embedders) or len(self.types) or (self.projection is not None and not self.projection_frozen)
        if self.method.first_block == EMBEDDINGS or outside:
            return EMBED
        return FILL if any(True for _ in self.imputer.parameters()) else BLOCKS + self.method.first_block

    def embed(self, batch: Batch) -> list[Part]:
        """Tokens of each modality, in order; those of absent modalities are dummies."""
        backbone, projection = self.backbone, self.projection
        parts = backbone.embed(batch) if projection is None else backbone.embed_by(batch, projection)
        for name, embedder in self.embedders.items():
            m = self.backbone.modalities.index(name)
            parts[m] = Part(*embedder(batch.inputs[m]))
        for name, row in self.types.items():
            m = self.backbone.modalities.index(name)
            parts[m] = Part(parts[m].x + row, parts[m].mask)
        return parts

    def align(self, batches: Iterable[Batch]) -> None:
        """Fit the projection to contents that belong together, without labels; from then on it is frozen.

        Raises:
            UserError: too few of the samples are complete.
        """
        assert self.projection is not None
        self.pairs = self.backbone.align(self.projection, batches)
        self.freeze_projection()

    def freeze_projection(self) -> None:
        """Leave the projection as it is: where no sample has a picture, nothing reads it."""
        assert self.projection is not None
        self.projection.requires_grad_(False)
        self.projection_frozen = True

    def begin(self, batch: Batch) -> State:
        """The frozen stages, without gradients."""
        with torch.no_grad():
            state = self._run(batch, 0, self.cut)
            return self._with_ahead(state) if self.shortcuts.ahead else state

    def _with_ahead(self, state: PrefixState) -> PrefixState:
        """Add the output of the first changed block's frozen weights to `state`."""
        frozen = self.frozen(self.method.first_block, state)
        ahead = tuple(block(tokens).x for block, tokens in zip(frozen, state.streams, strict=True))
        return replace(state, ahead=ahead)

    def finish(self, state: State) -> Tensor:
        """The remaining stages, pooler and classifier: logits [B, C]."""
        return self._logits(state, self.cut)

    def forward(self, batch: Batch) -> Tensor:
        return self.finish(self.begin(batch))

    def from_parts(self, parts: list[Part], present: Tensor) -> Tensor:
        """Logits [B, C] of embedded samples; present bool [B, M]."""
        return self._logits((parts, present), FILL)

    def _logits(self, state: State, start: int) -> Tensor:
        state = self._run(state, start, self.backbone.depth + BLOCKS)
        features = read(self.readout, self.backbone, state.streams, self.pooler, self.head)
        return judged(features, state.streams[0].present, self.method, self.head)

    def _run(self, state: State, start: int, stop: int) -> State:
        for stage in range(start, stop):
            if stage < BLOCKS:
                with self._exactly():
                    state = self._embedded(stage, state)
            else:
                state = PrefixState(self._changed(stage - BLOCKS, state))
        return state

    def _embedded(self, stage: int, state: State) -> State:
        if stage == EMBED:
            return self.embed(state), state.present
        parts, present = state
        return PrefixState(self.backbone.join(self.imputer.fill(parts, present), present))

    def _exactly(self) -> AbstractContextManager:
        """Float32 whatever the precision of training, where a method knows training samples by their tokens."""
        device = next(self.backbone.parameters()).device.type
        asked = self.method.reads_labels and torch.amp.is_autocast_available(device)
        return torch.autocast(device, enabled=False) if asked else nullcontext()

    def _changed(self, i: int, state: PrefixState) -> tuple[Tokens, ...]:
        frozen = self.frozen(i, state)
        if i >= self.method.first_block:
            return self.method.depth(i, frozen, state.streams)
        return tuple(block(tokens) for block, tokens in zip(frozen, state.streams, strict=True))

    def frozen(self, i: int, state: PrefixState) -> list[Frozen]:
        """The backbone's own blocks of depth i, as methods call them."""
        # Only the first token is read after the last block, so nothing else of it is computed.
        first = 1 if self.shortcuts.lean and i == self.backbone.depth - 1 else None
        return [_frozen(self.backbone, At(s, i), first, state, s) for s in range(len(state.streams))]

    def by_owner(self) -> dict[str, list[nn.Parameter]]:
        """Every parameter of the model once, by its owner.

        Parameters of the backbone that never run are left out; their trained copy counts instead.
        """
        parts = {"pooler": self.pooler, "head": self.head}
        parts |= {} if self.projection is None else {PROJECTION: self.projection}
        owner = {id(p): name for name, part in parts.items() for p in part.parameters()}
        owned: dict[str, list[nn.Parameter]] = {name: [] for name in dict.fromkeys((*OWNERS, *parts))}
        unused = {id(p) for p in self.backbone.unused}
        for parameter in self.parameters():
            key = id(parameter)
            if key not in unused:
                owned[owner.get(key) or ("backbone" if key in self._backbone_ids else "adapter")].append(parameter)
        return owned

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that train, by name, each once."""
        unused = {id(p) for p in self.backbone.unused}
        return {n: p for n, p in self.named_parameters() if p.requires_grad and id(p) not in unused}

    def detach(self) -> Backbone:
        """Undo the method's changes to the backbone, and return it."""
        self.method.detach(self.backbone)
        self.backbone.see_samples_apart(False)
        return self.backbone


def _head(
    readout: str, backbone: Backbone, outputs: int, seed: int, proportional: bool
) -> nn.Sequential | LabelAttention:
    """The classifier, which gives the logits."""
    together = sum(backbone.shares)
    if readout == LABELS:
        return LabelAttention(backbone.widths, together, outputs, seed)
    return classifier(together if readout == MEAN else backbone.features, outputs, seed, proportional)


def _frozen(backbone: Backbone, at: At, first: int | None, state: PrefixState, stream: int) -> Frozen:
    """One frozen block, as a method calls it. Uses the output computed ahead if called with those very tokens."""
    source = state.streams[stream].x
    ahead = state.ahead[stream] if state.ahead else None
    version = -1 if torch.compiler.is_compiling() else source._version

    def frozen(tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None) -> Tokens:
        untouched = tokens.x is source and (version < 0 or source._version == version)
        if ahead is None or prefix is not None or not untouched:
            return backbone.block(at, tokens, prefix, first)
        return (tokens if first is None else tokens.first(first)).with_x(ahead)

    return frozen


def classifier(width: int, classes: int, seed: int = 0, proportional: bool = False) -> nn.Sequential:
    """Linear(D, 2D), layer norm, GELU, Linear(2D, C), drawn as in the released code: N(0, 0.02), biases zero. With
    `proportional` the last layer gives proportional hazards instead."""
    last = ProportionalHazards(2 * width, classes) if proportional else nn.Linear(2 * width, classes)
    head = nn.Sequential(nn.Linear(width, 2 * width), nn.LayerNorm(2 * width), nn.GELU(), last)
    generator = torch.Generator().manual_seed(seed)
    for layer in head:
        if isinstance(layer, nn.Linear | ProportionalHazards):
            nn.init.normal_(layer.weight, std=0.02, generator=generator)
            nn.init.zeros_(layer.bias)
    return head
