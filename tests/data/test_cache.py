"""The cache of decoded samples: verified when it is opened, and healed."""

import os
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from mora_bench.backbones.load import resolve
from mora_bench.data import cache
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError

FILES = (
    "0/bounds.npy", "0/empty.npy", "0/ids.npy", "0/truncated.npy", "0/unknown.npy",
    "1/canvas.npy", "1/patch.npy", "1/pixels.bin", "1/sizes.npy", "1/starts.npy",
)  # fmt: skip


@pytest.fixture
def opened(folder, tmp_path):
    """Opens the samples of a small twin, decoded the first time."""
    table, rules = twins.cxr(range(12)), resolve(str(folder), 64).rules
    return lambda: cache.prepare(table, "f", rules, tmp_path)


@pytest.fixture
def where(opened, tmp_path):
    opened()
    (folder,) = (tmp_path / "samples").iterdir()
    return folder


def contents(samples):
    text, image = samples.contents
    return [np.array(part) for part in (text.ids, text.bounds, image.pixels, image.starts, image.sizes)]


def zeroed(file):
    """Zeros of the same size and times."""
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_manifest_names_every_file(where):
    files = {file.relative_to(where).as_posix() for file in where.rglob("*") if file.is_file()}
    assert files == {*FILES, cache.MANIFEST}
    assert set(cache.read_sealed(where / cache.MANIFEST)) == set(FILES)
    assert cache.damaged(where) == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("change", "message"), [(zeroed, "is not what was written"), (os.unlink, "is gone")])
def test_a_file_that_is_zeroed_or_gone_is_named_and_decoded_anew(opened, where, capsys, name, change, message):
    first = opened()
    first = [part.copy() for part in contents(first)]
    change(where / name)
    assert cache.damaged(where) == [f"{where / name} {message}"]
    again = opened()
    assert all(np.array_equal(a, b) for a, b in zip(first, contents(again), strict=True))
    assert capsys.readouterr().err == f"{where}: {name} {message}; decoded anew\n"
    assert cache.damaged(where) == []
    opened()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", [None, b"", b"{}", b"0" * 64 + b"\n{}"])
def test_a_folder_without_its_manifest_or_of_an_older_version_is_made_anew(opened, where, capsys, content):
    (where / cache.MANIFEST).unlink()
    (where / "done").touch()
    if content is not None:
        (where / cache.MANIFEST).write_bytes(content)
    assert cache.damaged(where) == [f"{where / cache.MANIFEST} is absent or damaged"]
    opened()
    assert capsys.readouterr().err == f"{where}: manifest.json is absent or damaged; decoded anew\n"
    assert cache.damaged(where) == []


def test_a_folder_that_is_emptied_is_made_anew(opened, where):
    first = [part.copy() for part in contents(opened())]
    for file in [file for file in where.rglob("*") if file.is_file()]:
        file.unlink()
    assert all(np.array_equal(a, b) for a, b in zip(first, contents(opened()), strict=True))


def test_files_of_another_folder_are_not_taken_for_its_own(opened, where):
    one, two = where / "1" / "sizes.npy", where / "0" / "ids.npy"
    aside = where / "aside"
    one.rename(aside)
    two.rename(one)
    aside.rename(two)
    first = contents(opened())
    assert cache.damaged(where) == []
    assert first[0].dtype == np.int32


def test_an_older_mapping_stays_readable_while_the_folder_is_healed(opened, where):
    mapped = opened().contents[1].pixels
    assert isinstance(mapped, np.memmap)
    before = mapped.copy()
    (where / "0" / "ids.npy").unlink()
    opened()
    assert (np.asarray(mapped) == before).all()


def test_files_with_other_times_and_the_right_content_are_read_once(opened, where, monkeypatch):
    for name in FILES:
        os.utime(where / name)
    monkeypatch.setattr(cache, "_fill", lambda *a: pytest.fail("decoded again"))
    opened()
    monkeypatch.setattr(cache, "hash_version", lambda *a: pytest.fail("read again"))
    opened()


def test_a_cache_that_cannot_be_written_is_read_all_the_same(opened, where, monkeypatch):
    calls = []

    def refused(*_):
        calls.append(1)
        raise OSError(30, "Read-only file system")

    before = contents(opened())
    os.utime(where / FILES[0])
    monkeypatch.setattr(cache, "write_sealed", refused)
    assert all(np.array_equal(a, b) for a, b in zip(before, contents(opened()), strict=True))
    assert calls


def test_what_a_disk_changes_without_a_trace_is_found_by_reading(opened, where, tmp_path, capsys):
    first = [part.copy() for part in contents(opened())]
    pixels = where / "1" / "pixels.bin"
    zeroed(pixels)
    manifest = cache.read_sealed(where / cache.MANIFEST)
    # Only a disk keeps the time of change.
    manifest["1/pixels.bin"]["version"] = list(cache.version(pixels))
    cache.write_sealed(where / cache.MANIFEST, manifest)
    assert not contents(opened())[2].any()
    assert cache.damaged(where) == [f"{pixels} is not what was written"]
    cache.forget(tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(first, contents(opened()), strict=True))
    assert "1/pixels.bin is not what was written; decoded anew" in capsys.readouterr().err


def _open(opened, barrier, right):
    barrier.wait()
    for _ in range(3):
        if not all(np.array_equal(a, b) for a, b in zip(right, contents(opened()), strict=True)):
            os._exit(1)


def test_a_folder_that_another_process_just_moves_is_tried_again(opened, where, monkeypatch):
    right = [part.copy() for part in contents(opened())]
    zeroed(where / "1" / "pixels.bin")
    rename, failed = Path.rename, []

    def interfered(self, target):
        """Another process puts its folder there, and a third one takes it away before anybody looks."""
        if target == where and len(failed) < 2:
            failed.append(self)
            if len(failed) > 1:
                assert not where.exists()
            raise OSError(39, "Directory not empty")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interfered)
    assert all(np.array_equal(a, b) for a, b in zip(right, contents(opened()), strict=True))
    assert len(failed) == 2
    assert cache.damaged(where) == []


def test_several_processes_heal_one_folder_at_once(opened, where, tmp_path):
    right = [part.copy() for part in contents(opened())]
    zeroed(where / "1" / "pixels.bin")
    fork = get_context("fork")
    barrier = fork.Barrier(4)
    workers = [fork.Process(target=_open, args=(opened, barrier, right)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert cache.damaged(where) == []


def test_files_that_change_while_they_are_decoded_are_not_kept(folder, tmp_path):
    table, rules = twins.cxr(range(12)), resolve(str(folder), 64).rules
    with pytest.raises(UserError, match=r"cxr: its files changed while they were decoded\. Run the same command again"):
        cache.prepare(table, "f", rules, tmp_path, unchanged=lambda: False)
    assert not list((tmp_path / "samples").iterdir())
    assert len(cache.prepare(table, "f", rules, tmp_path, unchanged=lambda: True)) == 12
