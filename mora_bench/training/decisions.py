"""The basis of a cell's decisions: its predictions of its validation and test samples, and its training samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from safetensors.numpy import load

from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.data.sides import Side
from mora_bench.errors import UserError
from mora_bench.records.schema import Record
from mora_bench.records.store import Store
from mora_bench.scoring.decide import Decider, DecisionOptions, StoredPredictions
from mora_bench.tasks.named import task_of
from mora_bench.training import masking


def decider(record: Record, sides: Mapping[str, Side], runtime: Runtime, asked: DecisionOptions) -> Decider:
    """The decider of new records by a cell, as `asked`. `sides`: of the cell's split.

    Raises:
        UserError: the cell's predictions are needed and absent, not what was written, or of other samples.
    """
    cell, store = record.cell, Store(runtime.out)
    task = task_of(cell.task)
    saved = load(store.prediction_content(record)) if asked.reads else {}
    stored = {}
    for name in ("val", "test"):
        side = sides[name]
        if saved and not np.array_equal(saved[f"{name}_rows"], side.rows):
            raise UserError(f"{store.prediction_file(cell)}: predictions of other samples. Compute the cell again.")
        patterns = len(presence.pattern_presence(len(side.table.names)))
        none = np.zeros((len(side), patterns, task.outputs(len(side.table.labels))), np.float32)
        stored[name] = StoredPredictions(
            side.targets, saved.get(f"{name}_logits", none), side.natural, side.table.group_tokens[side.rows]
        )
    table = sides["val"].table
    return Decider(task, asked, table.names, table.labels, stored["val"], stored["test"], cell.seed)


def like_in_training(record: Record, side: Side) -> np.ndarray:
    """The number of training samples that showed each pattern of presence, int [P]. `side`: that of training."""
    present = presence.combine(side.natural, masking.presence_of(record.cell, "train", side))
    return np.bincount(presence.pattern_index(present), minlength=(1 << present.shape[1]) - 1)
