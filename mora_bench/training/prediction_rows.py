"""Stored predictions as rows, one a cell, sample, presence pattern and label, for computing with them elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.errors import UserError
from mora_bench.missing import masks
from mora_bench.scoring.protocol import kept_at
from mora_bench.tasks.named import task_of
from mora_bench.training.rescore import predicted_of, table_of

if TYPE_CHECKING:
    import pandas as pd

    from mora_bench.records.schema import Record
    from mora_bench.records.store import Store
    from mora_bench.scoring.protocol import Predicted

COLUMNS = (
    "key", "dataset", "method", "seed", "side", "id", "shown", "scored under", "label", "true", "probability",
)  # fmt: skip
#: The column of standard deviations over draws.
SPREAD = "spread"


def frames_of(store: Store, record: Record, runtime: Runtime, own_ids: bool) -> Iterator[pd.DataFrame]:
    """The predictions of a cell, a frame for each side of its split, with `COLUMNS`; and the task's own columns of
    targets, such as "true time". Of a cell that draws what is missing there is a column `SPREAD`, too.

    `shown` are the modalities that the network saw, `scored under` the patterns of missing modalities whose
    scores count this row, joined by |: the rows of one of them are what a score of a table is computed from.

    Args:
        own_ids: ids as the data have them, which then must be at hand; else as the list of the split has them, where
            hashes stand for those of patients.

    Raises:
        UserError: predictions or ids are absent, or not what was written.
    """
    import pandas as pd
    from safetensors.numpy import load

    cell = record.cell
    saved = load(store.prediction_content(record))
    ids = _data_ids(record, runtime) if own_ids else _listed_ids(store, record)
    task, labels = task_of(cell.task), record.data.labels if record.data else []
    names = cell.modalities
    titles = presence.pattern_titles(names)
    for side, predicted in predicted_of(cell, saved, runtime).items():
        scored = _scored_under(record, side, predicted)
        more = {f"true {name}": predicted.units.targets[:, k] for k, name in enumerate(task.columns)}
        row, pattern = np.nonzero(presence.able(predicted.units.natural))
        probabilities = task.probabilities(predicted.logits[row, pattern])
        classes, n = len(labels), len(row)
        yield pd.DataFrame(
            {
                "key": record.key,
                "dataset": cell.dataset,
                "method": cell.method,
                "seed": cell.seed,
                "side": side,
                "id": np.repeat(np.array(ids[side], object)[row], classes),
                "shown": np.repeat(np.array(titles, object)[pattern], classes),
                "scored under": np.repeat(scored[row, pattern], classes),
                "label": np.tile(np.array(labels, object), n),
                "true": task.truth(predicted.units.targets[row]).astype(float if task.columns else np.int8).ravel(),
                "probability": probabilities.ravel(),
                **{name: np.repeat(values[row], classes) for name, values in more.items()},
                **({} if predicted.spread is None else {SPREAD: predicted.spread[row, pattern].ravel()}),
            }
        )


def has_spread(store: Store, record: Record) -> bool:
    """Whether the stored predictions of a cell have a spread; read off the beginning of their file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(store.prediction_file(record.cell), "numpy") as file:
            return "test_spread" in [*file.keys()]
    except (OSError, SafetensorError):
        return False


def _scored_under(record: Record, side: str, predicted: Predicted) -> np.ndarray:
    """For each sample and pattern of presence, the patterns under which it is scored so, joined by |, [n, P]."""
    cell = record.cell
    joined = np.full(predicted.logits.shape[:2], "", object)
    rows = np.arange(len(joined))
    for name in masks.patterns(cell.modalities):
        (kept,) = kept_at(cell, side, predicted.units, name, [cell.test_rate])
        at = presence.pattern_index(presence.combine(predicted.units.natural, kept))
        joined[rows, at] = [f"{text}|{name}" if text else name for text in joined[rows, at]]
    return joined


def _listed_ids(store: Store, record: Record) -> Mapping[str, Sequence[str]]:
    lists = store.splits_of(record)
    if not lists:
        raise UserError(
            f"{record.key}: the list of its split is not in {store.folder}. Give --ids to read the ids from the data."
        )
    (content,) = lists.values()
    ids: dict[str, Any] = json.loads(content)
    return ids


def _data_ids(record: Record, runtime: Runtime) -> Mapping[str, Sequence[str]]:
    from mora_bench.data.sides import sides

    return {name: side.ids for name, side in sides(record.cell, table_of(record.cell, runtime)).items()}
