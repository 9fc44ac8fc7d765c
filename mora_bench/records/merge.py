"""Joins results folders of one grid that ran on machines which share nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mora_bench.files import write_atomic
from mora_bench.records import private
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import DONE, FAILED, Store


@dataclass(frozen=True)
class Merged:
    """What a merge would copy, by target; and what speaks against it, or is left out with the reason."""

    files: dict[Path, Path]
    cells: int
    conflicts: list[str]
    left_out: list[str]


def plan(sources: Sequence[Path], into: Path) -> Merged:
    """What to copy from several results folders into one, which may hold results already.

    A cell that is done in one folder and failed in another is done. If two folders have scores of one cell that differ,
    that is a conflict: they were made by different code, or edited.
    """
    files: dict[Path, Path] = {}
    left_out: list[str] = []
    best: dict[str, tuple[Record, Store]] = {}
    scores: dict[str, tuple[bytes, Path]] = {}
    conflicts = []
    # What lies in the target stays, so it comes first.
    for folder in [*([into] if (into / "records").is_dir() else []), *sources]:
        store = Store(folder)
        records, refused = store.records()
        left_out += map(str, refused)
        for record in records:
            status = store.status_of(record.cell)
            if record.status == DONE and status not in (DONE, FAILED):
                left_out.append(f"{store.record_file(record.cell)}: done, but its predictions or scores are not whole")
                continue
            known = best.get(record.key)
            if known is None or (known[0].status == FAILED and record.status == DONE):
                best[record.key] = (record, store)
        for file, own in _scores(store, left_out):
            said = _content(own)
            if own.score_key in scores and scores[own.score_key][0] != said:
                conflicts.append(f"{file} and {scores[own.score_key][1]} differ")
            scores.setdefault(own.score_key, (said, file))
    for record, store in best.values():
        if store.folder != into:
            files |= _of_cell(record, store, Store(into))
    for own_file in (file for key, (_, file) in scores.items() if key.partition("-")[0] in best):
        if own_file.parent.parent != into:
            files[into / "scores" / own_file.name] = own_file
    for folder in reversed(sources):
        files |= _beside(folder, into)
    return Merged(files, len(best), conflicts, left_out)


def _beside(folder: Path, into: Path) -> dict[Path, Path]:
    """The splits, and the salt of ids; what is there stays. Hashes of ids say which salt they are made with."""
    files = [folder / private.FILE, *sorted((folder / "splits").glob("*.json"))]
    targets = {into / file.relative_to(folder): file for file in files if file.exists()}
    return {target: file for target, file in targets.items() if not target.exists()}


def copy(merged: Merged) -> None:
    """Copy the files, each whole or not at all, records last, so that a record that says done has all else."""
    for target in sorted(merged.files, key=lambda file: file.parent.name == "records"):
        write_atomic(target, merged.files[target].read_bytes())
        if target.name == private.FILE:
            target.chmod(0o600)


def _scores(store: Store, left_out: list[str]) -> Iterator[tuple[Path, Scores]]:
    found, refused = store.scores()
    left_out += map(str, refused)
    for own in found:
        yield store.folder / "scores" / f"{own.score_key}.json", own


def _content(scores: Scores) -> bytes:
    """What two files of the same scores have in common."""
    return msgspec.json.encode(msgspec.structs.replace(scores, digest=""))


def _of_cell(record: Record, store: Store, into: Store) -> dict[Path, Path]:
    found = {into.record_file(record.cell): store.record_file(record.cell)}
    predictions = store.prediction_file(record.cell)
    if record.status == DONE and predictions.is_file():
        found[into.prediction_file(record.cell)] = predictions
    adapter = store.adapter_folder(record.cell)
    for file in adapter.rglob("*") if adapter.is_dir() else ():
        if file.is_file():
            found[into.adapter_folder(record.cell) / file.relative_to(adapter)] = file
    return found
