"""Tables and page that were edited, or are older than the records, are named."""

import pytest
from by_hand import record

from mora_bench.cli.main import main
from mora_bench.records.store import Store
from mora_bench.report.remade import WHY, differing
from mora_bench.report.summary import Summary
from mora_bench.report.write import write


def add(folder, *pairs):
    for entry, scores in pairs:
        Store(folder).write(entry.cell, entry, None, scores)


@pytest.fixture
def folder(tmp_path):
    add(tmp_path, *(record(method, seed, 0.5 + 0.01 * seed) for method in ("head", "mora") for seed in (0, 1)))
    write(tmp_path)
    return tmp_path


def test_what_was_written_is_made_again(folder):
    assert differing(folder) == []
    (folder / "tables" / "summary-twin.md").unlink()
    (folder / "tables" / "of mine.md").write_text("mine")
    assert differing(folder) == []


@pytest.mark.parametrize("name", ["report.html", "tables/scores.csv", "tables/comparison-twin.md"])
def test_what_was_edited_is_named(name, folder, capsys):
    file = folder / name
    text = file.read_text()
    assert "0.5" in text or "50.5" in text
    file.write_text(text.replace("0.5", "0.9"))
    assert [str(finding) for finding in differing(folder)] == [f"{file}: {WHY}"]
    assert main(["verify", str(folder)]) == 1
    assert f"{file}: {WHY}" in capsys.readouterr().err
    assert main(["report", str(folder)]) == 0
    assert differing(folder) == []


def test_a_table_of_another_score_is_right_and_one_that_is_older_than_a_record_is_not(folder):
    write(folder, "brier")
    assert differing(folder) == []
    add(folder, record("lora", 0, 0.6))
    assert {finding.file.name for finding in differing(folder)} >= {"report.html", "scores.csv", "comparison-twin.md"}


def test_an_artefact_that_fails_keeps_nothing_else_from_being_held(folder, monkeypatch):
    monkeypatch.setattr(Summary, "make", lambda self, results: 1 / 0)
    file = folder / "tables" / "scores.csv"
    file.write_text(file.read_text().replace("0.5", "0.9"))
    assert [finding.file for finding in differing(folder)] == [file]


def test_where_no_record_can_be_read_nothing_is_said_of_tables(folder):
    for file in (folder / "records").iterdir():
        file.write_text("{")
    assert differing(folder) == []
