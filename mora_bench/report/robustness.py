"""The artefact that sums up curves over missing rates: area, worst case, and where a row falls below the floors."""

import math
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from mora_bench.report import csvs
from mora_bench.report.columns import floor_name
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.markdown import escaped
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.statistics.crossing import falls_below
from mora_bench.tasks.metric import Metric

COLUMNS = (
    "source", "section", "pattern", "method", "seeds", "area", "area std", "worst", "worst std",
    "worse than the floors from rate", "metric", "direction",
)  # fmt: skip


@dataclass(frozen=True)
class Curves:
    """The curves of a section's rows under one pattern: the scores at `rates` [R], float [S, R] by row label; what can
    be expected at most, [R] or empty."""

    rates: list[float]
    values: dict[str, np.ndarray]
    ceiling: np.ndarray


def curves(results: Results, section: Section, pattern: str) -> Curves | None:
    """The curves of the complete rows of a section; None if its files of scores hold none."""
    rows: list[Row] = [row for row in section.rows if not row.note]
    values, rates, ceiling = {}, [], np.zeros(0)
    for row in rows:
        pairs = [results.values.curves[key].get(pattern) for key in row.keys]
        known = [pair for pair in pairs if pair is not None]
        if not pairs or len(known) < len(pairs):
            return None
        rates = results.values.rates[row.keys[0]]
        values[row.label] = np.array([mean for mean, _ in known])
        bounds = [bound for _, bound in known]
        if all(len(bound) for bound in bounds):
            ceiling = np.mean(bounds, axis=0)
    return Curves(rates, values, ceiling) if values else None


def best_floor(section: Section, section_curves: Curves) -> np.ndarray | None:
    """The best mean of a floor at each rate, [R]; None where a section has no floors."""
    floors = [section_curves.values[row.label].mean(0) for row in section.floors if row.label in section_curves.values]
    return section.curve_metric.best(np.array(floors)) if floors else None


class Robustness(Artefact):
    title = "curves over missing rates: area, worst case, where a row falls below the floors"

    def make(self, results: Results) -> dict[str, bytes]:
        files = {}
        for table in results.comparisons:
            lines = _lines(results, table)
            if lines:
                name = table.named("robustness")
                files[f"{name}.csv"] = _comma_separated(lines)
                files[f"{name}.md"] = _markdown(table, lines)
        return files


def _lines(results: Results, table: Comparison) -> list[list]:
    lines = []
    for section in table.sections:
        for pattern in [score.removeprefix("score ") for score in section.every][1:]:
            section_curves = curves(results, section, pattern)
            if section_curves is None:
                continue
            floor, metric = best_floor(section, section_curves), section.curve_metric
            for row in section.rows:
                values = section_curves.values.get(row.label)
                if values is None:
                    continue
                area = np.trapezoid(values, section_curves.rates, axis=1) / (
                    section_curves.rates[-1] - section_curves.rates[0]
                )
                worst = metric.worst(values, axis=1)
                below = None
                if floor is not None and row.network:
                    below = falls_below(section_curves.rates, metric.oriented(values.mean(0)), metric.oriented(floor))
                lines.append([table.source, section.title, pattern, row.label, len(values), *_spread(area)])
                lines[-1] += [*_spread(worst), "" if below is None else below, metric.title, metric.direction]
    return lines


def _spread(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _comma_separated(lines: list[list]) -> bytes:
    rows = [["" if isinstance(value, float) and math.isnan(value) else value for value in line] for line in lines]
    return csvs.comma_separated([COLUMNS, *rows]).encode()


def _markdown(table: Comparison, lines: list[list]) -> bytes:
    """One table a section: rows by patterns, area / worst, and the rate from which a network is below the floors."""
    parts = [
        f"{table.of_curves} over missing rates 0 to 100 %, expected over masks: area under the curve / worst rate, "
        "mean over seeds. From: the lowest rate at which a row is worse than the "
        f"{floor_name(row for section in table.sections for row in section.floors)}.",
        "",
    ]
    for section in table.sections:
        section_lines = [line for line in lines if line[1] == section.title]
        patterns = list(dict.fromkeys(line[2] for line in section_lines))
        rows = []
        for label in dict.fromkeys(line[3] for line in section_lines):
            by_pattern = {line[2]: line for line in section_lines if line[3] == label}
            cells = [_cell(by_pattern[pattern], section.curve_metric) for pattern in patterns]
            rows.append([escaped(label), *(text for pair in cells for text in pair)])
        headings = section.every
        headers = ["method", *(text for pattern in patterns for text in (headings[f"score {pattern}"], "from"))]
        if rows:
            body = tabulate(rows, headers, tablefmt="github", disable_numparse=True)
            parts += [f"### {escaped(section.title)}", "", body, ""]
    return ("\n".join(parts).rstrip() + "\n").encode()


def _cell(line: list, metric: Metric) -> tuple[str, str]:
    below = line[COLUMNS.index("worse than the floors from rate")]
    return f"{metric.shown(line[5])} / {metric.shown(line[7])}", "" if below == "" else f"{100 * below:.0f} %"
