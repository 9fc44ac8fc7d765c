"""The comparison tables as Markdown, CSV and LaTeX (booktabs). Text from records is escaped."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tabulate import tabulate

from mora_bench.report import csvs
from mora_bench.report.columns import BELOW, CEILING, COSTS, RESOLUTION, TAKEN, cost, floor_name
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.markdown import escaped
from mora_bench.report.measures import Measure, beside_each_other, between, brief, joined, joined_directions
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.strata import FEWEST, large, sizes
from mora_bench.report.training_notes import CUT_SHORT, EARLY, marks_of
from mora_bench.tasks.metric import DASH, Metric
from mora_bench.text import visible

#: The LaTeX packages that a table needs.
PACKAGES = ("booktabs", "graphicx")
ADAPTS = "adapts at test"
MARKS = (
    "led by none", "worse than a floor", "cells cut short", "cells ended early", ADAPTS, "note", "metric", "direction",
)  # fmt: skip
SPREAD = "Standard deviations over seeds, in the same order, and costs:"


class Tables(Artefact):
    title = "comparison tables: Markdown, CSV, LaTeX"
    shown = True

    def make(self, results: Results) -> dict[str, bytes]:
        files = {}
        left_out = [f"Left out: {reason}." for reason in results.left_out]
        for comparison in results.comparisons:
            table = replace(comparison, notes=[*comparison.notes, *left_out])
            for suffix, render in ((".md", markdown), (".csv", comma_separated), (".tex", latex)):
                files[f"{table.name}{suffix}"] = render(table).encode()
        return files


def markdown(table: Comparison) -> str:
    """The comparison, the strata of the "both" test, caption and footnotes."""
    parts = [f"**{escaped(table.caption)}**", ""]
    first, last = _first(table), _last(table)
    several = len(table.shown) > 1
    for section in table.sections:
        headings = [*section.tests.values()]
        parts += [f"### {escaped(section.title)}", ""]
        if several:
            rows = _rows(table, section, [*section.tests], table.shown, costs=False)
            parts += [*_legend(table.shown), _github(rows, [*first, *headings]), "", SPREAD, ""]
            parts += [_github(_spreads(table, section), [*first, *headings, *last]), ""]
        else:
            rows = _rows(table, section, [*section.tests], table.shown, costs=True)
            parts += [_github(rows, [*first, *headings, *last]), ""]
    parts += [*_pooled(table, first), *_strata(table, first)]
    parts += [f"\\* {escaped(note)}" for note in table.notes]
    return "\n".join(parts).rstrip() + "\n"


def _rows(
    table: Comparison, section: Section, scores: list[str], shown: tuple[Measure, ...], costs: bool
) -> list[list[str]]:
    """The rows of a section with their scores, and the lines below them."""
    body = [
        [
            *_names(table, section, row, escaped, "*"),
            *(cell(shown, row, s, "**{}**", "±") for s in scores),
            *(_ends(table, row) if costs else []),
        ]
        for row in section.rows
    ]
    return body + [[*map(escaped, line)] for line in _lines(table, section, scores, shown, len(_last(table)) * costs)]


def _spreads(table: Comparison, section: Section) -> list[list[str]]:
    """The rows of a section with their standard deviations over seeds and their costs."""
    return [
        [
            *_names(table, section, row, escaped, "*"),
            *(
                beside_each_other(measure.metric.shown(row.std[measure.of(s)]) for measure in table.shown)
                for s in section.tests
            ),
            *_ends(table, row),
        ]
        for row in section.rows
    ]


def _strata(table: Comparison, first: list[str]) -> list[str]:
    """The strata of the "both" test, for the sections that have them."""
    shown = table.shown_in(table.strata)
    columns = [measure.of(score) for measure in shown for score in table.strata]
    parts = []
    for section in table.sections:
        if any(row.mean[column] == row.mean[column] for row in section.rows for column in columns):
            strata = {score: title for score, title in table.strata.items() if large(section, score)}
            rows = _rows(table, section, [*strata], shown, costs=False)
            lines = len(rows) - len(section.rows)
            rows[len(rows) - lines : len(rows) - lines] = sizes(table, section, [*strata], shown)
            parts += [f"### {escaped(section.title)}", "", *_legend(shown)]
            parts += [_github(rows, [*first, *strata.values()]), ""] if strata else []
            few = [title for score, title in table.strata.items() if score not in strata]
            if few:
                parts += [f"Not shown, because a seed has fewer than {FEWEST} samples: {', '.join(few)}.", ""]
    test = table.tests.get(table.main, table.main)
    return [f'## Strata of the "{test}" test', "", *parts] if parts else []


def _legend(shown: tuple[Measure, ...]) -> list[str]:
    """The names of the numbers of a cell, where it has several."""
    return [f"In each cell: {escaped(brief(shown))}", ""] if len(shown) > 1 else []


def _first(table: Comparison) -> list[str]:
    return [*["family"] * table.grouped, "method", *[ADAPTS] * table.adapting]


def _last(table: Comparison) -> list[str]:
    """The headings of a row's last columns: costs, and how far draws lie apart, if any row draws."""
    return [*(title for title, _ in COSTS.values()), *filter(None, [table.drawn])]


