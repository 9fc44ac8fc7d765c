"""Packs the finished cells of a results folder into a few files, and unpacks them again; killed at will."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records import masks
from mora_bench.records.chain import Contents, contents
from mora_bench.records.documents import Documents, Refused
from mora_bench.records.leases import Leases
from mora_bench.records.pack import Pack, packed
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, Store
from mora_bench.records.typed import brief

#: Held while a folder is packed or unpacked, so that two do not take each other's files away.
LEASE = "pack"
#: Seconds between two looks at who holds it.
LOOK = 0.5


@dataclass(frozen=True)
class PackSummary:
    """The number of packed documents of each kind, their size in bytes, and the files left as they are."""

    documents: dict[str, int]
    size: int
    left_out: list[Refused]


def pack(store: Store) -> PackSummary:
    """Pack records, scores and splits of the cells that are done; a cell that failed stays as it is.

    Each packed file is written whole, read back, and only then the loose files are removed, if they still equal the
    packed documents. So whoever kills it loses nothing, and a document in both files is the same.

    Raises:
        UserError: a packed file cannot be read, or documents in it are lost; or somebody else packs the folder.
    """
    with _alone(store):
        kinds = (store.score_documents, store.record_documents, store.split_documents, masks.documents(store))
        again = _scored_before(store)
        for documents in kinds:
            documents.check_packed(again)
        believed = contents(store)
        done = {record.key for record in believed.records if record.status == DONE}
        scores = {entry.score_key for entry in believed.scores}
        # Scores first, records last: without its record a cell would be to do, and whoever looks meanwhile sees both.
        for documents, names in zip(
            kinds, (scores, done, _splits(store, believed), _masks(store, believed)), strict=True
        ):
            _pack(documents, names, again)
        size = sum(kind.packed.stat().st_size for kind in kinds if kind.packed.exists())
        counts = {kind.kind: len([*(kind.pack() or ())]) for kind in kinds}
        return PackSummary({kind: count for kind, count in counts.items() if count}, size, believed.left_out)


def _splits(store: Store, believed: Contents) -> set[str]:
    """The splits that records name and that are as written; the others stay as they are."""
    names: set[str] = set()
    # Thousands of records share a few.
    for record in {
        (r.split, r.cell.dataset, r.cell.source, r.data and r.data.split): r for r in believed.records
    }.values():
        try:
            names.update(store.splits_of(record))
        except UserError as error:
            believed.left_out.append(Refused(store.split_documents.loose, str(error)))
    return names


def _masks(store: Store, believed: Contents) -> set[str]:
    """The masks that cells read and that are as written; the others stay as they are."""
    names: set[str] = set()
    for mask in masks.read_by(believed.records, believed.scores):
        try:
            names.update(masks.documents_of(store, mask))
        except UserError as error:
            believed.left_out.append(Refused(masks.documents(store).loose, str(error)))
    return names


def _scored_before(store: Store) -> set[str]:
    """Packed scores of a record that was computed again since: they name one that is no more."""
    packed_scores = store.score_documents.pack()
    loose = {file.stem for file in store.record_documents.files()}
    if packed_scores is None or not loose:
        return set()
    briefs = {key: brief(store.record_documents, key, Record) for key in loose}
    # Packed documents of a cell that failed since count again, once the failure is forgotten.
    digests = {key: summary.digest for key, summary in briefs.items() if summary is not None and summary.status == DONE}
    names = [(name, name.partition("-")[0]) for name in packed_scores.index.documents]
    return {name for name, key in names if key in digests and packed_scores.top(name).get("record", "") != digests[key]}


def unpack(store: Store) -> int:
    """Give every packed document a loose file back, to the byte, and remove the packed files; gives their number.

    Raises:
        UserError: one of them is lost, so that the packed file has to stay; or somebody else packs the folder.
    """
    count = 0
    with _alone(store):
        again = _scored_before(store)
        for documents in (
            masks.documents(store), store.split_documents, store.score_documents, store.record_documents,
        ):  # fmt: skip
            lost = []
            for name, content in documents.all():
                if isinstance(content, Refused):
                    lost += [content] * (content.file == documents.packed and name not in again)
                elif not documents.file(name).exists() and name not in again:
                    documents.write(name, content)
                    count += 1
            if lost:
                raise UserError(
                    f"{lost[0]}; {len(lost)} such. What could be read has files of its own now; the packed one stays."
                )
            documents.packed.unlink(missing_ok=True)
    return count


def _pack(documents: Documents, names: set[str], again: set[str]) -> None:
    """Write the packed file of some documents and of those packed before, and remove their loose files."""
    loose = {file.stem for file in documents.files()} & names
    if not loose:
        return
    # Documents packed before stay, also where a loose file that is not believed hides one: a cell that failed since.
    known = _before(documents, names | again)
    known |= {name: document for name, document in documents.all(names) if isinstance(document, bytes)}
    content = packed(known)
    written = Pack(content)
    if set(written) != set(known) or any(known[name] != document for name, document in written.documents()):
        raise RuntimeError(f"{documents.packed}: what was packed does not give the files back; nothing was changed")
    write_atomic(documents.packed, content)
    for name in loose:
        # A grid may have computed the cell again meanwhile.
        if documents.read(name) == known.get(name):
            documents.remove(name)


def _before(documents: Documents, without: set[str]) -> dict[str, bytes]:
    """The documents that were packed before, by name."""
    pack, known = documents.pack(), {}
    for name, content in pack.documents([name for name in pack if name not in without]) if pack is not None else ():
        if isinstance(content, ValueError):
            raise UserError(
                f"{documents.packed}: {name}: {content}. Take a copy of the file, and compute the cell again."
            )
        known[name] = content
    return known


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Hold the folder. Whoever holds it is waited for until it shows that it lives, or has shown nothing for so long
    that its lease expires: its machine may be gone."""
    leases = Leases(store.folder)
    first = leases.holders().get(LEASE)
    while True:
        with leases.holding([LEASE]) as held:
            if held:
                yield
                return
        now = leases.holders().get(LEASE)
        if first is not None and now is not None and now != first:
            raise UserError(f"{store.folder}: is being packed or unpacked by somebody else. Wait for it.")
        first = first or now
        leases.free(LEASE, leases.held())
        time.sleep(LOOK)
