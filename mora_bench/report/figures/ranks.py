"""The critical-difference diagram: mean ranks over data sets, joined where they do not differ significantly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.ranks import Blocks, blocks_of
from mora_bench.statistics.ranks import ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class RanksFigure(Artefact):
    title = "figure: critical-difference diagram, where there are enough data sets"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            patterns = [blocks for blocks in blocks_of(table, table.main, table.shown[0]) if blocks.enough]
            if patterns:
                alone = " alone" * (len(table.shown) > 1)
                heading = f"{table.metric.heading}{alone}, {table.tests[table.main]}"
                files |= style.files(table.named("ranks"), _figure(patterns, heading))
        return files


def _figure(patterns: list[Blocks], heading: str) -> Figure:
    """A panel a training pattern."""
    most = max(len(blocks.rows) for blocks in patterns)
    figure, panels = style.panels(len(patterns), 1, width=6.5, height=0.3 * most + 0.8)
    for blocks, (axis,) in zip(patterns, panels, strict=True):
        _panel(axis, blocks, heading)
    return figure


def _panel(axis: Axes, blocks: Blocks, heading: str) -> None:
    """One line a method from its mean rank; a bar joins those within the critical difference of each other, and all of
    them where Friedman's test tells nothing."""
    ranks = ranked(blocks.scores)
    order = np.argsort(ranks.mean, kind="stable")
    for depth, k in enumerate(order):
        axis.plot([ranks.mean[k], ranks.mean[k]], [0, -depth - 1], color=style.GREY, linewidth=0.8)
        axis.plot(ranks.mean[k], 0, marker="o", color="black", markersize=4)
        label = style.literal(f" {blocks.rows[k]} ({ranks.mean[k]:.2f})")
        axis.text(ranks.mean[k], -depth - 1, label, fontsize=8, va="top")
    bars = joined(ranks.mean[order], ranks.critical) if ranks.differ else [(0, len(order) - 1)]
    for bar, (first, last) in enumerate(bars):
        height = 0.25 + 0.2 * bar
        axis.plot([ranks.mean[order[first]], ranks.mean[order[last]]], [height, height], color="black", linewidth=3)
    axis.set_yticks([])
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    difference = f"critical difference {ranks.critical:.2f}" if ranks.differ else "no significant difference"
    caption = f"mean rank over {len(blocks.datasets)} blocks of patients; Friedman p = {ranks.p:.2g}, {difference}"
    axis.set_xlabel(caption, fontsize=8)
    title = f"Mean ranks, trained on {blocks.trained}, {heading}: bars join what does not differ significantly"
    axis.set_title(style.literal(title), fontsize=8)


def joined(means: np.ndarray, critical: float) -> list[tuple[int, int]]:
    """The longest runs of ascending mean ranks whose ends differ by less than the critical difference, first and last
    place of each; runs of one, and runs within others, are left out (Demsar 2006)."""
    runs: list[tuple[int, int]] = []
    for first in range(len(means)):
        last = int(np.searchsorted(means, means[first] + critical, side="left")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs
