"""A results folder as one page for a browser: no network, no library, everything from a file escaped."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.records.schema import Record
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.robustness import curves
from mora_bench.report.section import Row, Section
from mora_bench.report.summary import sentences, tested
from mora_bench.report.tables import COSTS
from mora_bench.statistics.interval import interval

WEB = Path(__file__).with_name("web")
#: The most cells that the page describes one by one.
MOST_CELLS = 1000
#: Digits after the point of what the page draws.
DIGITS = 5


class Page(Artefact):
    title = "report.html: the tables to sort and filter, curves, costs, classes, cells, which method for which data"
    folder = ""

    def make(self, results: Results) -> dict[str, bytes]:
        if not results.records:
            return {}
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(loader=FileSystemLoader(WEB), autoescape=True, undefined=StrictUndefined)
        sections = [_section(results, table, section) for table in results.comparisons for section in table.sections]
        cells = [_cell(record) for record in results.records[:MOST_CELLS]]
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


def _embedded(data: Any) -> str:
    """JSON that can stand in a script element: no tag, no comment can begin or end in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), DIGITS)


def _numbers(values: dict[str, float], names: Any) -> dict[str, float | None]:
    return {name: _number(values.get(name, math.nan)) for name in names}


def _section(results: Results, table: Comparison, section: Section) -> dict[str, Any]:
    """One section: its rows, what stands below them, curves over missing rates, and F1 by class."""
    tests = list(table.tests)
    pattern = table.main.removeprefix("score ")
    found: dict[str, Any] = {
        "table": table.name,
        "title": section.title,
        "dataset": section.dataset,
        "trained": section.title.partition(", trained on ")[2],
        "seeds": section.seeds,
        "tests": table.tests,
        "main": table.main,
        "ceiling": _numbers(section.ceiling, tests),
        "told": _numbers(section.resolution, tests),
        "rows": [_row(row, tests) for row in section.rows],
        "curves": _curves(results, table, section),
        "classes": [],
        "tested": tested(table.main),
    }
    by_class = {
        row.label: [_number(v) for v in own]
        for row in section.rows
        if (own := results.by_class(row, pattern)) is not None
    }
    if by_class:
        first = next(row for row in section.rows if row.label in by_class)
        data = results.record_of[first.keys[0].partition("-")[0]].data
        found["classes"] = [] if data is None else data.labels
        found["by_class"] = by_class
    return found


def _row(row: Row, tests: list[str]) -> dict[str, Any]:
    return {
        "label": row.label,
        "family": row.family,
        "method": row.method,
        "network": row.network,
        "note": row.note,
        "seeds": row.seeds,
        "mean": _numbers(row.mean, tests),
        "std": _numbers(row.std, tests),
        "low": _numbers(row.low, tests),
        "high": _numbers(row.high, tests),
        "best": sorted(row.best & set(tests)),
        "below": sorted(row.below & set(tests)),
        "cost": _numbers(row.cost, COSTS),
        "keys": [key.partition("-")[0] for key in row.keys],
    }


def _curves(results: Results, table: Comparison, section: Section) -> dict[str, Any]:
    """By pattern: the rates, and mean and interval over seeds of each row; what can be expected at most."""
    known = {}
    for pattern in [score.removeprefix("score ") for score in table.tests if not score.endswith(f" {COMPLETE}")]:
        found = curves(results, section, pattern)
        if found is None:
            continue
        lines = {}
        for label, values in found.values.items():
            bounds = [interval(own, section.overlap) for own in values.T]
            lines[label] = {
                "mean": [_number(v) for v in values.mean(0)],
                "low": [_number(low) for low, _ in bounds],
                "high": [_number(high) for _, high in bounds],
            }
        known[pattern] = {"rates": found.rates, "rows": lines, "ceiling": [_number(v) for v in found.ceiling]}
    return dict(sorted(known.items(), key=lambda item: item[0] != EACH))


def _cell(record: Record) -> dict[str, Any]:
    """One training: how it went, what the masks did, what it cost, where it ran. No ids, no texts."""
    where = record.provenance
    found: dict[str, Any] = {
        "key": record.key,
        "label": record.cell.label,
        "status": record.status,
        "error": record.error,
        "device": where.device,
        "commit": where.commit,
        "versions": {name: version for name, version in where.versions.items() if version},
        "recipe": {} if record.cell.recipe is None else vars(record.cell.recipe),
    }
    if record.training is not None:
        found["history"] = [[v.step, _number(v.loss), _number(v.val_score)] for v in record.training.history]
        found["best"] = record.training.best_step
    if record.data is not None:
        found["realised"] = record.data.realised
    if record.time is not None:
        found["seconds"] = _number(record.time.cell_s)
    if record.parameters is not None:
        found["trained"] = record.parameters.trained
    return found
