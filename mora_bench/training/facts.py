"""The parts of a record that all competitors share: data, masks and predictions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.data import presence, splits
from mora_bench.data.table import Table
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.records.schema import Data, Record, Scores
from mora_bench.scoring.protocol import Predicted


@dataclass
class Outcome:
    """The outcome of a cell: its record and, if it is done, its predictions and scores."""

    record: Record
    predictions: dict[str, np.ndarray] | None = None
    scores: Scores | None = None


def same_data(cell: Cell, fingerprint: str) -> None:
    """Refuse to run a cell on other data than it was planned on."""
    if fingerprint != cell.data:
        raise UserError(f"{cell.dataset} is not the data this cell was planned on. Plan again.")


def units(table: Table, rows: np.ndarray) -> masks.Units:
    """The rows of a table as mechanisms of missingness may see them."""
    return masks.Units(
        natural=table.present[rows],
        modalities=table.names,
        covariates={name: tuple(values[row] for row in rows) for name, values in table.covariates.items()},
        patients=tuple(table.patients[row] for row in rows),
        targets=table.targets[rows],
    )


def presence_of(cell: Cell, table: Table, split: str, rows: np.ndarray) -> np.ndarray:
    """Presence in one split under a cell's training mask, bool [n, M]."""
    own = units(table, rows)
    kept = masks.mask(own, cell.missing, cell.rate, cell.mechanism, data=cell.data, split=split, seed=cell.seed)
    return presence.combine(own.natural, kept)


def described(
    cell: Cell,
    table: Table,
    contents: dict[str, dict],
    rows: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray],
) -> Data:
    """The data part of a record."""
    natural = table.present
    return Data(
        labels=list(table.labels),
        split=splits.digest(table.ids, dict(rows)),
        contents=contents,
        realised={
            name: presence.realised(natural[rows[name]], own, table.names) | {"n": len(own)}
            for name, own in present.items()
        },
    )


def predictions(
    table: Table, rows: Mapping[str, np.ndarray], logits: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The logits, and what is needed to score them again."""
    found = {f"{name}_logits": values for name, values in logits.items()}
    for name in logits:
        found[f"{name}_rows"] = rows[name]
        found[f"{name}_targets"] = table.targets[rows[name]]
        found[f"{name}_natural"] = table.present[rows[name]]
    return found


def predicted(table: Table, rows: Mapping[str, np.ndarray], logits: Mapping[str, np.ndarray]) -> dict[str, Predicted]:
    """The logits of each split, ready to be scored."""
    return {name: Predicted(units(table, rows[name]), values) for name, values in logits.items()}
