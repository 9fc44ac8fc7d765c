"""Documents as records and scores, or as the faults that they have."""

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
    """The documents of a kind at one moment: looking for each of thousands takes longer than all else."""

    loose: set[str]
    pack: Pack | None

    @property
    def names(self) -> set[str]:
        return self.loose | {*(self.pack or ())}


@dataclass(frozen=True)
class Seen:
    """The files of a results folder at one moment; `predicted`: the training keys that have predictions."""

    records: Glance
    scores: Glance
    predicted: set[str]

    @classmethod
    def of(cls, records: Documents, scores: Documents, predictions: Path) -> Seen:
        both = Glance(records.loose_names(), records.pack()), Glance(scores.loose_names(), scores.pack())
        return cls(*both, predicted=plain_files(predictions, ".safetensors"))


def brief(documents: Documents, name: str, kind: type, known: Glance | None = None) -> Brief | None:
    """The top of a document; all of it is read only if it does not vouch for itself. `known`: the files of its kind."""
    pack = documents.pack() if known is None else known.pack
    is_loose = os.path.lexists(documents.file(name)) if known is None else name in known.loose
    if pack is not None and name in pack and not is_loose:
        top_brief = _top(pack.top(name))
        return top_brief if top_brief is not None and (top_brief.digest or top_brief.schema == OLDER) else None
    content = documents.read(name)
    if not isinstance(content, bytes):
        return None
    if not as_written(content) and isinstance(typed(documents, name, kind, content), Refused):
        return None
    return msgspec.json.decode(content, type=Brief)


def _top(fields: dict[str, str | int]) -> Brief | None:
    try:
        return msgspec.convert(fields, Brief)
    except msgspec.ValidationError:
        return None


def typed(documents: Documents, name: str, kind: type[Kind], content: bytes | Refused | None) -> Kind | Refused:
    """A document as an object of its kind, under its own name; or its fault."""
    if isinstance(content, Refused):
        return content
    if content is None:
        return Refused(documents.file(name), "absent")
    try:
        value = decode(content, kind)
    except (ValueError, msgspec.MsgspecError, UserError, RecursionError) as error:
        return documents.refused(name, f"not a {kind.__name__.lower()} ({error}); it is left out")
    keys = [value.score_key, f"{value.key}-{value.scoring.key}"] if isinstance(value, Scores) else []
    keys = [value.key, value.cell.key] if isinstance(value, Record) else keys
    other_key = next((key for key in keys if key != name), None)
    if other_key is not None:
        return documents.refused(name, f"its name is not that of what it holds ({other_key}); it is left out")
    return value


def typed_documents(
    documents: Documents, kind: type[Kind], names: Iterable[str] | None = None
) -> Iterator[tuple[str, Kind | Refused]]:
    """All documents of a kind, or those of some names, by name: as objects of their kind, or their faults."""
    for name, content in documents.all(names):
        yield name, typed(documents, name, kind, content)


def sorted_out(documents: Documents, kind: type[Kind], names: Iterable[str] | None) -> tuple[list[Kind], list[Refused]]:
    valid, refused = [], []
    for _, value in typed_documents(documents, kind, names):
        if isinstance(value, Refused):
            refused.append(value)
        else:
            valid.append(value)
    return valid, refused
