"""The columns of measured values of a table of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.readers import joined
from mora_bench.data.readers.measured import Measured, asked, kept_cells, measured
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.thousands import refuse_thousands


def measured_columns(frame: pd.DataFrame, kept: np.ndarray, columns: Columns, file: Path) -> dict[str, Measured]:
    """The columns of measured values, by name, in the rows that are kept (bool [N]).

    Raises:
        UserError: as `kept_cells`, `measured` and, of numbers, `refuse_thousands` do.
    """
    separators = joined.separators(file, columns.joins(file), [name for name, _ in map(asked, columns.table)])
    found = {}
    for name, kind in map(asked, columns.table):
        between = separators[name]
        # Rows are those of the first table, wherever a column comes from.
        cells = kept_cells(frame[name], kept, file)
        found[name] = measured(cells, kind, file, commas=between != ",")
        if found[name].kind == "number":
            refuse_thousands(cells, file, between)
    return found
