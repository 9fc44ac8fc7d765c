"""The course of samples by their predicted risk, in tasks of time to event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.errors import best, risks
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mora_bench.records.risks import RiskGroups

#: A row of panels: a section, its best row, and the groups by the heading of a test pattern.
Strip = tuple[Section, Row, dict[str, "RiskGroups"]]
#: The names of thirds.
THIRDS = ("lowest third of the risk", "middle third", "highest third")


class RisksFigure(Artefact):
    title = "figure: share that had the event, by thirds of the predicted risk of the best row of each section"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        def strip(table: Comparison, section: Section) -> Strip | None:
            row, _ = best(table, section)
            by_heading = {
                heading: groups
                for score, heading in section.tests.items()
                if row and (groups := risks(results, row, score.removeprefix("score "))) is not None
            }
            return (section, row, by_heading) if row and by_heading else None

        return style.of_tables(results, "risks", strip, _figure)


def _figure(strips: list[Strip]) -> Figure:
    figure, axes = style.panels(len(strips), max(len(by_heading) for _, _, by_heading in strips), width=2.7, height=2.4)
    handles: dict[str, Any] = {}
    for panels, (section, row, by_heading) in zip(axes, strips, strict=True):
        for panel, (heading, groups) in zip(panels, by_heading.items(), strict=False):
            names = THIRDS if len(groups.n) == len(THIRDS) else [f"group {k + 1}" for k in range(len(groups.n))]
            looks = style.looks(list(names))
            for name, predicted, observed in zip(names, groups.predicted, groups.observed, strict=True):
                look = looks[name]
                # A share rises at an event, and never before it.
                (handles[name],) = panel.plot(groups.times, [100 * share for share in observed], color=look.colour,
                                              drawstyle="steps-post")  # fmt: skip
                panel.plot(groups.horizons, [100 * share for share in predicted], color=look.colour, marker=look.marker,
                           linestyle="none", markersize=4)  # fmt: skip
            panel.set_ylim(0, 100)
            panel.set_title(style.title(f"{section.title}\n{row.label}, {heading}"), fontsize=7)
            panel.set_xlabel("time; marks: predicted", fontsize=8)
            panel.set_ylabel("had the event, %", fontsize=8)
        for panel in panels[len(by_heading) :]:
            panel.set_axis_off()
    style.legend(figure, handles)
    return figure
