"""Columns of a table of one's own that no model sees: groups that must not be parted, and weights of training rows."""

import dataclasses
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import make_cell

from mora_bench.cli.main import main
from mora_bench.data.audit import problems
from mora_bench.data.groups import groups
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.sides import Side, rows_of, sides
from mora_bench.errors import UserError
from mora_bench.records.private import Pseudonyms
from mora_bench.records.store import Store
from mora_bench.training import masking, predictors

N = 120


@pytest.fixture
def file(tmp_path):
    """Visits of 60 patients, two each, at six sites that patients keep; three families of two patients."""
    rows = [
        {
            "visit": f"v{i}",
            "patient": f"p{i // 2}",
            "site": "" if i // 2 == 59 else f"s{i // 2 % 6}",
            "family": f"f{i // 4}" if i < 12 else "NA",
            "weight": 1 + i % 4,
            "note": f"note {i}",
            "age": 20 + i,
            "ill": i % 2,
        }
        for i in range(N)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "visits.csv", index=False)
    return tmp_path / "visits.csv"


def table_of(file, **more):
    options = {"labels": ("ill",), "text": ("note",), "table": ("age",), "id": "visit", "patient": "patient"} | more
    return own_table("visits", file, **options).read(file.parent)


def cell_of(runtime, folder, **more):
    cell = make_cell(runtime, folder, method="head")
    return dataclasses.replace(cell, dataset="visits", source="real", pool=0, **more)


def test_a_site_is_on_one_side_of_every_split(file, runtime, folder):
    table = table_of(file, group=("site", "family"))
    assert table.covariates == {}
    # A family of two patients at two sites joins these sites; an empty cell is of no group.
    for site in ("s0", "s1"):
        assert len({table.together[row] for row in range(N) if table.inseparable[0][row] == site}) == 1
    assert table.inseparable[1][:5] == ("f0", "f0", "f0", "f0", "f1")
    assert table.inseparable[1][-1] == table.inseparable[0][-1] == ""
    for seed in range(3):
        cell = cell_of(runtime, folder, split="patient", folds=3, seed=seed)
        table = table_of(file, group=("site",))
        parts = rows_of(cell, table)
        sites = [{table.inseparable[0][row] for row in rows} - {""} for rows in parts.values()]
        assert sum(map(len, sites)) == len(set.union(*sites)) == 6
        assert all(sites)


def test_more_folds_than_sites_are_refused_with_what_to_do(file, runtime, folder):
    table = table_of(file, group=("site",))
    cell = cell_of(runtime, folder, split="patient", folds=10)
    wrong = []
    for seed in range(10):
        try:
            rows_of(dataclasses.replace(cell, seed=seed), table)
        except UserError as error:
            wrong.append(str(error))
    # Six sites and a patient of no site are in seven folds at most.
    assert len(wrong) >= 3
    assert "its 120 samples are 7 groups that must not be parted, and leave the" in wrong[0]
    assert "Give fewer --folds than 10, other --seeds, a higher --limit or more data, or a split of" in wrong[0]


def test_weights_are_read_and_said(file):
    table = table_of(file, weights="weight")
    assert table.weights == tuple(float(1 + i % 4) for i in range(N))
    assert table.only(np.arange(3, 6)).weights == (4.0, 1.0, 2.0)
    plain = table_of(file)
    assert plain.weights == ()
    assert dataclasses.replace(table, weights=()).fingerprint() == plain.fingerprint() != table.fingerprint()
    lines = notes(file, Columns(("ill",), text=("note",), weights="weight", group=("site",)))
    worth = "column 'weight': weights from 1 to 4, worth 100 of 120 rows; training draws rows in proportion to them"
    assert f"{worth}, and every score counts each row once" in lines
    assert "column 'site': 6 groups, none of which falls on two sides of a split" in lines


def test_of_an_official_split_only_training_rows_are_weighed_and_a_row_above_all_is_warned_of(file):
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame["side"] = ["train"] * 80 + ["val"] * 20 + ["test"] * 20
    columns = Columns(("ill",), text=("note",), weights="weight", split="side")
    for heavy, worth, warned in ((110, "from 1 to 1, worth 80 of 80", 0), (3, "from 1 to 1e+06, worth 1 of 80", 1)):
        frame["weight"] = ["1000000" if row == heavy else "1" for row in range(N)]
        frame.to_csv(file, index=False)
        lines = notes(file, columns)
        assert [line for line in lines if f"column 'weight': weights {worth} training rows" in line]
        assert len([line for line in lines if "a few training rows outweigh all others" in line]) == warned


