"""Atomic writing, digests, and what a value is known by."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mora_bench import files
from mora_bench.files import (
    FileHashes,
    around,
    as_floats,
    axis,
    digest,
    digest_json,
    fill_absent,
    hash_file,
    identity,
    read_sealed,
    version,
    write_atomic,
    write_sealed,
)


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


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.none())), st.integers())
def test_what_differs_in_one_member_alone_is_encoded_once(members, seed):
    members = {"a": 0, "z": [1]} | {name: value for name, value in members.items() if name != "seed"}
    before, after = around(members, "seed")
    assert digest([before, str(seed).encode(), after]) == digest_json(members | {"seed": seed})


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


def test_hashes_are_remembered_until_the_file_changes_and_two_processes_lose_nothing(tmp_path, monkeypatch):
    one, two, store = tmp_path / "one", tmp_path / "two", tmp_path / "h.json"
    one.write_text("1")
    two.write_text("2")
    first, second = FileHashes(store), FileHashes(store)
    assert first.of(one) == hash_file(one)
    second.of(two)
    first.save()
    second.save()
    assert set(read_sealed(store)) == {str(one), str(two)}
    before = FileHashes(store).of(one)
    with monkeypatch.context() as patch:
        patch.setattr("mora_bench.files.hash_version", lambda *_: pytest.fail("read again"))
        assert FileHashes(store).of(one) == before
    one.write_text("changed")
    assert FileHashes(store).of(one) == hash_file(one) != before


def _noise(one, two):
    one.write_bytes(b"7" * 1000)


def _swapped(one, two):
    aside = one.with_name("aside")
    one.rename(aside)
    two.rename(one)
    aside.rename(two)


def _copied_over(one, two):
    new = one.with_name("new")
    new.write_bytes(b"7" * 1000)
    new.replace(one)


def _linked(one, two):
    one.unlink()
    os.link(two, one)


def _led_elsewhere(one, two):
    one.unlink()
    one.symlink_to(two)


@pytest.mark.parametrize("change", [_noise, _swapped, _copied_over, _linked, _led_elsewhere])
def test_a_change_of_equal_size_and_time_is_another_version(tmp_path, change):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1" * 1000)
    two.write_bytes(b"2" * 1000)
    for file in (one, two):
        os.utime(file, ns=(10**18, 10**18))
    hashes = FileHashes(tmp_path / "h.json")
    before = hashes.of(one), hash_file(one)
    hashes.save()
    change(one, two)
    os.utime(one, ns=(10**18, 10**18))
    assert (one.stat().st_size, one.stat().st_mtime_ns) == (1000, 10**18)
    after = hashlib.sha256(one.read_bytes()).hexdigest()
    assert after not in before
    assert (FileHashes(tmp_path / "h.json").of(one), hash_file(one)) == (after, after)


def test_what_a_disk_changes_without_a_trace_is_seen_when_read_anew(tmp_path):
    one, store = tmp_path / "one", tmp_path / "h.json"
    one.write_text("1")
    hashes = FileHashes(store)
    right = hashes.of(one)
    hashes.save()
    # No write can keep the time of change; the memory is given another content instead.
    write_sealed(store, {str(one): [*version(one), "0" * 64]})
    assert FileHashes(store).of(one) == "0" * 64
    assert FileHashes(store, anew=True).of(one) == right


def test_a_memory_of_hashes_that_is_damaged_or_of_the_old_layout_is_not_believed_and_does_not_stay(tmp_path):
    one, store = tmp_path / "one", tmp_path / "h.json"
    one.write_text("1")
    right = hash_file(one)
    hashes = FileHashes(store)
    hashes.of(one)
    hashes.save()
    content = bytearray(store.read_bytes())
    content[-10] ^= 1
    store.write_bytes(content)
    assert FileHashes(store).of(one) == right
    store.write_text(json.dumps({f"{one}|1|{one.stat().st_mtime_ns}": "0" * 64}))
    hashes = FileHashes(store)
    assert hashes.of(one) == right
    hashes.save()
    assert set(read_sealed(store)) == {str(one)}
    one.write_text("2")
    again = FileHashes(store)
    again.of(one)
    again.save()
    assert len(read_sealed(store)) == 1


def test_a_file_that_changes_while_it_is_read_is_read_again_and_refused_if_it_never_stops(tmp_path, monkeypatch):
    one, real, times = tmp_path / "one", files._hash_version.__wrapped__, []

    def read(path, seen):
        content = real(path, seen)
        times.append(1)
        if len(times) < changes:
            path.write_text(f"{len(times)}")
        return content

    monkeypatch.setattr(files, "_hash_version", read)
    changes = 3
    one.write_text("0")
    assert hash_file(one) == hashlib.sha256(b"2").hexdigest()
    changes = 100
    with pytest.raises(OSError, match="changes while it is read"):
        hash_file(one)


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_a_broken_memory_of_hashes_is_forgotten(tmp_path, content):
    (tmp_path / "h.json").write_text(content)
    assert FileHashes(tmp_path / "h.json").known == {}
