"""Many small JSON documents as one columnar file (Apache Parquet), given back to the byte.

A row is one value of one document: the document's `name`, the value's `path` in it, its `kind`, and the value itself as
`number` or as `text`. A path is made of names and places, `test/both/scores/f1_per_class[3]`. So one line of pandas or
DuckDB opens the file, and neither needs this package.

Rows of `GROUP` documents lie together and are compressed together. The file's own metadata, behind the groups, hold an
index: of each group its bytes and their digest, of each document its rows, and the digest of all that lies behind the
groups, so that no byte is without one. So damage is noticed when the file is opened, and costs the documents of the
damaged groups alone; a damaged index costs them all.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mora_bench.files import digest
from mora_bench.records.documents import NAME

if TYPE_CHECKING:
    import pyarrow as pa

#: Change it when a reader of new files would misread an old one.
VERSION = 1
#: Documents whose rows are compressed together: more make smaller files, and damage costs more of them.
GROUP = 32
#: zstd's; the time to unpack does not depend on it.
LEVEL = 12
#: The name of the index in the file's metadata, and the place of its digest before it is known.
INDEX, UNSIGNED = b"mora_bench", b'"digest":"----------------"'
NUMBER, INTEGER, TEXT, LITERAL, WHOLE = KINDS = ("number", "integer", "text", "literal", "whole document")
#: Stands for a value in a template; no document of ours holds it.
HOLE = "\0"


class Index(msgspec.Struct):
    """What a packed file says of itself: of each group its first byte, the byte after its last, and their digest; of
    each document its group, its first row there, how many it has, and the texts and whole numbers at its top; `digest`
    is that of all bytes behind the groups, with the digest's place left empty."""

    version: int
    digest: str
    groups: list[tuple[int, int, str]]
    documents: dict[str, tuple[int, int, int, dict[str, str | int]]]


def packed(documents: Mapping[str, bytes]) -> bytes:
    """One file of many documents, in the order of their names.

    Raises:
        ValueError: there are none, or one is no text.
    """
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    groups: list[tuple[int, int, str]] = []
    index: dict[str, tuple[int, int, int, dict[str, str | int]]] = {}
    writer = None
    ordered = sorted(documents)
    for number, names in enumerate(ordered[at : at + GROUP] for at in range(0, len(ordered), GROUP)):
        rows = {name: _rows(documents[name]) for name in names}
        table = _table(rows)
        if writer is None:
            writer = pq.ParquetWriter(
                sink, table.schema, compression="zstd", compression_level=LEVEL, use_dictionary=_TEXTS
            )
        begun, row = groups[-1][1] if groups else 0, 0
        writer.write_table(table, row_group_size=len(table))
        groups.append((begun, sink.tell(), digest([bytes(sink.getbuffer()[begun:])])))
        for name, own in rows.items():
            index[name] = (number, row, len(own), top(documents[name]))
            row += len(own)
    if writer is None:
        raise ValueError("there is nothing to pack")
    said = msgspec.json.encode(Index(VERSION, "-" * 16, groups, index))
    writer.add_key_value_metadata({INDEX: said})
    writer.close()
    content, end = sink.getvalue(), groups[-1][1]
    behind = content[end:]
    return content[:end] + behind.replace(UNSIGNED, b'"digest":"%s"' % digest([behind]).encode(), 1)


@dataclass
class Pack:
    """The content of a packed file.

    Raises:
        ValueError: it is none, or its index is damaged.
    """

    content: bytes = field(repr=False)
    index: Index = field(init=False, repr=False)
    #: Documents that are lost, because something in their group is not what was written.
    damaged: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        try:
            said = (self._parquet.metadata.metadata or {}).get(INDEX)
            self.index = msgspec.json.decode(said or b"", type=Index)
        except Exception as error:
            # pyarrow raises whatever its parsers meet in bytes that are not what was written.
            raise ValueError(f"its index cannot be read ({type(error).__name__})") from None
        if self.index.version != VERSION:
            raise ValueError(f"it is packed in version {self.index.version}; this one reads {VERSION}: update")
        odd = next((name for name in self.index.documents if not NAME.fullmatch(name)), None)
        if odd is not None:
            # It would become a file elsewhere.
            raise ValueError(f"a document is called {odd!r}, which is no plain name")
        ends = [0, *(group[1] for group in self.index.groups)]
        behind = self.content[ends[-1] :].replace(b'"digest":"%s"' % self.index.digest.encode(), UNSIGNED, 1)
        if digest([behind]) != self.index.digest or [group[0] for group in self.index.groups] != ends[:-1]:
            raise ValueError("its index is not what was written")
        groups = enumerate(self.index.groups)
        bad = {number for number, (begin, end, own) in groups if digest([self.content[begin:end]]) != own}
        self.damaged = frozenset(name for name, place in self.index.documents.items() if place[0] in bad)

    @cached_property
    def _parquet(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pq.ParquetFile(pa.BufferReader(self.content), read_dictionary=[*_TEXTS])

    def __iter__(self) -> Iterator[str]:
        """The names of the documents that are not lost."""
        return (name for name in self.index.documents if name not in self.damaged)

    def __contains__(self, name: object) -> bool:
        return name in self.index.documents and name not in self.damaged

    def top(self, name: str) -> dict[str, str | int]:
        """The texts and whole numbers at the top of a document, by name."""
        return self.index.documents[name][3]

    def documents(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, bytes | ValueError]]:
        """Documents to the byte; those that cannot be given back, as the error that says why."""
        by_group: dict[int, list[str]] = {}
        for name in self if names is None else names:
            by_group.setdefault(self.index.documents[name][0], []).append(name)
        for group, members in by_group.items():
            given: list[tuple[str, bytes | ValueError]] = []
            try:
                rows = _Rows(self._parquet.read_row_group(group))
                for name in members:
                    _, first, count, _ = self.index.documents[name]
                    given.append((name, rows.document(first, count)))
            except Exception as error:
                # As above; and a hand that changed values may have left what is no document.
                why = ValueError(f"cannot be unpacked ({type(error).__name__}: {error})")
                given = [(name, why) for name in members]
            yield from given


