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
from mora_bench.missing import masks as missing_masks
from mora_bench.missing import supplied_mask
from mora_bench.missing.supplied_mask import NAMED, SIDE_WORDS, Brought
from mora_bench.records import masks
from mora_bench.records.private import Pseudonyms
from mora_bench.records.store import Store
from mora_bench.text import listed

#: Of how many seeds test samples that are drawn apart are known, whichever are planned.
POOLS = 32

if TYPE_CHECKING:
    from mora_bench.data.sides import Side
    from mora_bench.data.table import Table


class NotTheMask(UserError):
    """The document under a mask's digest in a results folder is not that mask."""


def uses(cell: Cell) -> Iterator[tuple[Missing, tuple[str, ...]]]:
    """The masks that a cell reads from files, and on which sides of its split."""
    if cell.mechanism.brought and cell.missing != COMPLETE:
        yield cell.mechanism, ("train", "val")
    if cell.test_missing.brought:
        yield cell.test_missing, ("val", "test")


def mask_label(mask: Brought) -> str:
    """A mask in messages on the terminal: its digest, and the file if it was read from one."""
    file = supplied_mask.file_of(mask.digest)
    return f"mask:{mask.digest}" + f" ({file})" * (file is not None)


def units_of(side: Side, unit: str) -> list[str]:
    """The names of the units that lose modalities: the ids of samples, or of each sample its patient."""
    return side.ids if unit == "sample" else [side.table.patients[row] for row in side.rows]


def check(cells: Sequence[Cell], runtime: Runtime) -> None:
    """Refuse masks that are not of a grid's data, before anything is trained.

    Raises:
        UserError: a mask names units that the data do not have, or says nothing of some that a cell needs.
    """
    unique: dict[tuple, tuple[Cell, Missing, tuple[str, ...]]] = {}
    for cell in cells:
        for missing, sides in uses(cell):
            if cell.after:
                raise UserError(f"{cell.label}: a mask file belongs to one dataset; leave --after out.")
            key = (cell.dataset, cell.splitting, missing.brought, missing.unit, sides)
            unique.setdefault(key, (cell, missing, sides))
    seeds = sorted({cell.seed for cell in cells})
    checked = set()
    for cell, missing, sides in unique.values():
        data_key = (cell.dataset, cell.pool, missing.brought, missing.unit)
        if data_key not in checked:
            checked.add(data_key)
            _check_known(cell, missing, seeds, runtime)
        _check_complete(cell, missing, sides, runtime)


def _check_known(cell: Cell, missing: Missing, seeds: Sequence[int], runtime: Runtime) -> None:
    """Refuse a mask of units that the data do not have."""
    mask = supplied_mask.known(missing.brought)
    unknown = mask.names - set(names_of(cell.dataset, missing.unit, runtime))
    # It may say something of test samples of other seeds than are planned.
    for seed in dict.fromkeys([*seeds, *sorted(mask.seeds), *range(POOLS)]) if cell.pool else ():
        if unknown:
            unknown -= set(_pool_names(cell.dataset, seed, cell.pool, missing.unit))
    if unknown:
        clause = f", nor one of the {cell.pool} drawn apart for each seed" * bool(cell.pool)
        raise UserError(
            f"{mask_label(mask)}: {len(unknown)} of its ids are no {missing.unit} of {cell.dataset} ({cell.source})"
            f"{clause}: {listed([supplied_mask.where(mask.digest, name) for name in sorted(unknown)], NAMED, '; ')}."
        )


def _check_complete(cell: Cell, missing: Missing, sides: Sequence[str], runtime: Runtime) -> None:
    """Refuse a mask that says nothing of units that a cell needs."""
    from mora_bench.data import datasets
    from mora_bench.data import sides as splits

    mask = supplied_mask.known(missing.brought)
    table = datasets.table_of(cell.dataset, runtime)
    parts = splits.sides(cell, table)
    wrong = []
    for side in sides:
        lacking = mask.absent(units_of(parts[side], missing.unit), side, cell.seed)
        if lacking:
            count = f"{len(lacking)} of {len(parts[side])} {SIDE_WORDS[side]} {missing.unit}s"
            wrong.append(f"{count}, seed {cell.seed}: {listed([repr(name) for name in lacking], NAMED, '; ')}")
    if wrong:
        raise UserError(
            f"{mask_label(mask)} on {cell.dataset}: no row for {'; and none for '.join(wrong)}. Every {missing.unit} "
            "needs a row (1: kept, 0: missing). For testing you can use another mechanism (--test-mechanism)."
        )


