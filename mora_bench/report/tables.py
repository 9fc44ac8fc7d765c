"""The comparison tables as Markdown, CSV and LaTeX (booktabs). Text from records is escaped."""

import math
from collections.abc import Callable
from dataclasses import replace

from tabulate import tabulate

from mora_bench.report import csvs
from mora_bench.report.compare import BELOW, CEILING, CLASSES, RESOLUTION, SAMPLES, TAKEN, Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.markdown import escaped
from mora_bench.report.section import Row, Section
from mora_bench.report.trained import CUT_SHORT
from mora_bench.tasks.metric import DASH, Metric
from mora_bench.text import visible

COSTS = {
    "share_adapter": ("adapter %", "{:.3f}"),
    "share_adapter_head": ("+ head %", "{:.2f}"),
    "share_total": ("all %", "{:.2f}"),
    "gflops_forward": ("GFLOPs fwd", "{:.4g}"),
    "gflops_step": ("GFLOPs step", "{:.4g}"),
    "step_ms": ("step ms", "{:.3g}"),
}
#: What a LaTeX table needs.
PACKAGES = ("booktabs", "graphicx")
MARKS = ("not told from the best", "worse than a floor", "cells cut short", "note", "metric", "direction")


class Tables(Artefact):
    title = "comparison tables: Markdown, CSV, LaTeX"
    shown = True

    def make(self, results: Results) -> dict[str, bytes]:
        found = {}
        left_out = [f"Left out: {reason}." for reason in results.left_out]
        for own in results.comparisons:
            table = replace(own, notes=[*own.notes, *left_out])
            for suffix, render in ((".md", markdown), (".csv", comma_separated), (".tex", latex)):
                found[f"{table.name}{suffix}"] = render(table).encode()
        return found


def markdown(table: Comparison) -> str:
    """The comparison, the strata of the "both" test, caption and footnotes."""
    parts = [f"**{escaped(table.caption)}**", ""]
    first = ["family", "method"] if table.grouped else ["method"]
    headers = [*first, *table.tests.values(), *(title for title, _ in COSTS.values())]
    for section in table.sections:
        rows = [
            [
                *_names(table, section, row, escaped, "*"),
                *(_score(table.metric, row, s, "**{}**", "±") for s in table.tests),
                *(_cost(row, c) for c in COSTS),
            ]
            for row in section.rows
        ] + _lines(table, section, list(table.tests), len(COSTS))
        parts += [f"### {escaped(section.title)}", "", _github(rows, headers), ""]
    parts += _pooled(table, first)
    stratified = [
        s for s in table.sections if any(row.mean[name] == row.mean[name] for row in s.rows for name in table.strata)
    ]
    parts += ['## Strata of the "both missing" test', ""] * bool(stratified)
    for section in stratified:
        rows = [
            [
                *_names(table, section, row, escaped, "*"),
                *(_score(table.metric, row, s, "**{}**", "±") for s in table.strata),
            ]
            for row in section.rows
        ] + [*_sizes(table, section), *_lines(table, section, list(table.strata), 0)]
        parts += [f"### {escaped(section.title)}", "", _github(rows, [*first, *table.strata.values()]), ""]
    parts += [f"\\* {escaped(note)}" for note in table.notes]
    return "\n".join(parts).rstrip() + "\n"


def _pooled(table: Comparison, first: list[str]) -> list[str]:
    """The scores of all folds as one set of samples, for the sections that have them."""
    parts = []
    for section in table.sections:
        rows = [row for row in section.rows if row.pooled]
        if rows:
            names = [name for name in table.tests if any(name in row.pooled for row in rows)]
            body = [
                [
                    *_names(table, section, row, escaped, "*"),
                    *(table.metric.shown(row.pooled.get(name)) for name in names),
                ]
                for row in rows
            ]
            headers = [*first, *(table.tests[name] for name in names)]
            parts += [f"### {escaped(section.title)}", "", _github(body, headers), ""]
    return ["## Pooled: all folds as one test set, every patient once", "", *parts] if parts else []


def between(metric: Metric, bounds: tuple[float, float]) -> str:
    """Two values as "2.1 to 3.4"; one where both look the same; a dash where there are none."""
    low, high = map(metric.shown, bounds)
    return low if low == high else f"{low} to {high}"


def latex(table: Comparison) -> str:
    """A table environment as wide as the text; its first lines name the packages that it needs."""
    first = ["family", "method"] if table.grouped else ["method"]
    columns = len(table.tests) + len(COSTS)
    lines = ["% Needs in the preamble:", *(rf"% \usepackage{{{name}}}" for name in PACKAGES)]
    lines += [r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.caption)}}}", rf"\label{{tab:{table.name}}}"]
    # Eleven columns are wider than a page.
    lines += [r"\resizebox{\textwidth}{!}{%"]
    lines += [rf"\begin{{tabular}}{{{'l' * len(first)}{'r' * columns}}}", r"\toprule"]
    lines.append(
        " & ".join(map(_tex, [*first, *table.tests.values(), *(title for title, _ in COSTS.values())])) + r" \\"
    )
    for section in table.sections:
        lines += [r"\midrule", rf"\multicolumn{{{columns + len(first)}}}{{l}}{{\emph{{{_tex(section.title)}}}}} \\"]
        for row in section.rows:
            cells = _names(table, section, row, _tex, "$^{*}$")
            scores = [_score(table.metric, row, s, r"\textbf{{{}}}", r"$\pm$") for s in table.tests]
            cells += [score.replace(DASH, "--").replace(BELOW, r"$\downarrow$") for score in scores]
            cells += [_cost(row, c).replace(DASH, "--") for c in COSTS]
            lines.append(" & ".join(cells) + r" \\")
        for line in _lines(table, section, list(table.tests), len(COSTS)):
            lines.append(" & ".join(_tex(cell) for cell in line) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}%", "}"]
    lines += [rf"\par\footnotesize $^{{*}}$ {_tex(note)}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}", ""])


