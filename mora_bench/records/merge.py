"""Joins results folders of one grid that ran on machines which share nothing.

Taken are the files that the chain from scores to records names, if they are as written; nothing else, and no link is
followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mora_bench.files import write_atomic
from mora_bench.records import adapters, masks, private
from mora_bench.records.chain import contents
from mora_bench.records.documents import plain_content
from mora_bench.records.encoding import vouched
from mora_bench.records.schema import PREDICTIONS, Record, Scores
from mora_bench.records.store import DONE, FAILED, Store

#: Scores, and the results folder that they come from.
Sourced = tuple[Scores, Store]


@dataclass(frozen=True)
class Merged:
    """The copies of a merge: each record with its scores and its folder; the number of cells then; conflicts that speak
    against it, and files left out with the reason."""

    into: Store
    taken: list[tuple[Record, list[Sourced], Store]]
    salt: Path | None
    cells: int
    conflicts: list[str]
    left_out: list[str]


def plan(sources: Sequence[Path], into: Path) -> Merged:
    """The copies to make from several results folders into one, which may hold results already.

    A cell that is done in one folder and failed in another is done. If two folders have scores of one cell that differ,
    that is a conflict: they were made by different code, or edited.
    """
    target = Store(into)
    left_out: list[str] = []
    conflicts: list[str] = []
    best: dict[str, tuple[Record, Store]] = {}
    scores: dict[str, dict[str, tuple[Scores, Store]]] = {}
    # What lies in the target stays, so it comes first.
    stores = [*([target] if target.exists else []), *map(Store, sources)]
    for store in stores:
        believed = contents(store)
        left_out += map(str, believed.left_out)
        done = {entry.key for entry in believed.scores}
        for record in believed.records:
            if record.status == DONE and record.key not in done:
                continue
            known = best.get(record.key)
            if known is None or (known[0].status == FAILED and record.status == DONE):
                best[record.key] = (record, store)
        for entry in believed.scores:
            of_cell = scores.setdefault(entry.key, {})
            if entry.score_key not in of_cell:
                of_cell[entry.score_key] = (entry, store)
            elif _numbers(of_cell[entry.score_key][0]) != _numbers(entry):
                files = [s.score_documents.where(entry.score_key) for s in (store, of_cell[entry.score_key][1])]
                conflicts.append(f"{files[0]} and {files[1]} differ")
    taken = []
    for key, (record, store) in best.items():
        new = [
            (entry, origin)
            for entry, origin in scores.get(key, {}).values()
            if store.folder != into or origin.folder != into
        ]
        if store.folder != into or new:
            taken.append((record, new, store))
    salts = [folder / private.FILE for folder in reversed([*sources]) if (folder / private.FILE).exists()]
    salt = None if (into / private.FILE).exists() or not salts else salts[-1]
    return Merged(target, taken, salt, len(best), conflicts, left_out)


def copy(merged: Merged) -> None:
    """Make the planned copies, each file whole or not at all, records last, so that a done record has all else.

    Raises:
        UserError: a file is not what the record names.
    """
    if merged.salt is not None:
        write_atomic(merged.into.folder / private.FILE, plain_content(merged.salt))
        (merged.into.folder / private.FILE).chmod(0o600)
    for record, scores, store in merged.taken:
        take(merged.into, record, scores, store)


def take(into: Store, record: Record, scores: Sequence[Sourced], store: Store) -> None:
    """Copy one cell from a folder into another: all that its record names, then scores, then the record.

    Raises:
        UserError: a file is not what the record names.
    """
    new = store.folder != into.folder
    if new and record.status == DONE:
        if not record.lacks(PREDICTIONS) and (record.predictions or not record.older):
            write_atomic(into.prediction_file(record.cell), store.prediction_content(record))
        if record.adapter or (record.older and store.adapter_folder(record.cell).is_dir()):
            adapters.write(into.adapter_folder(record.cell), store.adapter(record))
        for name, content in store.splits_of(record).items():
            into.split_documents.write(name, content)
    for mask in masks.read_by([record], []) if new else []:
        masks.copy(mask, store, into)
    for entry, origin in scores:
        for mask in masks.read_by([], [entry]):
            masks.copy(mask, origin, into)
        score_content = origin.score_documents.read(entry.score_key)
        if vouched(entry, record) and isinstance(score_content, bytes):
            into.score_documents.write(entry.score_key, score_content)
        else:
            # The same scores were made from both folders' predictions; now they name the record that is taken.
            into.write_scores(entry, record)
    written = store.record_documents.read(record.key)
    if new and isinstance(written, bytes):
        into.record_documents.write(record.key, written)


def _numbers(scores: Scores) -> bytes:
    """The part that two files of the same scores have in common."""
    return msgspec.json.encode(msgspec.structs.replace(scores, schema=0, digest="", record=""))
