"""Masks that somebody brought, between their file, the results folder, and the data that they are of.

A file is read once, where a grid is planned or a folder scored again. From then on cells name the mask by its digest,
and the results folder holds a copy of it, in which hashes stand for the ids of patients. So a worker, another machine,
`rerun` and `verify` need the folder alone, and no path is written anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.cells.missing import COMPLETE, EACH, Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import UserError
from mora_bench.missing import brought
from mora_bench.missing import masks as missing_masks
from mora_bench.missing.brought import SAID, Brought, listed
from mora_bench.records import masks
from mora_bench.records.private import Hidden
from mora_bench.records.store import Store

#: Of how many seeds test samples that are drawn apart are known, whichever are planned.
POOLS = 32

if TYPE_CHECKING:
    from mora_bench.data.sides import Side
    from mora_bench.data.table import Table


class NotTheMask(UserError):
    """What lies in a results folder under a mask's digest is not that mask."""


def uses(cell: Cell) -> Iterator[tuple[Missing, tuple[str, ...]]]:
    """The masks that a cell reads from files, and on which sides of its split."""
    if cell.mechanism.brought and cell.missing != COMPLETE:
        yield cell.mechanism, ("train", "val")
    if cell.test_missing.brought:
        yield cell.test_missing, ("val", "test")


def said(mask: Brought) -> str:
    """A mask in messages on the terminal: its digest, and the file if it was read from one."""
    file = brought.file_of(mask.digest)
    return f"mask:{mask.digest}" + f" ({file})" * (file is not None)


def units_of(side: Side, unit: str) -> list[str]:
    """The names of what loses modalities: of each sample its own, or its patient's."""
    return side.ids if unit == "sample" else [side.table.patients[row] for row in side.rows]


def check(cells: Sequence[Cell], place: Runtime) -> None:
    """Refuse masks that are not of a grid's data, before anything is trained.

    Raises:
        UserError: a mask names units that the data do not have, or says nothing of some that a cell needs.
    """
    asked: dict[tuple, tuple[Cell, Missing, tuple[str, ...]]] = {}
    for cell in cells:
        for missing, sides in uses(cell):
            if cell.after:
                raise UserError(f"{cell.label}: a mask file belongs to one dataset; leave --after out.")
            which = (cell.dataset, cell.split, cell.folds, cell.pool, cell.seed, missing.brought, missing.unit, sides)
            asked.setdefault(which, (cell, missing, sides))
    seeds = sorted({cell.seed for cell in cells})
    looked = set()
    for cell, missing, sides in asked.values():
        names = (cell.dataset, cell.pool, missing.brought, missing.unit)
        if names not in looked:
            looked.add(names)
            _check_known(cell, missing, seeds, place)
        _check_whole(cell, missing, sides, place)


def _check_known(cell: Cell, missing: Missing, seeds: Sequence[int], place: Runtime) -> None:
    """Refuse a mask of units that the data do not have."""
    mask = brought.known(missing.brought)
    odd = mask.names - set(names_of(cell.dataset, missing.unit, place))
    # It may say something of test samples of other seeds than are planned.
    for seed in dict.fromkeys([*seeds, *sorted(mask.seeds), *range(POOLS)]) if cell.pool else ():
        if odd:
            odd -= set(_pool_names(cell.dataset, seed, cell.pool, missing.unit))
    if odd:
        apart = f", nor one of the {cell.pool} drawn apart for each seed" * bool(cell.pool)
        raise UserError(
            f"{said(mask)}: {len(odd)} of its ids are no {missing.unit} of {cell.dataset} ({cell.source}){apart}: "
            f"{listed([brought.where(mask.digest, name) for name in sorted(odd)])}."
        )


def _check_whole(cell: Cell, missing: Missing, sides: Sequence[str], place: Runtime) -> None:
    """Refuse a mask that says nothing of units that a cell needs."""
    from mora_bench.data import datasets
    from mora_bench.data import sides as splits

    mask = brought.known(missing.brought)
    table, _ = datasets.fingerprinted(cell.dataset, place.data_root, place.limit, place.cache)
    parts = splits.sides(cell, table)
    wrong = []
    for side in sides:
        lacking = mask.absent(units_of(parts[side], missing.unit), side, cell.seed)
        if lacking:
            count = f"{len(lacking)} of {len(parts[side])} {SAID[side]} {missing.unit}s"
            wrong.append(f"{count}, seed {cell.seed}: {listed([repr(name) for name in lacking])}")
    if wrong:
        raise UserError(
            f"{said(mask)} on {cell.dataset}: no row for {'; and none for '.join(wrong)}. Every {missing.unit} needs a "
            "row (1: kept, 0: missing). For testing you can use another mechanism (--test-mechanism)."
        )


