"""Scores of every class: who reads which label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ClassesFigure(Artefact):
    title = "figure: F1 of every class and row, with either modality missing"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for table in results.comparisons:
            pattern = EACH if f"score {EACH}" in table.tests else COMPLETE
            panels = []
            for section in table.sections:
                rows = [(row, scores) for row in section.rows if (scores := results.by_class(row, pattern)) is not None]
                if rows:
                    panels.append((section, rows))
            if panels:
                name = table.named("classes")
                files |= style.files(name, _figure(results, panels, table.tests[f"score {pattern}"]))
        return files


def _figure(results: Results, panels: list[tuple[Section, list[tuple[Row, np.ndarray]]]], heading: str) -> Figure:
    figure, axes = style.panels(len(panels), 1, width=7.5, height=0.24 * max(len(rows) for _, rows in panels) + 1.2)
    for (axis,), (section, rows) in zip(axes, panels, strict=True):
        values = 100 * np.array([scores for _, scores in rows])
        labels = results.labels(rows[0][0])
        axis.imshow(values, cmap="cividis", vmin=0, vmax=100, aspect="auto")
        for i, j in np.ndindex(*values.shape):
            colour = "white" if values[i, j] < 50 else "black"
            axis.text(j, i, f"{values[i, j]:.0f}", ha="center", va="center", fontsize=6.5, color=colour)
        axis.set_xticks(range(len(labels)), map(style.literal, labels), rotation=45, ha="right", fontsize=7)
        axis.set_yticks(range(len(rows)), [style.literal(row.label) for row, _ in rows], fontsize=7)
        axis.grid(False)
        axis.set_title(style.literal(f"F1 x 100 by class: {section.title}, tested: {heading}"), fontsize=8)
    return figure
