"""Where the best row of each section errs: confusion matrices of classes, operating points of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.cells.missing import COMPLETE
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.errors import Decided, best, decided, named, shares
from mora_bench.report.figures import style
from mora_bench.report.section import Row, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: More classes than this cannot be read in a panel.
MOST = 30
#: What is drawn of each label, in the order of `shares`.
PARTS = ("recall", "specificity", "precision")


#: A section, its best row, and by the heading of a test pattern what it decided.
Found = tuple[Section, Row, dict[str, Decided]]


class ErrorsFigure(Artefact):
    title = "figure: confusion matrix, or recall, specificity and precision of each label, of the best row"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        def found(table: Comparison, section: Section) -> Found | None:
            row, _ = best(table, section)
            counted = _counted(results, section, row, table.main) if row else {}
            return (section, row, counted) if row and counted else None

        return style.of_tables(results, "errors", found, _figure)


def _figure(found: list[Found]) -> Figure:
    one_by_one = all(own.one_by_one for _, _, counted in found for own in counted.values())
    return _points(found) if one_by_one else _matrices(found)


def _counted(results: Results, section: Section, row: Row, main: str) -> dict[str, Decided]:
    """Of labels that are decided one by one under every test pattern; matrices, which need room, under two."""
    every = {score: decided(results, row, score.removeprefix("score ")) for score in section.tests}
    known = {score: own for score, own in every.items() if own is not None and 0 < len(own.labels) <= MOST}
    shown = {s: own for s, own in known.items() if own.one_by_one or s in (f"score {COMPLETE}", main)}
    return {section.tests[score]: own for score, own in shown.items()}


def _points(found: list[Found]) -> Figure:
    """A row of panels a section: a line a label, and on it a mark for each test pattern, decided by the first rule."""
    labels = max(len(own.labels) for _, _, counted in found for own in counted.values())
    figure, axes = style.panels(len(found), len(PARTS), width=2.6, height=0.24 * labels + 0.9)
    looks = style.looks([title for _, _, counted in found for title in counted])
    handles: dict[str, Any] = {}
    for line, (section, row, counted) in zip(axes, found, strict=True):
        rule = next(rule for own in counted.values() for rule in own.counts)
        for number, (axis, part) in enumerate(zip(line, PARTS, strict=True)):
            for title, own in counted.items():
                values = [100 * shares(each)[number] for each in own.counts[rule]]
                (handles[style.literal(title)],) = axis.plot(
                    values, range(len(values)), marker=looks[title].marker, color=looks[title].colour, linestyle="",
                    markersize=5,
                )  # fmt: skip
            _named(axis, next(iter(counted.values())).labels, first=not number)
            axis.set_xlim(-3, 103)
            axis.set_xlabel(style.literal(f"{part} {named(rule)}, %"), fontsize=8)
        line[0].set_title(style.title(f"{section.title}\n{row.label}"), fontsize=8, loc="left")
    style.legend(figure, handles)
    return figure


def _named(axis: Axes, labels: list[str], first: bool) -> None:
    """Name the lines of a panel, from the top on."""
    axis.set_yticks(range(len(labels)), [style.literal(label) for label in labels] if first else [], fontsize=7)
    axis.set_ylim(len(labels) - 0.5, -0.5)


def _matrices(found: list[Found]) -> Figure:
    """A row of panels a section: for each test pattern the shares of each true class, with counts."""
    most = max(len(counted) for _, _, counted in found)
    labels = max(len(own.labels) for _, _, counted in found for own in counted.values())
    side = max(0.42 * labels, 1.8)
    figure, axes = style.panels(len(found), most, width=side + 0.6, height=side + 0.7)
    for line, (section, row, counted) in zip(axes, found, strict=True):
        for axis, (title, own) in zip(line, counted.items(), strict=False):
            (counts,) = own.counts.values()
            share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
            axis.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
            for i, j in np.ndindex(*counts.shape):
                ink = "white" if share[i, j] < 0.5 else "black"
                axis.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=6.5, color=ink)
            axis.set_xticks(range(len(own.labels)), map(style.literal, own.labels), rotation=45, ha="right", fontsize=7)
            _named(axis, own.labels, first=axis is line[0])
            axis.grid(False)
            axis.set_xlabel("decided", fontsize=8)
            axis.set_title(style.title(f"tested: {title}"), fontsize=8)
        for axis in line[len(counted) :]:
            axis.set_visible(False)
        line[0].set_title(style.title(f"{section.title}\n{row.label}\ntested: {next(iter(counted))}"), fontsize=8)
        line[0].set_ylabel("true", fontsize=8)
    return figure
