"""The columns of measured values of a table of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.readers import joined
from mora_bench.data.readers.cells import marked, nothing, refuse
from mora_bench.data.readers.label_slips import UNKNOWN, quoted, spelled_alike
from mora_bench.data.readers.measured import Measured, asked, kept_cells, measured
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.slips import hardly_repeats, tells
from mora_bench.data.readers.targets import Targets
from mora_bench.data.readers.thousands import read_as_decimals, refuse_thousands
from mora_bench.text import listed

#: How many categories in several spellings a sentence names.
SHOWN = 3


def measured_columns(frame: pd.DataFrame, kept: np.ndarray, columns: Columns, file: Path) -> dict[str, Measured]:
    """The columns of measured values, by name, in the rows that are kept (bool [N]).

    Raises:
        UserError: as `kept_cells`, `measured` and, of numbers, `refuse_thousands` do; no cell of a column is a number,
            and the user says that it holds numbers.
    """
    separators = _separators(columns, file)
    found = {}
    for name, kind in map(asked, columns.table):
        between = separators[name]
        # Rows are those of the first table, wherever a column comes from.
        cells = kept_cells(frame[name], kept, file)
        found[name] = measured(cells, kind, file, commas=between != ",")
        if found[name].kind == "number":
            none = all(value is None for value in found[name].values)
            do = f"Write numbers alone, leave it out of --table, or say {name}:category."
            refuse(cells, none & ~cells.map(nothing), file, "holds no number, and is to hold numbers,", do)
            refuse_thousands(cells, file, between)
    return found


def _separators(columns: Columns, file: Path) -> dict[str, str]:
    """By measured column what separates the fields of its table."""
    return joined.separators(file, columns.joins(file), [name for name, _ in map(asked, columns.table)])


def measured_notes(frame: pd.DataFrame, labelled: Targets, columns: Columns, file: Path) -> list[str]:
    """Sentences on what each column of measured values was taken for, and on what in it a user should look at.

    Raises:
        UserError: as `measured_columns` does.
    """
    sentences = []
    separators = _separators(columns, file)
    for name, measurement in measured_columns(frame, labelled.kept, columns, file).items():
        sentences.append(f"column {name!r}: {measurement.kind} ({measurement.why})")
        cells = frame[labelled.kept][name]
        if measurement.kind == "category":
            sentences += _of_categories(measurement, cells)
        else:
            sentences += read_as_decimals(cells, separators[name])
        sentences += [f"WARNING: column {name!r} {how}. Is it an input?" for how in tells(measurement, labelled)]
    return sentences


def _of_categories(measurement: Measured, cells: pd.Series) -> list[str]:
    """Warnings of categories that may be no values, or the same in several spellings, and of those that hardly
    repeat."""
    sentences = marked(cells, UNKNOWN, "a category")
    groups = spelled_alike(sorted({value for value in measurement.values if isinstance(value, str)}))
    if groups:
        shown = listed(list(map(quoted, groups)), SHOWN, "; ")
        do = "Write them alike if they are one."
        sentences.append(f"WARNING: column {cells.name!r}: {shown} are categories of their own. {do}")
    if hardly_repeats(measurement):
        few = "has categories that hardly repeat, of which little can be learned. Is it a category?"
        sentences.append(f"WARNING: column {cells.name!r} {few}")
    return sentences
