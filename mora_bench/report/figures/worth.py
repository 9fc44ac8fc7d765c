"""What each modality is worth to each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.section import Row, Section
from mora_bench.report.worth import Valued, of_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: How far the modalities of a row lie from each other, in rows.
APART = 0.2


#: A section, and its rows with what modalities are worth to them.
Found = tuple[Section, list[tuple[Row, Valued]]]


class WorthFigure(Artefact):
    title = "figure: what each modality adds to each row"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        def found(_: Comparison, section: Section) -> Found | None:
            rows = [(row, own[0]) for row in section.rows if not row.note and (own := of_all(results, section, row))]
            return (section, rows) if rows else None

        return style.of_tables(results, "worth", found, _figure)


def _figure(found: list[Found]) -> Figure:
    """A panel a section: a line a row, and on it a mark for each modality with its interval."""
    figure, axes = style.panels(len(found), 1, width=6.5, height=0.28 * max(len(rows) for _, rows in found) + 0.8)
    handles: dict[str, Any] = {}
    for (axis,), (section, rows) in zip(axes, found, strict=True):
        looks = style.looks(list(rows[0][1].parts[1:-1]))
        for place, (_, own) in enumerate(rows):
            for k, (name, look) in enumerate(looks.items(), 1):
                mean, low, high = (
                    own.metric.scale * part[k] for part in (own.found.mean, own.found.low, own.found.high)
                )
                mark = axis.plot(mean, place, marker=look.marker, color=look.colour, linestyle="", markersize=5)[0]
                axis.plot([low, high], [place, place], color=look.colour, linewidth=1)
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
