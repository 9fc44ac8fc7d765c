"""Packs the finished cells of a results folder into a few files, and unpacks them again; killed at will."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records.chain import contents
from mora_bench.records.documents import Documents, Refused
from mora_bench.records.leases import Leases
from mora_bench.records.pack import Pack, packed
from mora_bench.records.store import DONE, Store

#: Held while a folder is packed or unpacked, so that two do not take each other's files away.
LEASE = "pack"


@dataclass(frozen=True)
class Packed:
    """How many documents of each kind lie packed then, in how many bytes; and what was left as it is."""

    documents: dict[str, int]
    size: int
    left_out: list[Refused]


def pack(store: Store) -> Packed:
    """Pack records, scores and splits of the cells that are done; a cell that failed stays as it is.

    Each packed file is written whole, read back, and only then the files that it holds are removed, if they are still
    what was packed. So whoever kills it loses nothing, and what is in both places is the same.

    Raises:
        UserError: somebody else packs the folder.
    """
    with _alone(store):
        believed = contents(store)
        done = {record.key for record in believed.records if record.status == DONE}
        scores = {each.score_key for each in believed.scores}
        splits = {record.split for record in believed.records if record.split}
        older = {record.data.split for record in believed.records if record.older and record.data is not None}
        splits |= {name for name in store.split_documents.names() if name.rpartition("-")[2] in older}
        # Scores first, records last: without its record a cell would be to do, and whoever looks meanwhile sees both.
        for documents, names in (
            (store.score_documents, scores),
            (store.record_documents, done),
            (store.split_documents, splits),
        ):
            _pack(documents, names | _kept(documents, store))
        kinds = (store.record_documents, store.score_documents, store.split_documents)
        size = sum(kind.packed.stat().st_size for kind in kinds if kind.packed.exists())
        return Packed({kind.kind: len([*(kind.pack() or ())]) for kind in kinds}, size, believed.left_out)


def _kept(documents: Documents, store: Store) -> set[str]:
    """What was packed before and stays so: all but scores of a record that was computed again since."""
    pack = documents.pack()
    if pack is None:
        return set()
    if documents.kind != store.score_documents.kind:
        return set(pack)
    again = {file.stem for file in store.record_documents.files()}
    return {name for name in pack if name.partition("-")[0] not in again}


def unpack(store: Store) -> int:
    """Give every packed document its own file back, to the byte, and remove the packed files; gives their number.

    Raises:
        UserError: one of them is lost, so that the packed file has to stay; or somebody else packs the folder.
    """
    count = 0
    with _alone(store):
        for documents in (store.split_documents, store.score_documents, store.record_documents):
            lost = []
            for name, content in documents.all():
                if isinstance(content, Refused):
                    lost.append(content)
                elif not documents.file(name).exists():
                    documents.write(name, content)
                    count += 1
            lost = [each for each in lost if each.file == documents.packed]
            if lost:
                raise UserError(
                    f"{lost[0]}; {len(lost)} such. What could be read has files of its own now; the packed one stays."
                )
            documents.packed.unlink(missing_ok=True)
    return count


def _pack(documents: Documents, names: set[str]) -> None:
    """Write the packed file of some documents, if that changes it, and remove the files of their own."""
    own = {file.stem for file in documents.files()} & names
    if not own:
        return
    known = {name: each for name, each in documents.all(names) if isinstance(each, bytes)}
    content = packed(known)
    written = Pack(content)
    if set(written) != set(known) or any(known[name] != each for name, each in written.documents()):
        raise RuntimeError(f"{documents.packed}: what was packed does not give the files back; nothing was changed")
    write_atomic(documents.packed, content)
    for name in own:
        # A grid may have computed the cell again meanwhile.
        if documents.read(name) == known.get(name):
            documents.remove(name)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    with Leases(store.folder).holding([LEASE]) as held:
        if not held:
            raise UserError(f"{store.folder}: is being packed or unpacked by somebody else. Wait for it.")
        yield
