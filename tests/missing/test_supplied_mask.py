"""A mask that somebody brought: what is read, what is refused by row, and what it is known by."""

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from units import drawn, units

from mora_bench.cells.missing import UNIFORM, Missing
from mora_bench.errors import UserError
from mora_bench.missing import masks, supplied_mask
from mora_bench.missing.contract import Known
from mora_bench.missing.effects import odds_ratios

NAMES = ("text", "image")
ROWS = [("a", 1, 0), ("b", 1, 1), ("c", 0, 1), ("d", 0, 0)]


def written(folder, rows=ROWS, columns=("id", *NAMES), name="mine.csv"):
    file = folder / name
    pd.DataFrame(rows, columns=columns).to_csv(file, index=False)
    return file


def read(file):
    return supplied_mask.read(file, NAMES)


def test_a_mask_is_known_by_what_it_says(tmp_path):
    """Not by its file's name, format, order of rows or of columns; a single digit makes it another."""
    first = read(written(tmp_path)).digest
    frame = pd.DataFrame(ROWS, columns=["id", *NAMES]).sample(frac=1, random_state=0)[["image", "id", "text"]]
    frame.to_csv(tmp_path / "sub.csv", index=False)
    frame.astype({"text": bool}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress((tmp_path / "sub.csv").read_bytes()))
    (tmp_path / "marked.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "sub.csv").read_bytes())
    for name in ("sub.csv", "other.parquet", "packed.csv.gz", "marked.csv"):
        assert read(tmp_path / name).digest == first
    changed = read(written(tmp_path, [("a", 1, 1), *ROWS[1:]])).digest
    sided = read(written(tmp_path, [(*row, "test") for row in ROWS], ("id", *NAMES, "side"))).digest
    assert len({first, changed, sided}) == 3


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["id,text", "a,1"], "it lacks column 'image'; expected id, text, image"),
        (["id,text,image,txt", "a,1,1,1"], "it has a column of another name: 'txt'"),
        (["id,text,text,image", "a,1,1,1"], "it has twice 'text'"),
        (["id,text,image"], "no rows below the header"),
        ([], "empty; expected a table as .csv"),
        (["id,text,image", "a,1,2", "b,1,1", "c,,0"], r"row 1: image of 'a' is '2'; expected 1.*; row 3: text of 'c'"),
        (["id,text,image", "a,True,1"], "row 1: text of 'a' is 'True'; expected 1 for kept or 0 for lost"),
        (["id,text,image", "a,1,1", "b,1,1", "a,0,1"], "row 3: 'a' stands in row 1, too"),
        (["id,text,image", " ,1,1"], "row 1: id is empty"),
        (["id,text,image", "a,1"], "row 1: fewer fields than the header"),
        (["id,text,image", "a,1,1,0"], "row 1: more fields than the header"),
        (["id,text,image,side", "a,1,1,dev"], "row 1: side of 'a' is 'dev'; expected train, validation or test"),
        (["id,text,image,seed", "a,1,1,-1"], "row 1: seed of 'a' is '-1'; expected a whole number"),
        (["id,text,image", *(f"{i},1,x" for i in range(30))], r"row 20: .*; and 10 more"),
    ],
)
def test_what_is_no_mask_is_refused_by_row(tmp_path, lines, message):
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(lines))
    with pytest.raises(UserError, match=message) as raised:
        read(file)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("name", ["mine.csv.gz", "mine.parquet"])
def test_a_damaged_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match=f"{name}: cannot be read"):
        read(tmp_path / name)


def test_the_side_and_the_seed_choose_the_row(tmp_path):
    rows = [("a", 1, 0, "train", 0), ("a", 0, 1, "validation", 0), ("a", 1, 1, "train", 1), ("a", 0, 1, "test", 1)]
    mask = read(written(tmp_path, rows, ("id", *NAMES, "side", "seed")))
    assert mask.kept(["a", "a"], "train", 0).tolist() == [[True, False]] * 2
    assert mask.kept(["a"], "val", 0).tolist() == [[False, True]]
    assert mask.kept(["a"], "train", 1).tolist() == [[True, True]]
    assert mask.absent(["a", "b"], "test", 0) == ["a", "b"]
    with pytest.raises(UserError, match="says nothing of 1 test units, seed 0"):
        mask.kept(["a"], "test", 0)
    assert mask.seeds == {0, 1}


