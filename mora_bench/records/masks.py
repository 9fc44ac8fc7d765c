"""The masks that somebody brought, as documents of a results folder."""

from __future__ import annotations

from collections.abc import Iterable

from mora_bench.errors import UserError
from mora_bench.files import digest
from mora_bench.records.documents import Documents, Refused
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import Store


def documents(store: Store) -> Documents:
    """All of them; a document's name is the mask's digest and its own."""
    return Documents(store.folder, "masks")


def read_by(records: Iterable[Record], scores: Iterable[Scores]) -> list[str]:
    """The digests of the masks that cells were trained or scored under, sorted."""
    brought = {record.cell.mechanism.brought for record in records}
    brought |= {entry.scoring.missing.brought for entry in scores if entry.scoring.missing is not None}
    return sorted(brought - {""})


def write(store: Store, mask: str, content: bytes) -> None:
    """Write a document of the mask of a digest, unless it is there; its name ends in its own digest."""
    name = f"{mask}-{digest([content])}"
    mask_documents = documents(store)
    if mask_documents.read(name) != content:
        mask_documents.write(name, content)


def documents_of(store: Store, mask: str) -> dict[str, bytes]:
    """The documents of a mask, by name: one for each salt that ids were hashed with, as folders that were merged have;
    empty if it is not here.

    Raises:
        UserError: one is not what was written.
    """
    mask_documents = documents(store)
    names = {name for name in mask_documents.names() if name.partition("-")[0] == mask}
    contents = {}
    for name, content in mask_documents.all(names) if names else ():
        if isinstance(content, Refused):
            raise UserError(str(content))
        if name.rpartition("-")[2] != digest([content]):
            where = mask_documents.where(name)
            raise UserError(f"{where}: {name}: not what was written: it was edited or cut. Give its file again.")
        contents[name] = content
    return contents


def copy(mask: str, store: Store, into: Store) -> None:
    """Copy the documents of a mask from a folder into another.

    Raises:
        UserError: one is not what was written.
    """
    for name, content in documents_of(store, mask).items():
        if documents(into).read(name) != content:
            documents(into).write(name, content)
