"""A results folder: some of its records."""

import pytest
from by_hand import record

from mora_bench.records.store import Store


@pytest.mark.parametrize(("most", "expected"), [(1, 1), (3, 3), (5, 5), (10, 10), (99, 10)])
def test_some_records_are_as_many_as_asked_for_and_all_different(most, expected, tmp_path):
    store = Store(tmp_path)
    for seed in range(10):
        own, found = record("head", seed)
        store.write(own.cell, own, None, found)
    assert len({own.key for own in store.some_records(most)}) == expected


def test_a_malformed_record_is_none_of_them(tmp_path):
    store = Store(tmp_path)
    own, found = record("head")
    store.write(own.cell, own, None, found)
    (tmp_path / "records" / "x.json").write_text("{")
    assert [one.key for one in store.some_records(10)] == [own.key]
    assert Store(tmp_path / "nowhere").some_records(5) == []
