"""The artefact that says of every pair of rows whether they differ, and what difference would have been seen."""

from mora_bench.report import csvs
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.section import Row, Section
from mora_bench.statistics.differences import Pairs

COLUMNS = (
    "source", "section", "score", "family of tests", "first", "second", "seeds", "difference", "low", "high", "p",
    "p after Holm", "told apart", "smallest difference told", "metric", "direction",
)  # fmt: skip


class DifferencesCsv(Artefact):
    name = "differences"
    title = "every pair of rows: difference, interval, paired test, the smallest difference that would be told"

    def make(self, results: Results) -> dict[str, bytes]:
        return {f"{table.named('differences')}.csv": comma_separated(table).encode() for table in results.comparisons}


def comma_separated(table: Comparison) -> str:
    """One line per pair, section and test pattern, unrounded, in two families of tests: the competing rows among each
    other, and each of them against every floor."""
    lines: list[list] = [[*COLUMNS]]
    for section in table.sections:
        for score in table.tests:
            among, floors = section.pairs(score), section.against_floors(score)
            for name, rows, found in (
                ("rows", section.competing, among),
                ("floors", [*section.competing, *section.floors], floors),
            ):
                if found is not None:
                    lines += _lines(table, section, score, name, rows, found)
    return csvs.comma_separated(lines)


def _lines(table: Comparison, section: Section, score: str, family: str, rows: list[Row], found: Pairs) -> list[list]:
    known = [table.source, section.title, score, family]
    told = found.told()
    return [
        [
            *known,
            rows[found.first[k]].label,
            rows[found.second[k]].label,
            len(section.seeds),
            *(float(v[k]) for v in (found.difference, found.low, found.high, found.p, found.holm)),
            bool(told[k]),
            float(found.smallest[k]),
            table.metric.title,
            table.metric.direction,
        ]
        for k in range(len(found.p))
    ]
