"""The artefact that says where rows err: confusion matrices, operating points, groups."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from mora_bench.records.risks import RiskGroups
from mora_bench.report import csvs
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.markdown import escaped
from mora_bench.report.measures import Measure, brief
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.tasks.metric import DASH

#: The names of the rules of decision.
RULES = {"0.5": "at 0.5", "validation": "at validation's thresholds", "largest": "the most probable class",
         "median": "the median grade"}  # fmt: skip
OF_ROW = ("source", "section", "method", "seeds", "tested", "decided")
OF_LABELS = ("label", "tn", "fp", "fn", "tp", "recall", "specificity", "precision")
OF_CLASSES = ("true", "predicted", "count")
OF_GROUPS = ("source", "section", "method", "seeds", "tested", "group", "n", "score", "mean", "direction")


@dataclass(frozen=True)
class Decided:
    """The decisions of a row under one test pattern, samples of all seeds together.

    Attributes:
        labels: of the C labels; counts: by the rule that decides int [C, 4], true negatives, false positives, false
            negatives and true positives of each label, or, of classes that exclude each other, [C, C], true by decided.
    """

    labels: list[str]
    counts: dict[str, np.ndarray]
    one_by_one: bool


def named(rule: str) -> str:
    """The words for a rule of decision; a rule of a plug-in's task by its name."""
    return RULES.get(rule, rule)


def decided(results: Results, row: Row, pattern: str) -> Decided | None:
    """The decisions of a row; None where a seed's scores do not hold them, or the task does not count them."""
    by_seed = [results.values.confusion.get(key, {}).get(pattern) for key in row.keys]
    known = [by_rule for by_rule in by_seed if by_rule is not None]
    if not known or len(known) < len(by_seed):
        return None
    counts = {
        rule: np.sum([by_rule[rule] for by_rule in known], axis=0)
        for rule in known[0]
        if all(rule in by_rule for by_rule in known)
    }
    if not counts:
        return None
    # A record may not name its labels.
    labels = results.labels(row) or [str(number) for number in range(len(next(iter(counts.values()))))]
    return Decided(labels, counts, results.values.one_by_one[row.keys[0]])


def reliability(results: Results, row: Row, pattern: str) -> np.ndarray | None:
    """The bins of a reliability diagram, samples of all seeds together, float [3, B]: mean probability, share of true
    (NaN for an empty bin), number; None where a seed's scores do not hold it."""
    by_seed = [results.values.reliability.get(key, {}).get(pattern) for key in row.keys]
    known = np.array([bins for bins in by_seed if bins is not None])
    if not len(known) or len(known) < len(by_seed):
        return None
    count = known[:, 2].sum(0)
    means = np.nansum(known[:, :2] * known[:, 2:], axis=0)
    return np.vstack([np.divide(means, count, out=np.full(means.shape, np.nan), where=count > 0), count])


def risks(results: Results, row: Row, pattern: str) -> RiskGroups | None:
    """The groups by risk, means over seeds of what was predicted and what became of them; None where a seed's scores do
    not hold them, or hold them at other times."""
    by_seed = [results.values.risks.get(key, {}).get(pattern) for key in row.keys]
    known = [groups for groups in by_seed if groups is not None]
    if (
        not known
        or len(known) < len(by_seed)
        or len({(*groups.times, *groups.horizons, len(groups.n)) for groups in known}) > 1
    ):
        return None
    predicted, observed = (
        np.mean([getattr(groups, field) for groups in known], axis=0) for field in ("predicted", "observed")
    )
    return RiskGroups(
        times=known[0].times,
        horizons=known[0].horizons,
        n=np.sum([groups.n for groups in known], axis=0).tolist(),
        predicted=predicted.tolist(),
        observed=observed.tolist(),
    )


@dataclass(frozen=True)
class Group:
    """A group of test samples: how many of all seeds, in how many seeds there are any, and the mean of each score over
    these: a site that is left out is tested by one fold alone."""

    n: int
    seeds: int
    scores: dict[str, float]


