"""Checks the foundations of a results folder anew: its predictions are scored again, and its data read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench.cells.cell import WHY_NOT_AGAIN, Splitting
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets, splits
from mora_bench.data.groups import regrouped
from mora_bench.data.sides import sides
from mora_bench.errors import UserError
from mora_bench.plan.mask_files import NotTheMask
from mora_bench.records import masks
from mora_bench.records.documents import Refused
from mora_bench.records.schema import PREDICTIONS, Record
from mora_bench.records.store import DONE, Store
from mora_bench.records.verify import Findings
from mora_bench.training.masking import decoded
from mora_bench.training.rescore import contradiction, reason

if TYPE_CHECKING:
    from mora_bench.data.table import Table


def scored_again(store: Store, runtime: Runtime, findings: Findings) -> int:
    """Score all predictions of a folder again, and add to the findings the scores that they contradict; gives how many
    could be scored."""
    records = {record.key: record for record in findings.believed.records}
    wrong = {finding.file for finding in findings.wrong}
    again = 0
    odd: dict[str, None] = {}
    for scores in findings.believed.scores:
        record = records[scores.key]
        file = store.prediction_file(record.cell)
        if record.lacks(PREDICTIONS) or file in wrong or not file.is_file():
            continue
        try:
            differs = contradiction(store, record.cell, scores, runtime)
        except NotTheMask as error:
            odd.setdefault(str(error))
            continue
        except UserError as error:
            why = reason(error, record.cell)
            findings.not_seen(f"scores whose predictions cannot be scored again here: {why}")
            continue
        again += 1
        if differs is not None:
            documents = store.score_documents
            findings.wrong.append(documents.refused(scores.score_key, f"{differs}; `rescore` mends it"))
    findings.wrong += [Refused(masks.documents(store).loose, why) for why in odd]
    return again


def data_again(store: Store, runtime: Runtime, findings: Findings) -> int:
    """Read the data of all cells anew, every file of them, and hold their digests and the splits that are drawn from
    them against the records; gives the number of sets of data that could be read."""
    records = [record for record in findings.believed.records if record.status == DONE]
    by_data: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        by_data.setdefault((record.cell.dataset, record.cell.source, record.cell.data), []).append(record)
    read = 0
    for (name, source, fingerprint), group in by_data.items():
        root = runtime.data_root if source == "real" else None
        if source == "real" and root is None:
            findings.not_seen(f"the real {name}, because --data-root was not given")
            continue
        try:
            table, now = datasets.read_anew(name, root, runtime.limit, runtime.cache)
        except UserError as error:
            findings.not_seen(f"the data of {name}: {error}")
            continue
        read += 1
        if now != fingerprint:
            problem = f"{name} is not the data that {len(group)} cells were trained on"
            why = f"{problem}; were they trained with another --limit?"
            findings.wrong.append(store.record_documents.refused(group[0].key, why))
            continue
        _splits_again(store, table, group, findings)
        if sentence := regrouped(table, (record.data.covariates for record in group if record.data)):
            findings.wrong.append(store.record_documents.refused(group[0].key, sentence))
        _decoded_again(group, replace(runtime, data_root=root), findings)
    return read


def _decoded_again(records: list[Record], runtime: Runtime, findings: Findings) -> None:
    """Read the decoded samples of the data, as far as they lie in this machine's cache."""
    cells = [record.cell for record in records]
    alike = {(c.decoded_for, c.seed, c.pool): c for c in cells if c.decoded_for is not None}
    folders: dict[Path, None] = {}
    for cell in alike.values():
        try:
            folders |= dict.fromkeys(decoded(cell, runtime))
        except UserError as error:
            findings.not_seen(f"what was decoded for backbone {cell.backbone}: {error}")
    for folder in filter(Path.exists, folders):
        findings.wrong += [
            Refused(folder, f"{wrong}; the next grid decodes it anew") for wrong in cache.damaged(folder)
        ]


def _splits_again(store: Store, table: Table, records: list[Record], findings: Findings) -> None:
    """Draw the splits of records again."""
    drawn: dict[Splitting, str] = {}
    for record in records:
        cell = record.cell
        if cell.older_draws:
            findings.not_seen(f"splits: {WHY_NOT_AGAIN}")
            continue
        if cell.splitting not in drawn:
            drawn[cell.splitting] = splits.digest({part: side.ids for part, side in sides(cell, table).items()})
        if record.data is not None and drawn[cell.splitting] != record.data.split:
            why = "its split is not the one that its data give; compute the cell again"
            findings.wrong.append(store.record_documents.refused(record.key, why))
