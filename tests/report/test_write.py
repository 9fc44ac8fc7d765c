"""A results folder as it is found: what is not what it should be is named, left out, and stops nothing."""

import json
import shutil

import msgspec
import pytest
from by_hand import cell, failed, record

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.errors import UserError
from mora_bench.records.store import DONE, FAILED, TO_DO, TO_SCORE, Store
from mora_bench.report.contract import Artefact
from mora_bench.report.write import read, write


@pytest.fixture
def results(tmp_path):
    """A folder with two records that are done."""
    for entry, scores in (record(), record("full")):
        Store(tmp_path).write(entry.cell, entry, {}, scores)
    return tmp_path


STRAY = {
    "._x.json": b"\0\x05\x16\x07",
    "empty.json": b"",
    "cut.json": b"{",
    "null.json": b"null",
    "list.json": b"[]",
    "utf-16.json": "{}".encode("utf-16"),
    "deep.json": b"[" * 100_000,
    "old.json": b'{"schema": 1}',
    "new.json": b'{"schema": 99}',
    "none.json": b"{}",
    "text.json": b'{"schema": "2"}',
    "nothing.json": b'{"schema": 2, "scores": null}',
    "typed.json": b'{"schema": 2, "key": 3, "cell": 3, "scoring": 3}',
}


def left_out(folder, part, name, capsys):
    """What `report` says of a file it leaves out, having written tables of the rest."""
    shutil.rmtree(folder / "tables", ignore_errors=True)
    assert cli.main(["report", str(folder)]) == 0
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert (folder / "tables" / "comparison-twin.md").exists()
    (line,) = error.splitlines()
    assert line.startswith(f"left out: {folder / part / name}: ")
    assert name in (folder / "tables" / "comparison-twin.md").read_text().replace("\\", "")
    return line


@pytest.mark.parametrize("part", ["records", "scores"])
@pytest.mark.parametrize("name", STRAY)
def test_a_stray_file_is_named_and_left_out(results, part, name, capsys):
    before = write(results)
    tables = {file: (before.folder / file).read_bytes() for file in before.files if file.endswith(".csv")}
    (results / part / name).write_bytes(STRAY[name])
    assert f"not a {part.rstrip('s') if part == 'records' else part} (" in left_out(results, part, name, capsys)
    assert {file: (before.folder / file).read_bytes() for file in tables} == tables


@pytest.mark.parametrize("part", ["records", "scores"])
def test_a_folder_is_named_and_left_out(results, part, capsys):
    (results / part / "y.json").mkdir()
    assert "it is a folder" in left_out(results, part, "y.json", capsys)


@pytest.mark.parametrize("part", ["records", "scores"])
def test_a_file_under_another_name_is_named_and_left_out(results, part, capsys):
    file = min((results / part).iterdir())
    shutil.copy(file, results / part / "copy.json")
    assert f"its name is not that of what it holds ({file.stem})" in left_out(results, part, "copy.json", capsys)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("records", {"status": "dnoe"}),
        ("records", {"time": None}),
        ("records", {"competitor": None}),
        ("scores", {"test": {}}),
        ("scores", {"val": {}}),
    ],
    ids=str,
)
def test_a_file_with_a_wrong_part_is_named_and_left_out(results, part, change, capsys):
    file = Store(results).record_file(cell()) if part == "records" else Store(results).score_file(cell())
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert cli.main(["report", str(results)]) == 0
    captured = capsys.readouterr()
    assert f"left out: {file}: " in captured.err
    assert "Traceback" not in captured.err
    assert "full" in captured.out


@pytest.mark.parametrize(
    "change",
    [{"rate": 2}, {"rate": 0.6}, {"seed": -1}, {"task": "mutli-label"}, {"source": "x"}, {"recipe": {}}],
    ids=str,
)
def test_a_record_of_an_impossible_cell_is_named_and_left_out(results, change, capsys):
    file = Store(results).record_file(cell())
    raw = json.loads(file.read_text())
    file.write_text(json.dumps(raw | {"cell": raw["cell"] | change}))
    assert cli.main(["report", str(results)]) == 0
    assert f"left out: {file}: " in capsys.readouterr().err


def test_a_record_without_scores_says_how_to_make_them(results):
    Store(results).score_file(cell()).unlink()
    (reason,) = write(results).left_out
    assert reason.startswith(f"{Store(results).record_file(cell())}: no scores; `mora_bench rescore {results}`")


def test_scores_without_a_record_are_in_no_table(results):
    Store(results).record_file(cell()).unlink()
    written = write(results)
    assert "mora" not in (written.folder / "comparison-twin.md").read_text()
    assert "mora" not in (written.folder / "scores.csv").read_text()


def test_nothing_but_strays_is_no_results_folder(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "x.json").write_text("{")
    with pytest.raises(UserError, match=r"no records that can be read\. Left out: .*x\.json"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"no records\. Expected "):
        read(tmp_path / "nowhere")


