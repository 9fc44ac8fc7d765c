"""The parts of a record that all competitors share: data, masks and predictions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import NONE, Cell
from mora_bench.cells.precision import native_bf16
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets, presence, splits
from mora_bench.data.groups import groups
from mora_bench.data.sides import Side, sides
from mora_bench.data.table import Table
from mora_bench.errors import UserError
from mora_bench.missing import brought, masks
from mora_bench.missing.effects import effects
from mora_bench.plan.brought import load, units_of
from mora_bench.records import provenance
from mora_bench.records.private import Hidden
from mora_bench.records.schema import SCHEMA, Clock, Competitor, Data, Record, Scores
from mora_bench.records.store import Store
from mora_bench.scoring.protocol import Predicted, scored
from mora_bench.training import frozen


@dataclass
class Outcome:
    """The outcome of a cell: its record and, if it is done, its predictions and scores, the files of what was trained
    if they are to be saved, and the name of its list of ids."""

    record: Record
    predictions: dict[str, np.ndarray] | None = None
    scores: Scores | None = None
    adapter: dict[str, bytes] | None = None
    split: str = ""


def same_code(cell: Cell) -> None:
    """Check that a cell's method and imputer are what it was planned with: a plug-in's file may be edited meanwhile.

    Raises:
        UserError: one of them is of another version by now.
    """
    group = registry.PREDICTORS if cell.method in registry.names(registry.PREDICTORS) else registry.METHODS
    parts = [(group, cell.method, cell.method_version), (registry.IMPUTERS, cell.impute, cell.impute_version)]
    for kind, name, version in parts:
        if name != NONE and registry.version(kind, name) != version:
            raise UserError(f"{name} was changed after the grid was planned; the same command plans again.")


def same_precision(cell: Cell, runtime: Runtime) -> None:
    """Refuse to emulate a precision that was chosen when planning, not asked for, because the planning machine has it.

    Raises:
        UserError: says which processor, and what to do.
    """
    if cell.recipe is None or cell.recipe.precision != "bf16" or not runtime.native:
        return
    native, why = native_bf16(runtime.device)
    if not native:
        raise UserError(
            "recipe.precision auto chose bf16 on the machine of the plan, but "
            f"{provenance.device_name(runtime.device)} has no native bf16 ({why}). Run the cell on a machine with "
            "bf16, plan on this machine, or give --recipe.precision fp32 (or bf16, which is then emulated)."
        )


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


def same_data(cell: Cell, fingerprint: str) -> None:
    """Refuse to run a cell on other data than it was planned on."""
    if fingerprint != cell.data:
        raise UserError(f"the data of {cell.dataset} changed after this cell was planned. Plan again.")


def own_sides(cell: Cell, runtime: Runtime) -> tuple[Table, dict[str, Side]]:
    """The data of a cell, and the sides of its split.

    Raises:
        UserError: they are not the data that the cell was planned on.
    """
    table, fingerprint = datasets.fingerprinted(cell.dataset, runtime)
    same_data(cell, fingerprint)
    load(cell, runtime)
    return table, sides(cell, table)


def without_network(
    cell: Cell,
    runtime: Runtime,
    competitor: Competitor,
    sides: Mapping[str, Side],
    present: Mapping[str, np.ndarray],
    logits: Mapping[str, np.ndarray],
    time: Clock,
) -> Outcome:
    """The outcome of a cell that no network of ours predicted, from the logits of its validation and test sides."""
    record = Record(
        schema=SCHEMA,
        key=cell.key,
        status="done",
        cell=cell,
        provenance=provenance.collect(runtime),
        competitor=competitor,
        data=described({}, sides, present),
        time=time,
    )
    split = write_split(Store(runtime.out), cell, sides)
    return Outcome(record, predictions(sides, logits), scored(cell, predicted(sides, logits)), split=split)


def write_split(store: Store, cell: Cell, sides: Mapping[str, Side]) -> str:
    """Write the ids of the sides of a cell's split, unless they exist; of patients hashes stand for the ids. Gives
    the name of the list."""
    known = (store.folder, cell.data, cell.split, cell.seed, cell.folds, cell.pool)
    if known not in _lists:
        _lists[known] = _list_of_ids(store, cell, sides)
    return store.write_split(f"{cell.dataset}-{cell.source}", _lists[known])


#: The last lists of ids that this process made: hashing those of a large table takes seconds, and cells share them.
_lists: dict[tuple, bytes] = {}


def _list_of_ids(store: Store, cell: Cell, sides: Mapping[str, Side]) -> bytes:
    lists = {name: list(side.ids) for name, side in sides.items()}
    details: dict[str, Any] = {"folds": cell.folds} if cell.folds else {"pool": cell.pool} if cell.pool else {}
    details |= {"digest": splits.digest(lists)}
    if cell.source == "real":
        hidden = Hidden(store.folder)
        lists = {name: [hidden.name(id) for id in ids] for name, ids in lists.items()}
        details |= {"hashed": hidden.key}
    header = {"dataset": cell.dataset, "data": cell.data, "unit": cell.split, "seed": cell.seed}
    if len(_lists) > 8:
        _lists.clear()
    return json.dumps(header | details | lists).encode()


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
        brought=lambda mask, unit, side, seed: brought.known(mask).kept(units_of(part, unit), side, seed),
    )


def presence_of(cell: Cell, split: str, part: Side) -> np.ndarray:
    """Presence in one split under a cell's training mask, bool [n, M]. A mask that was brought for training alone takes
    nothing from test samples."""
    side_units = units(part)
    mask = cell.mechanism.brought
    if split == "test" and mask and not brought.known(mask).rows_of(split, cell.seed):
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


def described(contents: dict[str, dict], sides: Mapping[str, Side], present: Mapping[str, np.ndarray]) -> Data:
    """The data part of a record."""
    table = sides["train"].table
    known = {name: side.by_label for name, side in sides.items()}
    return Data(
        labels=list(table.labels),
        split=splits.digest({name: side.ids for name, side in sides.items()}),
        contents=contents,
        realised={
            name: presence.realised(sides[name].natural, shown, table.names) | {"n": len(shown)}
            for name, shown in present.items()
        },
        effects={
            name: effects(
                sides[name].natural, shown, table.names, known[name][1], known[name][0], groups(table, sides[name])
            )
            for name, shown in present.items()
        },
    )


def predictions(sides: Mapping[str, Side], logits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The logits, and the arrays that are needed to score them again."""
    arrays = {f"{name}_logits": values for name, values in logits.items()}
    for name in logits:
        arrays[f"{name}_rows"] = sides[name].rows
        arrays[f"{name}_targets"] = sides[name].targets
        arrays[f"{name}_natural"] = sides[name].natural
        if sides[name].table.source == "twin":
            # Whoever knows a hospital's numbers could find its patients by these; twins are nobody.
            arrays[f"{name}_tokens"] = sides[name].tokens
        for group, members in groups(sides["train"].table, sides[name]).items():
            arrays[f"{name}_group {group}"] = members
    # safetensors writes an array's memory and ignores its strides.
    return {name: np.ascontiguousarray(values) for name, values in arrays.items()}


def predicted(sides: Mapping[str, Side], logits: Mapping[str, np.ndarray]) -> dict[str, Predicted]:
    """The logits of each split, ready to be scored."""
    table = sides["train"].table
    return {name: Predicted(units(sides[name]), values, groups(table, sides[name])) for name, values in logits.items()}
