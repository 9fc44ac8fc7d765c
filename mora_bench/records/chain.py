"""The chain by which a results folder is believed: from scores to their record, and from that to all it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mora_bench.errors import UserError
from mora_bench.records.documents import Refused, plain_files
from mora_bench.records.encoding import Brief, vouched
from mora_bench.records.schema import PREDICTIONS, Record, Scores
from mora_bench.records.store import DONE, Store
from mora_bench.records.typed import brief, typed_documents


@dataclass(frozen=True)
class Contents:
    """Records and scores that are believed, ordered by key, and the files that are left out, with the reason."""

    records: list[Record]
    scores: list[Scores]
    left_out: list[Refused]


def contents(store: Store) -> Contents:
    """The records and scores of a folder that vouch for each other, all in memory."""
    records: list[Record] = []
    scores: list[Scores] = []
    left_out = walk(store, records.append, scores.append)
    return Contents(records, scores, left_out)


def walk(store: Store, on_record: Callable[[Record], object], on_scores: Callable[[Scores], object]) -> list[Refused]:
    """Hand over the records and scores of a folder that vouch for each other, one by one: all records, ordered by key,
    then all scores, ordered by name. `Store.status` believes the same. Gives the files left out."""
    left_out: list[Refused] = []
    stored = plain_files(store.folder / "predictions", ".safetensors")
    believed: dict[str, Brief] = {}
    unpredicted = set()
    for _, record in typed_documents(store.record_documents, Record):
        if isinstance(record, Refused):
            left_out.append(record)
        elif record.status == DONE and not record.older and not record.lacks(PREDICTIONS) and record.key not in stored:
            file = store.prediction_file(record.cell)
            left_out.append(Refused(file, "absent, though the record says done; compute the cell again"))
            unpredicted.add(record.key)
        else:
            believed[record.key] = Brief(record.schema, record.key, record.digest, record.status)
            on_record(record)
    scored = set()
    for name, scores in typed_documents(store.score_documents, Scores):
        if isinstance(scores, Refused):
            left_out.append(scores)
            continue
        record_brief = believed.get(scores.key)
        if record_brief is not None and vouched(scores, record_brief):
            scored.add(scores.key)
            on_scores(scores)
        elif scores.key not in unpredicted:
            left_out.append(store.score_documents.refused(name, _why(record_brief)))
    remedy = f"`mora_bench rescore {store.folder}` makes them from predictions"
    left_out += [
        store.record_documents.refused(key, f"no scores; {remedy}")
        for key, record_brief in believed.items()
        if record_brief.status == DONE and key not in scored
    ]
    return left_out


def check_believed(store: Store, record: Record) -> None:
    """Refuse a record that no scores vouch for: nobody says that it is what was written.

    Raises:
        UserError: no scores name its digest.
    """
    documents = store.score_documents
    names = [name for name in documents.names() if name.partition("-")[0] == record.key]
    briefs = [brief(documents, name, Scores) for name in names]
    if not any(vouched(scores, record) for scores in briefs if scores is not None):
        raise UserError(
            f"{store.record_file(record.cell)}: no file of scores names its digest: the record was changed after "
            f"scoring, or its scores were removed. `mora_bench verify {store.folder}` says more."
        )


def _why(record: Brief | None) -> str:
    if record is None:
        return "scores of no record; remove it, or compute the cell again"
    return "scores of another record than the one that is here, which was changed since; compute the cell again"
