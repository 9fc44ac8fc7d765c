"""The artefact for a reader's own analysis: every scalar score, unrounded."""

from itertools import chain

from mora_bench.report import csvs, frame
from mora_bench.report.contract import Artefact, Results


class ScoresCsv(Artefact):
    name = "scores"
    title = "scores.csv: every score of every cell, split, test setting and stratum"

    def make(self, results: Results) -> dict[str, bytes]:
        columns = frame.score_columns(results.scores)
        rows = frame.scores(results.records, results.scores, columns)
        return {"scores.csv": "".join(chain([csvs.cells(columns), "\n"], rows)).encode()}
