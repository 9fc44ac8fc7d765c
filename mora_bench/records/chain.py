"""What of a results folder is believed: the chain from scores to their record, and from there to all it names."""

from __future__ import annotations

from dataclasses import dataclass

from mora_bench.records.documents import Refused
from mora_bench.records.encoding import vouched
from mora_bench.records.schema import PREDICTIONS, Record, Scores
from mora_bench.records.store import DONE, Store


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
    there = {file.stem for file in (store.folder / "predictions").glob("*.safetensors")}
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


def _why(record: Record | None) -> str:
    if record is None:
        return "scores of no record; remove it, or compute the cell again"
    return "scores of another record than the one that is here, which was changed since; compute the cell again"
