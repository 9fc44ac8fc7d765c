"""The artefact that says of every pair of rows whether they differ, and which difference would have been detected."""

from collections.abc import Sequence

from mora_bench.report import csvs
from mora_bench.report.compare import Comparison
from mora_bench.report.contract import Artefact, Results
from mora_bench.report.measures import Measure
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.verdict import on_what
from mora_bench.statistics.agree import Agreement

COLUMNS = (
    "source", "section", "score", "family of tests", "first", "second", "seeds", "difference", "low", "high", "p",
    "p after Holm", "significant", "minimum detectable difference", "metric", "direction", "by all scores",
)  # fmt: skip


class DifferencesCsv(Artefact):
    name = "differences"
    title = "every pair of rows: difference, interval, paired test, the minimum detectable difference"

    def make(self, results: Results) -> dict[str, bytes]:
        return {f"{table.named('differences')}.csv": comma_separated(table).encode() for table in results.comparisons}


def comma_separated(table: Comparison) -> str:
    """One line per score, pair, section and test pattern, unrounded, in two families of tests: the competing rows among
    each other, and each of them against every floor. The last column says what the scores that must agree say
    together."""
    lines: list[list] = [[*COLUMNS]]
    for section in table.sections:
        competing, floors = section.competing, [*section.competing, *section.floors]
        for score in section.every:
            lines += _lines(table, section, score, "rows", competing, section.among(score))
            lines += _lines(table, section, score, "floors", floors, section.against_floors(score))
    return csvs.comma_separated(lines)


def _lines(
    table: Comparison, section: Section, score: str, family: str, rows: list[Row], compared: Agreement | None
) -> list[list]:
    if compared is None:
        return []
    asked = section.asked(score, rows)
    together = _together(compared, rows, asked)
    return [
        [
            table.source,
            section.title,
            score,
            family,
            rows[pairs.first[k]].label,
            rows[pairs.second[k]].label,
            len(section.seeds),
            *(float(v[k]) for v in (pairs.difference, pairs.low, pairs.high, pairs.p, pairs.holm)),
            bool(pairs.significant()[k]),
            float(pairs.smallest[k]),
            measure.metric.title,
            measure.metric.direction,
            together[k],
        ]
        for measure, pairs in zip(asked, compared.pairs, strict=True)
        for k in range(len(pairs.p))
    ]


def _together(compared: Agreement, rows: list[Row], asked: Sequence[Measure]) -> list[str]:
    """Of each pair the row that leads, or the reason on which that depends, or that it is inconclusive."""
    verdicts = []
    for k, leads in enumerate(compared.leads):
        if leads:
            verdicts.append(f"{rows[compared.first[k] if leads > 0 else compared.second[k]].label} leads")
        else:
            depends = bool(compared.depends[k])
            verdicts.append(f"depends on the {on_what(compared.better[:, k], asked)}" if depends else "inconclusive")
    return verdicts