def grouped(results: Results, row: Row, pattern: str) -> dict[str, Group]:
    """The groups of test samples that some seed tests, by name."""
    by_seed = [results.values.groups.get(key, {}).get(pattern) for key in row.keys]
    known = [groups for groups in by_seed if groups is not None]
    if not known or len(known) < len(by_seed) or len({groups.scores for groups in known}) > 1:
        return {}
    groups = {}
    for name in dict.fromkeys(name for seed in known for name in seed.names):
        values = np.array([seed.values[seed.names.index(name)] for seed in known if name in seed.names])
        tested = values[values[:, 0] > 0]
        if len(tested):
            means = dict(zip(known[0].scores[1:], tested[:, 1:].mean(0).tolist(), strict=True))
            groups[name] = Group(int(tested[:, 0].sum()), len(tested), means)
    return groups


def shares(counts: np.ndarray) -> tuple[float, float, float]:
    """Recall, specificity and precision of one label's counts [4]; NaN where nobody could be counted."""
    tn, fp, fn, tp = map(int, counts)
    return _share(tp, tp + fn), _share(tn, tn + fp), _share(tp, tp + fp)


def _share(part: int, total: int) -> float:
    return part / total if total else math.nan


class Errors(Artefact):
    title = "where rows err: confusion matrices, operating points of each label, groups"

    def make(self, results: Results) -> dict[str, bytes]:
        files = {}
        for table in results.comparisons:
            lines, groups = [*_lines(results, table)], [*_groups(results, table)]
            columns = OF_LABELS if any(len(line) == len(OF_ROW + OF_LABELS) for line in lines) else OF_CLASSES
            name = table.named("errors")
            if lines:
                files[f"{name}.csv"] = csvs.comma_separated([OF_ROW + columns, *lines]).encode()
            if groups:
                files[f"{table.named('groups')}.csv"] = csvs.comma_separated([OF_GROUPS, *groups]).encode()
            if lines or groups:
                files[f"{name}.md"] = _markdown(results, table)
        return files


def best(table: Comparison, section: Section) -> tuple[Row | None, str]:
    """The row with the best mean of a section, and the score that it is best by: that of the main test pattern."""
    score = table.main if table.main in section.tests else next(iter(section.tests))
    return section.best_of(section.competing, score), score


def _rows(table: Comparison) -> Iterator[tuple[Section, Row, str, str]]:
    """Every complete row under every test pattern of its section, with the pattern's heading."""
    for section in table.sections:
        for row in section.rows:
            if not row.note:
                for score, heading in section.every.items():
                    yield section, row, score.removeprefix("score "), heading


def _lines(results: Results, table: Comparison) -> Iterator[list]:
    for section, row, pattern, heading in _rows(table):
        decision = decided(results, row, pattern)
        if decision is None:
            continue
        for rule, counts in decision.counts.items():
            about = [table.source, section.title, row.label, len(row.keys), heading, rule]
            for number, (label, label_counts) in enumerate(zip(decision.labels, counts.tolist(), strict=True)):
                if decision.one_by_one:
                    yield [
                        *about,
                        label,
                        *label_counts,
                        *("" if math.isnan(share) else share for share in shares(counts[number])),
                    ]
                else:
                    for predicted, count in zip(decision.labels, label_counts, strict=True):
                        yield [*about, label, predicted, count]


def _groups(results: Results, table: Comparison) -> Iterator[list]:
    for section, row, pattern, heading in _rows(table):
        about = [table.source, section.title, row.label]
        metrics = {measure.name: measure.metric for measure in section.shown}
        for name, group in grouped(results, row, pattern).items():
            for score, value in group.scores.items():
                if score in metrics and _known(group.scores, score):
                    yield [*about, group.seeds, heading, name, group.n, score, value, metrics[score].direction]