def test_its_rate_is_the_share_of_rows_that_lose_something_and_keep_something(tmp_path):
    mask = read(written(tmp_path))
    # Row d keeps nothing, so a sample keeps all it has; of the image alone it loses the image.
    assert (mask.rate({0, 1}, "train"), mask.rate({1}, "train")) == (0.5, 0.5)
    assert mask.rate(set(), "train") == 0


def settled(file, unit="sample"):
    return masks.settled(Missing(f"mask:{file}", 3.0, unit), "odir", Known({}, (), NAMES))


def test_a_cell_names_it_by_digest_and_by_nothing_else(tmp_path):
    file = written(tmp_path)
    missing = settled(file)
    assert missing == Missing(f"mask:{read(file).digest}", 1.0)
    assert missing.brought == read(file).digest
    assert not UNIFORM.brought
    # What is settled is settled: a digest stands for itself.
    assert settled(missing.brought) == missing
    with pytest.raises(UserError, match="mask:0123456789abcdef: no mask of that digest is at hand"):
        settled("0123456789abcdef")
    with pytest.raises(UserError, match="no such file; expected a table"):
        settled(tmp_path / "absent.csv")
    with pytest.raises(UserError, match="it takes a table"):
        masks.settled(Missing("mask"), "odir", Known({}, (), NAMES))


def test_a_pattern_says_which_columns_are_obeyed_and_no_rate_matters(tmp_path):
    rng = np.random.default_rng(0)
    cohort = units(40)
    mask = read(written(tmp_path, [(str(i), *rng.integers(0, 2, 2)) for i in range(40)]))
    names = [str(i) for i in range(40)]
    requests = []

    def lookup(*request):
        requests.append(request)
        return mask.kept(names, request[2], request[3])

    cohort = type(cohort)(**{**vars(cohort), "brought": lookup})
    missing = Missing(f"mask:{mask.digest}")
    kept = mask.kept(names, "train", 0)
    for rate in (0.0, 0.3, 1.0):
        assert (drawn(cohort, missing, "both", rate) == kept).all()
        image = drawn(cohort, missing, "image", rate)
        assert (image[:, 1] == kept[:, 1]).all()
        assert image[:, 0].all()
    assert drawn(cohort, missing, "complete").all()
    assert set(requests) == {(mask.digest, "sample", "train", 0)}
    # Another draw of it is itself.
    other = masks.mask(cohort, "both", 0.5, missing, data="d", split="test, draw 3", seed=0)
    assert (other == kept).all()
    assert requests[-1] == (mask.digest, "sample", "test", 0)
    assert masks.chances(cohort, "both", 0.5, missing, data="d", split="train", seed=0) is None


def test_the_audit_tells_who_loses_and_nothing_by_chance():
    """Against scikit-learn nothing is needed: a ratio of counts, and Fisher's exact test."""
    rng = np.random.default_rng(0)
    n = 4000
    trait, blind = rng.random((2, n)) < 0.5
    kept = np.stack([rng.random(n) > np.where(trait, 0.5, 0.25), rng.random(n) > 0.3], 1)
    natural = np.ones((n, 2), bool)
    ratios = {(o.modality, o.trait): o for o in odds_ratios(natural, kept, NAMES, {"trait": trait, "blind": blind})}
    assert ratios["text", "trait"].ratio == pytest.approx(3, rel=0.15)
    assert ratios["text", "trait"].low < 3 < ratios["text", "trait"].high
    assert [key for key, one in ratios.items() if one.significant] == [("text", "trait")]
    unmasked = odds_ratios(natural, natural, NAMES, {"trait": trait})
    assert unmasked == []


ROOT = Path(__file__).parents[2]


def test_the_page_has_what_our_mechanisms_take():
    """docs/tools.md, Missingness: a change of ours fails here; each of ours takes what it is called."""
    spec = importlib.util.spec_from_file_location("as_others_mask", ROOT / "benchmarks" / "as_others_mask.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs" / "tools.md").read_text()
    lines = script.rows(["ours"])
    assert len(lines) == 5
    assert [line for line in lines if line not in page] == []
    for package in filter(script.installed, script.PACKAGES):
        if f"{script.PACKAGES[package]} {script.installed(package)}" in page:
            assert [line for line in script.rows([package]) if line not in page] == []
