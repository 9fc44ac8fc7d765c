"""Atomic writing, digests, and what a value is known by."""

import json
from dataclasses import dataclass, field
from multiprocessing import get_context

import pytest

from mora_bench.files import FileHashes, as_floats, axis, digest_json, fill_absent, hash_file, identity, write_atomic


@dataclass(frozen=True)
class Inner:
    rate: float = axis(0.5)
    kind: str = axis("plain", default="fancy")

    def __post_init__(self):
        as_floats(self)


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner = field(default_factory=Inner)
    maybe: Inner | None = axis(None)
    seed: int = axis(0)


def test_only_what_differs_from_absent_is_part_of_an_identity():
    assert identity(Outer("a", Inner(0.5, "plain"))) == {"name": "a", "inner": {}}
    # A constructor's default that is not the absent value is part of it.
    assert identity(Outer("a")) == {"name": "a", "inner": {"kind": "fancy"}}
    assert identity(Outer("a", seed=3), leave_out=("inner",)) == {"name": "a", "seed": 3}


def test_what_an_older_writer_did_not_know_gets_its_absent_value_also_inside():
    raw = {"name": "a", "inner": {"rate": 0.1}, "maybe": {}}
    fill_absent(raw, Outer)
    assert raw == {
        "name": "a", "inner": {"rate": 0.1, "kind": "plain"}, "maybe": {"rate": 0.5, "kind": "plain"}, "seed": 0,
    }  # fmt: skip


def test_a_whole_number_and_its_float_are_the_same():
    assert digest_json(identity(Inner(1))) == digest_json(identity(Inner(1.0)))
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})


def _writes(file, letter):
    for _ in range(100):
        write_atomic(file, letter.encode() * 10_000)


def test_readers_see_one_writers_file_whole(tmp_path):
    file = tmp_path / "file"
    write_atomic(file, b"a" * 10_000)
    writers = [get_context("fork").Process(target=_writes, args=(file, letter)) for letter in "abc"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        content = file.read_bytes()
        assert len(content) == 10_000
        assert len(set(content)) == 1
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert [f.name for f in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError, match="there"):
        write_atomic(tmp_path / "there", b"x")
    assert [f.name for f in tmp_path.iterdir()] == ["there"]


def test_hashes_are_remembered_until_the_file_changes_and_two_processes_lose_nothing(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    first, second = FileHashes(tmp_path / "h.json"), FileHashes(tmp_path / "h.json")
    assert first.of(one) == hash_file(one)
    second.of(two)
    first.save()
    second.save()
    assert len(json.loads((tmp_path / "h.json").read_text())) == 2
    one.write_text("changed")
    assert FileHashes(tmp_path / "h.json").of(one) == hash_file(one)


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_a_broken_memory_of_hashes_is_forgotten(tmp_path, content):
    (tmp_path / "h.json").write_text(content)
    assert FileHashes(tmp_path / "h.json").known == {}
