"""The script that turns benchmark files into ratios."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "ratios.py"


@pytest.fixture
def ratios():
    spec = importlib.util.spec_from_file_location("ratios", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry(group, param, seconds, **info):
    where = {"device": "a cpu", "threads": 1, "versions": {"torch": "1", "transformers": "2", "peft": "3"}}
    return {
        "group": group,
        "name": f"test[{param}]",
        "param": param,
        "stats": {"median": seconds},
        "extra_info": info | where,
    }


def written(folder, name, *entries) -> Path:
    file = folder / name
    file.write_text(json.dumps({"benchmarks": entries}))
    return file


def test_ratios_within_a_run_and_between_runs(ratios, tmp_path, capsys):
    old = written(
        tmp_path,
        "old.json",
        entry("step", "ours", 2.0, base=True, gflops=100),
        entry("step", "theirs", 3.0, wanted=">= 1.3"),
        entry("step", "later", 1.1, gflops=50, follows_flops=True),
        entry("turns", "", 9.0, ratios={"theirs": 1.2}, wanted={"theirs": ">= 1.3"}),
        entry("report", "loose", 9.0, measured={"peak GB": {"value": 0.75, "wanted": "<= 0.7"}}),
    )
    new = written(tmp_path, "new.json", entry("step", "ours", 1.0))
    runs = [(file.stem, ratios.entries(ratios.read(file))) for file in (old, new)]
    rows = {(row["group"], row["entry"]): row for row in ratios.rows(runs)}
    assert rows["step", "ours"] == {
        "group": "step", "entry": "ours", "ms": "2e+03", "gflops": "100", "over the base": "1", "new / old": "0.5"
    }  # fmt: skip
    assert (rows["step", "theirs"]["over the base"], rows["step", "theirs"]["met"]) == ("1.5", "yes")
    assert (rows["step", "later"]["wanted"], rows["step", "later"]["met"]) == ("0.5 within 15%", "yes")
    assert (rows["turns", "theirs"]["over the base"], rows["turns", "theirs"]["met"]) == ("1.2", "NO")
    assert rows["report", "loose: peak GB"] == {
        "group": "report", "entry": "loose: peak GB", "measured": "0.75", "wanted": "<= 0.7", "met": "NO"
    }  # fmt: skip
    assert ratios.main([str(old)]) == 1
    assert "a cpu, 1 thread, torch 1" in capsys.readouterr().out


def test_a_time_that_does_not_follow_its_flops_is_said(ratios, tmp_path):
    base, slow = entry("g", "a", 1.0, base=True, gflops=10), entry("g", "b", 0.6, gflops=5, follows_flops=True)
    assert ratios.main([str(written(tmp_path, "f.json", base, slow))]) == 1
    slow["stats"]["median"] = 0.57
    assert ratios.main([str(written(tmp_path, "f.json", base, slow))]) == 0


def test_other_files_are_refused(ratios, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(SystemExit, match=r"x.json: not a JSON file of pytest-benchmark"):
        ratios.main([str(tmp_path / "x.json")])
