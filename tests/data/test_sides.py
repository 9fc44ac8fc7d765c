"""Test samples that are drawn apart, and groups of samples."""

from dataclasses import replace

import numpy as np
import pytest
from by_hand import cell

from mora_bench.cells.cell import Cell
from mora_bench.data import datasets
from mora_bench.data.groups import by_covariate, groups
from mora_bench.data.sides import Side, check, rows_of, sides
from mora_bench.errors import UserError


@pytest.mark.parametrize(
    "dataset", ["odir", "cxr", "odir-eyes", "odir-record", "odir-grade", "cxr-views", "icu-survival"]
)
def test_a_pool_is_drawn_apart_and_anew_for_every_seed(dataset):
    twin = datasets.load(dataset, None)
    pools = [datasets.pool(dataset, seed, 40) for seed in (0, 1)]
    ids = [set(table.ids) for table in (twin, *pools)]
    assert len(set.union(*ids)) == len(twin) + 80
    patients = [set(table.patients) for table in (twin, *pools)]
    assert len(set.union(*patients)) == len(twin) + 80
    for pool in pools:
        assert (pool.names, pool.labels, pool.kinds, pool.task) == (twin.names, twin.labels, twin.kinds, twin.task)


def test_a_pool_has_the_prevalences_of_the_twin():
    """1,000 samples each: three standard errors of the difference."""
    twin, pool = datasets.load("odir", None).targets, datasets.pool("odir", 3, 1000).targets
    rate = twin.mean(0)
    assert (np.abs(rate - pool.mean(0)) < 3 * np.sqrt(2 * rate * (1 - rate) / 1000)).all()


def test_the_sides_of_a_cell():
    table = datasets.load("cxr", None)
    split = sides(cell(dataset="cxr", pool=30, seed=2), table)
    assert {name: len(side) for name, side in split.items()} == {"train": 800, "val": 200, "test": 30}
    assert split["test"].table is datasets.pool("cxr", 2, 30)
    assert split["test"].targets.shape == (30, 20)
    tenth = sides(cell(dataset="cxr"), table)
    assert {name: len(side) for name, side in tenth.items()} == {"train": 800, "val": 100, "test": 100}
    assert (split["train"].rows == sides(cell(dataset="cxr", seed=2), table)["train"].rows).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"folds": 2}, "2 folds are too few"),
        ({"pool": -1}, "expected 0 or more"),
        ({"pool": 5, "folds": 10}, "for twins only"),
        ({"pool": 5, "source": "real"}, "for twins only"),
    ],
)
def test_sides_that_cannot_be(wrong, message):
    with pytest.raises(UserError, match=message):
        cell(**wrong)


def test_a_seed_among_many_that_leaves_a_side_empty_is_refused():
    # One group of 15 samples of 40 may reach over a side of 4.
    table = datasets.load("odir", None, 40)
    table = replace(table, patients=("a",) * 15 + table.patients[15:])
    cells = [cell(seed=seed) for seed in range(40)]
    empty = []
    for each in cells:
        try:
            rows_of(each, table)
        except UserError:
            empty.append(each)
    assert 0 < len(empty) < 40
    with pytest.raises(UserError, match=f"odir, seed {empty[0].seed}: its 40 samples are"):
        check(cells, table)
    check([each for each in cells if each not in empty], table)
    check(cells, datasets.load("odir", None))


def test_the_absent_values_of_folds_and_pool_change_no_key():
    assert cell().key == replace(cell(), folds=0, pool=0).key
    assert len({variant.key for variant in (cell(), cell(folds=10), cell(pool=500), cell(pool=501))}) == 4
    assert Cell.__dataclass_fields__["folds"].metadata["absent"] == 0


def test_groups_are_values_or_halves():
    table = datasets.load("odir", None)
    of_all = groups(table, Side(table, np.arange(len(table))))
    assert list(of_all) == ["age<59", "age>=59", "sex=Female", "sex=Male"]
    ages = np.array(table.covariates["age"], float)
    assert (of_all["age<59"] == (ages < 59)).all()
    assert (of_all["age<59"] ^ of_all["age>=59"]).all()
    pool = datasets.pool("odir", 0, 50)
    assert list(groups(table, Side(pool, np.arange(50)))) == list(of_all)


def test_samples_of_unknown_value_are_in_no_group():
    table = datasets.load("odir", None)
    ages = ("", *table.covariates["age"][1:])
    odd = replace(table, covariates={"age": ages, "site": tuple(f"s{i}" for i in range(len(table)))})
    masks = groups(odd, Side(odd, np.arange(3)))
    assert list(masks) == ["age<59", "age>=59"]
    assert not masks["age<59"][0]
    assert not masks["age>=59"][0]


def test_numbered_sites_that_no_split_parts_are_not_cut_at_a_median():
    table = datasets.load("odir", None)
    sites = tuple(str(100 + i % 9) for i in range(len(table)))
    plain = replace(table, covariates={"site": sites, "age": table.covariates["age"]})
    kept = replace(plain, inseparable=(sites,))
    assert list(groups(plain, Side(plain, np.arange(9)))) == ["site<104", "site>=104", "age<59", "age>=59"]
    assert list(groups(kept, Side(kept, np.arange(9)))) == ["age<59", "age>=59"]
    few = tuple(str(100 + i % 8) for i in range(len(table)))
    each = replace(table, covariates={"site": few}, inseparable=(few,))
    assert list(groups(each, Side(each, np.arange(9)))) == [f"site={100 + k}" for k in range(8)]


def test_groups_are_called_by_unrounded_numbers_and_by_whole_covariates():
    table = datasets.load("odir", None)
    n = len(table)
    covariates = {
        "date": tuple(str(20200097 + i % 9) for i in range(n)),
        "dose": tuple(f"0.{1 + i % 10}" for i in range(n)),
        "BMI<30": tuple("yn"[i % 2] for i in range(n)),
        "BMI<35": tuple("yn"[i % 3 == 0] for i in range(n)),
        'a "b">': ("1", "2") * (n // 2) + ("1",) * (n % 2),
        "a=b": tuple(str(i % 9) for i in range(n)),
        "BMI": tuple("<30=" + "yn"[i % 2] for i in range(n)),
    }
    table = replace(table, covariates=covariates)
    masks = groups(table, Side(table, np.arange(18)))
    named = {covariate: list(members) for covariate, members in by_covariate(masks).items()}
    assert named == {
        "date": ["date<20200101", "date>=20200101"],
        "dose": ["dose<0.45", "dose>=0.45"],
        "BMI<30": ['"BMI<30"=n', '"BMI<30"=y'],
        "BMI<35": ['"BMI<35"=n', '"BMI<35"=y'],
        "a 'b'>": ["\"a 'b'>\"=1", "\"a 'b'>\"=2"],
        "a=b": ['"a=b"<4', '"a=b">=4'],
        "BMI": ["BMI=<30=n", "BMI=<30=y"],
    }
