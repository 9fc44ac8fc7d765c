"""The artefact for a reader's own analysis: every scalar score, unrounded."""

from mora_bench.report.contract import Artefact, Content, Results


class ScoresCsv(Artefact):
    name = "scores"
    title = "scores.csv: every score of every cell, split, test setting and stratum"

    def make(self, results: Results) -> dict[str, Content]:
        return {"scores.csv": results.values.comma_separated()}
