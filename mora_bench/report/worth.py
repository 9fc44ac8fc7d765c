"""The artefact that says what each modality is worth to a row: its Shapley value over all sets of modalities shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from mora_bench.report import csvs
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.markdown import escaped
from mora_bench.report.measures import joined
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.strata import FEWEST
from mora_bench.report.values import SubsetScores
from mora_bench.statistics.interval import Means, means
from mora_bench.statistics.shapley import shapley
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.named import task_of

NOTHING, ALL, EVERYBODY = "nothing", "all", "all samples"
COLUMNS = (
    "source", "section", "method", "seeds", "score", "of", "n", "part", "mean", "std", "low", "high", "direction",
)  # fmt: skip


@dataclass(frozen=True)
class Valued:
    """A score of a row in parts: what nothing scores, what each modality adds to it, and what all of them score.

    Attributes:
        of: whose score: `EVERYBODY`, "class D", or a group of samples.
        metric: what is scored; samples: the fewest and the most test samples over seeds.
        parts: the names of the M + 2 parts; means: of the parts over seeds, [M + 2].
    """

    of: str
    metric: Metric
    samples: tuple[int, int]
    parts: tuple[str, ...]
    means: Means


def of_all(results: Results, section: Section, row: Row) -> list[Valued]:
    """The parts of each score that the section shows, over all samples; nothing where a seed's scores do not hold what
    they are made of."""
    by_seed = _parts(results, row)
    worths = [parts.worth for parts in by_seed]
    shown = [measure for measure in section.shown if by_seed and all(measure.name in worth.scores for worth in worths)]
    counts = [worth.n for worth in worths]
    return [
        _made(section, by_seed, EVERYBODY, measure.metric, [worth.scores[measure.name] for worth in worths], counts)
        for measure in shown
    ]


def of_some(results: Results, section: Section, row: Row) -> list[Valued]:
    """The parts of the first score by group, and of the scores of each class; nothing where another score is shown."""
    by_seed = _parts(results, row)
    if not by_seed or section.shown[0].name != by_seed[0].primary:
        return []
    worths = [parts.worth for parts in by_seed]
    counts = [worth.n for worth in worths]
    valued = []
    for name in (name for name in worths[0].groups if all(name in worth.groups for worth in worths)):
        scores, samples = [worth.groups[name] for worth in worths], [worth.group_n[name] for worth in worths]
        valued.append(_made(section, by_seed, name, section.metric, scores, samples))
    task = task_of(by_seed[0].task)
    for name, values in worths[0].per_class.items():
        by_class = np.array([worth.per_class[name] for worth in worths], float)
        labels = results.labels(row) or [str(number) for number in range(len(values[0]))]
        valued += [
            _made(section, by_seed, f"class {label}", task.per_class[name], by_class[:, :, number], counts)
            for number, label in enumerate(labels)
        ]
    return valued


def _parts(results: Results, row: Row) -> list[SubsetScores]:
    """The parts in the scores of each seed; nothing if one of them holds none."""
    by_key = results.values.parts
    return [by_key[key] for key in row.keys] if all(key in by_key for key in row.keys) else []


def _made(
    section: Section,
    by_seed: list[SubsetScores],
    of: str,
    metric: Metric,
    scores: Sequence | np.ndarray,
    samples: Sequence[int],
) -> Valued:
    """The parts of a score, float [S, 2^M], over seeds."""
    values = np.array(scores, float)
    parts = np.concatenate([values[:, :1], shapley(values.T).T, values[:, -1:]], axis=1)
    names = (NOTHING, *by_seed[0].modalities, ALL)
    return Valued(of, metric, (min(samples), max(samples)), names, means(parts, section.overlap))


class WorthOfModalities(Artefact):
    title = "what each modality is worth: Shapley values over the sets of modalities that are shown"

    def make(self, results: Results) -> dict[str, bytes]:
        files = {}
        for table in results.comparisons:
            rows = [
                (section, row, scores)
                for section in table.sections
                for row in section.rows
                if not row.note and (scores := of_all(results, section, row))
            ]
            if rows:
                name = table.named("worth")
                detailed = [(section, row, [*scores, *of_some(results, section, row)]) for section, row, scores in rows]
                files[f"{name}.csv"] = csvs.comma_separated([COLUMNS, *_lines(table, detailed)]).encode()
                files[f"{name}.md"] = _markdown(rows)
        return files


def _lines(table: Comparison, rows: list[tuple[Section, Row, list[Valued]]]) -> list[list]:
    lines = []
    for section, row, scores in rows:
        for score in scores:
            for part, *numbers in zip(
                score.parts, score.means.mean, score.means.std, score.means.low, score.means.high, strict=True
            ):
                about = [table.source, section.title, row.label, len(row.keys), score.metric.title, score.of]
                values = ["" if math.isnan(number) else float(number) for number in numbers]
                lines.append([*about, _samples(score), part, *values, score.metric.direction])
    return lines


def _samples(score: Valued) -> str:
    low, high = score.samples
    return str(low) if low == high else f"{low} to {high}"


def _markdown(rows: list[tuple[Section, Row, list[Valued]]]) -> bytes:
    """One table a section: a line for each row and score of all samples."""
    metrics = dict.fromkeys(score.metric for _, _, scores in rows for score in scores)
    parts = [
        "What each modality is worth: what it adds to a score, averaged over all orders in which the modalities may "
        "become known (its Shapley value), on the test samples that have all of them. Nothing: the one "
        "prediction for all that fits validation samples best. Nothing and what the modalities add make up all. "
        "Mean over seeds, ± half of its 95 % interval "
        f"({joined(metric.direction for metric in metrics)}). By group and class: the CSV file.",
        "",
    ]
    for title in dict.fromkeys(section.title for section, _, _ in rows):
        lines: list[list[str]] = []
        names: tuple[str, ...] = ()
        for section, row, scores in rows:
            for score in scores if section.title == title else ():
                names = score.parts
                lines.append([escaped(row.label), escaped(score.metric.brief), _samples(score), *_shown(score)])
        headers = ["method", "score", "n", *map(escaped, names)]
        body = tabulate(lines, headers, tablefmt="github", disable_numparse=True)
        parts += [f"### {escaped(title)}", "", body, ""]
    return ("\n".join(parts).rstrip() + "\n").encode()


def _shown(score: Valued) -> list[str]:
    half = (score.means.high - score.means.low) / 2
    last = len(score.parts) - 1
    return [
        score.metric.shown(mean, sign=0 < k < last) + ("" if math.isnan(spread) else f" ± {score.metric.shown(spread)}")
        for k, (mean, spread) in enumerate(zip(score.means.mean, half, strict=True))
    ]


def sentence(results: Results, section: Section, row: Row) -> str:
    """What the modalities add to a score of a row, in words; "" where that is not known, or a seed has fewer such test
    samples than a stratum needs to be shown. A score without a threshold is asked, if the section shows one: of others
    nothing may score 0, or what giving every label to everybody scores."""
    scores = of_all(results, section, row)
    if not scores:
        return ""
    score = next((score for score in scores if not score.metric.needs_threshold), scores[0])
    if score.samples[0] < FEWEST:
        return ""
    nothing, *added, total = score.means.mean
    values = [score.metric.shown(value, sign=True) for value in added]
    adds = ", ".join(f"{name} {value}" for name, value in zip(score.parts[1:-1], values, strict=True))
    return (
        f"{row.label} scores {score.metric.shown(total)} on the {_samples(score)} test samples that have all "
        f"modalities, nothing {score.metric.shown(nothing)} ({score.metric.named}); between them lie {adds} "
        "(Shapley values)"
    )
