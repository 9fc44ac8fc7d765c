"""The worth of each modality to each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.worth import Valued, of_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: How far the modalities of a row lie from each other, in rows, if there is room.
APART = 0.2


#: A section, and its rows with the worth of the modalities to each.
Panel = tuple[Section, list[tuple[Row, Valued]]]


class WorthFigure(Artefact):
    title = "figure: what each modality adds to each row"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        def panel(_: Comparison, section: Section) -> Panel | None:
            rows = [
                (row, scores[0]) for row in section.rows if not row.note and (scores := of_all(results, section, row))
            ]
            return (section, rows) if rows else None

        return style.of_tables(results, "worth", panel, _figure)


def _figure(panels: list[Panel]) -> Figure:
    """A panel a section: a line a row, and on it a mark for each modality with its interval."""
    figure, axes = style.panels(len(panels), 1, width=6.5, height=0.28 * max(len(rows) for _, rows in panels) + 0.8)
    handles: dict[str, Any] = {}
    for (axis,), (section, rows) in zip(axes, panels, strict=True):
        looks = style.looks(list(rows[0][1].parts[1:-1]))
        for number, (_, score) in enumerate(rows):
            for k, (name, look) in enumerate(looks.items(), 1):
                mean, low, high = (
                    score.metric.scale * part[k] for part in (score.means.mean, score.means.low, score.means.high)
                )
                # Beside each other, because intervals that overlap would hide one another.
                at = number + min(APART, 0.8 / len(looks)) * (k - (len(looks) + 1) / 2)
                mark = axis.plot(mean, at, marker=look.marker, color=look.colour, linestyle="", markersize=5)[0]
                axis.plot([low, high], [at, at], color=look.colour, linewidth=1)
                handles.setdefault(style.literal(name), mark)
        axis.axvline(0, color=style.GREY, linewidth=0.8)
        axis.set_yticks(range(len(rows)), [style.literal(row.label) for row, _ in rows], fontsize=7)
        axis.invert_yaxis()
        axis.set_xlabel(style.literal(f"adds to {rows[0][1].metric.heading}"), fontsize=8)
        axis.set_title(style.literal(f"{section.title}: what each modality is worth"), fontsize=8)
    # One scale, so that neighbours can be held against each other.
    ends = [end for (axis,) in axes for end in axis.get_xlim()]
    for (axis,) in axes:
        axis.set_xlim(min(ends), max(ends))
    style.legend(figure, handles)
    return figure
