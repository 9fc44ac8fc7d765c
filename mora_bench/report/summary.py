"""A results folder in a few lines: one small table, and one sentence a section."""

import math
from collections.abc import Iterable
from dataclasses import replace

from tabulate import tabulate

from mora_bench.cells.cell import OLDER_DRAWS
from mora_bench.cells.missing import COMPLETE
from mora_bench.report.columns import RESOLUTION, floor_name
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.diff import Against
from mora_bench.report.markdown import escaped
from mora_bench.report.measures import beside_each_other, between, brief, joined
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.tables import cell, marked
from mora_bench.report.training_notes import CUT_SHORT, EARLY, early, marks_of
from mora_bench.report.verdict import verdict
from mora_bench.report.worth import sentence as worth_sentence
from mora_bench.tasks.metric import DASH

#: The most sections that stand side by side on a page.
MOST = 4


class Summary(Artefact):
    title = "one small table: the scores of complete data and with either missing, section beside section"

    def make(self, results: Results) -> dict[str, bytes]:
        small = [table for table in results.comparisons if len(table.sections) <= MOST]
        return {f"{table.named('summary')}.md": _markdown(table).encode() for table in small}


def _markdown(table: Comparison) -> str:
    """A line a method; the networks of each section, and of the competitors without one the best."""
    both = dict.fromkeys((f"score {COMPLETE}", table.main))
    columns = [(section, score) for section in table.sections for score in both if score in section.tests]
    labels = dict.fromkeys(row.label for section in table.sections for row in section.competing)
    marks = {row.label: marked(row) for section in table.sections for row in section.competing if marks_of(row)}
    body = [
        [
            escaped(marks.get(label, label)),
            *(_shown(table, _row(section, label), score) for section, score in columns),
        ]
        for label in labels
    ]
    floors = [_floor(table, section, score) for section, score in columns]
    if any(floor != DASH for floor in floors):
        body.append([floor_name(row for section in table.sections for row in section.floors), *floors])
    resolutions = [
        [(measure, section.resolution[measure.of(score)]) for measure in table.shown] for section, score in columns
    ]
    body.append(
        [RESOLUTION, *(beside_each_other(between(measure.metric, b) for measure, b in pairs) for pairs in resolutions)]
    )
    heading = brief(table.shown)
    if len(table.shown) == 1:
        heading = f"{table.metric.heading}, {table.metric.direction}"
    for mark, meaning in ((CUT_SHORT, "training was cut short"), (EARLY, "training may have ended too early")):
        heading += f"; {mark}: {meaning}" * any(mark in label for label in marks.values())
    headers = [escaped(heading), *(escaped(f"{section.title}: {section.tests[score]}") for section, score in columns)]
    return tabulate(body, headers, tablefmt="github", disable_numparse=True) + "\n"


def _row(section: Section, label: str) -> Row | None:
    return next((row for row in section.competing if row.label == label), None)


def _shown(table: Comparison, row: Row | None, score: str) -> str:
    # Arrows are for whole tables; here the best floor stands below.
    return DASH if row is None else cell(table.shown, replace(row, below=set()), score)


def _floor(table: Comparison, section: Section, score: str) -> str:
    """The best mean of the rows without a network by each score, and whose it is."""
    best = [(measure, section.tied(section.floors, score, measure)) for measure in table.shown]
    names = joined(" and ".join(row.label for row in rows) or DASH for _, rows in best)
    if len(best) == 1 and best[0][1]:
        return f"{_shown(table, best[0][1][0], score)} ({escaped(names)})"
    values = beside_each_other(
        measure.metric.shown(rows[0].mean[measure.of(score)]) if rows else DASH for measure, rows in best
    )
    return values if values == DASH else f"{values} ({escaped(names)})"


def sentences(results: Results) -> list[str]:
    """For each section of each table: who leads, or on what that depends, or that no lead is significant; whether the
    competitors without a network are passed; and what each modality is worth to the network with the best mean."""
    lines = []
    for table in results.comparisons:
        for section in table.sections:
            lines.append(_sentence(table, section))
            best = section.best_of(section.competing, main(table, section))
            worth = worth_sentence(results, section, best) if best else ""
            lines += [f"{section.title}: {worth}."] if worth else []
    return lines


def _sentence(table: Comparison, section: Section) -> str:
    score = main(table, section)
    words = verdict(section, score)
    data = tested(table, section, score)
    text = f"{section.title}, tested on {data}: {words}" if words else f"{section.title}: no complete row"
    short = [row.label for row in section.competing if row.cut_short]
    hasty = [row.label for row in section.competing if early(row)]
    for what, labels in (("training was cut short", short), ("training may have ended too early", hasty)):
        if labels and words:
            every = "every network" if len(labels) == len(section.competing) > 1 else ", ".join(labels)
            text += f"; {what}: {every}"
    return f"{text} ({OLDER_DRAWS})." if table.older_draws else f"{text}."


def main(table: Comparison, section: Section) -> str:
    """The pattern that a sentence is about; where the table's took nothing, complete data are what was tested."""
    return table.main if table.main in section.tests else f"score {COMPLETE}"


def tested(table: Comparison, section: Section, score: str) -> str:
    """The data that the score of a pattern is tested on, in words, with the protocol where that is another one than of
    training."""
    if score == f"score {COMPLETE}":
        return "complete data"
    what = section.every.get(score, score.removeprefix("score "))
    return f"{what} ({table.protocol})" if table.protocol else what


def reproduced(against: Against, reference: str) -> str:
    """One sentence: how many cells have the scores of a reference, and how far the others are from theirs."""
    lines = [line for line in against.lines if not math.isnan(line.largest)]
    if not lines:
        return ""
    asked = sum(line.seeds for line in lines)
    apart = [line for line in lines if line.largest > 0]
    if not apart:
        return f"All {asked} cells that are also in {reference} have exactly the same scores."
    same = _cells(line for line in lines if line.largest == 0)
    widest = max(apart, key=lambda line: line.metric.scale * abs(line.first - line.second))
    most = widest.metric.scale * abs(widest.first - widest.second)
    text = f"Of the {asked} cells that are also in {reference}, {same} have exactly the same scores; in the other "
    points = " points" if widest.metric.scale == 100 else ""
    size = f"no mean differs by more than {most:.2f}{points}" if most >= 0.005 else "the means differ by less than 0.01"
    text += f"{_cells(apart)}, {size}"
    significant = [line.what for line in apart if line.significant]
    text += f" ({widest.what})"
    if significant:
        return f"{text}. Significantly different: {'; '.join(significant)}."
    several = any(not math.isnan(line.low) for line in apart)
    return text + (", and no difference is significant." if several else "; one seed allows no test.")


def _cells(lines: Iterable) -> int:
    return sum(line.seeds for line in lines)
