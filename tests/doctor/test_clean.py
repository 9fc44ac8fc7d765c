"""Tables in which nothing is wrong: few alarms, by chance alone."""

import os
from pathlib import Path

import numpy as np
import pytest
from planted import clean, no_pictures_alike, with_files

from mora_bench.doctor import looks
from mora_bench.files import FileHashes

#: How many tables: 8 in seconds, 200 with MORA_BENCH_CLEAN_TABLES=200 in minutes; alarms of 200 that may be chance.
TABLES = int(os.environ.get("MORA_BENCH_CLEAN_TABLES", "8"))
OF_200 = 15


def table_of(seed: int, folder: Path):
    rng = np.random.default_rng([7, seed])
    n = int(rng.choice([40, 120, 300, 700] if seed % 20 else [2500]))
    a_patient = int(rng.choice([1, 1, 3, 8]))
    ids = str(rng.choice(["number", "uuid", "huge", "name"]))
    table = clean(seed, n, labels=int(rng.integers(1, 13)), a_patient=a_patient, ids=ids)
    if seed % 5 == 0:
        table = with_files(table, folder / str(seed), [rng.bytes(rng.integers(40, 400)) for _ in range(n)])
    return table


@pytest.fixture
def alarms(tmp_path, monkeypatch):
    """Which looks see something in a table. Pictures of noise are never alike; that look has tests of its own."""
    no_pictures_alike(monkeypatch)
    hashes = FileHashes(tmp_path / "hashes.json")

    def see(table):
        diagnosis = looks.diagnose(table, table, hashes, None, 1, lambda _: None)
        return [finding.look for finding in diagnosis.findings]

    return see


def test_clean_tables_have_few_alarms(alarms, tmp_path):
    seen = {seed: names for seed in range(TABLES) if (names := alarms(table_of(seed, tmp_path)))}
    print(f"{len(seen)} of {TABLES} clean tables have an alarm: {seen}")
    assert len(seen) <= OF_200 * TABLES / 200
