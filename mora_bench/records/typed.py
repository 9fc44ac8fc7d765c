"""Documents as records and scores, or as what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mora_bench.errors import UserError
from mora_bench.records.documents import Documents, Refused, plain_files
from mora_bench.records.encoding import Brief, Kind, as_written, decode
from mora_bench.records.schema import OLDER, Record, Scores

if TYPE_CHECKING:
    from mora_bench.records.pack import Pack


@dataclass(frozen=True)
class Glance:
    """The documents of a kind as they lay at one moment: looking for each of thousands takes longer than all else."""

    loose: set[str]
    pack: Pack | None

    @property
    def names(self) -> set[str]:
        return self.loose | {*(self.pack or ())}


@dataclass(frozen=True)
class Seen:
    """What a results folder holds at one moment; `predicted`: the training keys that have predictions."""

    records: Glance
    scores: Glance
    predicted: set[str]

    @classmethod
    def of(cls, records: Documents, scores: Documents, predictions: Path) -> Seen:
        both = Glance(records.own(), records.pack()), Glance(scores.own(), scores.pack())
        return cls(*both, predicted=plain_files(predictions, ".safetensors"))


def brief(documents: Documents, name: str, kind: type, known: Glance | None = None) -> Brief | None:
    """What a document says at its top; read whole only if it does not vouch for itself. `known`: where all lie."""
    pack = documents.pack() if known is None else known.pack
    own = os.path.lexists(documents.file(name)) if known is None else name in known.loose
    if pack is not None and name in pack and not own:
        found = _top(pack.top(name))
        return found if found is not None and (found.digest or found.schema == OLDER) else None
    content = documents.read(name)
    if not isinstance(content, bytes):
        return None
    if not as_written(content) and isinstance(typed(documents, name, kind, content), Refused):
        return None
    return msgspec.json.decode(content, type=Brief)


def _top(said: dict[str, str | int]) -> Brief | None:
    try:
        return msgspec.convert(said, Brief)
    except msgspec.ValidationError:
        return None


def typed(documents: Documents, name: str, kind: type[Kind], content: bytes | Refused | None) -> Kind | Refused:
    """A document as what it should be, under its own name."""
    if isinstance(content, Refused):
        return content
    if content is None:
        return Refused(documents.file(name), "absent")
    try:
        value = decode(content, kind)
    except (ValueError, msgspec.MsgspecError, UserError, RecursionError) as error:
        return documents.refused(name, f"not a {kind.__name__.lower()} ({error}); it is left out")
    known = [value.score_key, f"{value.key}-{value.scoring.key}"] if isinstance(value, Scores) else []
    known = [value.key, value.cell.key] if isinstance(value, Record) else known
    other = next((own for own in known if own != name), None)
    if other is not None:
        return documents.refused(name, f"its name is not that of what it holds ({other}); it is left out")
    return value


def each(
    documents: Documents, kind: type[Kind], names: Iterable[str] | None = None
) -> Iterator[tuple[str, Kind | Refused]]:
    """All documents of a kind, or those of some names, by name: as what they should be, or what is wrong with them."""
    for name, content in documents.all(names):
        yield name, typed(documents, name, kind, content)


def sorted_out(documents: Documents, kind: type[Kind], names: Iterable[str] | None) -> tuple[list[Kind], list[Refused]]:
    found, refused = [], []
    for _, value in each(documents, kind, names):
        if isinstance(value, Refused):
            refused.append(value)
        else:
            found.append(value)
    return found, refused