def test_a_table_of_a_grid_says_that_training_drew_by_weights(file, tmp_path, in_process, capsys, monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    out = tmp_path / "out"
    words = [
        "data",
        str(file),
        "--text",
        "note",
        "--table",
        "age",
        "--labels",
        "ill",
        "--id",
        "visit",
        "--patient",
        "patient",
    ]
    words += ["--methods", "late-fusion", "--seeds", "0", "--out", str(out)]
    assert main([*words, "--weights", "weight"]) == 0
    (record,), _ = Store(out).records()
    assert dict(record.cell.versions)["draws by weights"] == dict(record.cell.versions)["own folds"] == 2
    weights = np.array([1 + int(row.removeprefix("v")) % 4 for row in _ids(out, record)])
    worth = weights.sum() ** 2 / (weights**2).sum()
    assert record.data.realised["train"]["worth"] == pytest.approx(worth)
    note = f"{len(weights)} training samples tell as much as {worth:.0f} of equal weight (Kish's effective size)"
    assert note in (out / "tables" / "comparison-real.md").read_text()
    plugin = ["--plugin", str(out / "visits.py"), "--data-root", str(file.parent)]
    capsys.readouterr()
    template = ["import", str(out), "--like", record.key, "--template", str(tmp_path / "mine.csv"), *plugin]
    assert main(template) == 0
    assert "draw or weigh yours alike" in capsys.readouterr().out
    assert main([*words[:-1], str(tmp_path / "plain"), "--name", "plain"]) == 0
    assert "equal weight" not in (tmp_path / "plain" / "tables" / "comparison-real.md").read_text()


def _ids(out, record):
    hidden = Pseudonyms(out)
    of_name = {hidden.name(f"v{i}"): f"v{i}" for i in range(N)}
    split = json.loads(Store(out).split_documents.read(record.split))
    return [of_name[name] for name in split["train"]]


def test_sites_that_are_too_many_for_scores_of_their_own_are_said(file):
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame["site"] = [str(100 + i // 2 % 9) for i in range(N)]
    frame.to_csv(file, index=False)
    more = {"text": ("note",), "id": "visit", "group": ("site",)}
    line = "column 'site': more than 8 values, so there are no scores for each of them"
    assert line in notes(file, Columns(("ill",), covariates=("site",), **more))
    assert line not in notes(file, Columns(("ill",), **more))
    table = table_of(file, group=("site",), covariates=("site", "age"))
    assert list(groups(table, Side(table, np.arange(N)))) == ["age<79.5", "age>=79.5"]


@pytest.mark.parametrize("cell", ["0", "-1", "many", "", "inf"])
def test_what_is_no_weight_is_refused_with_its_row(file, cell):
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame.loc[4, "weight"] = cell
    frame.to_csv(file, index=False)
    with pytest.raises(UserError, match=r"column 'weight' is no number above 0 in row 6: "):
        table_of(file, weights="weight")


def test_what_says_how_to_split_or_weigh_is_no_input(file):
    with pytest.raises(UserError, match="column 'weight' holds the weights, and would be shown to the model"):
        table_of(file, weights="weight", table=("weight",))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((1.0,) * 5, "weights has 5 numbers for 120 ids"),
        ((0.0, *(1.0,) * 119), "weights: 0.0 of 'v0' is no number above 0"),
    ],
)
def test_a_table_s_weights_are_checked(file, weights, message):
    table = dataclasses.replace(table_of(file), weights=weights)
    assert [what for _, what in problems(table) if what] == [message]


def test_training_draws_by_weights_networks_as_competitors_do(file, runtime, folder, monkeypatch):
    table = table_of(file, weights="weight")
    cell = cell_of(runtime, folder, split="row", folds=0, versions=(("draws", 2), ("draws by weights", 2)))
    split = sides(cell, table)
    rows, weights = split["train"].rows, np.array(table.weights)[split["train"].rows]
    np.testing.assert_array_equal(masking.weights_of(cell, "train", split["train"]), weights)
    seen = {}

    class Counts:
        has_folds = False

        def fit(self, train, validation, seed):
            seen.update(train=train.values["note"], val=validation.values["note"])

    registry = predictors.registry
    known = registry.get
    counts_or_known = lambda group, name: Counts if group == registry.PREDICTORS else known(group, name)  # noqa: E731
    monkeypatch.setattr(registry, "get", counts_or_known)
    monkeypatch.setattr(predictors.masking, "presence_of", lambda cell, name, part: part.natural)
    predictors.fitted(cell, split, {"train": {}, "val": {}})
    counts = Counter(seen["train"])
    for row, expected in zip(rows, len(rows) * weights / weights.sum(), strict=True):
        assert abs(counts[f"note {row}"] - expected) < 1
    assert seen["val"] == tuple(f"note {row}" for row in split["val"].rows)
