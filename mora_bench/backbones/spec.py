"""The description of a backbone before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mora_bench.data.modalities.contract import Rule


@dataclass(frozen=True)
class Spec:
    """The description of a backbone before it is loaded.

    Attributes:
        name: as the user gave it; family: the name of its registered family.
        fingerprint: 16 hex digits over everything that determines its outputs.
        depth: blocks of its deepest stream; width: features per token of its narrowest.
        rules: its rule for inputs, by kind of content; kinds that it cannot embed are absent, but for signals that a
            frozen encoder beside it reads (`sounds`).
        folder: where its files are, None if it has none.
        trained: False for random weights.
        single_stream: False if it runs one tower per modality.
        shallowest: blocks of the tower that has the fewest; 0 if it has a single stream.
        readout: how `pool` reads it: "mean" if every stream's feature is the mean of its tokens, else "pooler".
        projection: whether `align` can fit what `make_projection` gives.
        pooled_only: whether layers run in `pool` alone, so that no other readout may stand in for it.
    """

    name: str
    family: str
    fingerprint: str
    depth: int
    width: int
    rules: Mapping[str, Rule] = field(hash=False)
    folder: Path | None = None
    trained: bool = True
    single_stream: bool = True
    shallowest: int = 0
    readout: str = "pooler"
    projection: bool = False
    pooled_only: bool = False
