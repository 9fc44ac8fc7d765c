"""A results folder as one page for a browser: no network, no library, everything from a file escaped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mora_bench.report import plain
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.summary import sentences
from mora_bench.report.tables import COSTS
from mora_bench.text import all_visible, visible

WEB = Path(__file__).with_name("web")
#: The most cells that the page describes one by one.
MOST_CELLS = 1000


class Page(Artefact):
    title = "report.html: the tables to sort and filter, curves, costs, classes, cells, which method for which data"
    folder = ""

    def make(self, results: Results) -> dict[str, bytes]:
        if not results.records:
            return {}
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined, finalize=_shown
        )
        sections = [
            plain.section(results, table, section) for table in results.comparisons for section in table.sections
        ]
        cells = [plain.cell(record) for record in results.records[:MOST_CELLS]]
        costs = {name: title for name, (title, _) in COSTS.items()}
        page = environment.get_template("page.html").render(
            tables=results.comparisons,
            said=sentences(results),
            left_out=results.left_out,
            data=_embedded({"sections": sections, "cells": cells, "costs": costs}),
            cells=len(results.records),
            described=len(cells),
            style=(WEB / "page.css").read_text(),
            script=(WEB / "page.js").read_text(),
        )
        return {"report.html": page.encode()}


def _shown(value: Any) -> Any:
    """What the page shows of a value; markup of our own is a text of another type."""
    return visible(value) if type(value) is str else value


def _embedded(data: Any) -> str:
    """JSON that can stand in a script element: no tag, no comment can begin or end in it."""
    text = json.dumps(all_visible(data), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
