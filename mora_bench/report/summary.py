"""What a results folder says in a few lines: one small table, and one sentence a section."""

import math
from collections.abc import Iterable

from tabulate import tabulate

from mora_bench.cells.cell import OLDER_DRAWS
from mora_bench.cells.missing import COMPLETE
from mora_bench.report.against import Against
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.markdown import escaped
from mora_bench.report.section import FROZEN, Row, Section
from mora_bench.report.tables import between, marked, mean_and_std
from mora_bench.report.trained import CUT_SHORT
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
    scores = list(dict.fromkeys((f"score {COMPLETE}", table.main)))
    columns = [(section, score) for section in table.sections for score in scores]
    labels = dict.fromkeys(row.label for section in table.sections for row in section.competing)
    marks = {row.label: marked(row) for section in table.sections for row in section.competing if row.cut_short}
    body = [
        [
            escaped(marks.get(label, label)),
            *(_shown(_row(section, label), section, score) for section, score in columns),
        ]
        for label in labels
    ]
    floors = [section.best_of(section.floors, score) for section, score in columns]
    frozen = any(row.family == FROZEN for section in table.sections for row in section.floors)
    if any(floors):
        name = f"best without a network{' or with a frozen one' * frozen}"
        body.append([name, *(_named(row, *column) for row, column in zip(floors, columns, strict=True))])
    told = [section.resolution[score] for section, score in columns]
    body.append(["smallest difference told", *(between(table.metric, bounds) for bounds in told)])
    what = f"{table.metric.heading}, {table.metric.direction}" + f"; {CUT_SHORT}: training was cut short" * bool(marks)
    headers = [
        escaped(what),
        *(escaped(f"{section.title}: {table.tests.get(score, score)}") for section, score in columns),
    ]
    return tabulate(body, headers, tablefmt="github", disable_numparse=True) + "\n"


def _row(section: Section, label: str) -> Row | None:
    return next((row for row in section.competing if row.label == label), None)


def _shown(row: Row | None, section: Section, score: str) -> str:
    if row is None:
        return DASH
    text = mean_and_std(section.metric, row, score)
    return f"**{text}**" if score in row.best else text


def _named(row: Row | None, section: Section, score: str) -> str:
    return DASH if row is None else f"{_shown(row, section, score)} ({escaped(row.label)})"


def sentences(results: Results) -> list[str]:
    """For each section of each table: who leads, who cannot be told from it, and whether a floor is ahead."""
    return [_sentence(table, section) for table in results.comparisons for section in table.sections]


def _sentence(table: Comparison, section: Section) -> str:
    # Where the pattern could take nothing, complete data are what was tested.
    for score in (table.main, f"score {COMPLETE}"):
        known = [row for row in section.competing if not math.isnan(row.mean[score])]
        best = section.best_of(known, score)
        if best is not None:
            break
    else:
        return f"{section.title}: no complete row."
    metric = section.metric
    value = f"{mean_and_std(metric, best, score)} ({metric.named})"
    said = f"{section.title}, tested on {tested(score)}: {best.label} leads with {value}"
    others = len(known) - 1
    if others:
        alike = sum(score in row.best for row in known if row is not best)
        if len(section.seeds) < 2:
            said += "; one seed cannot tell it from the others"
        elif score not in best.best:
            said += f"; none of the {others} others can be told from it"
        elif alike:
            said += f", not told from {alike} of {others} others"
        else:
            said += ", told from all others"
    floor = section.best_of(section.floors, score)
    if floor is not None:
        ahead = metric.oriented(floor.mean[score]) > metric.oriented(best.mean[score])
        beside = "which is ahead of every network" if ahead else "behind it"
        how = "with the network frozen" if floor.family == FROZEN else "without a network"
        said += f"; {how} {floor.label} scores {mean_and_std(metric, floor, score)}, {beside}"
    short = [row.label for row in section.competing if row.cut_short]
    if short:
        every = "every network" if len(short) == len(section.competing) > 1 else ", ".join(short)
        said += f"; training was cut short: {every}"
    return f"{said} ({OLDER_DRAWS})." if table.older_draws else f"{said}."


def tested(score: str) -> str:
    """What the score of a pattern is tested on, in words."""
    pattern = score.removeprefix("score ")
    return "complete data" if pattern == COMPLETE else f"{pattern} missing"


def reproduced(found: Against, reference: str) -> str:
    """One sentence: how many cells have the scores of a reference, and how far the others are from theirs."""
    lines = [line for line in found.lines if not math.isnan(line.largest)]
    if not lines:
        return ""
    asked = sum(line.seeds for line in lines)
    apart = [line for line in lines if line.largest > 0]
    if not apart:
        return f"The {asked} cells that {reference} has, too, have its scores to the digit."
    same = _cells(line for line in lines if line.largest == 0)
    widest = max(apart, key=lambda line: line.metric.scale * abs(line.first - line.second))
    most = widest.metric.scale * abs(widest.first - widest.second)
    said = f"Of the {asked} cells that {reference} has, too, {same} have its scores to the digit; of the others, "
    points = " points" if widest.metric.scale == 100 else ""
    size = f"no mean differs by more than {most:.2f}{points}" if most >= 0.005 else "the means differ by less than 0.01"
    said += f"{_cells(apart)}, {size}"
    told = [line.what for line in apart if line.low > 0 or line.high < 0]
    said += f" ({widest.what})"
    if told:
        return f"{said}. Told apart from it: {'; '.join(told)}."
    several = any(not math.isnan(line.low) for line in apart)
    return said + (", and none is told apart from it." if several else "; one seed tells no more.")


def _cells(lines: Iterable) -> int:
    return sum(line.seeds for line in lines)
