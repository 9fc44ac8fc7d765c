"""Scores of stored predictions: under the protocol of a cell, or of a whole results folder under another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.missing.contract import Known
from mora_bench.plan import mask_files
from mora_bench.plan.data_axes import known_of
from mora_bench.records.equal import TOLERANCE, differences
from mora_bench.records.store import FAILED, Store

if TYPE_CHECKING:
    import numpy as np

    from mora_bench.data.sides import Side
    from mora_bench.data.table import Table
    from mora_bench.records.schema import Record, Scores
    from mora_bench.scoring.protocol import Predicted


def rescore(folder: Path, scoring: Scoring, runtime: Runtime) -> tuple[list[Cell], list[str]]:
    """Score the stored predictions of a results folder under another protocol, without training.

    Returns:
        The cells that were scored, and why others were not.
    """
    store = Store(folder)
    store.check_exists()
    records, refused = store.records()
    left = list(map(str, refused))
    scored, unfit = [], dict[str, list[str]]()
    known: dict[Cell, Record] = {}
    for record, cell in _under(scoring, records, runtime, unfit):
        try:
            mask_files.load(cell, runtime)
            known[cell] = record
        except UserError as error:
            unfit.setdefault(reason(error, cell), []).append(cell.label)
    if scoring.missing is not None and scoring.missing.brought:
        mask_files.check([*known], runtime)
        mask_files.keep(known, runtime)
    for cell, record in known.items():
        file = store.prediction_file(cell)
        if not file.is_file():
            left.append(f"{cell.label}: {file} is absent")
        elif not store.intact(record):
            left.append(f"{cell.label}: {file} is not what was written: it was edited or cut; compute the cell again")
        else:
            try:
                score(store, cell, record, runtime)
                scored.append(cell)
            except UserError as error:
                unfit.setdefault(reason(error, cell), []).append(cell.label)
    # A protocol that does not fit one cell of a task fits none of it; that is said once.
    left += said_once(unfit)
    if not records:
        raise UserError(f"{folder}: none of its records can be read: {'; '.join(left[:3])}.")
    return scored, left


def _under(
    scoring: Scoring, records: Sequence[Record], runtime: Runtime, unfit: dict[str, list[str]]
) -> list[tuple[Record, Cell]]:
    """Each record with a result, and its cell under a protocol; `unfit` gets why it does not fit some of them.

    Raises:
        UserError: it fits none.
    """
    fitting, errors = [], []
    for record in (record for record in records if record.status != FAILED):
        try:
            fitting.append((record, replace(record.cell, scoring=_for_dataset(scoring, record.cell, runtime))))
        except UserError as error:
            errors.append(error)
            unfit.setdefault(reason(error, record.cell), []).append(record.cell.label)
    if errors and not fitting:
        raise errors[0]
    return fitting


def _for_dataset(scoring: Scoring, cell: Cell, runtime: Runtime) -> Scoring:
    """The protocol, settled for a cell's dataset."""
    if scoring.missing is None:
        return mask_files.at_its_rate(scoring, cell.mechanism, cell.modalities)
    known = Known({}, (), cell.modalities)
    if masks.mechanism(scoring.missing.mechanism)[0].reads:
        table = table_of(cell, runtime)
        known = known_of(table)
        mask_files.from_folder(scoring.missing.mechanism, table, runtime)
    settled = replace(scoring, missing=masks.settled(scoring.missing, cell.dataset, known))
    return mask_files.at_its_rate(settled, cell.mechanism, cell.modalities)


def reason(error: UserError, cell: Cell) -> str:
    """An error without the label of its cell, so that it is the same sentence for all cells."""
    return str(error).removeprefix(f"{cell.label}: ")


def said_once(left: Mapping[str, Sequence[str]]) -> list[str]:
    """Why cells were left out: one sentence for all cells of one reason; `left` has their labels by it."""
    return [f"{labels[0]}{f' and {len(labels) - 1} more' * (len(labels) > 1)}: {why}" for why, labels in left.items()]


