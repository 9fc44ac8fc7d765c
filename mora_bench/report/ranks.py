"""The artefact that ranks rows over data sets, or says why that cannot be done."""

import math

import numpy as np
from tabulate import tabulate

from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.statistics.ranks import LEAST_BLOCKS, LEAST_ROWS, ranked


class RanksMarkdown(Artefact):
    name = "ranks"
    title = "mean ranks over data sets with Nemenyi's critical difference, where there are enough of them"

    def make(self, results: Results) -> dict[str, bytes]:
        return {f"{table.named('ranks')}.md": markdown(table).encode() for table in results.comparisons}


def markdown(table: Comparison) -> str:
    """For each test pattern: mean ranks of the rows that every data set has, from the best; or one sentence.

    A data set is one block, however many seeds it was run with: seeds of one data set say how sure its own scores are,
    not how methods do elsewhere.
    """
    parts = [
        f"{table.metric.heading} ({table.metric.direction}). Mean ranks over data sets (1: the best score), Friedman's "
        "test, and Nemenyi's critical difference at 5 %.",
        "",
    ]
    for score, heading in table.tests.items():
        parts += [f"## {heading}", "", _ranked(table, score), ""]
    return "\n".join(parts).rstrip() + "\n"


def blocks_of(table: Comparison, score: str) -> tuple[dict[str, dict[str, float]], list[str]]:
    """The mean scores of every data set by row label, so turned that the larger is the better, and the labels that all
    data sets have."""
    blocks: dict[str, dict[str, float]] = {}
    for section in table.sections:
        means = {row.label: row.mean[score] for row in section.competing if not math.isnan(row.mean[score])}
        known = {label: section.metric.oriented(mean) for label, mean in means.items()}
        blocks.setdefault(section.dataset, known)
    return blocks, [name for name in next(iter(blocks.values()), {}) if all(name in own for own in blocks.values())]


def enough(blocks: dict[str, dict[str, float]], shared: list[str]) -> bool:
    """Whether ranks over these data sets can tell rows apart."""
    return len(blocks) >= LEAST_BLOCKS and len(shared) >= LEAST_ROWS


def _ranked(table: Comparison, score: str) -> str:
    blocks, shared = blocks_of(table, score)
    if not enough(blocks, shared):
        return (
            f"Cannot tell: {len(blocks)} data sets and {len(shared)} rows that all of them have; ranks tell rows apart "
            f"from {LEAST_BLOCKS} data sets and {LEAST_ROWS} rows on."
        )
    found = ranked(np.array([[own[name] for name in shared] for own in blocks.values()]))
    order = np.argsort(found.mean, kind="stable")
    best = found.mean[order[0]]
    body = [
        [shared[k], f"{found.mean[k]:.2f}", "" if found.mean[k] - best < found.critical else "told from the first"]
        for k in order
    ]
    said = f"{len(blocks)} data sets, Friedman p = {found.p:.3g}, critical difference {found.critical:.2f}."
    return f"{said}\n\n{tabulate(body, ['row', 'mean rank', ''], tablefmt='github', disable_numparse=True)}"
