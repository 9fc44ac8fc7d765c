"""Records and scores that stay in their files, and are read one by one as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Any, TypeVar, overload

from mora_bench.errors import UserError
from mora_bench.records.documents import Documents, Refused
from mora_bench.records.schema import Record, Scores
from mora_bench.records.typed import typed_documents

Kind = TypeVar("Kind", Record, Scores)


class StoredDocuments(Sequence[Kind]):
    """A sequence of typed documents in the order of their names, of which none is kept in memory.

    Args:
        digests: of each document its name, and the digest that it says of itself.
    """

    def __init__(self, documents: Documents, kind: type[Kind], digests: dict[str, str]):
        self.documents, self.digests = documents, digests
        self.kind: type[Kind] = kind

    def __len__(self) -> int:
        return len(self.digests)

    @overload
    def __getitem__(self, index: int) -> Kind: ...

    @overload
    def __getitem__(self, index: slice) -> list[Kind]: ...

    def __getitem__(self, index: Any) -> Any:
        names = sorted(self.digests)[index]
        if isinstance(index, slice):
            return list(self._read(names))
        return next(self._read([names]))

    def __iter__(self) -> Iterator[Kind]:
        return self._read(self.digests)

    def only(self, names: Set[str]) -> StoredDocuments[Kind]:
        """Those of some names."""
        return StoredDocuments(
            self.documents, self.kind, {n: digest for n, digest in self.digests.items() if n in names}
        )

    def _read(self, names: Any) -> Iterator[Kind]:
        missing = dict.fromkeys(names)
        for name, value in typed_documents(self.documents, self.kind, missing):
            if isinstance(value, Refused) or value.digest != self.digests[name]:
                break
            del missing[name]
            yield value
        for name in missing:
            raise UserError(f"{self.documents.where(name)}: was changed while the folder was read. Run it again.")
