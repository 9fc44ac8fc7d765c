"""Training against testing: what a pattern of training is worth under every pattern of testing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.section import Section
from mora_bench.tasks.metric import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MatrixFigure(Artefact):
    title = "figure: heat maps of training patterns against test patterns"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            by_dataset: dict[str, list[Section]] = {}
            for section in table.sections:
                by_dataset.setdefault(section.dataset, []).append(section)
            wide = {name: sections for name, sections in by_dataset.items() if len(sections) > 1}
            labels = [row.label for sections in wide.values() for row in sections[0].competing if row.network]
            shared = [
                label
                for label in dict.fromkeys(labels)
                if any(
                    all(label in {row.label for row in section.competing} for section in sections)
                    for sections in wide.values()
                )
            ]
            if wide and shared:
                name = table.named("matrix")
                files |= style.files(name, _figure(table, wide, shared))
        return files


def _figure(table: Comparison, wide: dict[str, list[Section]], labels: list[str]) -> Figure:
    most = max(map(len, wide.values()))
    figure, axes = style.panels(len(wide), len(labels), width=3.4, height=0.34 * most + 1.4)
    for row, (dataset, sections) in enumerate(wide.items()):
        titles = [section.title.partition("trained on ")[2] for section in sections]
        for column, label in enumerate(labels):
            axis = axes[row][column]
            values = np.full((len(sections), len(table.tests)), math.nan)
            for i, section in enumerate(sections):
                for competitor in section.competing:
                    if competitor.label == label:
                        values[i] = [table.metric.scale * competitor.mean[score] for score in table.tests]
            low, high = _range(values, table.metric)
            # Light is good.
            colours = "cividis" if table.metric.higher_is_better else "cividis_r"
            axis.imshow(values, cmap=colours, aspect="auto", vmin=low, vmax=high)
            middle = table.metric.oriented((low + high) / 2)
            for i, j in np.ndindex(*values.shape):
                if not math.isnan(values[i, j]):
                    axis.text(
                        j, i, f"{values[i, j]:.{table.metric.decimals}f}", ha="center", va="center", fontsize=7,
                        color="black" if table.metric.oriented(values[i, j]) > middle else "white",
                    )  # fmt: skip
            axis.set_xticks(range(len(table.tests)), list(table.tests.values()), rotation=30, ha="right", fontsize=7)
            axis.set_yticks(
                range(len(titles)), [style.literal(title) for title in titles] if not column else [], fontsize=7
            )
            axis.grid(False)
            axis.set_title(style.literal(f"{dataset}: {label}"), fontsize=8)
    rate = "at the rate of training (70% after complete data)"
    caption = f"{style.axis(table.metric)}; lighter is better. Rows: trained on; columns: tested with, {rate}."
    figure.suptitle(caption, fontsize=8)
    return figure


def _range(values: np.ndarray, metric: Metric) -> tuple[float, float]:
    """The scores, as they are shown, at the ends of the colours: the metric's lower bound, or the lowest score where it
    has none, and the highest score."""
    known = values[~np.isnan(values)]
    low = metric.scale * metric.bounds[0]
    low = low if math.isfinite(low) else float(known.min(initial=0))
    return low, float(known.max(initial=low + 1))
