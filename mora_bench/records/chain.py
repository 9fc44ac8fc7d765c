"""What of a results folder is believed: the chain from scores to their record, and from there to all it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mora_bench.errors import UserError
from mora_bench.records.documents import Refused, plain_files
from mora_bench.records.encoding import Brief, vouched
from mora_bench.records.schema import PREDICTIONS, Record, Scores
from mora_bench.records.store import DONE, Store
from mora_bench.records.typed import brief, each


@dataclass(frozen=True)
class Contents:
    """What is believed of a results folder, ordered by key, and what is left out, with the reason."""

    records: list[Record]
    scores: list[Scores]
    left_out: list[Refused]


def contents(store: Store) -> Contents:
    """The records and scores of a folder that vouch for each other, all in memory."""
    records: list[Record] = []
    scores: list[Scores] = []
    left_out = walk(store, records.append, scores.append)
    return Contents(records, scores, left_out)


def walk(store: Store, record: Callable[[Record], object], scores: Callable[[Scores], object]) -> list[Refused]:
    """Hand over the records and scores of a folder that vouch for each other, one by one: all records, ordered by key,
    then all scores, ordered by name. `Store.status` believes the same. Gives what is left out."""
    left_out: list[Refused] = []
    there = plain_files(store.folder / "predictions", ".safetensors")
    believed: dict[str, Brief] = {}
    gone = set()
    for _, own in each(store.record_documents, Record):
        if isinstance(own, Refused):
            left_out.append(own)
        elif own.status == DONE and not own.older and not own.lacks(PREDICTIONS) and own.key not in there:
            file = store.prediction_file(own.cell)
            left_out.append(Refused(file, "absent, though the record says done; compute the cell again"))
            gone.add(own.key)
        else:
            believed[own.key] = Brief(own.schema, own.key, own.digest, own.status)
            record(own)
    scored = set()
    for name, found in each(store.score_documents, Scores):
        if isinstance(found, Refused):
            left_out.append(found)
            continue
        its = believed.get(found.key)
        if its is not None and vouched(found, its):
            scored.add(found.key)
            scores(found)
        elif found.key not in gone:
            left_out.append(store.score_documents.refused(name, _why(its)))
    how = f"`mora_bench rescore {store.folder}` makes them from predictions"
    left_out += [
        store.record_documents.refused(key, f"no scores; {how}")
        for key, its in believed.items()
        if its.status == DONE and key not in scored
    ]
    return left_out


def check_believed(store: Store, record: Record) -> None:
    """Refuse a record that no scores vouch for: nobody says that it is what was written.

    Raises:
        UserError: there are none of it.
    """
    documents = store.score_documents
    names = [name for name in documents.names() if name.partition("-")[0] == record.key]
    known = [brief(documents, name, Scores) for name in names]
    if not any(vouched(found, record) for found in known if found is not None):
        raise UserError(
            f"{store.record_file(record.cell)}: no file of scores names its digest: the record was changed after "
            f"scoring, or its scores were removed. `mora_bench verify {store.folder}` says more."
        )


def _why(record: Brief | None) -> str:
    if record is None:
        return "scores of no record; remove it, or compute the cell again"
    return "scores of another record than the one that is here, which was changed since; compute the cell again"
