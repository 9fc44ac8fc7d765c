"""Draws stay put: a sample that comes, goes or changes moves nobody else, but for what stands at a boundary."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from by_hand import cell
from hypothesis import given, settings
from hypothesis import strategies as st

from mora_bench import seeds
from mora_bench.data import datasets, splits
from mora_bench.data.audit import problems
from mora_bench.data.sides import sides
from mora_bench.data.splits import SPLITS
from mora_bench.data.table import joined
from mora_bench.data.twins import tables as twins

SEED = st.integers(0, 30)
SIZES = st.lists(st.integers(1, 9), min_size=12, max_size=80)


def split(ids, groups, *, unit, **how):
    return splits.split(seeds.tokens(groups if unit == "patient" else ids), unit=unit, **how)


def fold_of(ids, groups, *, folds, round_=0, unit="patient"):
    """The fold in which each sample is tested."""
    tested_in = {}
    for fold in range(folds):
        rows = split(ids, groups, data="d", unit=unit, seed=round_ * folds + fold, folds=folds)["test"]
        tested_in |= {ids[row]: fold for row in rows}
    return tested_in


def side_of(ids, groups, *, seed, unit="patient"):
    """The side of each sample; sides count in their order, as folds do."""
    parts = split(ids, groups, data="d", unit=unit, seed=seed)
    return {ids[row]: k for k, name in enumerate(SPLITS) for row in parts[name]}


def moved(before, after):
    """Of each boundary between neighbours, how many samples that are in both crossed it."""
    crossed = Counter()
    for name in before.keys() & after.keys():
        low, high = sorted((before[name], after[name]))
        crossed.update(range(low, high))
    return crossed


@given(st.integers(10, 200), SEED, st.integers(0, 10**6), st.sampled_from(["patient", "row"]))
@settings(max_examples=60, deadline=None)
def test_one_sample_more_or_less_moves_at_most_one_a_boundary(n, seed, new, unit):
    ids = [str(i) for i in range(n)]
    more = [*ids[: new % n], f"new {new}", *ids[new % n :]]
    crossed = moved(side_of(ids, ids, seed=seed, unit=unit), side_of(more, more, seed=seed, unit=unit))
    assert max(crossed.values(), default=0) <= 1


@given(st.integers(12, 120), st.integers(3, 10), st.integers(0, 3), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_one_sample_more_or_less_moves_at_most_k_minus_one_of_k_folds(n, folds, round_, new):
    ids = [str(i) for i in range(n)]
    more = [*ids, f"new {new}"]
    same = {"folds": folds, "round_": round_}
    before, after = fold_of(ids, ids, **same), fold_of(more, more, **same)
    assert max(moved(before, after).values(), default=0) <= 1
    assert sum(before[name] != after[name] for name in ids) <= folds - 1


@given(SIZES, st.integers(1, 9), SEED, st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_group_more_or_less_moves_its_own_part_a_boundary_within_the_size_of_one(sizes, size, seed, in_folds):
    """A cut must shift by the new group's share of rows; beyond that only by whole groups."""
    groups = [f"g{g}" for g, count in enumerate(sizes) for _ in range(count)]
    more = [*groups, *["new"] * size]
    ids = [str(i) for i in range(len(more))]
    if in_folds:
        before, after = (fold_of(ids[: len(names)], names, folds=4, round_=seed) for names in (groups, more))
    else:
        before, after = (side_of(ids[: len(names)], names, seed=seed) for names in (groups, more))
    assert max(moved(before, after).values(), default=0) <= size + max(*sizes, size)