#: The columns whose values repeat.
_TEXTS = ("name", "path", "kind", "text")


def _rows(content: bytes) -> list[tuple[str, str, float | None, str | None]]:
    """A document as rows of path, kind, number and text; as one row if that would lose a byte of it."""
    with suppress(ValueError, OverflowError, RecursionError):
        rows = list(_leaves(msgspec.json.decode(content), ""))
        if _template(tuple(row[0] for row in rows)).filled(map(_as_json, rows)) == content:
            return rows
    return [("", WHOLE, None, content.decode())]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str, float | None, str | None]]:
    if isinstance(value, dict) and value:
        for name, own in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1").replace("[", "~2")
            yield from _leaves(own, f"{path}/{escaped}" if path else escaped)
    elif isinstance(value, list) and value:
        for place, own in enumerate(value):
            yield from _leaves(own, f"{path}[{place}]")
    elif isinstance(value, str):
        yield path, TEXT, None, value
    elif isinstance(value, bool) or not isinstance(value, int | float):
        yield path, LITERAL, None, json.dumps(value)
    else:
        yield path, NUMBER if isinstance(value, float) else INTEGER, float(value), None


def _as_json(row: tuple[str, str, float | None, str | None]) -> bytes:
    _, kind, number, text = row
    if kind == NUMBER:
        return msgspec.json.encode(number)
    if kind == INTEGER:
        return b"%d" % int(number or 0)
    return (text or "").encode() if kind == LITERAL else msgspec.json.encode(text)


def top(content: bytes) -> dict[str, str | int]:
    """The texts and whole numbers at the top of a document, by name."""
    try:
        value = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return {}
    items = value.items() if isinstance(value, dict) else ()
    return {name: one for name, one in items if isinstance(one, str) or (type(one) is int and abs(one) < 2**63)}


def _table(documents: Mapping[str, list[tuple[str, str, float | None, str | None]]]) -> pa.Table:
    import pyarrow as pa

    path, kind, number, text = zip(*chain.from_iterable(documents.values()), strict=True)
    name = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(len(documents), dtype=np.int32), [len(rows) for rows in documents.values()]),
        pa.array(list(documents), pa.string()),
    )
    columns = [name, *(pa.array(v, pa.string()).dictionary_encode() for v in (path, kind))]
    columns += [pa.array(number, pa.float64()), pa.array(text, pa.string()).dictionary_encode()]
    return pa.table(columns, names=["name", "path", "kind", "number", "text"])


class _Rows:
    """The rows of a group."""

    def __init__(self, table: pa.Table):
        columns = [table.column(name).combine_chunks() for name in _TEXTS]
        columns = [c.chunk(0) if hasattr(c, "chunk") else c for c in columns]
        self.path, self.kind, self.text = (c.indices.fill_null(-1).to_numpy() for c in columns[1:])
        self.paths, kinds, texts = (c.dictionary.to_pylist() for c in columns[1:])
        self.code = {kind: kinds.index(kind) if kind in kinds else -2 for kind in KINDS}
        self.texts, self.quoted = [t.encode() for t in texts], [msgspec.json.encode(t) for t in texts]
        self.number = table.column("number").to_numpy()
        self.templates: dict[bytes, _Template] = {}

    def document(self, first: int, count: int) -> bytes:
        """The document of some rows, to the byte."""
        part = slice(first, first + count)
        kinds, texts, numbers = self.kind[part], self.text[part], self.number[part]
        if count == 1 and kinds[0] == self.code[WHOLE]:
            return self.texts[texts[0]]
        # All as numbers at once, and then those that are none.
        values = msgspec.json.encode(numbers.tolist())[1:-1].split(b",")
        for at in np.flatnonzero(kinds == self.code[INTEGER]).tolist():
            values[at] = b"%d" % int(numbers[at])
        for kind, written in ((TEXT, self.quoted), (LITERAL, self.texts)):
            for at in np.flatnonzero(kinds == self.code[kind]).tolist():
                values[at] = written[texts[at]]
        known = self.path[part].tobytes()
        if known not in self.templates:
            self.templates[known] = _template(tuple(self.paths[code] for code in self.path[part]))
        return self.templates[known].filled(values)


@dataclass(frozen=True)
class _Template:
    """A document without its values: what stands before, between and after them."""

    pieces: list[bytes]

    def filled(self, values: Iterable[bytes]) -> bytes:
        whole = [b""] * (2 * len(self.pieces) - 1)
        whole[::2] = self.pieces
        whole[1::2] = values
        return b"".join(whole)


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
    """Objects and lists that hold a `HOLE` at each path."""
    root: Any = {}
    for path in paths:
        if not path:
            return HOLE
        at: Any = root
        steps = list(_steps(path))
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            new: Any = HOLE if following is None else [] if isinstance(following, int) else {}
            if not isinstance(step, int):
                at = at.setdefault(step, new)
                continue
            if step == len(at):
                at.append(new)
            at = at[step]
    return root


def _steps(path: str) -> Iterator[str | int]:
    for part in path.split("/"):
        name, *places = part.split("[")
        yield name.replace("~2", "[").replace("~1", "/").replace("~0", "~")
        yield from (int(place.removesuffix("]")) for place in places)
