"""report: the tables of a results folder, from its files alone."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mora_bench.cli.common import Answering, Extensible
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer

if TYPE_CHECKING:
    from mora_bench.report.write import Report


@dataclass(frozen=True, kw_only=True)
class ReportOptions(Extensible, Answering):
    """Write the tables of a results folder again, from its files alone."""

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and scores/ in it"""
    metric: str = ""
    """the one score that tables show and judge by, e.g. auroc; if not given, those of the task that must agree"""
    figures: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """also draw figures, as PNG and SVG, to figures/; needs matplotlib"""


def run(arguments: list[str]) -> int:
    options = parse(ReportOptions, "report", arguments)
    options.begin()
    from mora_bench.campaign import report

    written = report(options.folder, options.metric, options.figures)
    show(written)
    answer(lambda: contents(written))
    return 0


def contents(report: Report) -> dict[str, Any]:
    """The contents of a report, for programs."""
    from mora_bench.report import plain

    results = report.results
    return {
        "folder": report.folder.parent,
        "files": report.files,
        "left_out": report.left_out,
        "sections": [
            plain.section(results, table, section) for table in results.comparisons for section in table.sections
        ],
        "cells": [plain.cell(record) for record in results.records],
    }


def show(report: Report) -> None:
    """Print what people are shown, what was left out, what it says in a sentence, and where all of it lies."""
    from mora_bench.report.summary import sentences

    for text in report.shown:
        print("\n" + text)
    for reason in report.left_out:
        print(f"left out: {reason}", file=sys.stderr)
    for sentence in sentences(report.results):
        print(sentence)
    print(f"tables: {report.folder}")
    if "report.html" in report.files:
        print(f"page: {report.folder.with_name('report.html')}")
    if any(file.endswith(".png") for file in report.files):
        print(f"figures: {report.folder.with_name('figures')}")
