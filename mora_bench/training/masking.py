"""The samples of a cell: its data and split, what its mask shows of them, how often each is drawn."""

from pathlib import Path

import numpy as np

from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets, presence
from mora_bench.data.sides import Side, sides
from mora_bench.data.table import Table
from mora_bench.errors import UserError
from mora_bench.missing import masks, supplied_mask
from mora_bench.plan.mask_files import load, units_of
from mora_bench.training import frozen
from mora_bench.training.guards import same_data


def decoded(cell: Cell, runtime: Runtime) -> list[Path]:
    """The folders of the cache that hold a cell's samples once they are decoded, and a frozen backbone's features of
    them if the cell reads these alone, for `cache.damaged`."""
    assert cell.decoded_for is not None
    rules = backbones.resolve(*cell.decoded_for).rules
    table, fingerprint = datasets.fingerprinted(cell.dataset, runtime)
    known = [fingerprint] + [datasets.of_pool(cell.data, cell.seed, cell.pool)] * bool(cell.pool)
    folders = [cache.folders_of(table, name, rules, runtime.cache) for name in known]
    features = [frozen.folder_of(cell, group, runtime) for group in folders if cell.recipe is None]
    return [*(folder for group in folders for folder in group), *features]


def own_sides(cell: Cell, runtime: Runtime) -> tuple[Table, dict[str, Side]]:
    """The data of a cell, and the sides of its split.

    Raises:
        UserError: they are not the data that the cell was planned on.
    """
    table, fingerprint = datasets.fingerprinted(cell.dataset, runtime)
    same_data(cell, fingerprint)
    load(cell, runtime)
    return table, sides(cell, table)


def units(part: Side) -> masks.Units:
    """One side of a split as mechanisms of missingness may see it."""
    table, rows = part.table, part.rows
    return masks.Units(
        natural=table.present[rows],
        tokens=part.tokens,
        modalities=table.names,
        covariates={name: tuple(values[row] for row in rows) for name, values in table.covariates.items()},
        patients=tuple(table.patients[row] for row in rows),
        targets=table.targets[rows],
        labels=table.labels,
        contents=lambda: table.summaries[rows],
        brought=lambda mask, unit, side, seed: supplied_mask.known(mask).kept(units_of(part, unit), side, seed),
    )


def presence_of(cell: Cell, split: str, part: Side) -> np.ndarray:
    """Presence in one split under a cell's training mask, bool [n, M]. A mask that was brought for training alone takes
    nothing from test samples."""
    side_units = units(part)
    mask = cell.mechanism.brought
    if split == "test" and mask and not supplied_mask.known(mask).rows_of(split, cell.seed):
        return side_units.natural
    kept = masks.mask(
        side_units, cell.missing, cell.rate, cell.mechanism, data=cell.drawn_by, split=split, seed=cell.seed
    )
    return presence.combine(side_units.natural, kept)


def weights_of(cell: Cell, split: str, part: Side) -> np.ndarray | None:
    """The weights by which samples are drawn in training, float [n]; None: each once an epoch.

    Its weight in the table times, where the recipe asks for `reweigh`, the share of a sample's kind (samples that
    lost something, or nothing) over the probability that the mechanism had of making it one: stabilised
    inverse-probability weights (Robins, Hernan and Brumback 2000), of mean 1 in expectation. What the mask draws
    counts, also where a sample had nothing to lose.

    Raises:
        UserError: the mechanism does not know these probabilities.
    """
    if cell.recipe is None or not cell.recipe.reweigh:
        return part.weights
    arguments = (units(part), cell.missing, cell.rate, cell.mechanism)
    chance = masks.chances(*arguments, data=cell.drawn_by, split=split, seed=cell.seed)
    if chance is None:
        raise UserError(f"recipe.reweigh: mechanism {cell.mechanism.mechanism} gives no probabilities of missingness.")
    lost = ~masks.mask(*arguments, data=cell.drawn_by, split=split, seed=cell.seed).all(1)
    share = np.where(lost, lost.mean(), 1 - lost.mean())
    weights = share / np.clip(np.where(lost, chance, 1 - chance), 1e-6, None)
    return weights if part.weights is None else weights * part.weights
