"""CSV files that a spreadsheet shows as they are: no cell that came from a record is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from mora_bench.text import visible

#: What a formula begins with in a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def comma_separated(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV. A text that a spreadsheet would compute gets a leading apostrophe; numbers stay as they are."""
    return written(map(plain, rows))


def written(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV whose texts went through `plain` already, because many rows share them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def plain(row: Iterable[Any]) -> list[Any]:
    """A row without formulas, all of whose texts are visible."""
    shown = [visible(cell) if isinstance(cell, str) else cell for cell in row]
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in shown]