def test_a_folder_of_failures_is_reported(tmp_path):
    entry, _ = failed()
    Store(tmp_path).write(entry.cell, entry, None, None)
    assert "comparison-twin.md" in write(tmp_path).files


def test_status_says_what_there_is_of_each_cell(results):
    store = Store(results)
    (entry, scores), (bad, _) = record("lora"), failed("map")
    store.write(entry.cell, entry, {}, scores)
    store.write(bad.cell, bad, None, None)
    store.score_file(cell("full")).unlink()
    store.prediction_file(entry.cell).unlink()
    broken = record("head")[0]
    store.record_file(broken.cell).write_text("{")
    asked = [cell(), cell("full"), bad.cell, entry.cell, broken.cell, cell("ia3")]
    assert store.status(asked) == dict(zip(asked, [DONE, TO_SCORE, FAILED, TO_DO, TO_DO, TO_DO], strict=True))


def test_what_is_written_is_read_back(results):
    store = Store(results)
    (records, refused), (scores, odd) = store.records(), store.scores()
    assert not refused
    assert not odd
    pairs = sorted([record(), record("full")], key=lambda pair: pair[0].key)
    unsigned = {"digest": "", "predictions": "", "without": ""}
    assert [msgspec.structs.replace(r, **unsigned) for r in records] == [entry for entry, _ in pairs]
    assert [document.score_key for document in scores] == [document.score_key for _, document in pairs]
    assert msgspec.structs.replace(store.record(cell()), **unsigned) == record()[0]


@pytest.mark.parametrize(
    "changes", [{"rate": 1}, {"knobs": (("length", 2), ("scale", 2.0))}, {"modalities": ("a", "b")}]
)
def test_a_cell_has_its_key_when_it_is_read_back(tmp_path, changes):
    """Also where it was made with whole numbers, which a record gives back as fractions."""
    entry, scores = record(**changes)
    Store(tmp_path).write(entry.cell, entry, {}, scores)
    records, refused = Store(tmp_path).records()
    assert not refused
    assert [r.cell.key for r in records] == [entry.cell.key]


def test_another_metric_of_the_task_is_shown_where_asked_for(folder, tmp_path, capsys, cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    arguments = ["--datasets", "odir-grade", "odir", "--methods", "head", "--seeds", "0", "--workers", "1"]
    arguments += ["--backbone", str(folder), "--recipe.epochs", "1", "--recipe.max-text", "64", "--limit", "60"]
    arguments += ["--engine", "inline"]
    out = str(tmp_path / "out")
    assert cli.main(["grid", *arguments, "--out", out, "--metric", "balanced_accuracy"]) == 0
    printed = capsys.readouterr().out
    # One table a task, each with its caption; the other task has no such metric and shows those that must agree.
    assert "Task: multi-class classification. balanced accuracy x 100" in printed
    assert "not patients. F1-macro / F1-macro at thresholds chosen on validation / AUROC, x 100" in printed
    records, _ = Store(tmp_path / "out").records()
    by_key = {s.key: s for s in Store(tmp_path / "out").scores()[0]}
    head = next(r for r in records if (r.cell.method, r.cell.dataset) == ("head", "odir-grade"))
    shown = by_key[head.key].test["complete"].scores["balanced_accuracy"]
    assert f"{100 * shown:.1f}" in printed
    assert cli.main(["report", out, "--metric", "aurco"]) == 2
    assert "--metric 'aurco': unknown; known here: accuracy, auroc" in capsys.readouterr().err


def test_a_report_reads_columns_and_leaves_records_in_their_files(results):
    """What an artefact asks for is read then, and refused where it is no longer what was believed."""
    contents = read(results)
    store = Store(results)
    assert [entry.key for entry in contents.records] == [entry.key for entry in store.records()[0]]
    assert contents.scores[0] == store.scores()[0][0]
    assert [entry.key for entry in contents.records[1:]] == [entry.key for entry in store.records()[0][1:]]
    assert len(contents.only({contents.scores[0].score_key}).scores) == 1
    file = store.record_file(contents.records[0].cell)
    file.unlink()
    with pytest.raises(UserError, match="was changed while the folder was read"):
        list(contents.records)


def test_an_artefact_gives_a_file_in_parts(results, monkeypatch):
    class Parts(Artefact):
        title = "two parts, and two that break"

        def make(self, _):
            return {"whole.txt": iter([b"a\x1b", b"b"]), "broken.txt": self.broken()}

        def broken(self):
            yield b"a"
            raise ValueError("no more")

    monkeypatch.setattr(registry, "names", lambda group: ["parts"] if group == registry.ARTEFACTS else [])
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda group, name: Parts if group == registry.ARTEFACTS else get(group, name))
    written = write(results)
    assert (results / "tables" / "whole.txt").read_bytes() == b"a\\x1bb"
    assert [path.name for path in (results / "tables").iterdir() if "broken" in path.name] == []
    assert written.left_out == ["artefact parts: ValueError: no more"]
