"""A results folder as one page for a browser: no network, no library, everything from a file escaped."""

from __future__ import annotations

import json
from typing import Any

from mora_bench.report import plain
from mora_bench.report.columns import COSTS
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.html import WEB, rendered
from mora_bench.report.summary import sentences
from mora_bench.text import all_visible

#: The most cells that the page describes one by one.
MOST_CELLS = 1000


class Page(Artefact):
    title = "report.html: the tables to sort and filter, curves, costs, classes, cells, which method for which data"
    folder = ""

    def make(self, results: Results) -> dict[str, bytes]:
        if not results.records:
            return {}
        sections = [
            plain.section(results, table, section) for table in results.comparisons for section in table.sections
        ]
        cells = [plain.cell(record) for record in results.records[:MOST_CELLS]]
        costs = {name: title for name, (title, _) in COSTS.items()}
        page = rendered(
            "page.html",
            tables=results.comparisons,
            sentences=sentences(results),
            left_out=results.left_out,
            data=_embedded({"sections": sections, "cells": cells, "costs": costs}),
            cells=len(results.records),
            described=len(cells),
            script=(WEB / "page.js").read_text(),
        )
        return {"report.html": page}


def _embedded(data: Any) -> str:
    """JSON that can stand in a script element: no tag, no comment can begin or end in it."""
    text = json.dumps(all_visible(data), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
