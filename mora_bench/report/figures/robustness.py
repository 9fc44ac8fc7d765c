"""Curves over missing rates with their bands, the best baseline and the ceiling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.robustness import Curves, best_floor, curves
from mora_bench.report.section import Section
from mora_bench.statistics.interval import interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


#: More networks than this are not told apart in one panel: then one row of every method is drawn.
MOST = 8


class RobustnessFigure(Artefact):
    title = "figure: scores over missing rates, with 95 % bands over seeds, the best baseline and the ceiling"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            patterns = _with_curves(results, table)
            panels = {
                (row, column): panel_curves
                for row, section in enumerate(table.sections)
                for column, pattern in enumerate(patterns)
                if (panel_curves := curves(results, section, pattern)) is not None
            }
            if panels:
                name = table.named("robustness")
                files |= style.files(name, _figure(table, patterns, panels))
        return files


def _with_curves(results: Results, table: Comparison) -> list[str]:
    """The patterns of a table that have curves: means over sets of modalities have none."""
    patterns = [score.removeprefix("score ") for score in table.tests][1:]
    return [
        pattern
        for pattern in patterns
        if any(curves(results, section, pattern) is not None for section in table.sections)
    ]


def drawn(section: Section) -> list[str]:
    """The labels of the networks that are drawn: all, or one row of every method where they are many."""
    rows = [row for row in section.competing if row.network]
    if len(rows) <= MOST:
        return [row.label for row in rows]
    return list({row.method: row.label for row in reversed(rows)}.values())[::-1][:MOST]


def _figure(table: Comparison, patterns: list[str], panels: dict[tuple[int, int], Curves]) -> Figure:
    sections, metric = table.sections, table.curve_metric
    figure, axes = style.panels(len(sections), len(patterns))
    looks = style.looks([label for section in sections for label in drawn(section)])
    handles: dict[str, Any] = {}
    for (row, column), panel_curves in panels.items():
        axis, section = axes[row][column], sections[row]
        rates = 100 * np.array(panel_curves.rates)
        for label in drawn(section):
            if label not in panel_curves.values:
                continue
            look, values = looks[label], metric.scale * panel_curves.values[label]
            low, high = np.transpose([interval(scores, section.overlap) for scores in values.T])
            axis.fill_between(rates, low, high, color=look.colour, alpha=0.15, linewidth=0)
            (handles[label],) = axis.plot(
                rates, values.mean(0), color=look.colour, marker=look.marker, linestyle=look.stroke, markersize=3.5
            )
        floor = best_floor(section, panel_curves)
        if floor is not None:
            (handles["best baseline"],) = axis.plot(
                rates, metric.scale * floor, color=style.GREY, linestyle="--", linewidth=1
            )
        if len(panel_curves.ceiling):
            (handles["ceiling"],) = axis.plot(
                rates, metric.scale * panel_curves.ceiling, color=style.GREY, linestyle=":", linewidth=1.2
            )
        heading = table.tests[f"score {patterns[column]}"]
        axis.set_title(style.title(f"{section.title}\ntested with {heading}"), fontsize=8)
        axis.set_xlabel("samples that lose one, %", fontsize=8)
        axis.set_ylabel(style.axis(metric), fontsize=8)
        if math.isfinite(metric.bounds[0]):
            axis.set_ylim(bottom=max(metric.scale * metric.bounds[0], axis.get_ylim()[0]) if metric.bounds[0] else 0)
        if math.isfinite(metric.bounds[1]):
            axis.set_ylim(top=min(metric.scale * metric.bounds[1], axis.get_ylim()[1]))
    if table.metric != metric:
        figure.suptitle(style.literal(table.of_curves), fontsize=8)
    style.legend(figure, {style.literal(name): handle for name, handle in handles.items()})
    return figure
