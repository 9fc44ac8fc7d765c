"""Re-reads a results folder: what in it is corrupt, edited, foreign, incomplete, or left over."""

from collections.abc import Iterator
from pathlib import Path

from mora_bench.files import not_whole
from mora_bench.records.schema import Record
from mora_bench.records.store import Refused, Store


def verify(folder: Path) -> Iterator[Refused]:
    """Everything that is wrong in a results folder, file by file; nothing is changed."""
    store = Store(folder)
    (records, refused), (scores, odd) = store.records(), store.scores()
    yield from [*refused, *odd]
    known = {record.key: record for record in records}
    scored = {each.key for each in scores}
    for record in records:
        if record.status == "done":
            yield from _of_a_record(store, record, scored)
    for each in scores:
        if each.key not in known:
            yield Refused(folder / "scores" / f"{each.score_key}.json", "scores of no record; remove it")
    for file in sorted((folder / "predictions").glob("*.safetensors")):
        if file.stem not in known:
            yield Refused(file, "predictions of no record; remove it, or compute the cell again")
    for file, _ in sorted(not_whole(folder)):
        yield Refused(file, "not whole: of a grid that runs, or left over from one that was killed; then remove it")


def _of_a_record(store: Store, record: Record, scored: set[str]) -> Iterator[Refused]:
    file = store.prediction_file(record.cell)
    if record.key not in scored:
        yield Refused(store.record_file(record.cell), "no scores; `mora_bench rescore` makes them from predictions")
    if not file.is_file():
        if (store.folder / "predictions").is_dir():
            yield Refused(file, "absent, though the record says done; compute the cell again")
    elif not store.intact(record):
        yield Refused(file, "its content is not what was written: it was edited or cut; compute the cell again")
