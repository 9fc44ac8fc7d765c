"""Re-reads a results folder: what is corrupt, edited, foreign, incomplete or left over, and what it cannot say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.files import not_whole
from mora_bench.records import ledgers, masks
from mora_bench.records.chain import Contents, contents
from mora_bench.records.documents import Documents, Refused
from mora_bench.records.pack import top
from mora_bench.records.schema import PREDICTIONS, SPLIT, Record
from mora_bench.records.store import DONE, Store

#: What a results folder holds beside records and scores, by the name of the folder: what a record may name.
NAMED = ("predictions", "adapters", "splits", "masks", "tuning")


@dataclass
class Findings:
    """What verifying found: what is believed; what is wrong, file by file; and what was not looked at, one sentence a
    kind with how often that was so."""

    believed: Contents
    wrong: list[Refused] = field(default_factory=list)
    unseen: dict[str, int] = field(default_factory=dict)

    def not_seen(self, what: str, count: int = 1) -> None:
        if count:
            self.unseen[what] = self.unseen.get(what, 0) + count


def verify(store: Store) -> Findings:
    """Walk the chain of every cell, from its scores to all that its record names; nothing is changed."""
    believed = contents(store)
    found = Findings(believed)
    found.wrong += believed.left_out
    known = {record.key: record for record in store.records()[0]}
    for record in believed.records:
        if record.status == DONE:
            found.wrong += _of_a_record(store, record, found)
    found.wrong += _of_nobody(store, known)
    found.wrong += _masks(store, found)
    found.wrong += ledgers.refused(store.folder)
    for documents in (store.record_documents, store.score_documents, store.split_documents, masks.documents(store)):
        found.wrong += _packed(documents)
    found.wrong += _links(store)
    for file, _ in sorted(not_whole(store.folder)):
        why = "not whole: of a grid that runs, or left over from one that was killed; then remove it"
        found.wrong.append(Refused(file, why))
    return found


def _of_a_record(store: Store, record: Record, found: Findings) -> Iterator[Refused]:
    """What is not as a record names it."""
    if record.older:
        found.not_seen("records from before they named what lies beside them, so that only their predictions are held")
    if record.lacks(PREDICTIONS):
        found.not_seen("predictions that were left out when the folder was published, so that nothing is scored again")
    elif record.predictions or store.prediction_file(record.cell).is_file():
        yield from _tried(store.prediction_file(record.cell), lambda: store.prediction_content(record))
    elif record.older:
        found.not_seen("predictions that no record names, and that are not here")
    folder = store.adapter_folder(record.cell)
    if record.adapter:
        yield from _tried(folder, lambda: store.adapter(record))
    elif folder.is_dir() and not record.older:
        yield Refused(folder, "its record names nothing that was trained; remove it, or train the cell again")
    if record.lacks(SPLIT):
        found.not_seen("splits that were left out")
    elif not record.older:
        yield from _tried(store.split_documents.where(record.split), lambda: _split(store, record))


def _split(store: Store, record: Record) -> None:
    lists = store.splits_of(record)
    if not lists:
        raise UserError("absent, though a record names it; compute a cell of it again")
    (content,) = lists.values()
    assert record.data is not None
    if json.loads(content).get("digest") != record.data.split:
        raise UserError("it is not the split of the record that names it; compute the cell again")


def _tried(file: Path, read: Callable[[], object]) -> Iterator[Refused]:
    try:
        read()
    except UserError as error:
        yield Refused(file, str(error).removeprefix(f"{file}: "))


def _of_nobody(store: Store, known: dict[str, Record]) -> Iterator[Refused]:
    """Files that no record names."""
    for file in sorted((store.folder / "predictions").glob("*.safetensors")):
        if file.stem not in known:
            yield Refused(file, "predictions of no record; remove it, or compute the cell again")
    for folder in sorted((store.folder / "adapters").glob("*")):
        if folder.name not in known:
            yield Refused(folder, "of no record; remove it, or train the cell again")
    named = {record.split for record in known.values()}
    older = {record.data.split for record in known.values() if record.older and record.data is not None}
    for name, content in store.split_documents.all():
        if isinstance(content, Refused):
            yield content
        elif name not in named and name.rpartition("-")[2] not in older:
            yield store.split_documents.refused(name, "a split of no record; remove it")


def _masks(store: Store, found: Findings) -> Iterator[Refused]:
    """Masks that somebody brought: those that cells read and that are not here, or not as written, and all others."""
    documents, read = masks.documents(store), set()
    for mask in masks.read_by(found.believed.records, found.believed.scores):
        try:
            names = masks.documents_of(store, mask)
        except UserError as error:
            yield Refused(documents.loose, str(error))
            names = {name: b"" for name in documents.names() if name.startswith(mask)}
        if not names:
            yield documents.refused(mask, "a mask that cells read, and it is not here; give its file again")
        read |= {*names}
    for name in sorted(documents.names() - read):
        yield documents.refused(name, "a mask that no cell reads; remove it")


def _packed(documents: Documents) -> Iterator[Refused]:
    """Documents that lie in a file of their own and packed, and differ; and those of which the packed file's index says
    other than they do."""
    pack = documents.pack()
    own = {file.stem for file in documents.files()}
    if pack is None:
        return
    for name, content in pack.documents():
        if isinstance(content, bytes) and top(content) != pack.top(name):
            why = f"{name}: its index says other than it holds; compute the cell again, or take a copy of the file"
            yield Refused(documents.packed, why)
        if name in own and documents.read(name) != content:
            why = "differs from what was packed under its name; `mora_bench pack` puts it in its place"
            yield Refused(documents.file(name), why)


def _links(store: Store) -> Iterator[Refused]:
    """Links, which nobody of ours makes, and whose contents are somebody else's."""
    kinds = (store.record_documents, store.score_documents, store.split_documents, masks.documents(store))
    for place in [kind.packed for kind in kinds] + [store.folder / name for name in ("records", "scores", *NAMED)]:
        for file in [place, *sorted(place.rglob("*"))]:
            if file.is_symlink():
                yield Refused(file, "a link; copy what it leads to in its place")
