"""Re-reads a results folder: corrupt, edited, foreign, incomplete or left-over files, and those not looked at."""

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

#: The folders of a results folder beside records and scores: of files that a record may name.
NAMED = ("predictions", "adapters", "splits", "masks", "tuning")


@dataclass
class Findings:
    """The findings of verifying: contents that are believed; wrong files, each with its fault; and kinds of files not
    looked at, a sentence each with their number."""

    believed: Contents
    wrong: list[Refused] = field(default_factory=list)
    unseen: dict[str, int] = field(default_factory=dict)

    def not_seen(self, what: str, count: int = 1) -> None:
        if count:
            self.unseen[what] = self.unseen.get(what, 0) + count


def verify(store: Store) -> Findings:
    """Walk the chain of every cell, from its scores to all that its record names; nothing is changed."""
    believed = contents(store)
    findings = Findings(believed)
    findings.wrong += believed.left_out
    known = {record.key: record for record in store.records()[0]}
    for record in believed.records:
        if record.status == DONE:
            findings.wrong += _of_a_record(store, record, findings)
    findings.wrong += _of_nobody(store, known)
    findings.wrong += _masks(store, findings)
    findings.wrong += ledgers.refused(store.folder)
    for documents in (store.record_documents, store.score_documents, store.split_documents, masks.documents(store)):
        findings.wrong += _packed(documents)
    findings.wrong += _links(store)
    for file, _ in sorted(not_whole(store.folder)):
        why = "not whole: of a grid that runs, or left over from one that was killed; then remove it"
        findings.wrong.append(Refused(file, why))
    return findings


def _of_a_record(store: Store, record: Record, findings: Findings) -> Iterator[Refused]:
    """The files that are not as a record names them."""
    if record.older:
        findings.not_seen(
            "records from before they named what lies beside them, so that only their predictions are held"
        )
    if record.lacks(PREDICTIONS):
        findings.not_seen(
            "predictions that were left out when the folder was published, so that nothing is scored again"
        )
    elif record.predictions or store.prediction_file(record.cell).is_file():
        yield from _tried(store.prediction_file(record.cell), lambda: store.prediction_content(record))
    elif record.older:
        findings.not_seen("predictions that no record names, and that are not here")
    folder = store.adapter_folder(record.cell)
    if record.adapter:
        yield from _tried(folder, lambda: store.adapter(record))
    elif folder.is_dir() and not record.older:
        yield Refused(folder, "its record names nothing that was trained; remove it, or train the cell again")
    if record.lacks(SPLIT):
        findings.not_seen("splits that were left out")
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


def _masks(store: Store, findings: Findings) -> Iterator[Refused]:
    """Masks that somebody brought: those that cells read and that are not here, or not as written, and all others."""
    documents, read = masks.documents(store), set()
    for mask in masks.read_by(findings.believed.records, findings.believed.scores):
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
    """Documents that are both loose and packed, and differ; and those that differ from their entry in the packed file's
    index."""
    pack = documents.pack()
    loose = {file.stem for file in documents.files()}
    if pack is None:
        return
    for name, content in pack.documents():
        if isinstance(content, bytes) and top(content) != pack.top(name):
            why = f"{name}: its index says other than it holds; compute the cell again, or take a copy of the file"
            yield Refused(documents.packed, why)
        if name in loose and documents.read(name) != content:
            why = "differs from what was packed under its name; `mora_bench pack` puts it in its place"
            yield Refused(documents.file(name), why)


def _links(store: Store) -> Iterator[Refused]:
    """Links, which nobody of ours makes, and whose contents are somebody else's."""
    kinds = (store.record_documents, store.score_documents, store.split_documents, masks.documents(store))
    for path in [kind.packed for kind in kinds] + [store.folder / name for name in ("records", "scores", *NAMED)]:
        for file in [path, *sorted(path.rglob("*"))]:
            if file.is_symlink():
                yield Refused(file, "a link; copy what it leads to in its place")
