"""Reliability diagrams: whether predicted probabilities hold, by what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.errors import best, reliability
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Bins with fewer predictions say nothing.
FEWEST = 10


#: A section, its best row, and the bins by the heading of a test pattern.
Panel = tuple[Section, Row, dict[str, np.ndarray]]


class CalibrationFigure(Artefact):
    title = "figure: reliability diagram of the best row of each section, by test pattern"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        def panel(table: Comparison, section: Section) -> Panel | None:
            row, _ = best(table, section)
            curves = _curves(results, section, row) if row else {}
            return (section, row, curves) if row and curves else None

        return style.of_tables(results, "calibration", panel, _figure)


def _curves(results: Results, section: Section, row: Row) -> dict[str, np.ndarray]:
    """By the heading of a test pattern its bins that hold enough predictions, float [2, B]."""
    curves = {}
    for score, heading in section.tests.items():
        bins = reliability(results, row, score.removeprefix("score "))
        if bins is not None:
            curves[heading] = bins[:2, bins[2] >= FEWEST]
    return curves


def _figure(panels: list[Panel]) -> Figure:
    figure, axes = style.panels(1, len(panels), width=3.4, height=3.1)
    looks = style.looks([heading for _, _, curves in panels for heading in curves])
    handles: dict[str, Any] = {}
    for axis, (section, row, curves) in zip(axes[0], panels, strict=True):
        (handles["as it says"],) = axis.plot([0, 100], [0, 100], color=style.GREY, linestyle=":", linewidth=1.2)
        for heading, (probability, share) in curves.items():
            look = looks[heading]
            (handles[style.literal(heading)],) = axis.plot(
                100 * probability, 100 * share, color=look.colour, marker=look.marker, linestyle=look.stroke,
                markersize=3.5,
            )  # fmt: skip
        axis.set_xlim(0, 100)
        axis.set_ylim(0, 100)
        axis.set_title(style.title(f"{section.title}\n{row.label}"), fontsize=8)
        axis.set_xlabel("predicted probability, %", fontsize=8)
        axis.set_ylabel("share that is true, %", fontsize=8)
    style.legend(figure, handles)
    return figure
