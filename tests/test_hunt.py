"""A sample of `hunt.py`: what changes in a results folder is named or mended, and nothing is shown without a word."""

from random import Random

import pytest
from changes import CLEVER
from hunt import GRID, Hunt, remembering, tries


@pytest.fixture(scope="module")
def hunt(tmp_path_factory, cache, folder):
    with pytest.MonkeyPatch.context() as patch, remembering():
        patch.setenv("MORA_BENCH_CACHE", str(cache))
        yield Hunt(tmp_path_factory.mktemp("hunt"), [*GRID, "--backbone", str(folder)])


def test_a_sample_of_changes_is_named_or_mended(hunt):
    unnoticed = [f"{trial}: {sentence}" for trial, wrong in tries(hunt, 12, seed=7) for sentence in wrong]
    assert unnoticed == []


def test_every_change_by_hand_is_named(hunt):
    """Loose or packed in turn; what may be both is both in the script."""
    for number, change in enumerate(CLEVER):
        how = change.folders[number % len(change.folders)]
        assert list(hunt.judged(how, change, Random(number))) == [], change.name


def test_the_hunt_sees_what_nobody_says(hunt, monkeypatch):
    """Were a digest not looked at, the hunt would say so."""
    from mora_bench.records import chain, verify
    from mora_bench.records.store import Store

    change = next(change for change in CLEVER if change.name == "a hand: cost")
    monkeypatch.setattr(chain, "vouched", lambda scores, record: True)
    monkeypatch.setattr("mora_bench.records.store.vouched", lambda scores, record: True)
    faults = list(hunt.judged("loose", change, Random(0)))
    assert "report shows something else without a word" in faults
    assert any(sentence.startswith("verify ends with 0, and grid") for sentence in faults)
    monkeypatch.undo()
    assert verify.verify(Store(hunt.folder)).wrong


def test_the_hunt_sees_a_cache_that_nobody_looks_at(hunt, monkeypatch):
    """Were its manifest believed as it stands, what is trained would be something else."""
    from mora_bench.data import cache

    def sizes(file, other, rng):
        other = next(one for one in sorted(file.parents[1].rglob("pixels.bin")))
        other.write_bytes(bytes(other.stat().st_size))

    assert list(hunt.from_cache(1001, sizes, Random(0))) == []
    monkeypatch.setattr(cache, "_compared", lambda file, entry, anew=False: "")
    assert list(hunt.from_cache(1002, sizes, Random(0))) == ["grid trains something else"]
