"""Splits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mora_bench import seeds
from mora_bench.data import splits
from mora_bench.data.splits import WITHOUT_TEST, digest


def split(ids, groups, *, unit, **how):
    return splits.split(seeds.tokens(groups if unit == "patient" else ids), unit=unit, **how)


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
    assert named(parts) == named(again) != named(other)


def named(parts):
    return digest({name: [str(row) for row in rows] for name, rows in parts.items()})


def test_a_split_is_what_it_was():
    """(Pinned anew when splits were first drawn from groups' ids.)"""
    ids = [str(i) for i in range(100)]
    assert named(split(ids, ids, data="d", unit="patient", seed=0)) == "2b1b1eed6797dd85"
    assert named(split(ids, ids, data="d", unit="patient", seed=3, folds=10)) == "b1a0ce524164ae77"


@given(st.lists(st.integers(0, 60), min_size=60, max_size=200), st.integers(3, 10), st.integers(0, 2))
def test_folds_test_every_sample_once_and_keep_patients_together(owners, folds, round_):
    groups = [str(o) for o in owners]
    ids = [str(i) for i in range(len(groups))]
    seeds = range(round_ * folds, (round_ + 1) * folds)
    cut = [split(ids, groups, data="d", unit="patient", seed=seed, folds=folds) for seed in seeds]
    assert sorted(np.concatenate([parts["test"] for parts in cut])) == list(range(len(ids)))
    assert sorted(np.concatenate([parts["val"] for parts in cut])) == list(range(len(ids)))
    for parts in cut:
        sides = [{groups[i] for i in part} for part in parts.values()]
        assert sum(map(len, sides)) == len(set.union(*sides))


@given(
    st.lists(st.integers(0, 60), min_size=3, max_size=200),
    st.sampled_from([0, 3, 10]),
    st.sampled_from([splits.SHARES, WITHOUT_TEST]),
    st.integers(0, 9),
)
def test_no_seed_leaves_a_side_empty_where_none_can(owners, folds, shares, seed):
    tokens = seeds.tokens([str(owner) for owner in owners])
    parts = splits.split(tokens, data="d", unit="patient", seed=seed, folds=folds, shares=shares)
    wanted = splits.SPLITS if folds or shares[2] else splits.SPLITS[:2]
    assert splits.may_leave_empty(tokens, folds=folds, shares=shares) or all(len(parts[name]) for name in wanted)


def test_a_side_may_be_empty_where_a_group_is_as_large_as_it():
    alone, pairs, half = np.arange(100), np.arange(100) // 2, np.r_[np.zeros(50, int), np.arange(1, 51)]
    assert [splits.may_leave_empty(owners.astype(np.uint64)) for owners in (alone, pairs, half)] == [False, False, True]
    assert splits.may_leave_empty(alone[:19].astype(np.uint64))
    assert splits.may_leave_empty(np.zeros(0, np.uint64), folds=10)


def test_folds_have_the_sizes_of_a_split_and_others_after_a_round():
    ids = [str(i) for i in range(1000)]
    first, after = (split(ids, ids, data="d", unit="patient", seed=seed, folds=10) for seed in (0, 10))
    assert [len(first[name]) for name in ("train", "val", "test")] == [800, 100, 100]
    assert named(first) != named(after)


def test_where_test_samples_are_drawn_apart_training_is_as_large_and_validation_larger():
    ids = [str(i) for i in range(1000)]
    apart = split(ids, ids, data="d", unit="patient", seed=0, shares=WITHOUT_TEST)
    assert [len(apart[name]) for name in ("train", "val", "test")] == [800, 200, 0]
    assert (apart["train"] == split(ids, ids, data="d", unit="patient", seed=0)["train"]).all()
