"""The sides of a cell's split as samples: rows of its table, and test samples that are drawn apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mora_bench.cells.cell import OFFICIAL, Cell
from mora_bench.data import datasets, splits
from mora_bench.data.table import Table
from mora_bench.errors import UserError


@dataclass(frozen=True)
class Side:
    """One side of a split: `rows`, int [n], of `table`."""

    table: Table
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> list[str]:
        return [self.table.ids[row] for row in self.rows]

    @property
    def tokens(self) -> np.ndarray:
        """uint64 [n], a number for each sample from its id, from which its masks are drawn."""
        return self.table.tokens[self.rows]

    @property
    def weights(self) -> np.ndarray | None:
        """How much each sample counts in training, float [n], in proportion; None where all count alike."""
        return np.array(self.table.weights)[self.rows] if self.table.weights else None

    @property
    def natural(self) -> np.ndarray:
        """bool [n, M], what really exists."""
        return self.table.present[self.rows]

    @property
    def targets(self) -> np.ndarray:
        """uint8 [n, C], or what else the task's targets are."""
        return self.table.targets[self.rows]

    @property
    def by_label(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The C labels, and uint8 [n, C], which are true of each sample; as `Table.by_label`."""
        labels, targets = self.table.by_label
        return labels, targets[self.rows]


def rows_of(cell: Cell, table: Table) -> dict[str, np.ndarray]:
    """The row numbers of the "train", "val" and "test" sides of a cell's split of `table`, the last of them empty where
    test samples are drawn apart.

    Raises:
        UserError: the cell's draws are older than those of this version, the table has no official split, or a side
            would have no sample.
    """
    cell.check_draws()
    if cell.split == OFFICIAL:
        if not table.official:
            raise UserError(f"{cell.dataset}: has no official split. Give --split patient or --split row.")
        rows = splits.official(table.official, table.group_tokens, data=cell.drawn_by, seed=cell.seed)
    else:
        tokens, shares = _cut(cell, table)
        rows = splits.split(
            tokens, data=cell.drawn_by, unit=cell.split, seed=cell.seed, folds=cell.folds, shares=shares
        )
    empty = [name for name, numbers in rows.items() if not len(numbers) and not (name == "test" and cell.pool)]
    if empty:
        raise UserError(_too_few(cell, table, empty[0]))
    return rows


def check(cells: Iterable[Cell], table: Table) -> None:
    """Raise UserError, as `rows_of` does, if a side of a split of `table` has no sample; by the arithmetic of sizes
    where no seed can leave one empty."""
    alike: dict[tuple[str, int, int], dict[int, Cell]] = {}
    for cell in cells:
        alike.setdefault(cell.splitting.way, {})[cell.seed] = cell
    for by_seed in alike.values():
        first, *others = by_seed.values()
        tokens, shares = _cut(first, table)
        every = first.split == OFFICIAL or splits.may_leave_empty(tokens, folds=first.folds, shares=shares)
        for cell in [first, *others] if every else [first]:
            rows_of(cell, table)


def _cut(cell: Cell, table: Table) -> tuple[np.ndarray, tuple[float, float, float]]:
    """What the split of a cell keeps together, uint64 [N], and the shares of its sides."""
    tokens = table.tokens if cell.split == "row" else table.group_tokens
    return tokens, splits.WITHOUT_TEST if cell.pool else splits.SHARES


def _too_few(cell: Cell, table: Table, empty: str) -> str:
    """The message on a split whose side `empty` has no sample."""
    groups = len(set(table.together)) if cell.split != "row" else len(table)
    parts = "too few" if groups == len(table) else f"{groups} groups that must not be parted"
    parts = "one group that must not be parted" if groups == 1 else parts
    ways = [
        f"fewer --folds than {cell.folds}" if cell.folds > 3 else "",
        "other --seeds",
        "a higher --limit or more data",
        "or a split of your own (`data --split COLUMN`)",
    ]
    return (
        f"{cell.dataset}, seed {cell.seed}: its {len(table)} samples are {parts}, and leave the {empty} side of the "
        f"split empty. Give {', '.join(filter(None, ways))}."
    )


def sides(cell: Cell, table: Table) -> dict[str, Side]:
    """The "train", "val" and "test" sides of a cell's split of `table`, or of `table` and a test pool.

    Raises:
        UserError: as `rows_of` does.
    """
    by_name = {name: Side(table, rows) for name, rows in rows_of(cell, table).items()}
    if cell.pool:
        pool = datasets.pool(cell.dataset, cell.seed, cell.pool)
        by_name["test"] = Side(pool, np.arange(len(pool)))
    return by_name
