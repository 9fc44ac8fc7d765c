"""Many new records of measured values: how long, and that memory does not grow with them."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ratios import wanted

from mora_bench.records.store import Store

#: Records of the short and of the long table, and how much more memory the long one may take, MiB.
FEW, MANY, MORE = 20_000, 200_000, 100
VALUES = ("age", "crp", "pulse")


def write(file: Path, records: int, labels: bool) -> None:
    rng = np.random.default_rng(0)
    with open(file, "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["id", *VALUES, "sex", *(["ill"] if labels else [])])
        for first in range(0, records, 10_000):
            values = rng.normal(60, 10, (min(10_000, records - first), len(VALUES))).round(1)
            for i, record in enumerate(values, first):
                rows.writerow([f"v{i}", *record, "fm"[i % 2], *([int(record[0] > 60)] if labels else [])])


def run(*words: object) -> str:
    """The command in a process of its own; its greatest memory in MiB is the last line."""
    code = (
        "import resource, sys; from mora_bench.cli.main import main; code = main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024); sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.mark.parametrize("method", ["head", "late-fusion"])
def test_many_records_of_measured_values(method, benchmark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    os.makedirs("clinic")
    write(Path("clinic/visits.csv"), 1000, labels=True)
    train = ["data", "clinic/visits.csv", "--table", *VALUES, "sex", "--labels", "ill", "--id", "id", "--out", "out"]
    train += [
        "--seeds",
        "0",
        "--methods",
        "head",
        "--floors",
        "late-fusion",
        "--recipe.epochs",
        "1",
        "--backbone",
        "small-dual",
    ]
    run(*train, "--save-adapters", "--engine", "inline")
    keys = {record.cell.method: record.key for record in Store(Path("out")).records()[0]}
    write(Path("few.csv"), FEW, labels=False)
    write(Path("many.csv"), MANY, labels=False)
    words = ["predict", "out", keys[method], "--data-root", "clinic", "--plugin", "out/visits.py"]
    words += ["--decide", "validation", "--coverage", "0.9"]
    few = int(run(*words, "few.csv", "--out", "few.out").split()[-1])
    printed = benchmark.pedantic(lambda: run(*words, "many.csv", "--out", "many.out"), rounds=1)
    many = int(printed.split()[-1])
    benchmark.extra_info["said"] = printed.splitlines()[0]
    wanted(benchmark, more_MiB_than_of_20000=(many - few, f"<= {MORE}"))
    with open("many.out") as rows:
        assert sum(1 for _ in rows) == MANY + 1
