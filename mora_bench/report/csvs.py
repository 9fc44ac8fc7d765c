"""CSV files that a spreadsheet shows as they are: no cell that came from a record is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

#: What a formula begins with in a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def comma_separated(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV. A text that a spreadsheet would compute gets a leading apostrophe; numbers stay as they are."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [_plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return out.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