def _markdown(results: Results, table: Comparison) -> bytes:
    """Of each section the row with the best mean, under the main test pattern."""
    parts = [
        "Where the row with the best mean of each section errs: test samples of all seeds together; a sample that "
        "several seeds test counts once for each. Every row and every test pattern: the CSV files.",
        "",
    ]
    for section in table.sections:
        row, score = best(table, section)
        if row is None:
            continue
        pattern = score.removeprefix("score ")
        decision, groups = decided(results, row, pattern), grouped(results, row, pattern)
        if decision is None and not groups:
            continue
        parts += [f"### {escaped(section.title)}", ""]
        parts += [f"{escaped(row.label)}, tested: {escaped(section.tests[score])}, seeds: {len(row.keys)}.", ""]
        if decision:
            parts += _labels_table(decision) if decision.one_by_one else _matrix(decision)
        if groups:
            scores = [group.scores for group in groups.values()]
            shown = tuple(measure for measure in section.shown if any(_known(means, measure.name) for means in scores))
            parts += _groups_table(shown, groups, len(row.keys))
    return ("\n".join(parts).rstrip() + "\n").encode()


def _labels_table(decision: Decided) -> list[str]:
    """A line for each label: how many have it, and what each rule finds, misses and says wrongly."""
    first = next(iter(decision.counts.values()))
    heads = ["label", "with it", "without"]
    lines = [
        [escaped(label), str(fn + tp), str(tn + fp)]
        for label, (tn, fp, fn, tp) in zip(decision.labels, first.tolist(), strict=True)
    ]
    for rule, counts in decision.counts.items():
        heads += [f"found / missed / false, {named(rule)}", "recall", "specificity", "precision"]
        for line, label_counts in zip(lines, counts, strict=True):
            _, fp, fn, tp = label_counts.tolist()
            line += [f"{tp} / {fn} / {fp}", *map(_percent, shares(label_counts))]
    return [_table(lines, heads), "", "Recall, specificity and precision in percent.", ""]


def _matrix(decision: Decided) -> list[str]:
    """A line for each true class: for which classes its samples were taken, and the share that was right."""
    parts = []
    for rule, counts in decision.counts.items():
        right = np.diag(counts)
        lines = [
            [escaped(label), *map(str, line.tolist()), _percent(_share(int(hits), int(line.sum())))]
            for label, line, hits in zip(decision.labels, counts, right, strict=True)
        ]
        precision = [
            _percent(_share(int(hits), int(column.sum()))) for hits, column in zip(right, counts.T, strict=True)
        ]
        lines.append(["precision, %", *precision, ""])
        heads = ["what is true, by what was decided", *map(escaped, decision.labels), "recall, %"]
        parts += [f"Decided: {escaped(named(rule))}.", "", _table(lines, heads), ""]
    return parts


def _known(scores: dict[str, float], name: str) -> bool:
    return not math.isnan(scores.get(name, math.nan))


def _groups_table(shown: tuple[Measure, ...], groups: dict[str, Group], seeds: int) -> list[str]:
    """A line for each group; where none has a score, a sentence on why."""
    if not shown:
        why = "Scores are over the classes that all groups of a covariate have, and a small group may have none."
        return [f"No group has a score. {why}", ""]
    # Scores that are no means over classes are of whole groups.
    by_class = any(measure.metric.averaged_over for measure in shown)
    over = ", over the classes that all groups of a covariate have" * by_class
    lines = [
        [
            escaped(name) + f" ({group.seeds} of {seeds} seeds)" * (group.seeds < seeds),
            str(group.n),
            *(measure.metric.shown(group.scores.get(measure.name, math.nan)) for measure in shown),
        ]
        for name, group in groups.items()
    ]
    table = _table(lines, ["group", "n", *(escaped(measure.metric.brief) for measure in shown)])
    which = " that test the group" * any(group.seeds < seeds for group in groups.values())
    return [f"By group: {escaped(brief(shown))}; mean over seeds{which}{over}.", "", table, ""]


def _table(lines: list[list[str]], heads: list[str]) -> str:
    sides = ["left", *["right"] * (len(heads) - 1)]
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True, colalign=sides)


def _percent(value: float) -> str:
    return DASH if math.isnan(value) else f"{100 * value:.1f}"
