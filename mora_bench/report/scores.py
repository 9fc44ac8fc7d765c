"""The artefact for a reader's own analysis: every scalar score, unrounded."""

import csv
import io

from mora_bench.report import frame
from mora_bench.report.contract import Artefact, Results


class ScoresCsv(Artefact):
    name = "scores"
    title = "scores.csv: every score of every cell, split, test setting and stratum"

    def make(self, results: Results) -> dict[str, bytes]:
        columns = frame.score_columns(results.scores)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(frame.scores(results.records, results.scores, columns))
        return {"scores.csv": out.getvalue().encode()}
