"""The outcome of a cell, and the parts of a record that all competitors share: data, predictions, lists of ids."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence, splits
from mora_bench.data.groups import groups
from mora_bench.data.sides import Side
from mora_bench.data.weights import effective_size
from mora_bench.missing.effects import effects
from mora_bench.records import provenance
from mora_bench.records.private import Pseudonyms
from mora_bench.records.schema import SCHEMA, Clock, Competitor, Data, Record, Scores
from mora_bench.records.store import Store
from mora_bench.scoring.protocol import Predicted, scored
from mora_bench.training.masking import units


@dataclass
class Outcome:
    """The outcome of a cell: its record and, if it is done, its predictions and scores, the files of what was trained
    if they are to be saved, and the name of its list of ids."""

    record: Record
    predictions: dict[str, np.ndarray] | None = None
    scores: Scores | None = None
    adapter: dict[str, bytes] | None = None
    split: str = ""


#: What methods and predictors say of themselves; a method has not all of it.
SAID = ("title", "family", "abstains", "remark", "adapts")


def competitor_of(kind: Any, name: str = "") -> Competitor:
    """How a method or predictor, or a class of them, describes itself; `name` stands for what is no text."""
    texts = {part: getattr(kind, part, "") for part in SAID}
    return Competitor(**{part: text if isinstance(text, str) else name for part, text in texts.items()})


def begun(
    cell: Cell, runtime: Runtime, status: Literal["done", "failed"], competitor: Competitor, **parts: Any
) -> Record:
    """The record of a cell that ran here and now; `parts` are its further fields."""
    return Record(
        schema=SCHEMA,
        key=cell.key,
        status=status,
        cell=cell,
        provenance=provenance.collect(runtime),
        competitor=competitor,
        **parts,
    )


def without_network(
    cell: Cell,
    runtime: Runtime,
    competitor: Competitor,
    sides: Mapping[str, Side],
    present: Mapping[str, np.ndarray],
    logits: Mapping[str, np.ndarray],
    time: Clock,
    spread: Mapping[str, np.ndarray] = {},
) -> Outcome:
    """The outcome of a cell that no network of ours predicted, from the logits of its validation and test sides, and of
    a predictor that draws their spread."""
    record = begun(cell, runtime, "done", competitor, data=described({}, sides, present), time=time)
    split = write_split(Store(runtime.out), cell, sides)
    scores = scored(cell, predicted(sides, logits, spread))
    return Outcome(record, predictions(sides, logits, spread), scores, split=split)


def write_split(store: Store, cell: Cell, sides: Mapping[str, Side]) -> str:
    """Write the ids of the sides of a cell's split, unless they exist; of patients hashes stand for the ids. Gives
    the name of the list."""
    known = (store.folder, cell.data, cell.splitting)
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
        hidden = Pseudonyms(store.folder)
        lists = {name: [hidden.name(id) for id in ids] for name, ids in lists.items()}
        details |= {"hashed": hidden.key}
    header = {"dataset": cell.dataset, "data": cell.data, "unit": cell.split, "seed": cell.seed}
    if len(_lists) > 8:
        _lists.clear()
    return json.dumps(header | details | lists).encode()


def described(contents: dict[str, dict], sides: Mapping[str, Side], present: Mapping[str, np.ndarray]) -> Data:
    """The data part of a record."""
    table = sides["train"].table
    known = {name: side.by_label for name, side in sides.items()}
    return Data(
        labels=list(table.labels),
        split=splits.digest({name: side.ids for name, side in sides.items()}),
        contents=contents,
        realised={
            name: presence.realised(sides[name].natural, shown, table.names)
            | {"n": len(shown)}
            | _worth(name, sides[name])
            for name, shown in present.items()
        },
        effects={
            name: effects(
                sides[name].natural, shown, table.names, known[name][1], known[name][0], groups(table, sides[name])
            )
            for name, shown in present.items()
        },
        covariates=table.covariates_digest,
    )


def _worth(name: str, side: Side) -> dict[str, float]:
    """Of training samples that are drawn by weights, how many of equal weight would tell as much."""
    weights = side.weights if name == "train" else None
    return {} if weights is None else {"worth": effective_size(weights)}


def predictions(
    sides: Mapping[str, Side], logits: Mapping[str, np.ndarray], spread: Mapping[str, np.ndarray] = {}
) -> dict[str, np.ndarray]:
    """The logits, their spread if there is one, and the arrays that are needed to score them again."""
    arrays = {f"{name}_logits": values for name, values in logits.items()}
    arrays |= {f"{name}_spread": values for name, values in spread.items()}
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


def predicted(
    sides: Mapping[str, Side], logits: Mapping[str, np.ndarray], spread: Mapping[str, np.ndarray] = {}
) -> dict[str, Predicted]:
    """The logits of each split, and their spread if there is one, ready to be scored."""
    table = sides["train"].table
    return {
        name: Predicted(units(sides[name]), values, groups(table, sides[name]), spread.get(name))
        for name, values in logits.items()
    }