def names_of(dataset: str, unit: str, runtime: Runtime) -> tuple[str, ...]:
    """The names of all units of a dataset, also where a smoke run reads only the first of them."""
    from mora_bench.data import datasets

    whole = runtime.limit is None
    table = datasets.table_of(dataset, runtime) if whole else datasets.load(dataset, runtime.data_root)
    return table.ids if unit == "sample" else table.patients


@lru_cache(maxsize=256)
def _pool_names(dataset: str, seed: int, samples: int, unit: str) -> tuple[str, ...]:
    from mora_bench.data import datasets

    table = datasets.pool(dataset, seed, samples)
    return table.ids if unit == "sample" else table.patients


def keep(cells: Iterable[Cell], runtime: Runtime) -> None:
    """Write the masks that cells read into their results folder, unless they lie there.

    Raises:
        UserError: one is neither in that folder nor known to this process.
    """
    store = Store(runtime.out)
    for digest, source in dict.fromkeys((digest, cell.source) for cell in cells for digest in cell.brought):
        if _readable(store, digest, source) is None:
            masks.write(store, digest, _document(supplied_mask.known(digest), store, source))


def load(cell: Cell, runtime: Runtime, folder: Store | None = None) -> None:
    """Have this process know the masks that a cell reads, from a results folder: that of `runtime` if none is given.

    Raises:
        UserError: one is absent, was edited, or is of other data.
    """
    for digest in cell.brought:
        if not supplied_mask.knows(digest):
            find(digest, cell.dataset, cell.source, runtime, folder)


def from_folder(mechanism: str, table: Table, runtime: Runtime) -> None:
    """Have this process know the mask that a mechanism names by its digest, if it does, from the results folder.

    Raises:
        UserError: it is absent.
    """
    digest = Missing(mechanism).brought
    if digest and supplied_mask.is_digest(digest) and not supplied_mask.knows(digest):
        find(digest, table.name, table.source, runtime)


def at_its_rate(scoring: Scoring, trained: Missing, modalities: Sequence[str]) -> Scoring:
    """A protocol with the rate of the test mechanism, where that fixes one; `trained` is the mechanism of training.

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


def find(digest: str, dataset: str, source: str, runtime: Runtime, folder: Store | None = None) -> None:
    """Have this process know the mask of a digest, from a results folder that holds it.

    Raises:
        UserError: as `load`.
    """
    store = folder or Store(runtime.out)
    content, path = _readable(store, digest, source), masks.documents(store).loose
    if content is None:
        raise UserError(
            f"mask:{digest}: {path} has no mask with this digest whose ids can be matched here. Give its "
            "file again, as mask:FILE."
        )
    if source == "real" and runtime.data_root is None:
        raise UserError(f"mask:{digest}: its ids are stored as hashes; give the real {dataset} with --data-root.")
    document = json.loads(content)
    rows = [tuple(row) for row in document["rows"]]
    if source == "real":
        hidden = Pseudonyms(store.folder)
        names = {hidden.name(name): name for unit in ("sample", "patient") for name in names_of(dataset, unit, runtime)}
        rows = [(side, seed, names.get(name, ""), digits) for side, seed, name, digits in rows]
    mask = Brought(tuple(document["modalities"]), tuple(sorted(rows, key=supplied_mask.order)))
    if mask.digest != digest:
        raise NotTheMask(f"mask:{digest} in {path} is not what was brought, or of other data. Give its file again.")
    supplied_mask.remember(mask)


def _readable(store: Store, digest: str, source: str) -> bytes | None:
    """The document of a mask whose ids can be matched: for real patients the one with this folder's salt."""
    key = Pseudonyms(store.folder).key if source == "real" and masks.documents(store).names() else ""
    return next(
        (
            document
            for document in masks.documents_of(store, digest).values()
            if json.loads(document).get("hashed", "") == key
        ),
        None,
    )


def _document(mask: Brought, store: Store, source: str) -> bytes:
    """The document of a mask for a results folder."""
    rows, header = list(mask.rows), {}
    if source == "real":
        hidden = Pseudonyms(store.folder)
        header = {"hashed": hidden.key}
        # In the order of the hashes, because that of the ids would tell something of them.
        rows = sorted(
            ((side, seed, hidden.name(name), digits) for side, seed, name, digits in rows), key=supplied_mask.order
        )
    return json.dumps({"digest": mask.digest, "modalities": mask.modalities} | header | {"rows": rows}).encode()
