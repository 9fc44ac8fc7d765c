"""The sceptic's test of benchmarks/shuffled_labels.py: whose labels it shuffles, and what it tells."""

import numpy as np
import pandas as pd
import pytest
from shuffled_labels import FOLDS, lines, permuted

from mora_bench.data.splits import split
from mora_bench.data.table import Column, Table

N = 200


def _table(source: str) -> Table:
    ids = tuple(f"p{i}" for i in range(N))
    # Every row of targets is another number.
    targets = (np.arange(N)[:, None] >> np.arange(8) & 1).astype(np.uint8)
    return Table("odir", source, tuple("ABCDEFGH"), ids, ids, {"text": Column("text", ids)}, targets)


def _numbers(targets: np.ndarray) -> np.ndarray:
    return (targets.astype(int) << np.arange(8)).sum(1)


@pytest.mark.parametrize("seed", [0, 3])
def test_each_side_of_real_data_gets_its_own_labels_in_another_order(seed: int) -> None:
    table = _table("real")
    sides = split(table.group_tokens, data="odir real", unit="patient", seed=seed, folds=FOLDS)
    numbers = _numbers(permuted(table, seed))
    others = np.concatenate([sides["train"], sides["val"]])
    for rows in (others, sides["test"]):
        assert sorted(numbers[rows]) == sorted(rows)
        assert (numbers[rows] == rows).mean() < 0.3


def test_all_samples_of_a_twin_are_shuffled_another_way_for_each_seed() -> None:
    first, second = (_numbers(permuted(_table("twin"), seed)) for seed in (0, 1))
    assert sorted(first) == list(range(N))
    assert (first == second).mean() < 0.05


def test_what_is_told_from_chance() -> None:
    names = [f"odir-shuffled-{seed}" for seed in range(3)] * 2
    both = [0.49, 0.50, 0.51, 0.90, 0.91, 0.92]
    frame = pd.DataFrame({"dataset": names, "method": ["head"] * 3 + ["leak"] * 3, "score both": both})
    frame = frame.assign(rank=None, blocks=None, knobs="", after="", trained=True, **{"score complete": 0.5})
    by_row = {(row, tested): (mean, p) for _, row, tested, _, mean, _, p in lines(frame)}
    assert by_row["head", "complete"] == (0.5, 1.0)
    assert by_row["head", "both"] == (pytest.approx(0.5), pytest.approx(1.0))
    # t = 0.41 / (0.01 / sqrt(3)) = 71 with two degrees of freedom.
    assert by_row["leak", "both"][1] == pytest.approx(1.98e-4, rel=0.01)


def test_rows_that_differ_in_an_imputer_are_tested_apart() -> None:
    names = [f"odir-shuffled-{seed}" for seed in range(2)] * 2
    frame = pd.DataFrame({"dataset": names, "method": "head", "impute": ["dummy"] * 2 + ["knn1"] * 2})
    frame = frame.assign(rank=None, blocks=None, knobs="", after="", trained=True)
    frame = frame.assign(**{"score complete": 0.5, "score both": [0.4, 0.5, 0.6, 0.7]})
    tests = [(row, seeds, mean) for _, row, tested, seeds, mean, *_ in lines(frame) if tested == "both"]
    assert tests == [
        ("head (impute=dummy)", 2, pytest.approx(0.45)),
        ("head (impute=knn1)", 2, pytest.approx(0.65)),
    ]
