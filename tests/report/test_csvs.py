"""CSV that a spreadsheet does not compute."""

import csv
import io

import pytest
from by_hand import record

from mora_bench.report.contract import Results, in_parts
from mora_bench.report.csvs import comma_separated
from mora_bench.report.differences import DifferencesCsv
from mora_bench.report.scores import ScoresCsv
from mora_bench.report.tables import Tables


def test_texts_that_begin_like_formulas_get_an_apostrophe_and_numbers_do_not():
    rows = [["=1+1", "+x", "-x", "@x", "\tx", "x=1", -1.5, "", None]]
    assert next(csv.reader(io.StringIO(comma_separated(rows)))) == [
        "'=1+1", "'+x", "'-x", "'@x", "'\tx", "x=1", "-1.5", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize("artefact", [Tables, DifferencesCsv, ScoresCsv])
def test_no_csv_holds_a_formula_of_a_record(artefact):
    pairs = [record(name, seed, 0.5 + seed / 10) for name in ('=cmd|" /C calc"!A0', "head") for seed in range(2)]
    records, scores = (list(part) for part in zip(*pairs, strict=True))
    files = artefact().make(Results.of(records, scores))
    for name, content in files.items():
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(b"".join(in_parts(content)).decode())) for cell in row]
            assert any("cmd" in cell for cell in cells)
            assert not [cell for cell in cells if cell.startswith("=")]
