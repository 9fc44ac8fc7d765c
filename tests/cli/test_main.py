"""The command line as its user meets it: one clear message and a code other than 0, and nothing lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from mora_bench.cli import main as cli
from mora_bench.data import twins

TOY = [
    "--recipe.epochs",
    "1",
    "--recipe.batch",
    "8",
    "--recipe.max-text",
    "64",
    "--limit",
    "60",
    "--seeds",
    "0",
    "--workers",
    "1",
]


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))


def grid(folder, out, *more):
    return cli.main(["grid", "--backbone", str(folder), "--out", str(out), "--methods", "head", "mora", *TOY, *more])


def test_a_grid_is_run_once_and_reported_the_same_again(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir", "cxr") == 0
    first = capsys.readouterr().out
    assert "4 cells: 4 to do" in first
    assert "Embedded twins" in first
    tables = {f.name: f.read_bytes() for f in (out / "tables").iterdir()}
    assert set(tables) == {"comparison-twin.md", "comparison-twin.csv", "comparison-twin.tex", "scores.csv"}
    records = {f.name: f.stat().st_mtime_ns for f in (out / "records").iterdir()}
    assert grid(folder, out, "--datasets", "odir", "cxr") == 0
    assert "4 cells: 4 done" in capsys.readouterr().out
    assert {f.name: f.stat().st_mtime_ns for f in (out / "records").iterdir()} == records
    shutil.rmtree(out / "tables")
    assert cli.main(["report", str(out)]) == 0
    assert {f.name: f.read_bytes() for f in (out / "tables").iterdir()} == tables
    splits = [json.loads(f.read_text()) for f in (out / "splits").iterdir()]
    assert {s["dataset"] for s in splits} == {"odir", "cxr"}
    assert all(len(s["train"]) + len(s["val"]) + len(s["test"]) == 60 for s in splits)


def test_plan_runs_nothing(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--plan", "--ranks", "1", "2", "--datasets", "odir") == 0
    printed = capsys.readouterr().out
    assert printed.count("to do ") == 3
    assert "4 points asked for, 1 collapsed: 1 because head does not read rank" in printed
    assert not out.exists()


def test_a_killed_grid_goes_on_where_it_stopped(folder, tmp_path, capsys):
    out = tmp_path / "results"
    toy = ["--recipe.epochs", "30", "--recipe.batch", "8", "--recipe.max-text", "64", "--limit", "60", "--workers", "1"]
    options = ["--backbone", str(folder), "--out", str(out), "--methods", "head", "mora", "--datasets", "odir"]
    command = [sys.executable, "-m", "mora_bench", "grid", *options, *toy, "--seeds", "0", "1"]
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    records = out / "records"
    limit = time.monotonic() + 120
    while not list(records.glob("*.json")) and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {f.name: f.stat().st_mtime_ns for f in records.glob("*.json")}
    assert 1 <= len(before) < 4
    assert cli.main(command[3:]) == 0
    after = {f.name: f.stat().st_mtime_ns for f in records.glob("*.json")}
    assert len(after) == 4
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gird"], "unknown verb 'gird'; known: grid, report"),
        (["grid", "--datasets", "odri"], "unknown dataset 'odri'; known: cxr, odir"),
        (["grid", "--methods", "lroa"], "unknown method 'lroa'; known:"),
        (["grid", "--preset", "quikc"], "unknown preset 'quikc'"),
        (["grid", "--rates", "1.5"], "--rates 1.5 is outside"),
        (["grid", "--ranks", "0"], "--ranks 0 is below 1"),
        (["grid", "--blocks", "9"], "block 9 is outside the backbone's 0..5"),
        (["grid", "--backbone", "nowhere"], "unknown backbone 'nowhere'"),
        (["grid", "--device", "cuda:7"], "no CUDA device"),
        (["grid", "--device", "tpux"], "is not a device"),
        (["grid", "--recipe.lr", "0"], "recipe.lr is 0.0"),
        (["grid", "--data-root", "/nowhere"], "--data-root /nowhere: no such folder"),
        (["report", "/nowhere"], "no records"),
        (["doctor", "--data-root", "/nowhere"], "no such folder"),
        (["twin", "odri", "/tmp/x"], "unknown dataset 'odri'"),
    ],
)
def test_wrong_input_gets_one_message_and_code_2(arguments, message, capsys):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("mora_bench: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["grid", "--dataset", "odir"], ["grid", "--missing", "txt"], ["grid", "--seeds", "a"]]
)
def test_unknown_options_and_values_end_with_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert arguments[1].lstrip("-") in "".join(capsys.readouterr())


def test_a_results_folder_that_cannot_be_written_is_said_before_anything_runs(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert grid(folder, tmp_path / "file" / "results", "--datasets", "odir") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_corrupt_picture_stops_the_grid_and_names_the_file(folder, tmp_path, capsys):
    twins.publish("odir", tmp_path / "data", 12)
    (tmp_path / "data" / "ODIR-5K" / "Training Images" / "5_left.jpg").write_bytes(b"no picture")
    assert grid(folder, tmp_path / "results", "--data-root", str(tmp_path / "data"), "--datasets", "odir") == 2
    assert "5_left.jpg: not a readable picture" in capsys.readouterr().err


def test_too_few_samples_are_refused(folder, tmp_path, capsys):
    assert grid(folder, tmp_path / "results", "--limit", "3", "--datasets", "odir") == 2
    assert "split empty" in capsys.readouterr().err


def test_doctor_says_what_is_there_and_what_is_not(tmp_path, capsys):
    twins.publish("odir", tmp_path / "data", 6)
    (tmp_path / "data" / "ODIR-5K" / "Training Images" / "5_left.jpg").unlink()
    assert cli.main(["doctor", "--data-root", str(tmp_path / "data")]) == 1
    printed = capsys.readouterr().out
    assert "5 samples with 2 of 2 pictures" in printed
    assert "1 samples with 1 of 2 pictures" in printed
    assert "cxr: ABSENT" in printed


def test_list_shows_methods_with_their_axes(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    assert "MoRA; reads rank (own: 4), blocks (own: 0); arXiv 2408.09064" in printed
    assert "quick" in printed


def test_prepare_and_twin(tmp_path, capsys):
    assert cli.main(["twin", "cxr", str(tmp_path / "data"), "-n", "5"]) == 0
    assert cli.main(["prepare", "--data-root", str(tmp_path / "data"), "--datasets", "cxr", "--workers", "1"]) == 0
    assert "canvas 64 x 64" in capsys.readouterr().out


def test_a_failed_cell_gives_code_1_and_a_dash(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mora_bench.methods.mora.Mora.__init__", lambda *a: 1 / 0)
    assert grid(folder, tmp_path / "results", "--datasets", "odir") == 1
    captured = capsys.readouterr()
    assert "ZeroDivisionError" in captured.err
    assert "—" in captured.out
    monkeypatch.undo()
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "again"))
    assert grid(folder, tmp_path / "results", "--datasets", "odir") == 0
    assert "1 done, 1 failed" in capsys.readouterr().out


def test_a_broken_record_is_named(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir") == 0
    file = next((out / "records").glob("*.json"))
    file.write_text("{")
    assert cli.main(["report", str(out)]) == 2
    assert f"{file}: not JSON" in capsys.readouterr().err