def sides_of(cell: Cell, runtime: Runtime) -> tuple[Table, dict[str, Side]]:
    """The data of a cell that was trained, and the sides of its split.

    Raises:
        UserError: the data are not at hand, or not those that it was trained on.
    """
    from mora_bench.training.masking import own_sides

    table_of(cell, runtime)
    return own_sides(cell, runtime)


def table_of(cell: Cell, runtime: Runtime) -> Table:
    """The data of a cell, if they are available and unchanged."""
    from mora_bench.data import datasets

    root = runtime.data_root if cell.source == "real" else None
    if cell.source == "real" and root is None:
        raise UserError(f"{cell.label}: its scores need the real {cell.dataset}; say where it is with --data-root.")
    table, fingerprint = datasets.fingerprinted(cell.dataset, replace(runtime, data_root=root))
    if fingerprint != cell.data:
        raise UserError(
            f"{cell.label}: {cell.dataset} is not the data that was trained on. Was that with another --limit, "
            "--plugin or --data-root? Give the same."
        )
    return table


def score(store: Store, cell: Cell, record: Record, runtime: Runtime) -> None:
    """Score the stored predictions of one cell, for its record; the data are read only if a mechanism needs more than
    presence.

    Raises:
        UserError: they are not predictions of this cell.
    """
    try:
        store.write_scores(_scored(cell, store.predictions(cell), runtime), record)
    except (ValueError, KeyError, IndexError) as error:
        raise UserError(
            f"{store.prediction_file(cell)}: cannot be scored ({type(error).__name__}: {error}); compute it again."
        ) from error


def contradiction(store: Store, cell: Cell, known: Scores, runtime: Runtime) -> str | None:
    """The first of a cell's scores that is not what its predictions give, in words; None if all agree to `TOLERANCE`.

    Raises:
        UserError: the predictions cannot be scored, or that needs data that are not at hand.
    """
    try:
        again = _scored(replace(cell, scoring=known.scoring), store.predictions(cell), runtime)
    except (ValueError, KeyError, IndexError) as error:
        raise UserError(
            f"{store.prediction_file(cell)}: cannot be scored ({type(error).__name__}: {error})."
        ) from error
    for differs in differences(known, again):
        # A number that only the predictions give was unknown to the version that wrote the file: no contradiction.
        if differs.only == "first":
            return f"{differs.where} is {differs.first}, and the predictions give no such number"
        if not differs.only and differs.size > TOLERANCE:
            return f"{differs.where} is {differs.first}, and the predictions give {differs.second}"
    return None


def _scored(cell: Cell, saved: Mapping[str, np.ndarray], runtime: Runtime) -> Scores:
    from mora_bench.scoring.protocol import scored

    return scored(cell, predicted_of(cell, saved, runtime))


def predicted_of(cell: Cell, saved: Mapping[str, np.ndarray], runtime: Runtime) -> dict[str, Predicted]:
    """The stored predictions of a cell's validation and test samples; the data are read only if its mechanism needs
    more of them than presence.

    Raises:
        UserError: another version drew the cell's test masks, or its data are needed and not at hand.
    """
    from mora_bench.scoring.protocol import Predicted
    from mora_bench.training.guards import same_test_masks

    same_test_masks(cell)
    mask_files.load(cell, runtime)
    predicted = {}
    for split in ("val", "test"):
        if masks.needs_table(cell.test_missing) or f"{split}_tokens" not in saved:
            from mora_bench.data.sides import sides
            from mora_bench.training.masking import units

            side_units = units(sides(cell, table_of(cell, runtime))[split])
        else:
            side_units = masks.Units(
                natural=saved[f"{split}_natural"],
                modalities=cell.modalities,
                tokens=saved[f"{split}_tokens"],
                covariates={},
                patients=(),
                targets=saved[f"{split}_targets"],
            )
        groups = {name.partition(" ")[2]: group for name, group in saved.items() if name.startswith(f"{split}_group ")}
        predicted[split] = Predicted(side_units, saved[f"{split}_logits"], groups, saved.get(f"{split}_spread"))
    return predicted
