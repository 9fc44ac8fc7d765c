"""Trackers: what they keep is what records and scores say."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from by_hand import record

from mora_bench import registry
from mora_bench.cells.cell import Scoring
from mora_bench.cells.missing import Missing
from mora_bench.checks.run import check
from mora_bench.cli import main as cli
from mora_bench.trackers.contract import Run, Tracker, as_run
from mora_bench.trackers.outcomes import tracked

RUN = Run(
    "0123456789abcdef",
    "odir mora r4",
    {"method": "mora", "rank": 4, "rate": 0.7},
    [(5, {"loss": 0.7, "validation": 0.25}), (10, {"loss": 0.5, "validation": 0.375})],
    {"both/f1_macro": 0.5625, "cost/seconds": 3.5},
)


@pytest.fixture(autouse=True)
def no_other_folder(monkeypatch):
    """A tracker may say to the library where its files go, which other tests must not find."""
    monkeypatch.setenv("TRACKIO_DIR", "")
    monkeypatch.delenv("TRACKIO_DIR")


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_each_keeps_every_rule_of_its_contract(name):
    pytest.importorskip("tensorboard" if name == "tensorboard" else "trackio")
    assert [(rule, problem) for rule, problem in check(registry.TRACKERS, name) if problem] == []


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from mora_bench.trackers.tensorboard import TensorBoard

    TensorBoard(tmp_path).ended(RUN)
    events = EventAccumulator(str(tmp_path / "tensorboard" / RUN.key)).Reload()
    scalars = {name: [(at.step, at.value) for at in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert scalars["validation"] == [(5, 0.25), (10, 0.375)]
    assert [round(value, 6) for _, value in scalars["loss"]] == [0.7, 0.5]
    assert scalars["both/f1_macro"] == [(0, 0.5625)]
    assert scalars["cost/seconds"] == [(0, 3.5)]


def test_trackio_holds_what_was_written_in_the_folder(tmp_path):
    pytest.importorskip("trackio")
    # In a process of its own, because the library reads where to write when it is imported.
    script = "import sys, pathlib; from test_trackers import RUN; from mora_bench.trackers.trackio import Trackio; "
    script += "Trackio(pathlib.Path(sys.argv[1])).ended(RUN)"
    folder = tmp_path / "quick"
    here = Path(__file__).parent
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    subprocess.run([sys.executable, "-c", script, folder], check=True, capture_output=True, env=env)
    with sqlite3.connect(folder / "trackio" / "quick.db") as base:
        rows = [(step, json.loads(values)) for step, values in base.execute("SELECT step, metrics FROM metrics")]
        names = [name for (name,) in base.execute("SELECT DISTINCT run_name FROM metrics")]
    assert rows[:2] == RUN.curve
    assert rows[2][1] == RUN.scores
    assert names == [f"{RUN.label} {RUN.key}"]


def test_an_unknown_tracker_is_refused_when_planning(capsys):
    assert cli.main(["grid", "--track", "tensorbord", "--methods", "mroa"]) == 2
    message = capsys.readouterr().err
    assert "unknown tracker 'tensorbord'" in message
    assert "Did you mean 'tensorboard'?" in message
    assert "Did you mean 'mora'?" in message


def test_a_tracker_that_fails_is_left_out_and_the_grid_goes_on(runtime, folder, capsys, monkeypatch):
    class Breaks(Tracker):
        title = "breaks at the second cell"

        def ended(self, run):
            handed.append(run.key)
            if len(handed) == 2:
                raise OSError("the server is gone")

        def close(self):
            handed.append("closed")
            raise ConnectionError("and stays so")

    handed = []
    get = registry.get
    monkeypatch.setattr(
        "mora_bench.registry.get", lambda group, name: Breaks if group == registry.TRACKERS else get(group, name)
    )
    outcomes = [(entry.cell, entry) for entry, _ in (record("head", seed) for seed in range(4))]
    assert list(tracked(iter(outcomes), runtime, ["breaks"])) == outcomes
    # It is closed like the others.
    assert handed == [*(entry.key for entry, _ in outcomes[:2]), "closed"]
    assert "OSError: the server is gone; it is handed no more cells" in capsys.readouterr().err


def test_scores_under_another_protocol_are_another_run():
    entry, scores = record("head")
    other = msgspec.structs.replace(scores, scoring=Scoring(Missing("label"), 0.3), score_key=f"{entry.key}-other")
    first, second = as_run(entry, scores), as_run(entry, other)
    assert (first.key, second.key) == (entry.key, f"{entry.key}-other")
    assert "scoring.rate" not in first.settings
    assert second.settings["scoring.rate"] == 0.3
    assert json.loads(second.settings["scoring.missing"])["mechanism"] == "label"
