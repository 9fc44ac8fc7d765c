"""Records and scores as files: JSON that says its own digest."""

from __future__ import annotations

import re
from typing import Any, Literal, TypeVar

import msgspec

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.files import digest, fill_absent
from mora_bench.records.schema import SCHEMA, Struct

Kind = TypeVar("Kind", bound=Struct)


def encode(value: Struct) -> bytes:
    """As JSON, at the top with one field per line, so that people can read it; a `digest` is that of the file with the
    digest's place left empty, so that a file that was edited or cut is noticed."""
    empty = msgspec.structs.replace(value, digest="") if hasattr(value, "digest") else value
    content = msgspec.json.format(msgspec.json.encode(empty, enc_hook=_plain), indent=1) + b"\n"
    return content.replace(EMPTY, _signed(digest([content])), 1) if hasattr(value, "digest") else content


#: The place of a digest in a file, before it is known; and how a file begins that has one.
EMPTY = b'"digest": ""'
SIGNED = re.compile(rb'\{\s*"schema": %d,\s*"digest": "([0-9a-f]{16})"' % SCHEMA)


def _signed(own: str) -> bytes:
    return b'"digest": "%s"' % own.encode()


def _plain(value: Any) -> Any:
    """NumPy's numbers."""
    return value.item()


class Brief(msgspec.Struct):
    """What the status of a cell needs of a record."""

    key: str
    status: Literal["done", "failed"]
    predictions: str = ""


def as_written(content: bytes) -> bool:
    """Whether a file is of this schema and says its own digest rightly, so that it need not be read to be believed."""
    found = SIGNED.match(content)
    return found is not None and digest([content.replace(_signed(found[1].decode()), EMPTY, 1)]) == found[1].decode()


def decode(content: bytes, kind: type[Kind]) -> Kind:
    """A file's content as `kind`. Fields of a cell that the file lacks get their absent values.

    Raises:
        ValueError: it is not one; the message says why.
    """
    raw = msgspec.json.decode(content)
    if not isinstance(raw, dict):
        raise ValueError(f"expected an object, found {type(raw).__name__}")
    schema = raw.get("schema")
    if schema != SCHEMA:
        older = "was written by an older mora_bench, whose scores had other names: compute the cell again"
        newer = "was written by a newer mora_bench: update"
        why = "is none" if not isinstance(schema, int) else older if schema < SCHEMA else newer
        raise ValueError(f"schema {schema!r} {why} (this one reads schema {SCHEMA})")
    told = raw.get("digest")
    if told and (not isinstance(told, str) or digest([content.replace(_signed(told), EMPTY, 1)]) != told):
        raise ValueError("its content is not what was written: it was edited or damaged")
    for name, own in (("cell", Cell), ("scoring", Scoring)):
        if isinstance(raw.get(name), dict):
            fill_absent(raw[name], own)
    return msgspec.convert(raw, kind)