def names_of(dataset: str, unit: str, place: Runtime) -> tuple[str, ...]:
    """The names of all units of a dataset, also where a smoke run reads only the first of them."""
    from mora_bench.data import datasets

    if place.limit is None:
        table, _ = datasets.fingerprinted(dataset, place.data_root, None, place.cache)
    else:
        table = datasets.load(dataset, place.data_root)
    return table.ids if unit == "sample" else table.patients


@lru_cache(maxsize=256)
def _pool_names(dataset: str, seed: int, samples: int, unit: str) -> tuple[str, ...]:
    from mora_bench.data import datasets

    table = datasets.pool(dataset, seed, samples)
    return table.ids if unit == "sample" else table.patients


def keep(cells: Iterable[Cell], place: Runtime) -> None:
    """Write the masks that cells read into their results folder, unless they lie there.

    Raises:
        UserError: one is neither there nor known to this process.
    """
    store = Store(place.out)
    for mask, source in dict.fromkeys((mask, cell.source) for cell in cells for mask in cell.brought):
        if _readable(store, mask, source) is None:
            masks.write(store, mask, _document(brought.known(mask), store, source))


def load(cell: Cell, place: Runtime, folder: Store | None = None) -> None:
    """Have this process know the masks that a cell reads, from a results folder: that of `place` if none is given.

    Raises:
        UserError: one is not there, was edited, or is of other data.
    """
    for mask in cell.brought:
        if not brought.knows(mask):
            find(mask, cell.dataset, cell.source, place, folder)


def from_folder(mechanism: str, table: Table, place: Runtime) -> None:
    """Have this process know the mask that a mechanism names by its digest, if it does, from the results folder.

    Raises:
        UserError: it is not there.
    """
    digest = Missing(mechanism).brought
    if digest and brought.is_digest(digest) and not brought.knows(digest):
        find(digest, table.name, table.source, place)


def at_its_rate(scoring: Scoring, trained: Missing, modalities: Sequence[str]) -> Scoring:
    """A protocol with the rate of the test mechanism, where that has one of its own; `trained` is what takes modalities
    in training.

    Raises:
        UserError: another rate was asked for.
    """
    tested = scoring.missing or trained
    if missing_masks.rated(tested):
        return scoring
    if scoring.rate is not None:
        raise UserError(f"--test-rate {scoring.rate:g}: {tested.mechanism} has a rate of its own; leave it out.")
    return (
        scoring
        if scoring.missing is None
        else replace(scoring, rate=missing_masks.rate_of(tested, EACH, modalities, "test"))
    )


def find(mask: str, dataset: str, source: str, place: Runtime, folder: Store | None = None) -> None:
    """Have this process know the mask of a digest, from a results folder that holds it.

    Raises:
        UserError: as `load`.
    """
    store = folder or Store(place.out)
    content, where = _readable(store, mask, source), masks.documents(store).loose
    if content is None:
        raise UserError(
            f"mask:{mask}: {where} has no mask with this digest whose ids can be matched here. Give its "
            "file again, as mask:FILE."
        )
    if source == "real" and place.data_root is None:
        raise UserError(f"mask:{mask}: its ids are stored as hashes; give the real {dataset} with --data-root.")
    held = json.loads(content)
    rows = [tuple(row) for row in held["rows"]]
    if source == "real":
        hidden = Hidden(store.folder)
        names = {hidden.name(name): name for unit in ("sample", "patient") for name in names_of(dataset, unit, place)}
        rows = [(side, seed, names.get(name, ""), kept) for side, seed, name, kept in rows]
    found = Brought(tuple(held["modalities"]), tuple(sorted(rows, key=brought.order)))
    if found.digest != mask:
        raise NotTheMask(f"mask:{mask} in {where} is not what was brought, or of other data. Give its file again.")
    brought.remember(found)


def _readable(store: Store, mask: str, source: str) -> bytes | None:
    """The document of a mask whose ids can be told: of patients that with this folder's salt."""
    key = Hidden(store.folder).key if source == "real" and masks.documents(store).names() else ""
    return next((c for c in masks.documents_of(store, mask).values() if json.loads(c).get("hashed", "") == key), None)


def _document(mask: Brought, store: Store, source: str) -> bytes:
    """A mask as it lies in a results folder."""
    rows, how = list(mask.rows), {}
    if source == "real":
        hidden = Hidden(store.folder)
        how = {"hashed": hidden.key}
        # In the order of the hashes, because that of the ids would tell something of them.
        rows = sorted(((side, seed, hidden.name(name), kept) for side, seed, name, kept in rows), key=brought.order)
    return json.dumps({"digest": mask.digest, "modalities": mask.modalities} | how | {"rows": rows}).encode()
