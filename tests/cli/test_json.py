"""`--json`: one value on stdout, the same that people are told; and what doctor finds in pictures."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import make_cell, once
from PIL import Image

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.cli.output import plain
from mora_bench.data.twins import tables as twins
from mora_bench.records.store import Store
from mora_bench.training.work import work


@pytest.fixture
def ask(capsys, monkeypatch, cache):
    """Runs a verb with --json: its code, the value on stdout, and stderr."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))

    def run(*words):
        capsys.readouterr()
        code = cli.main([*map(str, words), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out), captured.err

    return run


@pytest.fixture
def results(runtime, folder):
    for seed in (0, 1):
        work([make_cell(runtime, folder, method="head", seed=seed)], runtime)
    return runtime.out


def test_a_report(results, ask):
    code, value, printed = ask("report", results)
    assert code == 0
    assert "tables: " in printed
    ((section,),) = [value["sections"]]
    ((row,),) = [section["rows"]]
    scores = [document.test["both"].scores["f1_macro"] for document in Store(results).scores()[0]]
    assert row["mean"]["score both"] == pytest.approx(np.mean(scores), abs=1e-5)
    assert row["std"]["score both"] == pytest.approx(np.std(scores, ddof=1), abs=1e-5)
    assert {cell["key"] for cell in value["cells"]} == {record.key for record in Store(results).records()[0]}


def test_a_grid_its_plan_and_its_status(ask, tmp_path, folder):
    words = once(
        ["--backbone", str(folder), "--methods", "head", "--floors", "prior", "--datasets", "odir", "--seeds", "0",
         "--recipe.epochs", "1", "--recipe.max-text", "64", "--limit", "60", "--engine", "inline",
         "--out", str(tmp_path / "out")]
    )  # fmt: skip
    code, value, _ = ask("grid", *words, "--plan")
    assert (code, [cell["status"] for cell in value["cells"]]) == (0, ["to do"] * 2)
    code, value, printed = ask("grid", *words)
    assert code == 0
    assert value["lacking"] == []
    assert {cell["status"] for cell in value["cells"]} == {"done"}
    assert "2 cells" in printed
    code, value, printed = ask("status", *words)
    assert (code, value["cells"], value["counts"]["done"], value["running"]) == (0, 2, 2, [])
    assert "2 cells: 2 done" in printed
    assert ask("status", tmp_path / "out")[:2] == (code, value)


def test_verify_and_compare(results, ask):
    code, value, _ = ask("verify", results, "--files")
    assert (code, value["records"], value["scored_again"], value["findings"]) == (3, 2, 0, [])
    assert value["not_looked_at"]["scores of predictions, the data and the tables, because --files was given"] == 1
    code, value, _ = ask("compare", results, results)
    assert (code, value["reproduced"], [line["verdict"] for line in value["lines"]]) == (0, True, ["same digits"])
    first = next((results / "records").iterdir())
    first.write_text(first.read_text().replace("0.7", "0.8"))
    code, value, _ = ask("verify", results)
    assert code == 1
    assert str(first) in [finding["file"] for finding in value["findings"]]


def test_everything_that_has_a_name(ask):
    code, value, printed = ask("list")
    assert code == 0
    assert set(value["methods"]) == set(registry.names(registry.METHODS))
    assert "frozen backbone + one linear model per pattern; frozen network; " in printed


def test_a_picture_of_two_patients_is_named(ask, tmp_path, capsys):
    twins.publish("odir", tmp_path / "root", 12)
    code, value, _ = ask("doctor", "--data-root", tmp_path / "root", "--datasets", "odir")
    assert (code, value["datasets"]["odir"]["samples"], value["datasets"]["odir"]["shared_pictures"]) == (0, 12, [])
    pictures = sorted((tmp_path / "root").rglob("*.jpg"))
    patients = {file.name.split("_")[0] for file in pictures}
    assert len(patients) > 2
    first, other = pictures[0], next(f for f in pictures if f.name.split("_")[0] != pictures[0].name.split("_")[0])
    other.write_bytes(first.read_bytes())
    _, value, printed = ask("doctor", "--data-root", tmp_path / "root", "--datasets", "odir")
    ((pair,),) = [value["datasets"]["odir"]["shared_pictures"]]
    assert {file for _, file in pair} == {first.name, other.name}
    assert "WARNING: 1 pictures occur under several patients" in printed
    assert first.name in printed


def test_two_pictures_of_one_patient_may_be_the_same(ask, tmp_path):
    twins.publish("odir", tmp_path / "root", 12)
    pictures = sorted((tmp_path / "root").rglob("*.jpg"))
    of_patient = [file for file in pictures if file.name.split("_")[0] == pictures[0].name.split("_")[0]]
    for file in of_patient:
        Image.new("RGB", (8, 8)).save(file)
    _, value, _ = ask("doctor", "--data-root", tmp_path / "root", "--datasets", "odir")
    assert value["datasets"]["odir"]["shared_pictures"] == []


def test_what_json_has_no_word_for():
    value = plain({"a": float("nan"), "b": np.float64(0.5), "c": {"y", "x"}, 3: (np.int64(1), float("inf"))})
    assert value == {"a": None, "b": 0.5, "c": ["x", "y"], "3": [1, None]}


CHATTY = """
print("hello from the plug-in")
from mora_bench.api import Predictor
class Chatty(Predictor):
    title = source = "chatty"
    def fit(self, train, validation, seed):
        print("fitting", flush=True)
        self.n = len(train.labels)
    def predict(self, samples):
        import numpy as np
        return np.zeros((len(samples), self.n))
"""


def test_whatever_plug_ins_and_workers_print_is_not_on_stdout(tmp_path, cache):
    (tmp_path / "own.py").write_text(CHATTY)
    words = [sys.executable, "-m", "mora_bench", "grid", "--json", "--plugin", "own.py", "--methods", "chatty"]
    words += ["--floors", "none", "--datasets", "odir", "--seeds", "0", "--limit", "60", "--pool", "20", "--out", "out"]
    words += ["--workers", "1"]
    env = os.environ | {"MORA_BENCH_CACHE": str(cache)}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["lacking"] == []
    assert "hello from the plug-in" in done.stderr
    assert "fitting" in done.stderr


def test_what_cannot_be_json_refuses_it(tmp_path, capsys):
    assert cli.main(["tune", "--json", "--plan"]) == 2
    assert "--json and --track are options of `grid`" in capsys.readouterr().err
    (tmp_path / "mine.toml").write_text("json = true")
    assert cli.main(["grid", "--preset", str(tmp_path / "mine.toml"), "--plan"]) == 2
    assert "a preset cannot set `json`; use the option --json" in capsys.readouterr().err
