"""Looks again at what a results folder rests on: its predictions, scored again, and its data, read anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench.cells.cell import WHY_NOT_AGAIN
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets, splits
from mora_bench.data.sides import sides
from mora_bench.errors import UserError
from mora_bench.files import digest_json
from mora_bench.plan.brought import NotTheMask
from mora_bench.records import masks
from mora_bench.records.documents import Refused
from mora_bench.records.schema import PREDICTIONS, Record
from mora_bench.records.store import DONE, Store
from mora_bench.records.verify import Findings
from mora_bench.training.facts import decoded
from mora_bench.training.rescored import contradiction

if TYPE_CHECKING:
    from mora_bench.data.table import Table


def scored_again(store: Store, place: Runtime, found: Findings) -> int:
    """Score all predictions of a folder again, and add what contradicts them to what was found; gives how many could be
    scored."""
    records = {record.key: record for record in found.believed.records}
    wrong = {finding.file for finding in found.wrong}
    again = 0
    odd: dict[str, None] = {}
    for each in found.believed.scores:
        record = records[each.key]
        file = store.prediction_file(record.cell)
        if record.lacks(PREDICTIONS) or file in wrong or not file.is_file():
            continue
        try:
            differs = contradiction(store, record.cell, each, place)
        except NotTheMask as error:
            odd.setdefault(str(error))
            continue
        except UserError as error:
            # Which cell it is would make every sentence another one.
            why = str(error).removeprefix(f"{record.cell.label}: ")
            found.not_seen(f"scores whose predictions cannot be scored again here: {why}")
            continue
        again += 1
        if differs is not None:
            where = store.score_documents
            found.wrong.append(where.refused(each.score_key, f"{differs}; `rescore` mends it"))
    found.wrong += [Refused(masks.documents(store).loose, why) for why in odd]
    return again


def data_again(store: Store, place: Runtime, found: Findings) -> int:
    """Read the data of all cells anew, every file of them, and hold their digests and the splits that are drawn from
    them against what the records say; gives how many sets of data could be read."""
    records = [record for record in found.believed.records if record.status == DONE]
    known: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        known.setdefault((record.cell.dataset, record.cell.source, record.cell.data), []).append(record)
    read = 0
    for (name, source, fingerprint), own in known.items():
        root = place.data_root if source == "real" else None
        if source == "real" and root is None:
            found.not_seen(f"the real {name}, because --data-root was not given")
            continue
        try:
            table, now = datasets.read_anew(name, root, place.limit, place.cache)
        except UserError as error:
            found.not_seen(f"the data of {name}: {error}")
            continue
        read += 1
        if now != fingerprint:
            said = f"{name} is not the data that {len(own)} cells were trained on"
            why = f"{said}; were they trained with another --limit?"
            found.wrong.append(store.record_documents.refused(own[0].key, why))
            continue
        _splits_again(store, table, own, found)
        _decoded_again(own, replace(place, data_root=root), found)
    return read


def _decoded_again(records: list[Record], place: Runtime, found: Findings) -> None:
    """Read what was decoded of the data, as far as it lies in this machine's cache."""
    cells = [record.cell for record in records]
    alike = {(c.decoded_for, c.seed, c.pool): c for c in cells if c.decoded_for is not None}
    folders: dict[Path, None] = {}
    for cell in alike.values():
        try:
            folders |= dict.fromkeys(decoded(cell, place))
        except UserError as error:
            found.not_seen(f"what was decoded for backbone {cell.backbone}: {error}")
    for folder in filter(Path.exists, folders):
        found.wrong += [Refused(folder, f"{wrong}; the next grid decodes it anew") for wrong in cache.damaged(folder)]


def _splits_again(store: Store, table: Table, records: list[Record], found: Findings) -> None:
    """Draw the splits of records again."""
    drawn: dict[str, str] = {}
    for record in records:
        cell = record.cell
        if cell.older_draws:
            found.not_seen(f"splits: {WHY_NOT_AGAIN}")
            continue
        which = digest_json([cell.split, cell.seed, cell.folds, cell.pool])
        if which not in drawn:
            drawn[which] = splits.digest({part: side.ids for part, side in sides(cell, table).items()})
        if record.data is not None and drawn[which] != record.data.split:
            why = "its split is not the one that its data give; compute the cell again"
            found.wrong.append(store.record_documents.refused(record.key, why))
