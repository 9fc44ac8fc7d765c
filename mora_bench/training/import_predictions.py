"""Predictions that were made elsewhere, for the samples and patterns of one of our cells, scored by our protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from mora_bench.cells.cell import NONE, Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.data.readers import frames
from mora_bench.data.sides import Side
from mora_bench.errors import UserError
from mora_bench.files import DIGITS, hash_file
from mora_bench.records.schema import NOT_RUN_HERE, Clock, Competitor
from mora_bench.tasks.contract import Task
from mora_bench.tasks.named import task_of
from mora_bench.training import masking, recorded
from mora_bench.training.recorded import Outcome
from mora_bench.training.rescore import sides_of

#: The columns of a table before those of the labels.
ID, PATTERN, SPLIT = "id", "pattern", "split"
SPLITS = ("val", "test")
#: No task has so many labels; of more columns a table takes minutes.
MOST_COLUMNS = 10_000


@dataclass(frozen=True)
class ImportedPredictions:
    """R predictions: ids, names or numbers of patterns, probabilities [R, C]; `where` says where a row stands.

    Attributes:
        rows: int [R], the row of each in its table as a spreadsheet counts, where the header is 1; None of a file that
            is no table.
        fault: what the first cell that is no number is, in words; "" if all are numbers. Of a column that is no label's
            it is not what is wrong.
    """

    ids: list[str]
    patterns: list[str | int]
    probabilities: np.ndarray
    file: Path
    rows: np.ndarray | None = None
    fault: str = ""

    def where(self, row: int) -> str:
        number = row + 1 if self.rows is None else self.rows[row]
        return f"{self.file}, row {number} ({self.ids[row]}, {self.patterns[row]})"


def as_cell(like: Cell, name: str) -> Cell:
    """The cell of a competitor that is not run here: data, masks, seed and scoring are those of `like`."""
    nothing: dict[str, Any] = {"rank": None, "blocks": None, "recipe": None, "weights": "", "impute_version": ""}
    nothing |= {"max_text": None, "watched": ""}
    return replace(like, **nothing, method=name, method_version="", backbone=NONE, impute=NONE, knobs=(), after="")


def template(cell: Cell, runtime: Runtime) -> pd.DataFrame:
    """The rows to be predicted like a cell: one for each validation and test sample and each pattern that it can show,
    with empty columns for the labels; and the training samples, each under the pattern that the mask shows."""
    table, sides = sides_of(cell, runtime)
    names = presence.stratum_names(table.names)
    rows = []
    seen = presence.pattern_index(masking.presence_of(cell, "train", sides["train"]))
    rows += [("train", id, names[k]) for id, k in zip(sides["train"].ids, seen, strict=True)]
    for split in SPLITS:
        able = presence.able(sides[split].natural)
        rows += [(split, sides[split].ids[i], names[k]) for i, k in np.argwhere(able)]
    return pd.DataFrame(rows, columns=[SPLIT, ID, PATTERN]).reindex(columns=[SPLIT, ID, PATTERN, *table.labels])


def outcome(
    cell: Cell, rows: ImportedPredictions, labels: list[str] | None, runtime: Runtime, adapts: str = ""
) -> Outcome:
    """The record, predictions and scores of `rows`.

    Args:
        labels: the names of the columns of probabilities, in order; None if they are those of the data.
        adapts: how they were adapted to the test samples, "" if they were not.

    Raises:
        UserError: its columns are not the labels; a prediction is absent, occurs twice, is of an unknown sample or
            pattern, or no probability.
    """
    table, sides = sides_of(cell, runtime)
    if labels is not None and labels != list(table.labels):
        raise UserError(f"{rows.file}: {_other_labels(labels, table.labels)}")
    if rows.fault:
        raise UserError(rows.fault)
    if rows.probabilities.shape != (len(rows.ids), len(table.labels)):
        raise UserError(
            f"{rows.file}: {rows.probabilities.shape[1]} probabilities a row; expected {len(table.labels)}."
        )
    wrong = np.flatnonzero(~((rows.probabilities >= 0) & (rows.probabilities <= 1)).all(1))
    if len(wrong):
        values = ", ".join(f"{v:g}" for v in rows.probabilities[wrong[0]])
        raise UserError(f"{rows.where(int(wrong[0]))}: {values}; expected probabilities from 0 to 1.")
    task: Task = task_of(cell.task)
    for row, probabilities in enumerate(rows.probabilities):
        if reason := task.improbable(probabilities):
            raise UserError(f"{rows.where(row)}: {', '.join(f'{v:g}' for v in probabilities)}: {reason}.")
    logits = _placed(sides, rows, presence.stratum_names(table.names), task)
    present = {name: masking.presence_of(cell, name, side) for name, side in sides.items()}
    competitor = Competitor(title=f"{cell.method}, {NOT_RUN_HERE}", family=NOT_RUN_HERE, adapts=adapts)
    scored = recorded.without_network(
        cell, runtime, competitor, sides, present, logits, Clock(cell_s=0.0, predict_s=0.0)
    )
    scored.record.imported = hash_file(rows.file)[:DIGITS]
    return scored


def _other_labels(found: Sequence[str], labels: Sequence[str]) -> str:
    """What is wrong with columns that are not the labels in their order."""
    more = [name for name in found if name not in labels]
    if more and [name for name in found if name in labels] == list(labels):
        named = ", ".join(map(repr, more))
        return f"no label is called {named}; remove {'the column' if len(more) == 1 else 'these columns'}."
    return f"its label columns are {', '.join(found) or 'none'}; expected {', '.join(labels)}."


def _placed(
    sides: Mapping[str, Side], rows: ImportedPredictions, names: list[str], task: Task
) -> dict[str, np.ndarray]:
    """Logits of every validation and test sample under every pattern that it can show, float32 [n, P, K]."""
    numbers: dict[str | int, int] = {name: k for k, name in enumerate(names)} | {k: k for k in range(len(names))}
    positions = {id: (split, i) for split in SPLITS for i, id in enumerate(sides[split].ids)}
    able = {split: presence.able(sides[split].natural) for split in SPLITS}
    logits = task.logits(rows.probabilities)
    out = {split: np.full((*able[split].shape, logits.shape[1]), np.nan, np.float32) for split in SPLITS}
    for row, (id, pattern) in enumerate(zip(rows.ids, rows.patterns, strict=True)):
        if pattern not in numbers:
            raise UserError(f"{rows.where(row)}: unknown pattern; known: {', '.join(names)}.")
        if id not in positions:
            raise UserError(f"{rows.where(row)}: no validation or test sample of this cell has that id.")
        (split, i), k = positions[id], numbers[pattern]
        if not able[split][i, k]:
            raise UserError(f"{rows.where(row)}: this sample lacks a modality that the pattern contains.")
        if not np.isnan(out[split][i, k]).all():
            raise UserError(f"{rows.where(row)}: this id and pattern occur twice.")
        out[split][i, k] = logits[row]
    for split in SPLITS:
        lacking = np.argwhere(able[split] & np.isnan(out[split]).any(2))
        if len(lacking):
            i, k = lacking[0]
            raise UserError(
                f"{rows.file}: {len(lacking)} predictions are absent, the first of {split} sample "
                f"{sides[split].ids[i]}, {names[k]}. `mora_bench import --template FILE` writes all that are asked for."
            )
    return out


def read(file: Path) -> tuple[ImportedPredictions, list[str] | None]:
    """Predictions from a table (id, pattern, one column a label), as `data.readers.frames` opens them, or safetensors
    (ids: uint8 [R, L], UTF-8 padded with 0; pattern: int [R], as `presence.pattern_index` numbers it; probabilities:
    float [R, C]).

    A table's rows of the training split and those that are empty throughout are left out, and so is its column of
    splits. Prefer a table: nothing in a safetensors file says that its values are out of order, and they are if an
    array that was transposed, or sliced with steps, was saved as it is (`safetensors.numpy`, 0.8.0 included, writes an
    array's memory and ignores its strides).

    Raises:
        UserError: not such a file.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file.")
    return _from_tensors(file) if file.suffix == ".safetensors" else _from_table(file)


def _from_table(file: Path) -> tuple[ImportedPredictions, list[str]]:
    headings = frames.names(file)
    if len(headings) > MOST_COLUMNS:
        raise UserError(f"{file}: over {MOST_COLUMNS:,} columns; expected {ID}, {PATTERN} and one a label.")
    labels = [name for name in headings if name not in (ID, PATTERN, SPLIT)]
    frame = frames.frame(file, (ID, PATTERN, *labels), (SPLIT,))
    # A spreadsheet saves rows that were emptied as lines of separators alone.
    frame = frame[frame.ne("").any(axis=1)]
    if SPLIT in frame:
        frame = frame[frame[SPLIT] != "train"]
    cells = frame[labels].to_numpy(dtype=object)
    numbers, odd = _numbers(cells, commas=frames.dialect(file, (ID, PATTERN)).separator != ",")
    rows = ImportedPredictions(list(frame[ID]), list(frame[PATTERN]), numbers, file, frame.index.to_numpy() + 2)
    if odd is not None:
        row, column = odd
        fault = (
            f"{rows.where(row)}, column {labels[column]!r}: {str(cells[row, column])[:60]!r} is no number. "
            "Expected a probability from 0 to 1."
        )
        rows = replace(rows, fault=fault)
    return rows, labels


def _numbers(cells: np.ndarray, commas: bool) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Cells as float [R, C], NaN where one is no number; and the row and column of the first of these.

    Args:
        commas: whether 0,5 may be a number, because no comma separates fields.
    """
    try:
        numbers = cells.astype(float)
    except ValueError:
        numbers = np.array([[_number(cell, commas) for cell in row] for row in cells], float).reshape(cells.shape)
    odd = np.isnan(numbers)
    row, column = np.unravel_index(int(odd.argmax()), odd.shape) if odd.any() else (-1, -1)
    return numbers, (int(row), int(column)) if row >= 0 else None


def _number(cell: str, commas: bool) -> float:
    try:
        return float(cell.replace(",", ".") if commas else cell)
    except ValueError:
        return np.nan


def _from_tensors(file: Path) -> tuple[ImportedPredictions, None]:
    try:
        tensors = load_file(file)
        ids = [bytes(row).rstrip(b"\0").decode() for row in tensors["ids"]]
        patterns, probabilities = tensors["pattern"].astype(int).tolist(), tensors["probabilities"].astype(float)
        whole_numbers = tensors["pattern"].dtype.kind in "iu" and tensors["pattern"].ndim == 1
        if not whole_numbers or tensors["ids"].dtype != np.uint8:
            raise ValueError("expected ids of uint8 and one whole number a pattern")
        if probabilities.ndim != 2 or not len(ids) == len(patterns) == len(probabilities):
            raise ValueError(f"{len(ids)} ids, {len(patterns)} patterns, probabilities {list(probabilities.shape)}")
    except Exception as error:
        raise UserError(
            f"{file}: expected tensors ids, pattern and probabilities ({type(error).__name__}: {error})."
        ) from error
    return ImportedPredictions(ids, patterns, probabilities, file), None
