"""A results folder as others may have it: scores, how they were made, a card, and nothing of any patient."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records import masks
from mora_bench.records.schema import PREDICTIONS, Record, Scores
from mora_bench.records.store import DONE, Store
from mora_bench.records.verify import verify
from mora_bench.report import card
from mora_bench.report import write as report
from mora_bench.report.card import local
from mora_bench.text import listed, number_of


@dataclass(frozen=True)
class PublishSummary:
    """The number of cells and of their adapters that were written, and what was left out, one sentence each."""

    cells: int
    adapters: int
    left_out: list[str]


def publish(
    folder: Path, into: Path, title: str, licence: str = "", predictions: bool = False, splits: bool = True
) -> PublishSummary:
    """Write `into`: records, scores, splits, adapters of the cells that are done, tables and page of these, a card.

    Left out are logs, checkpoints, leases, the salt of ids, cells that failed, and predictions, which hold the labels
    of each sample, unless they are asked for. Without `splits` the lists of hashed ids are, too. Paths of this machine
    are cut to their last part.

    Raises:
        UserError: the folder holds nothing, or something that is damaged; or `into` holds something.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UserError(f"--into {into}: is there and not empty. Give a new folder.")
    store, out = Store(folder), Store(into)
    store.check_exists()
    findings = verify(store)
    # A split that is left out need not be here.
    spared = set() if splits else {store.split_documents.where(record.split) for record in findings.believed.records}
    wrong = [str(finding) for finding in findings.wrong if finding.file not in spared]
    if wrong:
        raise UserError(f"{folder}: damaged files; `mora_bench verify` lists them: {listed(wrong, 3, '; ')}.")
    believed = findings.believed
    records = [record for record in believed.records if record.status == DONE]
    if not records:
        raise UserError(f"{folder}: no cell is done, so there is nothing to publish.")
    scores: dict[str, list[Scores]] = {}
    for document in believed.scores:
        scores.setdefault(document.key, []).append(document)
    adapters, unhashed = set(), set()
    for record in records:
        adapter = _adapter(record, store)
        split = _split(record, store, out) if splits else ""
        if split is None:
            unhashed.add(record.split)
        # What a record names of predictions that are left out stays: who has them can show that they are the same.
        shown = store.prediction_content(record) if predictions and not record.lacks(PREDICTIONS) else None
        first, *others = scores[record.key]
        out.write(record.cell, _without_paths(record), shown, first, adapter, split or "")
        written = out.record_of(record.key)
        assert isinstance(written, Record)
        for another in others:
            out.write_scores(another, written)
        adapters |= {record.key} if adapter else set()
    for mask in masks.read_by(records, [document for documents in scores.values() for document in documents]):
        masks.copy(mask, store, out)
    left_out = list(_left_out(len(believed.records) - len(records), predictions, splits, len(unhashed)))
    tables = report.write(into)
    text = card.card(tables.results, adapters, title, licence, left_out)
    write_atomic(into / "README.md", text.encode())
    write_atomic(into / "provenance.json", (json.dumps(card.sources(records), indent=1) + "\n").encode())
    return PublishSummary(len(records), len(adapters), left_out)


def _left_out(failed: int, predictions: bool, splits: bool, unhashed: int) -> Iterator[str]:
    if failed:
        yield f"{number_of(failed)} that failed"
    if not predictions:
        yield "predictions, which hold the labels of each sample: `rescore` needs them, `report` and `compare` do not"
    if not splits:
        yield "splits, which list the hashed ids of each side"
    if unhashed:
        yield f"{unhashed} splits that hold ids of patients, written by an older mora_bench"
    yield "logs, checkpoints, and the salt of the ids in splits/"


def _without_paths(record: Record) -> Record:
    """A record as others may have it. A cell's key does not depend on what its backbone is called."""
    return msgspec.structs.replace(record, cell=replace(record.cell, backbone=local(record.cell.backbone)))


def _adapter(record: Record, store: Store) -> dict[str, bytes] | None:
    """The files of a cell's trained parameters, if saved; texts that name the backbone name it without folders."""
    if not record.adapter and not (record.older and store.adapter_folder(record.cell).is_dir()):
        return None
    before, after = record.cell.backbone, local(record.cell.backbone)
    files = store.adapter(record)
    for name, content in files.items():
        if before != after and name.endswith((".json", ".md")):
            quoted = content.replace(json.dumps(before).encode(), json.dumps(after).encode())
            files[name] = quoted.replace(before.encode(), after.encode())
    return files


def _split(record: Record, store: Store, out: Store) -> str | None:
    """Copy the ids of a record's split, and give their name, "" if there are none; None where they are patients' and no
    hashes."""
    for name, content in store.splits_of(record).items():
        if record.cell.source == "real" and "hashed" not in json.loads(content):
            return None
        out.split_documents.write(name, content)
        return name
    return ""
