"""A results folder as others may have it: what was scored and how, a card, and nothing of any patient."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records.encoding import encode
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, Store
from mora_bench.records.verify import verify
from mora_bench.report import card
from mora_bench.report import write as report
from mora_bench.report.card import local


@dataclass(frozen=True)
class Published:
    """What was written: the trained cells, and what was left out, one sentence each."""

    cells: int
    adapters: int
    left_out: list[str]


def publish(folder: Path, into: Path, title: str, licence: str = "", predictions: bool = False) -> Published:
    """Write `into`: records, scores, splits, adapters of the cells that are done, tables and page of these, a card.

    Left out are logs, checkpoints, leases, the salt of ids, cells that failed, and predictions, which hold the labels
    of each sample, unless they are asked for. Paths of this machine are cut to their last part.

    Raises:
        UserError: the folder holds nothing, or something that is damaged; or `into` holds something.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UserError(f"--into {into}: is there and not empty. Give a new folder.")
    if not (folder / "records").is_dir():
        raise UserError(f"{folder}: no records. Expected {folder}/records/*.json, as `grid` writes them.")
    wrong = [str(finding) for finding in verify(folder)]
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(f"{folder}: not all is whole; `mora_bench verify` names it: {'; '.join(wrong[:3])}{more}.")
    store, out = Store(folder), Store(into)
    records = [record for record in store.records()[0] if record.status == DONE]
    if not records:
        raise UserError(f"{folder}: no cell is done, so there is nothing to publish.")
    scores = store.scores()[0]
    left_out = list(_left_out(store, len(records), predictions))
    for each in scores:
        write_atomic(into / "scores" / f"{each.score_key}.json", encode(each))
    for record in records:
        if predictions and store.prediction_file(record.cell).is_file():
            write_atomic(out.prediction_file(record.cell), store.prediction_file(record.cell).read_bytes())
        _adapter(record, store, out)
        write_atomic(out.record_file(record.cell), encode(_without_paths(record)))
    left_out += _splits(folder, into)
    written = report.write(into)
    kept = {record.key for record in records if out.adapter_folder(record.cell).is_dir()}
    text = card.card(written.results, kept, title, licence, left_out)
    write_atomic(into / "README.md", text.encode())
    write_atomic(into / "provenance.json", (json.dumps(card.sources(records), indent=1) + "\n").encode())
    return Published(len(records), len(kept), left_out)


def _left_out(store: Store, done: int, predictions: bool) -> Iterator[str]:
    failed = len(list((store.folder / "records").glob("*.json"))) - done
    if failed:
        yield f"{failed} cells that failed"
    if not predictions:
        yield "predictions, which hold the labels of each sample: `rescore` needs them, `report` and `compare` do not"
    yield "logs, checkpoints, and the salt of the ids in splits/"


def _without_paths(record: Record) -> Record:
    """A record as others may have it. A cell's key does not depend on what its backbone is called."""
    return msgspec.structs.replace(record, cell=replace(record.cell, backbone=local(record.cell.backbone)))


def _adapter(record: Record, store: Store, out: Store) -> None:
    """Copy what a cell trained; texts in it that name the backbone name it without folders."""
    folder = store.adapter_folder(record.cell)
    before, after = record.cell.backbone, local(record.cell.backbone)
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        content = file.read_bytes()
        if before != after and file.suffix in (".json", ".md"):
            content = content.replace(json.dumps(before).encode(), json.dumps(after).encode())
            content = content.replace(before.encode(), after.encode())
        write_atomic(out.adapter_folder(record.cell) / file.relative_to(folder), content)


def _splits(folder: Path, into: Path) -> Iterator[str]:
    """Copy the splits; of patients only those in which hashes stand for ids."""
    plain = 0
    for file in sorted((folder / "splits").glob("*.json")):
        content = file.read_bytes()
        if "-real-" in file.name and "hashed" not in json.loads(content):
            plain += 1
        else:
            write_atomic(into / "splits" / file.name, content)
    if plain:
        yield f"{plain} splits that hold ids of patients, written by an older mora_bench"
