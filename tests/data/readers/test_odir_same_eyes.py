"""The same eyes under several IDs are one group in every split of ODIR, and in nobody else's table."""

import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from by_hand import cell

from mora_bench import registry
from mora_bench.data import datasets
from mora_bench.data.readers import odir, odir_same_eyes
from mora_bench.data.readers.odir_same_eyes import GROUPS, ROW, same_eyes
from mora_bench.data.sides import sides
from mora_bench.data.twins import odir_patients
from mora_bench.data.twins import tables as twins

ODIRS = [name for name in registry.names(registry.DATASETS) if datasets.get(name).population == "ODIR-5K"]
#: The rows of eight patients, as toys.
ROWS = pd.DataFrame([(str(i), str(50 + i), "Male", f"left {i}", f"right {i}") for i in range(8)], columns=["ID", *ROW])


def listed(frame, *groups):
    """The list that says of a table which of its rows are one patient."""
    digits = {row[0]: odir_same_eyes._digits(row) for row in frame[["ID", *ROW]].itertuples(index=False, name=None)}
    return tuple({id: digits[id] for id in group} for group in groups)


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(odir_same_eyes, "GROUPS", listed(ROWS, ("5", "2", "6"), ("1", "4")))


def test_ids_of_one_group_have_its_name(known):
    assert same_eyes(ROWS) == ("", "1", "5", "", "1", "5", "5", "")


def test_a_table_that_lacks_some_of_the_ids_works(known):
    assert same_eyes(ROWS[ROWS["ID"].isin(["2", "3", "4", "6"])]) == ("5", "", "", "5")
    assert same_eyes(ROWS[ROWS["ID"].isin(["0", "3"])]) == ("", "")


def test_somebody_elses_table_of_equal_ids_is_not_joined(known):
    other = ROWS.assign(**{"Patient Age": "61"})
    assert same_eyes(other) == ("",) * 8
    # A few rows that were corrected since leave the public table what it is.
    mended = pd.concat([other.iloc[:3], ROWS.iloc[3:]])
    assert same_eyes(mended) == same_eyes(ROWS)


def test_patients_of_the_twin_have_such_ids_and_none_is_joined():
    patients = [odir_patients.case(np.random.default_rng([0, 0, 0, i])) for i in range(1000)]
    frame = pd.DataFrame(
        [(str(i), str(p.age), p.sex, *p.keywords) for i, p in enumerate(patients)], columns=["ID", *ROW]
    )
    assert sum(len(group.keys() & set(frame["ID"])) > 1 for group in GROUPS) >= 5
    assert not any(same_eyes(frame))


@pytest.fixture
def root(tmp_path):
    """A published table of eight patients, of whom 2 and 6 are one; 3 is said to be one year old."""
    twins.publish("odir", tmp_path / "odir", 8)
    file = tmp_path / "odir" / "ODIR-5K" / odir.TABLES[0]
    frame = pd.read_excel(file, dtype=str)
    frame.loc[3, odir.AGE] = "1"
    frame.to_excel(file, index=False)
    return tmp_path


@pytest.mark.parametrize("name", ODIRS)
def test_every_dataset_of_these_patients_keeps_them_together(name, root, monkeypatch):
    file = root / "odir" / "ODIR-5K" / odir.TABLES[0]
    apart = datasets.load(name, root)
    assert apart.inseparable == ()
    monkeypatch.setattr(odir_same_eyes, "GROUPS", listed(pd.read_excel(file, dtype=str), ("2", "6")))
    table = datasets.load(name, root)
    assert table.together == ("0", "1", "2", "3", "4", "5", "2", "7")
    assert table.fingerprint() != apart.fingerprint()
    few = datasets.load(name, root, limit=7)
    assert len({few.together[row] for row, id in enumerate(few.ids) if id in ("2", "6")}) == 1


@pytest.mark.parametrize("name", ODIRS)
def test_an_age_of_one_is_unknown(name, root):
    table = datasets.load(name, root)
    assert [row for row, age in enumerate(table.covariates["age"]) if age == ""] == [3]
    assert len(table.covariates["sex"]) == len(table)
    if name == "odir-record":
        ages = [record["age"] for record in table.modalities["record"].values]
        assert ages[3] is None
        assert all(age > 10 for row, age in enumerate(ages) if row != 3)


@pytest.mark.real
@pytest.mark.parametrize("name", ODIRS)
def test_the_eighteen_groups_of_the_public_table_are_whole_in_every_split(name, real_data):
    table = datasets.load(name, real_data)
    assert sorted(Counter(table.together).values())[-19:] == [1, *[2] * 16, 4, 5]
    assert table.covariates["age"].count("") == 16
    where = {id: row for row, id in enumerate(table.ids)}
    for changes in ({}, {"seed": 1}, {"folds": 10, "seed": 4}):
        side_of = {row: side for side, part in sides(cell(dataset=name, **changes), table).items() for row in part.rows}
        for group in GROUPS:
            assert len({side_of[where[id]] for id in group}) == 1


@pytest.mark.real
def test_kaggles_table_has_them_too(real_data, tmp_path):
    shutil.copy(real_data / "odir" / "full_df.csv", tmp_path)
    table = odir.read(tmp_path)
    groups = [[id for id in group if id in table.ids] for group in GROUPS]
    assert sum(map(bool, table.inseparable[0])) == sum(len(ids) for ids in groups if len(ids) > 1) > 30
