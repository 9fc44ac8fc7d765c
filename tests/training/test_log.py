"""What a training says while it goes."""

import dataclasses
import re

import pytest
from conftest import RECIPE, make_cell

from mora_bench.records.store import Store
from mora_bench.training import log
from mora_bench.training.log import Log, last_line
from mora_bench.training.work import work

VALIDATED = r"(, validation [\d.]+ \(best [\d.]+ at step \d+\))?"
LINE = rf"\d\d:\d\d:\d\d step (\d+) of 12, loss [\d.]+{VALIDATED}, \d+ s of training left"


def test_each_validation_is_a_line_and_steps_are_when_time_has_passed(runtime, folder, monkeypatch):
    cell = make_cell(runtime, folder, method="head")
    work([cell], runtime)
    store = Store(runtime.out)
    history = store.record(cell).training.history
    *lines, last, end = store.log_file(cell).read_text().splitlines()
    assert [int(re.fullmatch(LINE, line)[1]) for line in lines] == [row.step for row in history]
    assert f"validation {100 * history[-1].val_score:.1f}" in lines[-1]
    assert last_line(store.log_file(cell)) == end.partition(" ")[2]
    assert "step 12, the last" in last
    monkeypatch.setattr(log, "EVERY", 0.0)
    other = make_cell(runtime, folder, method="head", seed=1)
    work([other], runtime)
    # Each step has its own, and each validation, and the end, and what follows it.
    assert len(store.log_file(other).read_text().splitlines()) == 12 + 2 + 2


def test_no_log_and_a_log_that_cannot_be_written_stop_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    for file in (None, tmp_path / "file" / "x.log"):
        training_log = Log(file, 3)
        training_log.step(1, [])
        training_log.validated(1, [])
    assert last_line(tmp_path / "absent.log") == ""


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe 00:00:00 x", b"a" * 5000])
def test_any_file_has_a_last_line_or_none(tmp_path, content):
    (tmp_path / "x.log").write_bytes(content)
    assert len(last_line(tmp_path / "x.log")) < 400


def test_steps_are_at_most_until_a_decay_has_begun(runtime, folder):
    """A rate so small that no look is better than the first: the plateau ends after three of nine epochs."""
    recipe = dataclasses.replace(
        RECIPE, schedule="plateau", lr=1e-12, epochs=9, patience=2, validate_every=1, warmup_epochs=0.5, decay_epochs=1
    ).settled()
    cell = make_cell(runtime, folder, method="head", recipe=recipe, watched="auroc")
    work([cell], runtime)
    lines = Store(runtime.out).log_file(cell).read_text().splitlines()
    line_format = re.compile(r"step (\d+) of ((?:at most )?\d+), .*, ((?:at most )?)\d+ s of training left$")
    steps = [line_format.search(line).groups() for line in lines[:-2]]
    assert lines[-2].endswith("step 24, the last")
    assert lines[-1].endswith("every validation and test sample is predicted under every pattern")
    most = [(step, "at most 54", "at most ") for step in ("6", "12")]
    assert steps == [*most, ("18", "24", ""), ("24", "24", "")]
