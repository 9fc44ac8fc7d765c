"""Score against cost: what more parameters, FLOPs or seconds buy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.tasks.metric import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure


COSTS = {
    "share_adapter_head": "trained: adapter + classifier, %",
    "gflops_step": "GFLOPs of a training step",
    "step_ms": "ms of a training step",
}


class ParetoFigure(Artefact):
    title = "figure: score against trained share, FLOPs and step time, with the rows that none beats in both"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            score = table.main
            sections = [section for section in table.sections if len(_placed(section, score, "gflops_step")) > 1]
            if sections:
                name = table.named("pareto")
                files |= style.files(name, _figure(sections, score, table.tests[score], table.metric))
        return files


def _placed(section: Section, score: str, cost: str) -> list[Row]:
    return [
        row
        for row in section.competing
        if row.network and not math.isnan(row.mean[score]) and not math.isnan(row.cost[cost])
    ]


def front(points: list[tuple[float, float]]) -> list[int]:
    """The numbers of the points (cost, score) that no other beats in cost and score, by ascending cost; of scores the
    larger is the better, so they are oriented before."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    unbeaten: list[int] = []
    for i in order:
        if not unbeaten or points[i][1] > points[unbeaten[-1]][1]:
            unbeaten.append(i)
    return unbeaten


def _figure(sections: list[Section], score: str, heading: str, metric: Metric) -> Figure:
    figure, axes = style.panels(len(sections), len(COSTS))
    looks = style.looks([row.method for section in sections for row in _placed(section, score, "gflops_step")])
    handles: dict[str, Any] = {}
    for row, section in enumerate(sections):
        for column, (cost, label) in enumerate(COSTS.items()):
            axis, rows = axes[row][column], _placed(section, score, cost)
            points = [(competitor.cost[cost], metric.scale * competitor.mean[score]) for competitor in rows]
            best = front([(x, metric.oriented(y)) for x, y in points])
            axis.plot(
                *zip(*(points[i] for i in best), strict=True) if best else ([], []), color=style.GREY, linewidth=1
            )
            for competitor, (x, y) in zip(rows, points, strict=True):
                look = looks[competitor.method]
                handles[competitor.method] = axis.scatter(x, y, color=look.colour, marker=look.marker, s=26, zorder=3)
                low, high = metric.scale * competitor.low[score], metric.scale * competitor.high[score]
                if not math.isnan(low):
                    axis.plot([x, x], [low, high], color=look.colour, linewidth=0.8, alpha=0.6)
            style.within(axis, metric)
            style.costs(axis, [x for x, _ in points])
            axis.set_xlabel(label, fontsize=8)
            axis.set_ylabel(f"{style.axis(metric)}\n{style.literal(heading)}", fontsize=8)
            axis.set_title(style.title(section.title), fontsize=8)
    style.legend(figure, {style.literal(name): handle for name, handle in handles.items()})
    return figure
