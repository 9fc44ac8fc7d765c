"""A results folder: some of its records."""

import pytest
from by_hand import record

from mora_bench.records.store import Store


@pytest.mark.parametrize(("most", "expected"), [(1, 1), (3, 3), (5, 5), (10, 10), (99, 10)])
def test_some_records_are_as_many_as_asked_for_and_all_different(most, expected, tmp_path):
    store = Store(tmp_path)
    for seed in range(10):
        done, scores = record("head", seed)
        store.write(done.cell, done, None, scores)
    assert len({stored.key for stored in store.some_records(most)}) == expected


def test_a_malformed_record_is_none_of_them(tmp_path):
    store = Store(tmp_path)
    done, scores = record("head")
    store.write(done.cell, done, None, scores)
    (tmp_path / "records" / "x.json").write_text("{")
    assert [stored.key for stored in store.some_records(10)] == [done.key]
    assert Store(tmp_path / "nowhere").some_records(5) == []