@given(SIZES, SEED, st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_sample_more_of_a_group_goes_where_its_group_is(sizes, seed, which):
    groups = [f"g{g}" for g, count in enumerate(sizes) for _ in range(count)]
    more = [*groups, groups[which % len(groups)]]
    ids = [str(i) for i in range(len(more))]
    before, after = side_of(ids[:-1], groups, seed=seed), side_of(ids, more, seed=seed)
    assert max(moved(before, after).values(), default=0) <= 1 + max(sizes)
    assert after[ids[-1]] == after[ids[which % len(groups)]]


@given(st.integers(0, 5), st.permutations(range(40)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(seed, order):
    ids = [str(i) for i in range(40)]
    assert side_of(ids, ids, seed=seed) == side_of([ids[i] for i in order], [ids[i] for i in order], seed=seed)


@pytest.mark.parametrize("changes", [{}, {"seed": 2}, {"folds": 5, "seed": 1}, {"split": "row"}])
def test_a_table_whose_rows_are_turned_round_is_split_alike(changes):
    """Of ODIR the first 80 % of rows and the last 20 % hold other illnesses."""
    table = replace(twins.odir(range(60)), inseparable=(tuple(f"eye {i // 2}" for i in range(60)),))
    ends = {name: getattr(table, name)[::-1] for name in ("ids", "patients", "targets")}
    turned = replace(table, **ends, inseparable=(table.inseparable[0][::-1],))
    before, after = (sides(cell(**changes), variant) for variant in (table, turned))
    assert {name: sorted(side.ids) for name, side in before.items()} == {
        name: sorted(side.ids) for name, side in after.items()
    }
    # And no side is a stretch of the file.
    assert all(np.ptp(side.rows) >= len(side) for side in before.values())


@pytest.mark.parametrize("name", ["odir", "cxr"])
def test_some_samples_of_real_data_are_not_the_first(name, tmp_path):
    """`--limit 300` on ODIR would show hardly a healthy patient."""
    twins.publish(name, tmp_path, 24)
    full, few, more = (datasets.load(name, tmp_path, limit=limit) for limit in (None, 6, 12))
    assert (len(few), len(more)) == (6, 12)
    assert few.ids != full.ids[:6]
    assert {*few.ids} < {*more.ids}
    assert [id for id in full.ids if id in {*few.ids}] == [*few.ids]
    assert datasets.load(name, tmp_path, limit=24).ids == datasets.load(name, tmp_path, limit=99).ids == full.ids
    # A twin's samples are drawn alike.
    assert datasets.load(name, None, limit=6).ids == datasets.get(name).twin().ids[:6]


def test_contents_move_nobody():
    """faults.md, C5: one film of 80 replaced moved 6 of 8 test rows."""
    table = twins.cxr(range(80))
    films = table.modalities["image"]
    other = replace(
        table, modalities=table.modalities | {"image": replace(films, values=(films.values[1], *films.values[1:]))}
    )
    assert other.fingerprint() != table.fingerprint()
    for changes in ({}, {"folds": 10}, {"seed": 3}):
        base = cell(dataset="cxr", **changes)
        before = sides(replace(base, data=table.fingerprint()), table)
        after = sides(replace(base, data=other.fingerprint()), other)
        assert {name: side.ids for name, side in before.items()} == {name: side.ids for name, side in after.items()}


def test_patients_that_a_further_grouping_joins_are_not_parted():
    patients = ("p3", "p1", "p2", "p4", "p1", "p5")
    eyes = ("a", "b", "", "", "", "c")
    rooms = ("", "", "x", "", "x", "")
    assert joined(patients, (eyes,)) == patients
    assert joined(patients, (rooms,)) == ("p3", "p1", "p1", "p4", "p1", "p5")
    assert joined(patients, (rooms, ("y", "", "y", "", "", ""))) == ("p1", "p1", "p1", "p4", "p1", "p5")
    # Also where it is all of one name, or none is joined.
    assert joined(patients, (("z",) * 6,)) == ("p1",) * 6
    assert joined(patients, (("",) * 6,)) == patients


def test_a_table_says_what_must_not_be_parted_and_its_split_obeys():
    table = twins.odir(range(60))
    eyes = tuple(f"eye {i // 2}" for i in range(60))
    paired = replace(table, inseparable=(eyes,))
    assert table.together is table.patients
    assert replace(table, inseparable=()).fingerprint() == table.fingerprint() != paired.fingerprint()
    assert paired.only(np.arange(3, 9)).inseparable == (eyes[3:9],)
    for changes in ({}, {"folds": 5, "seed": 2}):
        parts = sides(cell(**changes), paired)
        named = [{eyes[row] for row in side.rows} for side in parts.values()]
        assert sum(map(len, named)) == len(set.union(*named)) == 30
    rows = sides(cell(split="row"), paired)
    assert rows["test"].ids == sides(cell(split="row"), table)["test"].ids


@given(st.lists(st.integers(0, 30), min_size=20, max_size=60), SEED)
@settings(max_examples=30, deadline=None)
def test_a_patient_elsewhere_changes_no_joined_group(links, seed):
    patients = tuple(f"p{i}" for i in range(len(links)))
    eyes = tuple(f"e{link}" for link in links)
    before = joined(patients, (eyes,))
    after = joined((*patients, "p-new"), ((*eyes, "e-new"),))
    assert after == (*before, "p-new")
    sizes = Counter(before)
    ids = list(after)
    names = [str(i) for i in range(len(ids))]
    crossed = moved(side_of(names[:-1], before, seed=seed), side_of(names, after, seed=seed))
    assert max(crossed.values(), default=0) <= 1 + max(sizes.values())


def test_numbers_from_ids_are_uniform_and_unrelated():
    n = 40_000
    tokens = seeds.tokens(map(str, range(n)))
    assert len(set(tokens.tolist())) == n
    assert tokens[:3].tolist() == seeds.tokens(["0", "1", "2"]).tolist()
    first, second = (seeds.uniforms(tokens, "use", k) for k in (0, 1))
    for numbers in (first, second):
        assert ((numbers >= 0) & (numbers < 1)).all()
        counts = np.bincount((numbers * 50).astype(int), minlength=50)
        # A chi-square of 49 degrees has mean 49 and variance 98.
        assert ((counts - n / 50) ** 2 / (n / 50)).sum() < 49 + 4 * 98**0.5
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / n**0.5
    # Nor do neighbours in the order of ids resemble each other.
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 4 / n**0.5


def test_numbers_are_what_they_were():
    tokens = seeds.tokens(["a", "b", "ä"])
    assert tokens.tolist() == [3405396810240292928, 8453121595177857668, 4152366542966443504]
    assert seeds.uniforms(tokens, "use", 1).tolist() == [0.8267267541830551, 0.16726586042007885, 0.4692991879084275]


@pytest.mark.parametrize(
    ("names", "message"),
    [(("a",) * 5, r"inseparable\[0\] has 5 names for 6 ids"), ((" a", *"bcdef"), r"inseparable\[0\]: ' a' is no name")],
)
def test_a_grouping_that_is_none_is_refused(names, message):
    table = twins.odir(range(6))
    assert not [what for _, what in problems(replace(table, inseparable=(("", *"abcde"),))) if what]
    (what,) = [what for _, what in problems(replace(table, inseparable=(names,))) if what]
    assert re.search(message, what)
