"""The effect of one axis: scores over ranks or blocks, and their cost on a second axis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure


#: The fewest values of an axis that make a curve of it.
LEAST = 3
SHOWN = ("score complete", "score both")
#: The axes, and the form of each in a row's label.
AXES = {"rank": r"r=\d+", "blocks": r"blocks [\d,-]+"}


class AblationFigure(Artefact):
    title = "figure: scores over ranks and over sets of blocks, with cost on a second axis"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            for axis in AXES:
                curves = [
                    (section, method, rows)
                    for section in table.sections
                    for method, rows in _along(section, axis).items()
                ]
                if curves:
                    name = table.named(axis)
                    files |= style.files(name, _figure(table, axis, curves))
        return files


def _along(section: Section, axis: str) -> dict[str, list[Row]]:
    """The rows of each method that differ in the axis alone, where there are enough, in the axis's order."""
    curves: dict[str, list[Row]] = {}
    other = "blocks" if axis == "rank" else "rank"
    groups: dict[tuple, list[Row]] = {}
    for row in section.competing:
        if getattr(row, axis) is not None:
            # A row's label says all in which it differs from others.
            rest = re.sub(AXES[axis], "", row.label)
            groups.setdefault((row.method, getattr(row, other), rest), []).append(row)
    for (method, _, _), rows in groups.items():
        values = [getattr(row, axis) for row in rows]
        if len(set(values)) == len(values) >= LEAST and len(values) > len(curves.get(method, [])):
            curves[method] = sorted(rows, key=lambda row: (_size(row, axis), getattr(row, axis)))
    return curves


def _size(row: Row, axis: str) -> int:
    return len(row.blocks or ()) if axis == "blocks" else 0


def _name(row: Row, axis: str) -> str:
    if axis == "rank":
        return str(row.rank)
    blocks = row.blocks or ()
    consecutive = len(blocks) > 1 and blocks == tuple(range(blocks[0], blocks[-1] + 1))
    return f"{blocks[0]}-{blocks[-1]}" if consecutive else ",".join(map(str, blocks))


def _figure(table: Comparison, axis: str, curves: list[tuple[Section, str, list[Row]]]) -> Figure:
    columns = min(2, len(curves))
    figure, axes = style.panels(-(-len(curves) // columns), columns, width=4.2)
    flat = [axis for row in axes for axis in row]
    handles: dict[str, Any] = {}
    metric = table.metric
    looks = style.looks([table.tests[score] for score in SHOWN if score in table.tests])
    for panel, (section, method, rows) in zip(flat, curves, strict=False):
        ticks = np.arange(len(rows))
        control = next((row for row in section.competing if row.method == "head"), None)
        for score in [score for score in SHOWN if score in table.tests]:
            look = looks[table.tests[score]]
            mean, low, high = (
                metric.scale * np.array([getattr(row, name)[score] for row in rows]) for name in ("mean", "low", "high")
            )
            handles[table.tests[score]] = panel.errorbar(
                ticks, mean, [mean - low, high - mean], color=look.colour, marker=look.marker, linestyle=look.stroke,
                markersize=4, capsize=3, linewidth=1,
            )  # fmt: skip
            if control is not None:
                panel.axhline(metric.scale * control.mean[score], color=look.colour, linestyle=":", linewidth=1)
        style.within(panel, metric)
        cost = panel.twinx()
        cost.spines["top"].set_visible(False)
        flops = [row.cost["gflops_step"] for row in rows]
        (handles["GFLOPs of a training step (right)"],) = cost.plot(
            ticks, flops, color=style.GREY, marker="_", linestyle="", markersize=12
        )
        cost.set_ylim(0, 1.15 * np.nanmax([*flops, 1e-9]))
        cost.tick_params(labelsize=7, colors=style.GREY)
        panel.set_xticks(ticks, [_name(row, axis) for row in rows], fontsize=8)
        panel.set_xlabel(axis, fontsize=8)
        panel.set_ylabel(style.axis(metric), fontsize=8)
        panel.set_title(style.literal(f"{method}: {section.title}"), fontsize=8)
    for panel in flat[len(curves) :]:
        panel.set_visible(False)
    style.legend(figure, handles)
    figure.suptitle("Bars: 95 % intervals over seeds. Dotted: head only.", fontsize=8)
    return figure
