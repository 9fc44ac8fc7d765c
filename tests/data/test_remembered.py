"""What is computed of contents once: by whom, how often, and what of it is believed."""

import io
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from mora_bench.data.remembered import CHUNK, FOLDER, Remembered, kept_in
from mora_bench.files import digest


@dataclass(frozen=True)
class Number:
    value: int

    def fingerprint(self):
        return f"{self.value:016x}"


NUMBERS = [Number(k) for k in range(150)]
THIRDS = [np.array([n.value / 3, np.nan, -0.0]) for n in NUMBERS]


def counting(*key):
    """A function that remembers, and how often it computed each number."""
    counts = Counter()

    def compute(number):
        counts[number.value] += 1
        return THIRDS[number.value]

    return Remembered(compute, *(key or ("thirds", 1))), counts


def same(arrays, expected):
    return [array.tobytes() for array in arrays] == [array.tobytes() for array in expected]


def test_a_process_computes_each_once_and_writes_nothing_unless_told_where(tmp_path):
    remembered, counts = counting()
    assert same(remembered.of(NUMBERS), THIRDS)
    assert same(remembered.of([*NUMBERS[::-1], NUMBERS[3]]), [*THIRDS[::-1], THIRDS[3]])
    assert remembered.of([]) == []
    assert set(counts.values()) == {1}
    assert not list(tmp_path.rglob("*"))


def test_another_process_reads_the_same_bits(tmp_path):
    first, computed = counting()
    with kept_in(tmp_path):
        first.of(NUMBERS[:100])
    second, again = counting()
    with kept_in(tmp_path):
        assert same(second.of(NUMBERS), THIRDS)
    assert set(again) == set(range(100, 150))
    assert len(computed) == 100
    # Outside the folder it is not looked up.
    third, alone = counting()
    third.of(NUMBERS)
    assert len(alone) == 150


def test_two_at_work_share_what_is_not_there_yet(tmp_path):
    first, ours = counting()
    second, theirs = counting()
    compute = first.compute

    def meanwhile(number):
        if len(ours) == CHUNK:
            # The other one works through everything after our first chunk.
            second.of(NUMBERS)
        return compute(number)

    first.compute = meanwhile
    with kept_in(tmp_path):
        assert same(first.of(NUMBERS), THIRDS)
    assert len(theirs) == len(NUMBERS) - CHUNK
    assert len(ours) == 2 * CHUNK


@pytest.mark.parametrize("key", [("thirds", 2), ("halves", 1)])
def test_another_version_is_computed_anew(tmp_path, key):
    with kept_in(tmp_path):
        counting()[0].of(NUMBERS)
        other, counts = counting(*key)
        other.of(NUMBERS)
    assert len(counts) == 150


@pytest.mark.parametrize("how", ["cut", "emptied", "one bit", "another's name", "no archive"])
def test_what_is_damaged_is_removed_and_computed_again(tmp_path, how):
    with kept_in(tmp_path):
        counting()[0].of(NUMBERS[:CHUNK])
    (file,) = (tmp_path / FOLDER).rglob("*.npz")
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    if how == "another's name":
        file.rename(file.with_name("0" * 16 + ".npz"))
    elif how == "no archive":
        file.unlink()
        file.with_name(f"{digest([b'none'])}.npz").write_bytes(b"none")
    else:
        file.write_bytes({"cut": content[:200], "emptied": b"", "one bit": content}[how])
    again, counts = counting()
    with kept_in(tmp_path):
        assert same(again.of(NUMBERS), THIRDS)
    assert len(counts) == 150


def test_nothing_pickled_is_read(tmp_path):
    """An archive of objects has the right digest and is left alone."""
    remembered, counts = counting()
    buffer = io.BytesIO()
    np.savez(buffer, **{NUMBERS[0].fingerprint(): np.array([{}], object)})
    folder = tmp_path / FOLDER / remembered.key
    folder.mkdir(parents=True)
    (folder / f"{digest([buffer.getvalue()])}.npz").write_bytes(buffer.getvalue())
    with kept_in(tmp_path):
        assert same(remembered.of(NUMBERS[:1]), THIRDS[:1])
    assert counts[0] == 1


def test_a_folder_that_cannot_be_written_costs_time_alone(tmp_path):
    (tmp_path / FOLDER).write_text("in the way")
    remembered, _ = counting()
    with kept_in(tmp_path):
        assert same(remembered.of(NUMBERS), THIRDS)


def test_floors_of_another_process_draw_no_picture_again(tmp_path):
    """Predictions are the same to the bit, whether pictures are described here or were elsewhere."""
    code = """
import sys
from pathlib import Path
import numpy as np
from mora_baselines.pixels import PlainPixels
from mora_bench.data.remembered import kept_in
from mora_bench.data.shown import shown
from mora_bench.data.twins import tables

drawn = []
read = tables.Drawing.read
tables.Drawing.read = lambda drawing: drawn.append(drawing) or read(drawing)
samples = shown(tables.odir(range(24)), np.arange(24), np.ones((24, 2), bool), targets=True)
predictor = PlainPixels()
with kept_in(Path(sys.argv[1])):
    predictor.fit(samples, samples, 0)
    print(len(drawn), predictor.predict(samples).tobytes().hex())
"""
    first, second = (
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert (first.split()[0], second.split()[0]) == ("48", "0")
    assert first.split()[1] == second.split()[1]
