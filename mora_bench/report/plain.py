"""The contents of a results folder as plain values: for the page, and for programs that ask for JSON."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.records.schema import Record
from mora_bench.report.columns import COSTS, floor_name
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Results
from mora_bench.report.errors import decided, named, reliability, risks
from mora_bench.report.measures import Measure
from mora_bench.report.robustness import curves
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.summary import main, tested
from mora_bench.report.training_notes import marks_of
from mora_bench.report.verdict import verdict
from mora_bench.statistics.interval import interval
from mora_bench.tasks.named import metric_of

#: Of more classes the page shows no confusion matrix.
MOST_CLASSES = 30
#: Digits after the point.
DIGITS = 5


def number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), DIGITS)


def numbers(values: dict[str, float], names: Any) -> dict[str, float | None]:
    return {name: number(values.get(name, math.nan)) for name in names}


def section(results: Results, table: Comparison, section: Section) -> dict[str, Any]:
    """One section: its rows, what stands below them, curves over missing rates, and F1 by class."""
    tests = list(section.every)
    score = main(table, section)
    pattern = score.removeprefix("score ")
    beside = (s for s in section.beside if any(not math.isnan(r.mean[s.of(t)]) for r in section.rows for t in tests))
    shown = (*table.shown, *beside)
    columns = [measure.of(test) for measure in shown for test in tests]
    content: dict[str, Any] = {
        "table": table.name,
        "title": section.title,
        "dataset": section.dataset,
        "trained": section.trained,
        "seeds": section.seeds,
        "metric": table.metric.plain(),
        "curve_metric": table.curve_metric.plain(),
        "of_curves": table.of_curves,
        "scores": [_score(measure, section) for measure in shown],
        "agree": [measure.metric.brief for measure in table.shown],
        "tests": section.tests,
        "rest": section.rest,
        "main": score,
        "verdicts": {test: verdict(section, test) for test in tests},
        "ceiling": numbers(section.ceiling, columns),
        "detectable": {name: [number(bound) for bound in section.resolution.get(name, ())] for name in columns},
        "floors": _floors(section, shown),
        "floor_name": floor_name(section.floors),
        "rows": [_row(row, tests, columns) for row in section.rows],
        "curves": _curves(results, section),
        "classes": [],
        "tested": tested(table, section, score),
    }
    errors = {row.label: _errors(results, section, row) for row in section.rows if not row.note}
    content["errors"] = {label: known for label, known in errors.items() if known}
    by_class = {
        row.label: [number(v) for v in f1] for row in section.rows if (f1 := results.by_class(row, pattern)) is not None
    }
    if by_class:
        first = next(row for row in section.rows if row.label in by_class)
        content["classes"] = results.labels(first)
        content["by_class"] = by_class
    return content


def _score(measure: Measure, section: Section) -> dict[str, Any]:
    """One score: its column under every pattern, and the properties of its metric."""
    return {
        "name": measure.name,
        "columns": {test: measure.of(test) for test in section.every},
        **measure.metric.plain(),
    }


def _floors(section: Section, shown: tuple[Measure, ...]) -> dict[str, str]:
    """By column the competitor without a network that has the best mean."""
    best = {
        measure.of(test): section.best_of(section.floors, test, measure) for measure in shown for test in section.every
    }
    return {column: row.label for column, row in best.items() if row is not None}


def _row(row: Row, tests: list[str], columns: list[str]) -> dict[str, Any]:
    return {
        "label": row.label,
        "family": row.family,
        "method": row.method,
        "network": row.network,
        "adapts_at_test": row.adapts,
        "sd_over_draws": number(row.spread),
        "note": row.note,
        "cut_short": row.cut_short,
        "ended_early": row.ended_early,
        "marks": marks_of(row),
        "seeds": row.seeds,
        "mean": numbers(row.mean, columns),
        "std": numbers(row.std, columns),
        "low": numbers(row.low, columns),
        "high": numbers(row.high, columns),
        "best": sorted(row.best & set(tests)),
        "below": sorted(row.below & set(columns)),
        "cost": numbers(row.cost, COSTS),
        "keys": [key.partition("-")[0] for key in row.keys],
    }


def _errors(results: Results, section: Section, row: Row) -> dict[str, Any]:
    """By test pattern the decisions of a row, the groups by risk, and the bins of its reliability diagram."""
    errors: dict[str, Any] = {}
    for score in section.every:
        pattern = score.removeprefix("score ")
        decisions, bins = decided(results, row, pattern), reliability(results, row, pattern)
        groups = risks(results, row, pattern)
        if decisions is None and bins is None and groups is None:
            continue
        if decisions is not None and len(decisions.labels) > MOST_CLASSES:
            continue
        errors[score] = {
            "labels": decisions.labels if decisions else [],
            "one_by_one": decisions is not None and decisions.one_by_one,
            "counts": {named(rule): counts.tolist() for rule, counts in decisions.counts.items()} if decisions else {},
            "bins": None if bins is None else [[number(value) for value in line] for line in bins.tolist()],
            "risks": None if groups is None else msgspec.to_builtins(groups),
        }
    return errors


def _curves(results: Results, section: Section) -> dict[str, Any]:
    """By pattern: the rates, and mean and interval over seeds of each row; what can be expected at most."""
    known = {}
    for pattern in [score.removeprefix("score ") for score in section.every if not score.endswith(f" {COMPLETE}")]:
        of_pattern = curves(results, section, pattern)
        if of_pattern is None:
            continue
        lines = {}
        for label, values in of_pattern.values.items():
            bounds = [interval(scores, section.overlap) for scores in values.T]
            lines[label] = {
                "mean": [number(v) for v in values.mean(0)],
                "low": [number(low) for low, _ in bounds],
                "high": [number(high) for _, high in bounds],
            }
        known[pattern] = {"rates": of_pattern.rates, "rows": lines, "ceiling": [number(v) for v in of_pattern.ceiling]}
    return dict(sorted(known.items(), key=lambda item: item[0] != EACH))


def cell(record: Record) -> dict[str, Any]:
    """One training: how it went, what the masks did, what it cost, where it ran. No ids, no texts."""
    provenance = record.provenance
    content: dict[str, Any] = {
        "key": record.key,
        "label": record.cell.label,
        "metric": metric_of(record.cell.task, record.cell.watched).plain(),
        "status": record.status,
        "error": record.error,
        "device": provenance.device,
        "commit": provenance.commit,
        "versions": {name: version for name, version in provenance.versions.items() if version},
        "recipe": {} if record.cell.recipe is None else vars(record.cell.recipe),
    }
    if record.training is not None:
        content["history"] = [[v.step, number(v.loss), number(v.val_score)] for v in record.training.history]
        content["best"] = record.training.best_step
    if record.data is not None:
        content["realised"] = record.data.realised
    if record.time is not None:
        content["seconds"] = number(record.time.cell_s)
    if record.parameters is not None:
        content["trained"] = record.parameters.trained
    return content
