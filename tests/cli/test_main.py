"""The command line as its user meets it: one clear message and a code other than 0, and nothing lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from by_hand import measured
from conftest import once

from mora_bench.cli import main as cli
from mora_bench.data.twins import tables as twins

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
    "--engine",
    "inline",
    "--floors",
    "none",
]


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))


def grid(folder, out, *more):
    usual = ["grid", "--backbone", str(folder), "--out", str(out), "--methods", "head", "mora", *TOY]
    return cli.main(once([*usual, *more]))


def test_a_grid_is_run_once_and_reported_the_same_again(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir", "cxr") == 0
    first = capsys.readouterr().out
    assert "4 cells: 4 to do" in first
    assert "Embedded twins" in first
    tables = {f.name: f.read_bytes() for f in (out / "tables").iterdir()}
    compared = {f"comparison-twin.{suffix}" for suffix in ("md", "csv", "tex")}
    curves = {"robustness-twin.csv", "robustness-twin.md"}
    assert set(tables) == compared | curves | {
        "differences-twin.csv",
        "ranks-twin.md",
        "scores.csv",
        "summary-twin.md",
        *(f"{name}-twin.{suffix}" for name in ("worth", "errors") for suffix in ("md", "csv")),
        "groups-twin.csv",
    }
    records = {f.name: f.stat().st_mtime_ns for f in (out / "records").iterdir()}
    assert grid(folder, out, "--datasets", "odir", "cxr") == 0
    assert "4 cells: 4 done" in capsys.readouterr().out
    assert {f.name: f.stat().st_mtime_ns for f in (out / "records").iterdir()} == records
    shutil.rmtree(out / "tables")
    assert cli.main(["report", str(out)]) == 0
    assert {f.name: f.read_bytes() for f in (out / "tables").iterdir()} == tables
    splits = [json.loads(f.read_text()) for f in (out / "splits").iterdir()]
    assert {s["dataset"] for s in splits} == {"odir", "cxr"}
    # The twin's own 60 samples train and validate; as many are drawn apart to test.
    assert all(len(s["train"]) + len(s["val"]) == len(s["test"]) == 60 for s in splits)
    assert all(len({*s["train"], *s["val"], *s["test"]}) == 120 for s in splits)


@pytest.mark.parametrize(
    ("arguments", "all_of"),
    [
        (
            ["--recipe.lr", "-1", "--recipe.epochs", "0", "--recipe.warmup", "2"],
            ["recipe.lr is -1.0", "recipe.epochs is 0", "recipe.warmup is 2.0"],
        ),
        (
            ["--rates", "0.5", "1.5", "-1", "--threads", "0", "--shard", "3/2", "--folds", "2"],
            ["--rates 1.5", "--rates -1.0", "--threads is 0", "--shard 3/2", "--folds 2"],
        ),
        (["--methods", "mroa", "--datasets", "odri"], ["Did you mean 'mora'?", "Did you mean 'odir'?"]),
    ],
)
def test_everything_that_is_wrong_is_said_at_once(arguments, all_of, capsys):
    assert cli.main(["grid", "--plan", *arguments]) == 2
    printed = capsys.readouterr().err
    assert [message for message in all_of if message not in printed] == []


def test_a_large_grid_of_parts_is_summed_up(tmp_path, capsys):
    """`modalities` has parts, of which none is large."""
    assert cli.main(["grid", "--preset", "modalities", "--plan", "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 20
    assert any(line.startswith("300 cells; 0 records lie in") for line in lines)
    assert any(line.split("|")[1:4] == [" head        ", "              12 ", "             12 "] for line in lines)


def test_plan_runs_nothing(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--plan", "--ranks", "1", "2", "--datasets", "odir") == 0
    printed = capsys.readouterr().out
    assert printed.count("to do ") == 3
    assert "4 combinations requested, 1 dropped as duplicates: 1 because head does not read rank" in printed
    assert not out.exists()


def test_a_killed_grid_goes_on_where_it_stopped(folder, tmp_path, capsys):
    out = tmp_path / "results"
    toy = ["--recipe.epochs", "4", "--recipe.batch", "8", "--recipe.max-text", "64", "--limit", "60", "--workers", "1"]
    toy += ["--floors", "none"]
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
    assert cli.main([*command[3:], "--engine", "inline"]) == 0
    after = {f.name: f.stat().st_mtime_ns for f in records.glob("*.json")}
    assert len(after) == 4
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gird"], "unknown verb 'gird'; known: grid, data, new, predict, status, report"),
        (
            ["grid", "--datasets", "odri"],
            "unknown dataset 'odri'; known: cxr, cxr-redacted, cxr-views, icu, icu-cause, icu-severity, ",
        ),
        (["grid", "--methods", "lroa"], "unknown method 'lroa'; known:"),
        (["grid", "--preset", "quikc"], "unknown preset 'quikc'"),
        (["grid", "--rates", "1.5"], "--rates 1.5 is outside"),
        (["grid", "--ranks", "0"], "--ranks 0 is below 1"),
        (["grid", "--ranks", "999999"], "--ranks 999999 is above the width of backbone small"),
        (["grid", "--blocks", "0-9999999999"], "block 9999999999 is outside the backbone's 0..5"),
        (["grid", "--missing", "txt"], "unknown missing pattern 'txt'; known: complete, text, image, both"),
        (["grid", "--floors", "tfdif"], "prior, stacked, tfidf. Did you mean 'tfidf'?"),
        (["grid", "--mechanism", "unifrom"], "uniform. Did you mean 'uniform'?"),
        (["grid", "--mechanism", "covariate:aeg"], "covariate:age; this dataset has age, sex"),
        (
            ["grid", "--engine", "procesess"],
            "known: auto, inline, processes, ray, slurm. Did you mean 'processes'",
        ),
        (["grid", "--recipe.validate-every", "1e-12"], "recipe.validate_every is 1e-12"),
        (["grid", "--recipe.eps", "inf"], "recipe.eps is inf"),
        (["grid", "--recipe.lr", "nan"], "recipe.lr is nan"),
        (["grid", "--test-rate", "1.5"], "--test-rate 1.5 is outside"),
        (["grid", "--strength", "-1"], "strength of missingness -1.0"),
        (["grid", "--blocks", "9"], "block 9 is outside the backbone's 0..5"),
        (["grid", "--backbone", "nowhere"], "unknown backbone 'nowhere'"),
        (["grid", "--device", "cuda:7"], "no CUDA device"),
        (["grid", "--device", "tpux"], "'tpux' cannot be used here"),
        (["grid", "--recipe.lr", "0"], "recipe.lr is 0.0"),
        (["grid", "--data-root", "/nowhere"], "--data-root /nowhere: no such folder"),
        (["report", "/nowhere"], "no records"),
        (["rescore", "/nowhere"], "/nowhere: no records"),
        (["rescore", "/nowhere", "--test-mechanism", "unifrom"], "unknown mechanism 'unifrom'"),
        (["rescore", "/nowhere", "--test-rate", "2"], "test rate 2.0 is outside"),
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
    "arguments", [["grid", "--dataset", "odir"], ["grid", "--precision", "fp8"], ["grid", "--seeds", "a"]]
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


@pytest.mark.parametrize(("limit", "pool"), [("3", "0"), ("1", "500")])
def test_too_few_samples_are_refused(folder, tmp_path, capsys, limit, pool):
    assert grid(folder, tmp_path / "results", "--limit", limit, "--pool", pool, "--datasets", "odir") == 2
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
    assert "; --recipe.loss cox: Cox's partial likelihood of a batch" in printed


def test_prepare_and_twin(tmp_path, capsys):
    assert cli.main(["twin", "cxr", str(tmp_path / "data"), "-n", "5"]) == 0
    assert cli.main(["prepare", "--data-root", str(tmp_path / "data"), "--datasets", "cxr", "--workers", "1"]) == 0
    assert "image: canvas [64, 64]" in capsys.readouterr().out


def test_a_failed_cell_gives_code_1_and_a_dash(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mora_bench.methods.mora.Mora.__init__", lambda *a: 1 / 0)
    assert grid(folder, tmp_path / "results", "--datasets", "odir") == 1
    captured = capsys.readouterr()
    assert "ZeroDivisionError" in captured.err
    assert "—" in captured.out
    monkeypatch.undo()
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "again"))
    assert grid(folder, tmp_path / "results", "--datasets", "odir") == 1
    assert "failed before: 1 cell; --retry failed runs what failed again" in capsys.readouterr().err
    assert grid(folder, tmp_path / "results", "--datasets", "odir", "--retry", "failed") == 0
    assert "1 done, 1 failed" in capsys.readouterr().out


def test_a_broken_record_is_named(folder, tmp_path, capsys):
    """It is left out, and stops nothing: tests/report/test_write.py has every kind of broken file."""
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir") == 0
    first, second = sorted((out / "records").glob("*.json"))
    first.write_text("{")
    shutil.rmtree(out / "tables")
    capsys.readouterr()
    assert cli.main(["report", str(out)]) == 0
    captured = capsys.readouterr()
    assert f"left out: {first}: not a record (" in captured.err
    assert json.loads(second.read_text())["cell"]["method"] in captured.out
    assert (out / "tables" / "comparison-twin.md").exists()
    assert grid(folder, out, "--datasets", "odir") == 0
    assert "2 cells: 1 done, 1 to do" in capsys.readouterr().out


def test_floors_run_beside_methods_and_are_counted(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir", "--floors", "prior", "tfidf") == 0
    captured = capsys.readouterr()
    assert "4 cells (2 of them without a network): 4 to do" in captured.out
    assert captured.err.count("left out") == 0
    rows = [[cell.strip() for cell in line.split("|")] for line in captured.out.splitlines() if line.startswith("| ")]
    # After one epoch a network is cut short or is not; the weights of the toy are drawn.
    assert [[row[1], row[2].rstrip(" †‡")] for row in rows[1:5]] == [
        ["no network", "prior"], ["", "tfidf"], ["fine-tuning", "head"], ["MoRA", "mora (r=4, blocks 0)"],
    ]  # fmt: skip
    costs = [row[7:13] for row in rows if "prior" in row or "tfidf" in row if len(row) > 13]
    assert costs == 2 * [6 * ["—"]]
    assert "tfidf abstains on samples without text: it predicts how frequent each label is in training" in captured.out
    records = [json.loads(f.read_text()) for f in (out / "records").iterdir()]
    assert sorted(r["cell"]["method"] for r in records if r["cell"]["recipe"] is None) == ["prior", "tfidf"]


def test_floors_alone_need_no_network(tmp_path, capsys):
    out = tmp_path / "results"
    arguments = ["--methods", "prior", "tfidf", "--datasets", "odir", "--limit", "60", "--seeds", "0", "--workers", "1"]
    arguments += ["--floors", "prior", "tfidf"]
    assert cli.main(["grid", "--out", str(out), *arguments]) == 0
    assert "2 cells (2 of them without a network): 2 to do" in capsys.readouterr().out
    assert len(list((out / "records").iterdir())) == 2


def contents(folder):
    return {f.name: measured(f.read_bytes()) for f in folder.iterdir()}


def times(folder):
    return {f.name: f.stat().st_mtime_ns for f in folder.iterdir()}


def test_rescoring_trains_nothing_and_gives_the_same_scores_or_others_beside_them(
    folder, tmp_path, capsys, monkeypatch
):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir", "--floors", "prior") == 0
    untouched = {part: times(out / part) for part in ("records", "predictions")}
    scores, tables = contents(out / "scores"), contents(out / "tables")
    monkeypatch.setattr("mora_bench.training.work.work", lambda *a: pytest.fail("trained"))
    assert cli.main(["rescore", str(out)]) == 0
    assert "3 cells scored again" in capsys.readouterr().out
    assert contents(out / "scores") == scores
    assert contents(out / "tables") == tables
    assert cli.main(["rescore", str(out), "--test-rate", "0.3"]) == 0
    captured = capsys.readouterr()
    assert "3 cells scored again" in captured.out
    assert not captured.err
    assert {part: times(out / part) for part in untouched} == untouched
    after = contents(out / "scores")
    assert len(after) == 2 * len(scores)
    assert scores.items() <= after.items()
    new = [json.loads(content) for name, content in after.items() if name not in scores]
    assert {s["test_rate"] for s in new} == {0.3}
    for one in new:
        (old,) = (json.loads(content) for name, content in scores.items() if name.startswith(one["key"]))
        for pattern in ("image", "text", "both"):
            at = old["rates"].index(0.3)
            assert one["test"][pattern]["scores"]["f1_macro"] == old["curve"][pattern][at]
            assert one["curve"][pattern][: at + 1] == old["curve"][pattern][: at + 1]
        assert one["test"]["complete"]["scores"] == old["test"]["complete"]["scores"]
    added = set(contents(out / "tables")) - set(tables)
    assert added == {
        *(f"comparison-twin-at-30.{s}" for s in ("md", "csv", "tex")),
        "differences-twin-at-30.csv",
        "ranks-twin-at-30.md",
        "summary-twin-at-30.md",
        *(f"robustness-twin-at-30.{s}" for s in ("md", "csv")),
        *(f"{name}-twin-at-30.{s}" for name in ("worth", "errors") for s in ("md", "csv")),
        "groups-twin-at-30.csv",
    }
    assert {n: c for n, c in contents(out / "tables").items() if n in tables and n != "scores.csv"} == {
        n: c for n, c in tables.items() if n != "scores.csv"
    }
    assert cli.main(["report", str(out)]) == 0
    assert set(contents(out / "tables")) == {*tables, *added}
    capsys.readouterr()
    assert grid(folder, out, "--datasets", "odir", "--floors", "prior", "--test-rate", "0.3", "--plan") == 0
    assert "3 cells (1 of them without a network): 3 done" in capsys.readouterr().out


def test_rescoring_under_a_mechanism_that_reads_the_data(folder, tmp_path, capsys):
    out = tmp_path / "results"
    arguments = ["--out", str(out), "--methods", "prior", "--seeds", "0", "--workers", "1", "--datasets"]
    assert cli.main(["grid", "--floors", "tfidf", *arguments, "odir"]) == 0
    # Alone it would have put another mechanism in the place of the one of training.
    assert cli.main(["rescore", str(out), "--mask-unit", "patient"]) == 2
    assert "--mask-unit says from whom a mechanism takes: give --test-mechanism" in capsys.readouterr().err
    assert cli.main(["rescore", str(out), "--test-mechanism", "covariate:age", "--strength", "2"]) == 0
    assert "covariate:age (strength 2)" in capsys.readouterr().out
    assert len(list((out / "scores").iterdir())) == 2
    assert cli.main(["rescore", str(out), "--test-mechanism", "covariate:aeg"]) == 2
    assert "this dataset has age, sex" in capsys.readouterr().err
    # What does not fit one dataset of a folder is left out there alone.
    assert cli.main(["grid", "--floors", "none", *arguments, "cxr"]) == 0
    assert cli.main(["rescore", str(out), "--test-mechanism", "covariate:age"]) == 0
    captured = capsys.readouterr()
    assert "1 cell scored again" in captured.out
    (line,) = [line for line in captured.err.splitlines() if line.startswith("left out")]
    assert line.startswith("left out: cxr prior")
    assert line.endswith("this dataset has no covariate.")


def test_what_is_only_scored_differently_is_trained_once(folder, tmp_path, capsys, monkeypatch):
    """Trained on complete data, a cell is the same under every mechanism of the test."""
    from mora_bench.training import work

    trained, real = [], work.work
    monkeypatch.setattr(work, "work", lambda bundle, runtime: [trained.extend(bundle), real(bundle, runtime)])
    options = ["--missing", "complete", "--mechanism", "uniform", "covariate:sex", "--datasets", "odir"]
    assert grid(folder, tmp_path / "results", *options) == 0
    assert "4 cells: 4 to do" in capsys.readouterr().out
    assert len(list((tmp_path / "results" / "records").iterdir())) == 2
    assert len(list((tmp_path / "results" / "scores").iterdir())) == 4
    assert len(trained) == 2


def test_a_grid_scores_what_was_predicted_before(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir") == 0
    scores = contents(out / "scores")
    shutil.rmtree(out / "scores")
    monkeypatch.setattr("mora_bench.training.work.work", lambda *a: pytest.fail("trained"))
    capsys.readouterr()
    assert grid(folder, out, "--datasets", "odir") == 0
    assert "2 cells: 2 to score" in capsys.readouterr().out
    assert contents(out / "scores") == scores


def test_predictions_that_are_gone_are_named(folder, tmp_path, capsys):
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir") == 0
    gone = min((out / "predictions").iterdir())
    gone.unlink()
    assert cli.main(["rescore", str(out), "--test-rate", "0.3"]) == 0
    captured = capsys.readouterr()
    assert f"{gone} is absent" in captured.err
    assert "1 cell scored again" in captured.out


def test_the_default_preset_has_no_record_that_is_left_out(folder, tmp_path, capsys):
    """Its overrides are whole numbers, which a record gives back as fractions."""
    out = tmp_path / "results"
    assert grid(folder, out, "--datasets", "odir", "--methods", "full") == 0
    captured = capsys.readouterr()
    assert "left out" not in captured.err
    assert "full" in captured.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grid", "--methods", "head", "--methods", "mora", "--plan"], "--methods: given 2 times. Give it once"),
        (["grid", "--floors", "none", "tfidf", "--plan"], "none stands alone"),
        (["grid", "--recipe.precision", "fp16", "--device", "cpu"], "fp16 needs a GPU"),
        (["prepare", "--datasets"], "--datasets is empty"),
        (["twin", "odir", "x", "-n", "100000000"], "expected 1 to 100,000"),
        (["twin", "odir", "x.png", "--sheet", "-n", "1000000"], "expected 1 to 200"),
    ],
)
def test_what_can_be_known_at_once_is_refused_at_once(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
