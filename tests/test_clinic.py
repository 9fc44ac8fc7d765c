"""The page on a clinic's table: its commands run as they stand, with short training."""

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_clinic import write

from mora_bench.cli.main import main
from mora_bench.records.store import Store

PAGE = (Path(__file__).parents[1] / "docs" / "clinic.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.S) for line in block.splitlines() if line.strip()
]
#: What a test adds to a command that trains.
SHORT = ["--seeds", "0", "--recipe.epochs", "1", "--recipe.max-text", "32", "--engine", "inline"]
#: Two baselines stand for all, and one where the page shows another split.
MORE = {"data": [*SHORT, "--floors", "late-fusion", "prior"], "grid": [*SHORT, "--floors", "prior"]}

pytestmark = pytest.mark.usefixtures("as_a_new_user")


def run(command: str, key: str = "", *more: str) -> int:
    words = shlex.split(command.replace("KEY", key))
    assert words[:3] == ["python", "-m", "mora_bench"]
    return main([*words[3:], *MORE.get(words[3], []), *more])


def key_of(folder: str, method: str) -> str:
    (key,) = [r.key for r in Store(Path(folder)).records()[0] if r.cell.method == method]
    return key


def test_ten_commands_lead_from_the_table_to_a_decision(tmp_path, capsys):
    assert len(COMMANDS) == 10
    write(Path("clinic"), visits=120, patients=75)
    planned, trained, *others, plain, decided, exported, published = COMMANDS
    assert run(planned) == 0
    printed = capsys.readouterr().out
    assert "120 samples of 75 patients, 4 labels" in printed
    assert "column 'split': official split" in printed
    assert "e.g. tear" in printed
    assert not Path("results").exists() or not any(Path("results").iterdir())
    assert run(trained) == 0
    assert capsys.readouterr().out.count("Shapley values") == 1
    for command in others:
        assert run(command) == 0, command
    assert list(Path("results/visits/figures").glob("errors-*.png"))
    assert "by what was decided" in Path("results/visits/tables/errors-real.md").read_text()
    # The official split is kept, and the further grid draws its own.
    sides = {r.cell.split for r in Store(Path("results/visits")).records()[0]}
    assert (sides, {r.cell.split for r in Store(Path("results/visits-folds")).records()[0]}) == (
        {"official"},
        {"patient"},
    )
    key = key_of("results/visits", "mora")
    capsys.readouterr()
    assert run(plain, key) == 0
    assert run(decided, key) == 0
    assert "sets calibrated on" in capsys.readouterr().err
    assert Path("records.html").read_text().count('<section class="record"') == 30
    with open("decided.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [
        "id", "had", "drusen", "normal", "oedema", "tear", "decision", "certain", "possible", "like it in training",
    ]  # fmt: skip
    assert [row[0] for row in rows] == [f"n{i}" for i in range(30)]
    chances = np.array([row[2:6] for row in rows], float)
    np.testing.assert_allclose(chances.sum(1), 1, atol=5e-6)
    assert [row[6] for row in rows] == [header[2 + k] for k in chances.argmax(1)]
    assert all(row[6] in row[8].split("|") and row[7] in ("", row[8]) for row in rows)
    with open("probabilities.csv", newline="") as file:
        first, *plainly = csv.reader(file)
    assert first[:6] == header[:6]
    assert [row[:2] for row in plainly] == [row[:2] for row in rows]
    # With a page every part of a record is predicted, too, in other batches.
    np.testing.assert_allclose(np.array([row[2:6] for row in plainly], float), chances, rtol=0, atol=2e-6)
    assert run(exported) == 0
    assert {*pd.read_csv("predictions.csv", usecols=["label"])["label"]} == {"drusen", "normal", "oedema", "tear"}
    assert run(published) == 0
    assert not [file for file in Path("visits-published").rglob("*") if "prediction" in file.name]


def test_several_findings_are_decided_label_by_label(tmp_path, capsys):
    write(Path("clinic"), visits=120, patients=80)
    several = COMMANDS[1].replace("--labels finding", "--labels left right").replace(" --methods head mora", "")
    assert run(several, "", "--methods", "head", "--out", "results/visits") == 0
    key = key_of("results/visits", "late-fusion")
    assert run(COMMANDS[-3].replace("--decide 0.5", "--decide recall=0.95"), key) == 0
    with open("decided.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[2:] == ["left", "right", "decision", "certain", "possible", "like it in training"]
    for row in rows:
        assert {*row[5].split("|")} - {""} <= {*row[6].split("|")}
