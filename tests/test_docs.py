"""docs/data.md: its plug-ins are short, keep every rule, and run as it says; docs/faults.md: its tests exist."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mora_bench import registry
from mora_bench.cli.main import main
from mora_bench.records.store import Store

DOCS = (Path(__file__).parents[1] / "docs" / "data.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS, re.S)
N = 90


@pytest.fixture(autouse=True)
def fresh(monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])


def visits(root):
    rng = np.random.default_rng(0)
    (root / "photos").mkdir(parents=True)
    rows = []
    for i in range(N):
        wet, dry = (rng.random(2) < 0.4).astype(int).tolist()
        names = [f"{i}_{side}.png" if rng.random() < 0.8 else "" for side in ("left", "right")]
        for name in filter(None, names):
            Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(root / "photos" / name)
        note = "drusen" * dry + " fluid" * wet
        rows.append([f"v{i}", f"p{i // 2}", *names, note, rng.integers(50, 90), "", rng.choice(["f", "m"]), dry, wet])
    columns = ["visit", "patient", "left", "right", "note", "age", "crp", "sex", "dry", "wet"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "visits.csv", index=False)


def scans(root):
    nibabel = pytest.importorskip("nibabel")
    rng = np.random.default_rng(0)
    (root / "volumes").mkdir(parents=True)
    rows = []
    for i in range(N):
        grade = rng.choice(["mild", "moderate", "severe"])
        if i % 10:
            values = rng.normal(-600, 400, (20, 24, 3 + i % 10)).astype(np.float32)
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), root / "volumes" / f"{i}.nii.gz")
        rows.append([f"s{i}", f"p{i}", f"{i}.nii.gz", f"{grade} disease", grade])
    pd.DataFrame(rows, columns=["scan", "patient", "volume", "report", "grade"]).to_csv(root / "scans.csv", index=False)


def stays(root):
    rng = np.random.default_rng(0)
    root.mkdir(parents=True)
    died = rng.integers(0, 2, N)
    rows = [[f"s{i}", f"p{i // 2}", rng.choice(["ward", "short of breath"]), died[i]] for i in range(N)]
    pd.DataFrame(rows, columns=["stay", "patient", "note", "died"]).to_csv(root / "stays.csv", index=False)
    hours = [
        [f"s{i}", hour, 80 + 20 * died[i] + rng.normal(), 120 if hour % 4 == 0 else ""]
        for i in range(N) if i % 9 for hour in range(-1, 50) if rng.random() < 0.6
    ]  # fmt: skip
    pd.DataFrame(hours, columns=["stay", "hour", "hr", "sbp"]).to_csv(root / "charts.csv", index=False)


@pytest.mark.parametrize(("block", "make"), [(0, visits), (1, scans), (2, stays)], ids=["visits", "scans", "stays"])
@pytest.mark.parametrize("backbone", ["folder", "clip_folder"])
def test_a_plug_in_of_the_docs_is_short_keeps_every_rule_and_runs(block, make, backbone, request, tmp_path, capsys):
    name = make.__name__
    assert len(BLOCKS[block].splitlines()) < 45
    assert sum(bool(line.strip()) for line in BLOCKS[block].splitlines()) < 40
    (tmp_path / f"{name}.py").write_text(BLOCKS[block])
    make(tmp_path / "clinic")
    where = ["--plugin", str(tmp_path / f"{name}.py"), "--data-root", str(tmp_path / "clinic")]
    assert main(["check", name, *where]) == 0, capsys.readouterr().out
    asked = [
        "--datasets",
        name,
        "--methods",
        "head",
        "mora",
        "--floors",
        "none",
        "--seeds",
        "0",
        "--recipe.epochs",
        "1",
    ]
    asked += ["--backbone", str(request.getfixturevalue(backbone)), "--out", str(tmp_path / "out")]
    assert main(["grid", *where, *asked, "--engine", "inline", "--recipe.max-text", "32"]) == 0
    records, _ = Store(tmp_path / "out").records()
    modalities = {"visits": ("left", "right", "note", "lab"), "scans": ("scan", "report"), "stays": ("note", "vitals")}
    assert {record.cell.modalities for record in records} == {modalities[name]}
    assert {record.cell.task for record in records} == {"multi-class" if name == "scans" else "multi-label"}


def test_each_fault_of_the_docs_has_its_test():
    """At least forty, each with a test that is there."""
    tests = Path(__file__).parent
    rows = re.findall(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`", (tests.parent / "docs" / "faults.md").read_text())
    assert len(rows) >= 40
    absent = [f"{file}::{name}" for file, name in rows if f"def {name}(" not in (tests / file).read_text()]
    assert not absent
