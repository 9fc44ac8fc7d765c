"""Records and scores as files: JSON that says its own digest."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.files import digest, fill_absent
from mora_bench.records.schema import OLDER, PREDICTIONS, READS, SCHEMA, SPLIT, Record, Scores, Struct

Kind = TypeVar("Kind", bound=Struct)


def encode(value: Struct) -> bytes:
    """As JSON, at the top with one field per line, so that people can read it; a `digest` is that of the file with the
    digest's place left empty, so that a file that was edited or cut is noticed."""
    empty = msgspec.structs.replace(value, digest="") if hasattr(value, "digest") else value
    content = msgspec.json.format(msgspec.json.encode(empty, enc_hook=_plain), indent=1) + b"\n"
    return content.replace(EMPTY, _signed(digest([content])), 1) if hasattr(value, "digest") else content


#: The place of a digest in a file, before it is known; and how a file begins that has one.
EMPTY = b'"digest": ""'
SIGNED = re.compile(rb'\{\s*"schema": [%s],\s*"digest": "([0-9a-f]{16})"' % "".join(map(str, READS)).encode())


def _signed(seal: str) -> bytes:
    return b'"digest": "%s"' % seal.encode()


def _plain(value: Any) -> Any:
    """NumPy's numbers."""
    return value.item()


class Brief(msgspec.Struct):
    """The fields of a record that the status of a cell needs, and of scores, which have a `score_key` and no status."""

    schema: int
    key: str
    digest: str = ""
    status: str = ""
    predictions: str = ""
    without: str = ""
    score_key: str = ""
    record: str = ""


class Top(msgspec.Struct):
    """The fields of a file that are read before it is believed to be of its kind; their values may be anything."""

    schema: Any = None
    digest: Any = None
    cell: Any = None
    scoring: Any = None


def as_written(content: bytes) -> bool:
    """Whether a file is of this schema and says its own digest rightly, so that it need not be read to be believed."""
    match = SIGNED.match(content)
    return match is not None and digest([content.replace(_signed(match[1].decode()), EMPTY, 1)]) == match[1].decode()


def decode(content: bytes, kind: type[Kind]) -> Kind:
    """A file's content as `kind`. Fields of a cell that the file lacks get their absent values.

    Raises:
        ValueError: it is not one; the message says why.
    """
    try:
        top = msgspec.json.decode(content, type=Top)
    except msgspec.ValidationError:
        raise ValueError(f"expected an object, found {type(msgspec.json.decode(content)).__name__}") from None
    if top.schema not in READS:
        older = "was written by an older mora_bench, whose scores had other names: compute the cell again"
        newer = "was written by a newer mora_bench: update"
        why = "is none" if not isinstance(top.schema, int) else older if top.schema < SCHEMA else newer
        raise ValueError(f"schema {top.schema!r} {why} (this one reads schema {SCHEMA})")
    seal = top.digest
    if not seal and top.schema == SCHEMA:
        raise ValueError("its digest is gone: it was edited")
    if seal and (not isinstance(seal, str) or digest([content.replace(_signed(seal), EMPTY, 1)]) != seal):
        raise ValueError("its content is not what was written: it was edited or damaged")
    parts = {"cell": (top.cell, Cell), "scoring": (top.scoring, Scoring)}
    filled = {name: raw for name, (raw, struct) in parts.items() if isinstance(raw, dict) and fill_absent(raw, struct)}
    # A file that lacks nothing is read at once, in a third of the time.
    value = (
        msgspec.convert(msgspec.json.decode(content) | filled, kind)
        if filled
        else msgspec.json.decode(content, type=kind)
    )
    lacking = _lacking(value)
    if lacking:
        raise ValueError(f"it names no {lacking}, which every file of schema {SCHEMA} does: it was edited")
    return value


def _lacking(value: Struct) -> str:
    """The field that a file of today's schema must have, and lacks: nothing in the chain is optional."""
    if isinstance(value, Scores):
        return "" if value.record or value.schema == OLDER else "record"
    if not isinstance(value, Record) or value.older or value.status != "done":
        return ""
    return next((name for name in (PREDICTIONS, SPLIT) if not getattr(value, name) and not value.lacks(name)), "")


def vouched(scores: Scores | Brief, record: Record | Brief) -> bool:
    """Whether scores are those of a record: they name its digest. Of older files nothing is named."""
    if scores.schema == OLDER:
        return record.schema == OLDER
    return scores.record == record.digest