def _ends(table: Comparison, row: Row) -> list[str]:
    """The last cells of a row."""
    drawn = DASH if math.isnan(row.spread) else f"{100 * row.spread:.1f}"
    return [*(cost(row, c) for c in COSTS), *[drawn] * bool(table.drawn)]


def _pooled(table: Comparison, first: list[str]) -> list[str]:
    """The scores of all folds as one set of samples, for the sections that have them."""
    parts = []
    for section in table.sections:
        rows = [row for row in section.rows if row.pooled]
        if rows:
            names = [name for name in section.tests if any(name in row.pooled for row in rows)]
            body = [
                [
                    *_names(table, section, row, escaped, "*"),
                    *(table.curve_metric.shown(row.pooled.get(name)) for name in names),
                ]
                for row in rows
            ]
            headers = [*first, *(section.tests[name] for name in names)]
            parts += [f"### {escaped(section.title)}", "", _github(body, headers), ""]
    metric = table.curve_metric.named
    return [f"## Pooled: {metric}, all folds as one test set, every sample once", "", *parts] if parts else []


def latex(table: Comparison) -> str:
    """A table environment as wide as the text, a tabular a section; its first lines name the packages that it needs."""
    lines = ["% Needs in the preamble:", *(rf"% \usepackage{{{name}}}" for name in PACKAGES)]
    lines += [r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.caption)}}}", rf"\label{{tab:{table.name}}}"]
    for section in table.sections:
        lines += _tabular(table, section)
    lines += [rf"\par\footnotesize $^{{*}}$ {_tex(note)}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}", ""])


def _tabular(table: Comparison, section: Section) -> list[str]:
    first, last = _first(table), _last(table)
    columns = len(section.tests) + len(last)
    # Eleven columns are wider than a page.
    lines = [r"\resizebox{\textwidth}{!}{%"]
    lines += [rf"\begin{{tabular}}{{{'l' * len(first)}{'r' * columns}}}", r"\toprule"]
    heads = [*first, *section.tests.values(), *last]
    lines += [" & ".join(map(_tex, heads)) + r" \\", r"\midrule"]
    lines += [rf"\multicolumn{{{columns + len(first)}}}{{l}}{{\emph{{{_tex(section.title)}}}}} \\"]
    for row in section.rows:
        cells = _names(table, section, row, _tex, "$^{*}$")
        scores = [cell(table.shown, row, s, r"\textbf{{{}}}", r"$\pm$") for s in section.tests]
        cells += [score.replace(DASH, "--").replace(BELOW, r"$\downarrow$") for score in scores]
        cells += [text.replace(DASH, "--") for text in _ends(table, row)]
        lines.append(" & ".join(cells) + r" \\")
    for line in _lines(table, section, [*section.tests], table.shown, len(last)):
        lines.append(" & ".join(_tex(text) for text in line) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}%", "}", r"\par\medskip"]