def comma_separated(table: Comparison) -> str:
    """One line per row, unrounded."""
    scores = [*table.tests, *table.strata]
    spread = [f"{s} {k}" for s in scores for k in ("mean", "std", "low", "high")]
    lines: list[list] = [["source", "section", "family", "method", "seeds", *spread, *COSTS, *MARKS]]
    for section in table.sections:
        for row in section.rows:
            values = [_blank(v) for s in scores for v in (row.mean[s], row.std[s], row.low[s], row.high[s])] + [
                _blank(row.cost[c]) for c in COSTS
            ]
            best, below = ("; ".join(s for s in scores if s in marked) for marked in (row.best, row.below))
            known = [table.source, section.title, row.family, row.label, row.seeds]
            marks = [best, below, row.cut_short, row.note, table.metric.title, table.metric.direction]
            lines.append([*known, *values, *marks])
    return csvs.comma_separated(lines)


def marked(row: Row) -> str:
    """A row's label, with a mark if training was cut short."""
    return f"{row.label} {CUT_SHORT}" if row.cut_short else row.label


def _names(table: Comparison, section: Section, row: Row, escape: Callable[[str], str], star: str) -> list[str]:
    """The first cells of a row: its family, if it differs from that of the row above, and its label."""
    label = escape(marked(row)) + (star if row.note else "")
    if not table.grouped:
        return [label]
    before = section.rows.index(row) - 1
    return ["" if before >= 0 and section.rows[before].family == row.family else escape(row.family), label]


def _lines(table: Comparison, section: Section, scores: list[str], costs: int) -> list[list[str]]:
    """What stands below a section's rows: the share that lost something, in percent; and in the unit of its scores the
    ceiling, and the differences it can tell."""
    lines = []
    for name, known in (
        (TAKEN, {s: _percent(section.taken[s]) if section.taken[s] else DASH for s in scores}),
        (CEILING, {s: table.metric.shown(section.ceiling[s]) for s in scores}),
        (RESOLUTION, {s: between(table.metric, section.resolution[s]) for s in scores}),
    ):
        if any(value != DASH for value in known.values()):
            lines.append([*([""] * table.grouped), name, *known.values(), *[DASH] * costs])
    return lines


def _percent(share: float) -> str:
    return DASH if math.isnan(share) or not share else f"{100 * share:.1f}"


def _sizes(table: Comparison, section: Section) -> list[list[str]]:
    """Below the strata: how many samples each has, from the fewest to the most over seeds, and over how many of all
    classes the strata are compared."""
    lines = []
    for name, known in ((SAMPLES, section.samples), (CLASSES, section.classes)):
        if any(score in known for score in table.strata):
            first = ["", name] if table.grouped else [name]
            lines.append([*first, *(_spread(known.get(score)) for score in table.strata)])
    return lines


def _spread(known: tuple[int, ...] | None) -> str:
    """(3, 5, 8) -> "3-5 of 8", (4, 4) -> "4"."""
    if known is None:
        return DASH
    least, most, *of = known
    return (f"{least}" if least == most else f"{least}-{most}") + "".join(f" of {number}" for number in of)


def _github(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(
        rows,
        headers,
        tablefmt="github",
        disable_numparse=True,
        colalign=["right" if h not in ("family", "method") else "left" for h in headers],
    )


def _score(metric: Metric, row: Row, name: str, bold: str, sign: str) -> str:
    text = mean_and_std(metric, row, name, sign)
    text = bold.format(text) if name in row.best else text
    return f"{text} {BELOW}" if name in row.below else text


def mean_and_std(metric: Metric, row: Row, name: str, sign: str = "±") -> str:
    """A score of a row over its seeds, as its metric is shown; a dash where there is none."""
    mean, std = row.mean[name], row.std[name]
    return metric.shown(mean) + ("" if math.isnan(std) else f" {sign} {metric.shown(std)}")


def _cost(row: Row, name: str) -> str:
    value = row.cost[name]
    return DASH if math.isnan(value) else COSTS[name][1].format(value)


def _blank(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _tex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "±": r"$\pm$",
        "—": "--",
        CUT_SHORT: r"$^{\dagger}$",
        BELOW: r"$\downarrow$",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
    special |= {c: f"\\{c}" for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
    return " ".join("".join(special.get(c, c) for c in visible(text)).split())
