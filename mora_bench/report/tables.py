"""Comparisons as Markdown, CSV and LaTeX (booktabs). Text from records is escaped."""

import csv
import io
import math

from tabulate import tabulate

from mora_bench.report.compare import Comparison, Row

TESTS = {"f1 complete": "complete", "f1 image": "image missing", "f1 text": "text missing", "f1 both": "both missing"}
STRATA = {"f1 both complete": "complete", "f1 both text_only": "text only", "f1 both image_only": "image only"}
COSTS = {
    "share_adapter": ("adapter %", "{:.3f}"),
    "share_adapter_head": ("+ head %", "{:.2f}"),
    "share_total": ("all %", "{:.2f}"),
    "gflops_forward": ("GFLOPs fwd", "{:.4g}"),
    "gflops_step": ("GFLOPs step", "{:.4g}"),
    "step_ms": ("step ms", "{:.3g}"),
}
DASH = "—"


def markdown(table: Comparison) -> str:
    """The comparison, the strata of the "both" test, caption and footnotes."""
    parts = [f"**{_md(table.caption)}**", ""]
    headers = ["method", *TESTS.values(), *(title for title, _ in COSTS.values())]
    for section in table.sections:
        rows = [
            [
                _md(row.label) + ("*" if row.note else ""),
                *(_score(row, s, "**{}**", "±") for s in TESTS),
                *(_cost(row, c) for c in COSTS),
            ]
            for row in section.rows
        ]
        parts += [f"### {_md(section.title)}", "", _github(rows, headers), ""]
    parts += ['## Strata of the "both missing" test', ""]
    for section in table.sections:
        rows = [
            [_md(row.label) + ("*" if row.note else ""), *(_score(row, s, "**{}**", "±") for s in STRATA)]
            for row in section.rows
        ]
        parts += [f"### {_md(section.title)}", "", _github(rows, ["method", *STRATA.values()]), ""]
    parts += [f"\\* {_md(note)}" for note in table.notes]
    return "\n".join(parts).rstrip() + "\n"


def latex(table: Comparison) -> str:
    """A booktabs table environment; needs \\usepackage{booktabs} and nothing else."""
    columns = len(TESTS) + len(COSTS)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(table.caption)}}}", rf"\label{{tab:{table.name}}}"]
    lines += [rf"\begin{{tabular}}{{l{'r' * columns}}}", r"\toprule"]
    lines.append(" & ".join(map(_tex, ["method", *TESTS.values(), *(title for title, _ in COSTS.values())])) + r" \\")
    for section in table.sections:
        lines += [r"\midrule", rf"\multicolumn{{{columns + 1}}}{{l}}{{\emph{{{_tex(section.title)}}}}} \\"]
        for row in section.rows:
            cells = [_tex(row.label) + (r"$^{*}$" if row.note else "")]
            cells += [_score(row, s, r"\textbf{{{}}}", r"$\pm$").replace(DASH, "--") for s in TESTS]
            cells += [_cost(row, c).replace(DASH, "--") for c in COSTS]
            lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize $^{{*}}$ {_tex(note)}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}", ""])


def comma_separated(table: Comparison) -> str:
    """One line a row, unrounded."""
    out = io.StringIO()
    scores = [*TESTS, *STRATA]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["source", "section", "method", "seeds", *(f"{s} {k}" for s in scores for k in ("mean", "std")), *COSTS, "note"]
    )
    for section in table.sections:
        for row in section.rows:
            values = [_blank(v) for s in scores for v in (row.mean[s], row.std[s])] + [
                _blank(row.cost[c]) for c in COSTS
            ]
            writer.writerow([table.source, section.title, row.label, row.seeds, *values, row.note])
    return out.getvalue()


def _github(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(
        rows, headers, tablefmt="github", disable_numparse=True, colalign=("left", *["right"] * (len(headers) - 1))
    )


def _score(row: Row, name: str, bold: str, sign: str) -> str:
    mean, std = row.mean[name], row.std[name]
    if math.isnan(mean):
        return DASH
    text = f"{100 * mean:.1f}" + ("" if math.isnan(std) else f" {sign} {100 * std:.1f}")
    return bold.format(text) if name in row.best else text


def _cost(row: Row, name: str) -> str:
    value = row.cost[name]
    return DASH if math.isnan(value) else COSTS[name][1].format(value)


def _blank(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _md(text: str) -> str:
    for character in "\\`*_[]<>|":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())


def _tex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "±": r"$\pm$",
        "—": "--",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
    special |= {c: f"\\{c}" for c in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}
    return " ".join("".join(special.get(c, c) for c in text).split())
