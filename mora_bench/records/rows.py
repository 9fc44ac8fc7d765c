"""A JSON document as rows, one a value, and rows as documents again, to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

NUMBER, INTEGER, TEXT, LITERAL, WHOLE = KINDS = ("number", "integer", "text", "literal", "whole document")
#: Stands for a value in a template; no document of ours holds it.
HOLE = "\0"
#: Path, kind, number and text of a value.
Row = tuple[str, str, float | None, str | None]
#: The columns whose values repeat.
TEXTS = ("name", "path", "kind", "text")


def rows_of(content: bytes) -> list[Row]:
    """A document as rows of path, kind, number and text; as one row if that would lose a byte of it."""
    with suppress(ValueError, OverflowError, RecursionError):
        rows: list[Row] = []
        _leaves(msgspec.json.decode(content), "", rows)
        if _template(tuple(row[0] for row in rows)).filled(map(_as_json, rows)) == content:
            return rows
    return [("", WHOLE, None, content.decode())]


def _leaves(value: Any, path: str, rows: list[Row]) -> None:
    """Add the values of a document to `rows`. No generator: each of a million values would pass through as many of them
    as it lies deep."""
    if isinstance(value, float):
        rows.append((path, NUMBER, value, None))
    elif isinstance(value, dict) and value:
        for name, part in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1").replace("[", "~2")
            _leaves(part, f"{path}/{escaped}" if path else escaped, rows)
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            _leaves(part, f"{path}[{index}]", rows)
    elif isinstance(value, str):
        rows.append((path, TEXT, None, value))
    elif isinstance(value, bool) or not isinstance(value, int):
        rows.append((path, LITERAL, None, json.dumps(value)))
    elif abs(value) < 2**63:
        rows.append((path, INTEGER, float(value), None))
    else:
        raise OverflowError("no column of numbers holds it")


def _as_json(row: Row) -> bytes:
    _, kind, number, text = row
    if kind == NUMBER:
        return msgspec.json.encode(number)
    if kind == INTEGER:
        return b"%d" % int(number or 0)
    return (text or "").encode() if kind == LITERAL else msgspec.json.encode(text)


class RowGroup:
    """The rows of a group. Their values become JSON all at once, because a folder has millions of them."""

    COLUMNS = ("path", "kind", "text", "number")

    def __init__(self, table: pa.Table):
        table = table.combine_chunks()
        columns = [table.column(name).combine_chunks() for name in self.COLUMNS[:3]]
        columns = [c.chunk(0) if hasattr(c, "chunk") else c for c in columns]
        self.path, kind, text = (c.indices.fill_null(-1).to_numpy() for c in columns)
        self.paths, kinds, texts = (c.dictionary.to_pylist() for c in columns)
        number = table.column("number").to_numpy()
        self.values = np.empty(len(table), object)
        positions = {name: np.flatnonzero(kind == (kinds.index(name) if name in kinds else -2)) for name in KINDS}
        self.values[positions[NUMBER]] = _listed(number[positions[NUMBER]].tolist())
        self.values[positions[INTEGER]] = _listed([int(value) for value in number[positions[INTEGER]].tolist()])
        # A null is the last text, "".
        for name, encode in ((TEXT, msgspec.json.encode), (LITERAL, str.encode), (WHOLE, str.encode)):
            encoded = np.array([*map(encode, [*texts, ""])], object)
            self.values[positions[name]] = encoded[text[positions[name]]]
        self.whole_rows = set(positions[WHOLE].tolist())
        self.templates: dict[bytes, _Template] = {}

    def document(self, first: int, count: int) -> bytes:
        """The document of some rows, to the byte."""
        values = self.values[first : first + count].tolist()
        if first in self.whole_rows and count == 1:
            return bytes(values[0])
        codes = self.path[first : first + count]
        template_key = codes.tobytes()
        if template_key not in self.templates:
            self.templates[template_key] = _template(tuple(self.paths[code] for code in codes))
        return self.templates[template_key].filled(values)


def _listed(numbers: list[Any]) -> list[bytes]:
    """Each number as JSON."""
    return msgspec.json.encode(numbers)[1:-1].split(b",") if numbers else []


@dataclass(frozen=True)
class _Template:
    """A document without its values: the pieces before, between and after them."""

    pieces: list[bytes]

    def filled(self, values: Iterable[bytes]) -> bytes:
        parts = [b""] * (2 * len(self.pieces) - 1)
        parts[::2] = self.pieces
        parts[1::2] = values
        return b"".join(parts)


_templates: dict[tuple[str, ...], _Template] = {}


def _template(paths: tuple[str, ...]) -> _Template:
    """The template of documents that have values at these paths, in this order."""
    if paths not in _templates:
        if len(_templates) > 256:
            _templates.clear()
        content = msgspec.json.format(msgspec.json.encode(_nested(paths)), indent=1) + b"\n"
        _templates[paths] = _Template(content.split(msgspec.json.encode(HOLE)))
    return _templates[paths]


def _nested(paths: Iterable[str]) -> Any:
    """Objects and lists that hold a `HOLE` at each path.

    Raises:
        ValueError: there are none, because a path leads through the value of another, as those of an empty name may.
    """
    root: Any = {}
    for path in paths:
        if not path:
            return HOLE
        at: Any = root
        steps = list(_steps(path))
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            new: Any = HOLE if following is None else [] if isinstance(following, int) else {}
            if not isinstance(at, _HOLDS[type(step)]):
                raise ValueError(f"a path leads through a value: {path}")
            if not isinstance(step, int):
                at = at.setdefault(step, new)
                continue
            if step == len(at):
                at.append(new)
            at = at[step]
    return root


#: What has steps of each kind: a list its indices, an object its names.
_HOLDS: dict[type, Any] = {int: list, str: dict}


def _steps(path: str) -> Iterator[str | int]:
    for part in path.split("/"):
        name, *indices = part.split("[")
        yield name.replace("~2", "[").replace("~1", "/").replace("~0", "~")
        yield from (int(index.removesuffix("]")) for index in indices)
