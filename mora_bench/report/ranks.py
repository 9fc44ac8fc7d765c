"""The artefact that ranks rows over data sets, or says why that cannot be done."""

import math
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from mora_bench import registry
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.measures import Measure, heading
from mora_bench.statistics.ranks import LEAST_BLOCKS, LEAST_ROWS, Ranks, ranked
from mora_bench.text import number_of


@dataclass(frozen=True)
class Blocks:
    """The blocks of a rank test: the data sets that were trained under one pattern, those that share patients as one.

    Attributes:
        trained: what was missing in training, in words.
        datasets: the data sets of each block; unknown: those that no plug-in here describes, each a block.
        rows: the labels that all data sets have; scores: float [B, R], the mean over a block's data sets.
    """

    trained: str
    datasets: list[list[str]]
    unknown: list[str]
    rows: list[str]
    scores: np.ndarray

    @property
    def enough(self) -> bool:
        """Whether ranks over these blocks can tell rows apart."""
        return len(self.datasets) >= LEAST_BLOCKS and len(self.rows) >= LEAST_ROWS

    def __str__(self) -> str:
        return "; ".join(" with ".join(names) for names in self.datasets)


class RanksMarkdown(Artefact):
    name = "ranks"
    title = "mean ranks over data sets with Nemenyi's critical difference, where there are enough of them"

    def make(self, results: Results) -> dict[str, bytes]:
        return {f"{table.named('ranks')}.md": markdown(table).encode() for table in results.comparisons}


def markdown(table: Comparison) -> str:
    """For each training and test pattern: mean ranks of the rows that every data set has, from the best; or one
    sentence.

    A data set is one block, however many seeds it was run with: seeds of one data set say how sure its own scores are,
    not how methods do elsewhere. Data sets that share patients are one block, too.
    """
    together = " A row differs from the first if all scores rank the same row first and each difference is significant."
    parts = [
        f"{heading(table.shown)}. Mean ranks over data sets (1: the best score), Friedman's test, and Nemenyi's "
        f"critical difference at 5 %.{together * (len(table.shown) > 1)} Data sets that share patients are one block, "
        "of their mean scores.",
        "",
    ]
    for score, tested in table.tests.items():
        for by_score in zip(*(blocks_of(table, score, measure) for measure in table.shown), strict=True):
            named = {measure.metric.brief: blocks for measure, blocks in zip(table.shown, by_score, strict=True)}
            parts += [f"## Trained on {by_score[0].trained}, tested: {tested}", "", _ranked(named), ""]
    return "\n".join(parts).rstrip() + "\n"


def blocks_of(table: Comparison, score: str, measure: Measure) -> list[Blocks]:
    """The blocks of each training pattern by one score, in the order of the table's sections; their scores are so
    turned that the larger is the better."""
    column = measure.of(score)
    by_pattern: dict[str, dict[str, list[tuple[str, dict[str, float]]]]] = {}
    unknown: dict[str, list[str]] = {}
    for section in table.sections:
        rows = [row for row in section.competing if not math.isnan(row.mean[column])]
        means = {row.label: float(measure.metric.oriented(row.mean[column])) for row in rows}
        whose, known = _population(section.dataset)
        by_pattern.setdefault(section.trained, {}).setdefault(whose, []).append((section.dataset, means))
        unknown.setdefault(section.trained, []).extend([section.dataset] * (not known))
    return [_blocks(trained, by_patients, unknown[trained]) for trained, by_patients in by_pattern.items()]


def _blocks(trained: str, by_patients: dict[str, list[tuple[str, dict[str, float]]]], unknown: list[str]) -> Blocks:
    all_means = [means for block in by_patients.values() for _, means in block]
    rows = [name for name in all_means[0] if all(name in means for means in all_means)]
    scores = [np.mean([[means[name] for name in rows] for _, means in block], axis=0) for block in by_patients.values()]
    datasets = [[*dict.fromkeys(name for name, _ in block)] for block in by_patients.values()]
    return Blocks(trained, datasets, [*dict.fromkeys(unknown)], rows, np.array(scores))


def _population(dataset: str) -> tuple[str, bool]:
    """The population of a data set, and whether it is known here; of a data set that shares none, its own."""
    if dataset not in registry.names(registry.DATASETS):
        return f"data set {dataset}", False
    return registry.get(registry.DATASETS, dataset).population or f"data set {dataset}", True


def _ranked(by_score: dict[str, Blocks]) -> str:
    """The mean ranks of rows by each score that ranks them all, or why there are none."""
    blocks = next(iter(by_score.values()))
    summary = f"{number_of(len(blocks.datasets), 'block')} of patients ({blocks})"
    # A data set that stands alone shares nothing, whether or not its plug-in is here.
    if blocks.unknown and len(blocks.datasets) > 1:
        summary += f"; not known here, so taken to share no patients: {', '.join(blocks.unknown)}"
    if not blocks.enough:
        return (
            f"No test: {summary}, and {number_of(len(blocks.rows), 'row')} that all data sets have; a rank test needs "
            f"at least {LEAST_BLOCKS} blocks and {LEAST_ROWS} rows."
        )
    rankings = {name: ranked(other.scores) for name, other in by_score.items() if other.rows == blocks.rows}
    worse = np.all([ranks.worse for ranks in rankings.values()], axis=0)
    if len({int(ranks.mean.argmin()) for ranks in rankings.values()}) > 1:
        worse[:] = False
    first = next(iter(rankings.values()))
    order = np.argsort(first.mean, kind="stable")
    body = [
        [
            blocks.rows[k],
            *(f"{ranks.mean[k]:.2f}" for ranks in rankings.values()),
            "significantly worse than the first" if worse[k] else "",
        ]
        for k in order
    ]
    heads = ["mean rank"] if len(rankings) == 1 else [f"mean rank by {name}" for name in rankings]
    tests = " ".join(_tested(ranks, name if len(rankings) > 1 else "") for name, ranks in rankings.items())
    return f"{summary}. {tests}\n\n{tabulate(body, ['row', *heads, ''], tablefmt='github', disable_numparse=True)}"


def _tested(ranks: Ranks, name: str) -> str:
    """Friedman's test of the ranks by one score, in words; the score is named where there are several."""
    sentence = f"{f'By {name}: ' * bool(name)}Friedman p = {ranks.p:.3g}, critical difference {ranks.critical:.2f}."
    if (ranks.mean == ranks.mean[0]).all() and ranks.p == 1:
        return f"{sentence} All rows tie: no difference is significant."
    if not ranks.differ:
        sentence += " Friedman's test is not significant at 5 %, so no difference between rows is."
    return sentence
