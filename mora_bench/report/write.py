"""Writes every table a results folder's records can give."""

import csv
import io
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.records.store import Store, write_atomic
from mora_bench.report import frame, tables
from mora_bench.report.compare import Comparison, compare


def write(folder: Path) -> list[Comparison]:
    """Write tables/ of `folder`: comparison-SOURCE.md, .csv, .tex and scores.csv (every score, unrounded).

    Raises:
        UserError: there are no records.
    """
    records = Store(folder).records()
    if not records:
        raise UserError(f"{folder}: no records. Expected {folder}/records/*.json, as `mora_bench grid` writes them.")
    found = compare(frame.cells(records))
    for table in found:
        for suffix, render in ((".md", tables.markdown), (".csv", tables.comma_separated), (".tex", tables.latex)):
            write_atomic(folder / "tables" / f"{table.name}{suffix}", render(table).encode())
    out = io.StringIO()
    writer = csv.DictWriter(out, [*frame.SCORE_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(frame.scores(records))
    write_atomic(folder / "tables" / "scores.csv", out.getvalue().encode())
    return found
