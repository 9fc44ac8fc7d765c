"""Many small JSON documents as one columnar file (Apache Parquet), given back to the byte.

A row is one value of one document: the document's `name`, the value's `path` in it, its `kind`, and the value itself as
`number` or as `text`. A path is made of names and indices, `test/both/scores/f1_per_class[3]`. So one line of pandas or
DuckDB opens the file, and neither needs this package.

Rows of `GROUP` documents lie together and are compressed together. The file's own metadata, behind the groups, hold an
index: of each group its bytes and their digest, of each document its rows, and the digest of all that lies behind the
groups, so that no byte is without one. So damage is noticed when the file is opened, and costs the documents of the
damaged groups alone; a damaged index costs them all.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mora_bench.files import digest
from mora_bench.records.documents import NAME
from mora_bench.records.rows import TEXTS, Row, RowGroup, rows_of

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


class Index(msgspec.Struct):
    """The index of a packed file: of each group its first byte, the byte after its last, and their digest; of
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
        rows = {name: rows_of(documents[name]) for name in names}
        table = _table(rows)
        if writer is None:
            writer = pq.ParquetWriter(
                sink, table.schema, compression="zstd", compression_level=LEVEL, use_dictionary=TEXTS
            )
        begun, row = groups[-1][1] if groups else 0, 0
        writer.write_table(table, row_group_size=len(table))
        groups.append((begun, sink.tell(), digest([bytes(sink.getbuffer()[begun:])])))
        for name, document_rows in rows.items():
            index[name] = (number, row, len(document_rows), top(documents[name]))
            row += len(document_rows)
    if writer is None:
        raise ValueError("there is nothing to pack")
    index_json = msgspec.json.encode(Index(VERSION, "-" * 16, groups, index))
    writer.add_key_value_metadata({INDEX: index_json})
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
            index_json = (self._parquet.metadata.metadata or {}).get(INDEX)
            self.index = msgspec.json.decode(index_json or b"", type=Index)
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
        bad = {number for number, (begin, end, expected) in groups if digest([self.content[begin:end]]) != expected}
        self.damaged = frozenset(name for name, entry in self.index.documents.items() if entry[0] in bad)

    @cached_property
    def _parquet(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pq.ParquetFile(pa.BufferReader(self.content), read_dictionary=[*TEXTS])

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
            unpacked: list[tuple[str, bytes | ValueError]] = []
            try:
                rows = RowGroup(self._parquet.read_row_group(group, columns=RowGroup.COLUMNS))
                for name in members:
                    _, first, count, _ = self.index.documents[name]
                    unpacked.append((name, rows.document(first, count)))
            except Exception as error:
                # As above; and a hand that changed values may have left what is no document.
                why = ValueError(f"cannot be unpacked ({type(error).__name__}: {error})")
                unpacked = [(name, why) for name in members]
            yield from unpacked


def top(content: bytes) -> dict[str, str | int]:
    """The texts and whole numbers at the top of a document, by name."""
    try:
        document = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return {}
    members = document.items() if isinstance(document, dict) else ()
    return {name: leaf for name, leaf in members if isinstance(leaf, str) or (type(leaf) is int and abs(leaf) < 2**63)}


def _table(documents: Mapping[str, list[Row]]) -> pa.Table:
    import pyarrow as pa

    path, kind, number, text = zip(*chain.from_iterable(documents.values()), strict=True)
    name = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(len(documents), dtype=np.int32), [len(rows) for rows in documents.values()]),
        pa.array(list(documents), pa.string()),
    )
    columns = [name, *(pa.array(v, pa.string()).dictionary_encode() for v in (path, kind))]
    columns += [pa.array(number, pa.float64()), pa.array(text, pa.string()).dictionary_encode()]
    return pa.table(columns, names=["name", "path", "kind", "number", "text"])
