"""Where the best row of each section errs: confusion matrices of classes, operating points of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.cells.missing import COMPLETE
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.errors import Decided, best, decided, named, shares
from mora_bench.report.figures import style
from mora_bench.report.row import Row
from mora_bench.report.section import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: More classes than this cannot be read in a panel.
MOST = 30
#: The shares that are drawn of each label, in the order of `shares`.
PARTS = ("recall", "specificity", "precision")


#: A row of panels: a section, its best row, and the row's decisions by the heading of a test pattern.
Strip = tuple[Section, Row, dict[str, Decided]]


class ErrorsFigure(Artefact):
    title = "figure: confusion matrix, or recall, specificity and precision of each label, of the best row"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        def strip(table: Comparison, section: Section) -> Strip | None:
            row, _ = best(table, section)
            decisions = _counted(results, section, row, table.main) if row else {}
            return (section, row, decisions) if row and decisions else None

        return style.of_tables(results, "errors", strip, _figure)


def _figure(strips: list[Strip]) -> Figure:
    one_by_one = all(decision.one_by_one for _, _, decisions in strips for decision in decisions.values())
    return _points(strips) if one_by_one else _matrices(strips)


def _counted(results: Results, section: Section, row: Row, main: str) -> dict[str, Decided]:
    """Decisions on labels one by one under every test pattern, by its heading; matrices, which need room, under two."""
    by_score = {score: decided(results, row, score.removeprefix("score ")) for score in section.tests}
    readable = {
        score: decision
        for score, decision in by_score.items()
        if decision is not None and 0 < len(decision.labels) <= MOST
    }
    shown = {
        score: decision
        for score, decision in readable.items()
        if decision.one_by_one or score in (f"score {COMPLETE}", main)
    }
    return {section.tests[score]: decision for score, decision in shown.items()}


def _points(strips: list[Strip]) -> Figure:
    """A row of panels a section: a line a label, and on it a mark for each test pattern, decided by the first rule."""
    labels = max(len(decision.labels) for _, _, decisions in strips for decision in decisions.values())
    figure, axes = style.panels(len(strips), len(PARTS), width=2.6, height=0.24 * labels + 0.9)
    looks = style.looks([title for _, _, decisions in strips for title in decisions])
    handles: dict[str, Any] = {}
    for line, (section, row, decisions) in zip(axes, strips, strict=True):
        rule = next(rule for decision in decisions.values() for rule in decision.counts)
        for number, (axis, part) in enumerate(zip(line, PARTS, strict=True)):
            for title, decision in decisions.items():
                values = [100 * shares(label_counts)[number] for label_counts in decision.counts[rule]]
                (handles[style.literal(title)],) = axis.plot(
                    values, range(len(values)), marker=looks[title].marker, color=looks[title].colour, linestyle="",
                    markersize=5,
                )  # fmt: skip
            _named(axis, next(iter(decisions.values())).labels, first=not number)
            axis.set_xlim(-3, 103)
            axis.set_xlabel(style.literal(f"{part} {named(rule)}, %"), fontsize=8)
        line[0].set_title(style.title(f"{section.title}\n{row.label}"), fontsize=8, loc="left")
    style.legend(figure, handles)
    return figure


def _named(axis: Axes, labels: list[str], first: bool) -> None:
    """Name the lines of a panel, from the top on."""
    axis.set_yticks(range(len(labels)), [style.literal(label) for label in labels] if first else [], fontsize=7)
    axis.set_ylim(len(labels) - 0.5, -0.5)


def _matrices(strips: list[Strip]) -> Figure:
    """A row of panels a section: for each test pattern the shares of each true class, with counts."""
    most = max(len(decisions) for _, _, decisions in strips)
    labels = max(len(decision.labels) for _, _, decisions in strips for decision in decisions.values())
    side = max(0.42 * labels, 1.8)
    figure, axes = style.panels(len(strips), most, width=side + 0.6, height=side + 0.7)
    for line, (section, row, decisions) in zip(axes, strips, strict=True):
        for axis, (title, decision) in zip(line, decisions.items(), strict=False):
            (counts,) = decision.counts.values()
            share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
            axis.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            for i, j in np.ndindex(*counts.shape):
                ink = "white" if share[i, j] < 0.5 else "black"
                axis.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=6.5, color=ink)
            axis.set_xticks(
                range(len(decision.labels)), map(style.literal, decision.labels), rotation=45, ha="right", fontsize=7
            )
            _named(axis, decision.labels, first=axis is line[0])
            axis.grid(False)
            axis.set_xlabel("decided", fontsize=8)
            axis.set_title(style.title(f"tested: {title}"), fontsize=8)
        for axis in line[len(decisions) :]:
            axis.set_visible(False)
        line[0].set_title(style.title(f"{section.title}\n{row.label}\ntested: {next(iter(decisions))}"), fontsize=8)
        line[0].set_ylabel("true", fontsize=8)
    return figure
