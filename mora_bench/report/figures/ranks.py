"""The critical-difference diagram: mean ranks over data sets, joined where they cannot be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.ranks import blocks_of, enough
from mora_bench.statistics.ranks import ranked

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RanksFigure(Artefact):
    title = "figure: critical-difference diagram, where there are enough data sets"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            score = table.main
            blocks, shared = blocks_of(table, score)
            if enough(blocks, shared):
                name = table.named("ranks")
                heading = f"{table.metric.heading}, {table.tests[score]}"
                files |= style.files(name, _figure(blocks, shared, heading))
        return files


def _figure(blocks: dict[str, dict[str, float]], shared: list[str], heading: str) -> Figure:
    """One line a method from its mean rank; a bar joins those within the critical difference of each other."""
    found = ranked(np.array([[own[name] for name in shared] for own in blocks.values()]))
    order = np.argsort(found.mean, kind="stable")
    figure, ((axis,),) = style.panels(1, 1, width=6.5, height=0.3 * len(shared) + 0.8)
    for place, k in enumerate(order):
        axis.plot([found.mean[k], found.mean[k]], [0, -place - 1], color=style.GREY, linewidth=0.8)
        axis.plot(found.mean[k], 0, marker="o", color="black", markersize=4)
        axis.text(found.mean[k], -place - 1, style.literal(f" {shared[k]} ({found.mean[k]:.2f})"), fontsize=8, va="top")
    for bar, (first, last) in enumerate(joined(found.mean[order], found.critical)):
        height = 0.25 + 0.2 * bar
        axis.plot([found.mean[order[first]], found.mean[order[last]]], [height, height], color="black", linewidth=3)
    axis.set_yticks([])
    axis.grid(False)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(f"mean rank over {len(blocks)} data sets; critical difference {found.critical:.2f}", fontsize=8)
    axis.set_title(style.literal(f"Mean ranks, {heading}: bars join what cannot be told apart"), fontsize=8)
    return figure


def joined(means: np.ndarray, critical: float) -> list[tuple[int, int]]:
    """The longest runs of ascending mean ranks whose ends differ by less than the critical difference, first and last
    place of each; runs of one, and runs within others, are left out (Demsar 2006)."""
    runs: list[tuple[int, int]] = []
    for first in range(len(means)):
        last = int(np.searchsorted(means, means[first] + critical, side="left")) - 1
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs
