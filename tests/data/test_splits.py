"""Splits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.data.splits import digest, split


@given(st.lists(st.integers(0, 40), min_size=10, max_size=200), st.integers(0, 5), st.sampled_from(["patient", "row"]))
def test_disjoint_complete_and_grouped(owners, seed, unit):
    groups = [str(o) for o in owners]
    ids = [str(i) for i in range(len(groups))]
    parts = split(ids, groups, data="d", unit=unit, seed=seed)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(ids)))
    if unit == "patient":
        sides = [{groups[i] for i in part} for part in parts.values()]
        assert sum(map(len, sides)) == len(set.union(*sides))


def test_sizes_and_seeds():
    ids = [str(i) for i in range(1000)]
    parts = split(ids, ids, data="d", unit="patient", seed=0)
    assert [len(parts[name]) for name in ("train", "val", "test")] == [800, 100, 100]
    again = split(ids, ids, data="d", unit="patient", seed=0)
    other = split(ids, ids, data="d", unit="patient", seed=1)
    assert digest(ids, parts) == digest(ids, again) != digest(ids, other)


def test_a_split_is_what_it_was():
    """(Found by the code of commit 94bcf05.)"""
    ids = [str(i) for i in range(100)]
    assert digest(ids, split(ids, ids, data="d", unit="patient", seed=0)) == "27cfd51233803a84"
