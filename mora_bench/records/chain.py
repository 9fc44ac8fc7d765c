"""What of a results folder is believed: the chain from scores to their record, and from there to all it names."""

from __future__ import annotations

from dataclasses import dataclass

from mora_bench.errors import UserError
from mora_bench.records.documents import Refused, plain_files
from mora_bench.records.encoding import vouched
from mora_bench.records.schema import PREDICTIONS, Record, Scores
from mora_bench.records.store import DONE, Store
from mora_bench.records.typed import brief


@dataclass(frozen=True)
class Contents:
    """What is believed of a results folder, ordered by key, and what is left out, with the reason."""

    records: list[Record]
    scores: list[Scores]
    left_out: list[Refused]


def contents(store: Store) -> Contents:
    """The records and scores of a folder that vouch for each other; `Store.status` believes the same."""
    (records, refused), (scores, odd) = store.records(), store.scores()
    left_out = [*refused, *odd]
    there = plain_files(store.folder / "predictions", ".safetensors")
    believed: dict[str, Record] = {}
    for record in records:
        if record.status == DONE and not record.older and not record.lacks(PREDICTIONS) and record.key not in there:
            file = store.prediction_file(record.cell)
            left_out.append(Refused(file, "absent, though the record says done; compute the cell again"))
        else:
            believed[record.key] = record
    kept = []
    gone = {record.key for record in records} - believed.keys()
    for each in scores:
        its = believed.get(each.key)
        if its is not None and vouched(each, its):
            kept.append(each)
        elif each.key not in gone:
            left_out.append(store.score_documents.refused(each.score_key, _why(its)))
    scored = {each.key for each in kept}
    left_out += [
        store.record_documents.refused(
            key, f"no scores; `mora_bench rescore {store.folder}` makes them from predictions"
        )
        for key, record in believed.items()
        if record.status == DONE and key not in scored
    ]
    return Contents([*believed.values()], kept, left_out)


def check_believed(store: Store, record: Record) -> None:
    """Refuse a record that no scores vouch for: nobody says that it is what was written.

    Raises:
        UserError: there are none of it.
    """
    documents = store.score_documents
    names = [name for name in documents.names() if name.partition("-")[0] == record.key]
    known = [brief(documents, name, Scores) for name in names]
    if not any(vouched(each, record) for each in known if each is not None):
        raise UserError(
            f"{store.record_file(record.cell)}: no scores vouch for it: it was changed after it was scored, or its "
            f"scores are gone. `mora_bench verify {store.folder}` says more."
        )


def _why(record: Record | None) -> str:
    if record is None:
        return "scores of no record; remove it, or compute the cell again"
    return "scores of another record than the one that is here, which was changed since; compute the cell again"
