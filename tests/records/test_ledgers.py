"""Ledgers of searches: believed only as they were written."""

import json

import pytest

from mora_bench.files import write_atomic
from mora_bench.records.encoding import encode
from mora_bench.records.ledgers import Ledger, Trial, file_of, read
from mora_bench.records.store import Store
from mora_bench.records.verify import verify

TRIAL = Trial(number=0, settings={"lr": 0.005}, scores={"1": 0.25})
LEDGER = Ledger(
    key="0" * 16, dataset="odir", method="head", label="odir head", space={"lr": [1e-4, 2e-2]}, epochs=[1],
    withheld_seeds=[0], samples={"train": 9, "val": 3}, trials=[TRIAL], best=TRIAL, untuned=0.25, tuned=0.25,
    epochs_trained=1, seconds=2.0,
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = file_of(tmp_path, LEDGER.key)
    write_atomic(path, encode(LEDGER))
    return path


def wrong(folder):
    return [str(finding) for finding in verify(Store(folder)).wrong]


def test_a_ledger_is_read_as_it_was_written(file, tmp_path):
    ledger = read(tmp_path, LEDGER.key)
    assert (ledger.trials, ledger.best, ledger.seconds) == ([TRIAL], TRIAL, 2.0)
    assert json.loads(file.read_bytes())["digest"] == ledger.digest != ""
    assert wrong(tmp_path) == []
    assert read(tmp_path, "1" * 16) is None


def edited(file):
    file.write_bytes(file.read_bytes().replace(b'"tuned": 0.25', b'"tuned": 0.95'))


def unsigned(file):
    """A hand that knows that older files had no digest."""
    known = json.loads(file.read_bytes()) | {"schema": 2, "digest": "", "tuned": 0.95}
    file.write_text(json.dumps(known))


def of_another(file):
    file.rename(file.with_name(f"{'1' * 16}.json"))


def linked(file):
    aside = file.parent.parent / "aside.json"
    file.rename(aside)
    file.symlink_to(aside)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (edited, "its content is not what was written: it was edited or damaged; `mora_bench tune` searches again"),
        (unsigned, "its digest is gone: it was edited; `mora_bench tune` searches again"),
        (of_another, f"the ledger of another search, {LEDGER.key}; remove it"),
        (linked, "a link; copy what it leads to in its place; `mora_bench tune` searches again"),
    ],
)
def test_what_was_changed_is_named_and_not_read(file, tmp_path, change, why):
    change(file)
    (path,) = (tmp_path / "tuning").glob("*.json")
    assert str(read(tmp_path, path.stem)) == f"{path}: {why}"
    assert f"{path}: {why}" in wrong(tmp_path)
