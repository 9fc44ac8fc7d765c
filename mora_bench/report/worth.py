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
from mora_bench.report.section import Row, Section
from mora_bench.report.shown import joined
from mora_bench.report.values import Parts
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
        parts: the names of the M + 2 parts; found: their means over seeds, [M + 2].
    """

    of: str
    metric: Metric
    samples: tuple[int, int]
    parts: tuple[str, ...]
    found: Means


def of_all(results: Results, section: Section, row: Row) -> list[Valued]:
    """The parts of each score that the section shows, over all samples; nothing where a seed's scores do not hold what
    they are made of."""
    own = _parts(results, row)
    worths = [known.worth for known in own]
    shown = [score for score in section.shown if own and all(score.name in worth.scores for worth in worths)]
    every = [worth.n for worth in worths]
    return [_made(section, own, EVERYBODY, one.metric, [w.scores[one.name] for w in worths], every) for one in shown]


def of_some(results: Results, section: Section, row: Row) -> list[Valued]:
    """The parts of the first score by group, and of the scores of each class; nothing where another score is shown."""
    own = _parts(results, row)
    if not own or section.shown[0].name != own[0].primary:
        return []
    worths = [known.worth for known in own]
    every = [worth.n for worth in worths]
    found = []
    for name in (name for name in worths[0].groups if all(name in worth.groups for worth in worths)):
        scores, samples = [worth.groups[name] for worth in worths], [worth.group_n[name] for worth in worths]
        found.append(_made(section, own, name, section.metric, scores, samples))
    task = task_of(own[0].task)
    for name, values in worths[0].per_class.items():
        by_class = np.array([worth.per_class[name] for worth in worths], float)
        labels = results.labels(row) or [str(number) for number in range(len(values[0]))]
        found += [
            _made(section, own, f"class {label}", task.per_class[name], by_class[:, :, number], every)
            for number, label in enumerate(labels)
        ]
    return found


def _parts(results: Results, row: Row) -> list[Parts]:
    """What the scores of each seed hold; nothing if one of them holds none."""
    known = results.values.parts
    return [known[key] for key in row.keys] if all(key in known for key in row.keys) else []


def _made(
    section: Section, own: list[Parts], of: str, metric: Metric, scores: Sequence | np.ndarray, samples: Sequence[int]
) -> Valued:
    """The parts of a score, float [S, 2^M], over seeds."""
    values = np.array(scores, float)
    each = np.concatenate([values[:, :1], shapley(values.T).T, values[:, -1:]], axis=1)
    names = (NOTHING, *own[0].modalities, ALL)
    return Valued(of, metric, (min(samples), max(samples)), names, means(each, section.overlap))


class WorthOfModalities(Artefact):
    title = "what each modality is worth: Shapley values over the sets of modalities that are shown"

    def make(self, results: Results) -> dict[str, bytes]:
        files = {}
        for table in results.comparisons:
            found = [
                (section, row, own)
                for section in table.sections
                for row in section.rows
                if not row.note and (own := of_all(results, section, row))
            ]
            if found:
                name = table.named("worth")
                whole = [(section, row, [*own, *of_some(results, section, row)]) for section, row, own in found]
                files[f"{name}.csv"] = csvs.comma_separated([COLUMNS, *_lines(table, whole)]).encode()
                files[f"{name}.md"] = _markdown(found)
        return files


def _lines(table: Comparison, found: list[tuple[Section, Row, list[Valued]]]) -> list[list]:
    lines = []
    for section, row, every in found:
        for own in every:
            for part, *numbers in zip(
                own.parts, own.found.mean, own.found.std, own.found.low, own.found.high, strict=True
            ):
                about = [table.source, section.title, row.label, len(row.keys), own.metric.title, own.of]
                values = ["" if math.isnan(number) else float(number) for number in numbers]
                lines.append([*about, _samples(own), part, *values, own.metric.direction])
    return lines


def _samples(own: Valued) -> str:
    low, high = own.samples
    return str(low) if low == high else f"{low} to {high}"


def _markdown(found: list[tuple[Section, Row, list[Valued]]]) -> bytes:
    """One table a section: a line for each row and score of all samples."""
    metrics = [own.metric for _, _, every in found for own in every]
    parts = [
        "What each modality is worth: what it adds to a score, averaged over all orders in which the modalities may "
        "become known (its Shapley value), on the test samples that have all of them. Nothing: every label at its "
        "prevalence among validation samples. Nothing and what the modalities add make up all. Mean over seeds, ± half "
        f"of its 95 % interval ({joined(metric.direction for metric in metrics)}). By group and class: the CSV file.",
        "",
    ]
    for title in dict.fromkeys(section.title for section, _, _ in found):
        lines: list[list[str]] = []
        names: tuple[str, ...] = ()
        for section, row, every in found:
            for own in every if section.title == title else ():
                names = own.parts
                lines.append([escaped(row.label), escaped(own.metric.brief), _samples(own), *_shown(own)])
        headers = ["method", "score", "n", *map(escaped, names)]
        body = tabulate(lines, headers, tablefmt="github", disable_numparse=True)
        parts += [f"### {escaped(title)}", "", body, ""]
    return ("\n".join(parts).rstrip() + "\n").encode()


def _shown(own: Valued) -> list[str]:
    half = (own.found.high - own.found.low) / 2
    last = len(own.parts) - 1
    return [
        own.metric.shown(mean, sign=0 < k < last) + ("" if math.isnan(spread) else f" ± {own.metric.shown(spread)}")
        for k, (mean, spread) in enumerate(zip(own.found.mean, half, strict=True))
    ]


def sentence(results: Results, section: Section, row: Row) -> str:
    """What the modalities add to a score of a row, in words; "" where that is not known. A score without a threshold is
    asked, if the section shows one: of others nothing may score 0, or what giving every label to everybody scores."""
    every = of_all(results, section, row)
    if not every:
        return ""
    own = next((own for own in every if not own.metric.needs_threshold), every[0])
    nothing, *added, whole = own.found.mean
    values = [own.metric.shown(value, sign=True) for value in added]
    adds = ", ".join(f"{name} {value}" for name, value in zip(own.parts[1:-1], values, strict=True))
    return (
        f"{row.label} scores {own.metric.shown(whole)} on complete samples, nothing {own.metric.shown(nothing)} "
        f"({own.metric.named}); between them lie {adds} (Shapley values)"
    )