def comma_separated(table: Comparison) -> str:
    """One line per row, unrounded."""
    patterns = [*table.tests, *table.rest, *table.strata]
    scores = [measure.of(score) for measure in table.shown for score in patterns]
    spread = [f"{s} {k}" for s in scores for k in ("mean", "std", "low", "high")]
    drawn = [table.drawn] * bool(table.drawn)
    lines: list[list] = [["source", "section", "family", "method", "seeds", *spread, *COSTS, *drawn, *MARKS]]
    metrics = " / ".join(measure.metric.title for measure in table.shown), joined_directions(table.shown)
    for section in table.sections:
        for row in section.rows:
            values = [_blank(v) for s in scores for v in (row.mean[s], row.std[s], row.low[s], row.high[s])] + [
                _blank(value) for value in (*(row.cost[c] for c in COSTS), *[row.spread] * bool(drawn))
            ]
            best = "; ".join(s for s in patterns if s in row.best)
            below = "; ".join(s for s in scores if s in row.below)
            known = [table.source, section.title, row.family, row.label, row.seeds]
            marks = [best, below, row.cut_short, row.ended_early, _adapts(row), row.note]
            lines.append([*known, *values, *marks, *metrics])
    return csvs.comma_separated(lines)


def marked(row: Row) -> str:
    """A row's label, with marks if training was cut short or ended early."""
    return f"{row.label}{marks_of(row)}"


def _adapts(row: Row) -> str:
    return "yes" if row.adapts else "no"


def _names(table: Comparison, section: Section, row: Row, escape: Callable[[str], str], star: str) -> list[str]:
    """The first cells of a row: its family, if it differs from that of the row above, its label, and whether it adapts
    at test, if any does."""
    labels = [escape(marked(row)) + (star if row.note else ""), *[_adapts(row)] * table.adapting]
    if not table.grouped:
        return labels
    before = section.rows.index(row) - 1
    return ["" if before >= 0 and section.rows[before].family == row.family else escape(row.family), *labels]


def _lines(
    table: Comparison, section: Section, scores: list[str], shown: tuple[Measure, ...], costs: int
) -> list[list[str]]:
    """The lines below a section's rows: the share that lost something, in percent; the floor that is best by each
    score; and in the unit of its scores the ceiling, and the differences it can detect."""

    def of_each(values: dict[str, Any], say: Callable[[Metric, Any], str]) -> dict[str, str]:
        return {s: beside_each_other(say(measure.metric, values[measure.of(s)]) for measure in shown) for s in scores}

    floors = {s: joined(_label(section.best_of(section.floors, s, measure)) for measure in shown) for s in scores}
    lines = []
    for name, known in (
        (TAKEN, {s: _percent(section.taken[s]) if section.taken[s] else DASH for s in scores}),
        (floor_name(section.floors), floors),
        (CEILING, of_each(section.ceiling, lambda metric, value: metric.shown(value))),
        (RESOLUTION, of_each(section.resolution, between)),
    ):
        if any(value != DASH for value in known.values()):
            lines.append([*[""] * table.grouped, name, *[""] * table.adapting, *known.values(), *[DASH] * costs])
    return lines


def _label(row: Row | None) -> str:
    return DASH if row is None else row.label


def _percent(share: float) -> str:
    return DASH if math.isnan(share) or not share else f"{100 * share:.1f}"


def _github(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(
        rows,
        headers,
        tablefmt="github",
        disable_numparse=True,
        colalign=["right" if h not in ("family", "method", ADAPTS) else "left" for h in headers],
    )


def cell(shown: Sequence[Measure], row: Row, score: str, bold: str = "**{}**", sign: str = "±") -> str:
    """A row's scores under one pattern: mean and spread of one score, or the means of several beside each other."""
    arrows = [f" {BELOW}" if measure.of(score) in row.below else "" for measure in shown]
    if len(shown) == 1:
        text = mean_and_std(shown[0].metric, row, score, sign)
        return (bold.format(text) if score in row.best else text) + arrows[0]
    values = [measure.metric.shown(row.mean[measure.of(score)]) for measure in shown]
    text = beside_each_other(value + arrow for value, arrow in zip(values, arrows, strict=True))
    return bold.format(text) if score in row.best else text


def mean_and_std(metric: Metric, row: Row, name: str, sign: str = "±") -> str:
    """A score of a row over its seeds, as its metric is shown; a dash where there is none."""
    mean, std = row.mean[name], row.std[name]
    return metric.shown(mean) + ("" if math.isnan(std) else f" {sign} {metric.shown(std)}")


def _blank(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _tex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "±": r"$\pm$",
        "—": "--",
        CUT_SHORT: r"$^{\dagger}$",
        EARLY: r"$^{\ddagger}$",
        BELOW: r"$\downarrow$",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
    special |= {c: f"\\{c}" for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
    return " ".join("".join(special.get(c, c) for c in visible(text)).split())
