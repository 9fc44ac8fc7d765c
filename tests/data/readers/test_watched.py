"""Whether there is anything to be seen in the pictures of new records."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers.watched import STEP, one_colour, watched
from mora_bench.data.table import Column, Table


def picture(file: Path, grey: int, spot: int | None = None) -> PictureFile:
    pixels = np.full((20, 30), grey, np.uint8)
    pixels[3, 5] = grey if spot is None else spot
    Image.fromarray(pixels).save(file)
    return PictureFile(file)


def table(kind: str, *values: tuple[PictureFile, ...] | None) -> Table:
    ids = tuple(f"r{k}" for k in range(len(values)))
    return Table("new", "real", ("ill",), ids, ids, {"film": Column(kind, values)}, np.zeros((len(ids), 1), np.uint8))


def test_files_of_one_colour_are_named_once_they_were_read(tmp_path):
    full, empty, seen = (picture(tmp_path / f"{k}.png", *k) for k in ((255,), (0,), (0, 1)))
    plain = table("image", (full,), None, (seen, empty))
    noting, notes = watched(plain)
    assert notes.files() == []
    assert noting.fingerprint() == plain.fingerprint()
    assert noting.present.tolist() == plain.present.tolist()
    for value in noting.modalities["film"].values:
        for one in value or ():
            assert (one.read() == one.picture.read()).all()
    assert notes.files() == [full.path, empty.path]


def test_a_bag_is_blank_where_nothing_of_it_that_was_read_is_seen(tmp_path):
    black, white, seen = (picture(tmp_path / f"{k}.png", *k) for k in ((0,), (255,), (0, 1)))
    noting, notes = watched(table("bag", (black, white, black), (white, seen), (seen,)))
    for value in noting.modalities["film"].values:
        value[0].read()
    # Of the second bag's other picture is known what the third bag's says.
    assert notes.files() == [black.path]


def test_equal_files_of_which_one_was_read_are_named(tmp_path):
    first, second, other = (picture(tmp_path / f"{k}.png", grey) for k, grey in enumerate((9, 9, 8)))
    noting, notes = watched(table("image", (first,), (second,), (other,)))
    noting.modalities["film"].values[1][0].read()
    assert notes.files() == [first.path, second.path]


@pytest.mark.parametrize(("row", "column"), [(0, 1), (STEP, STEP), (2 * STEP, 3 * STEP + 1), (-1, -1)])
def test_one_other_pixel_is_another_colour(row, column):
    pixels = np.full((3 * STEP, 5 * STEP, 3), (1, 2, 3), np.uint8)
    assert one_colour(pixels)
    pixels[row, column, 2] = 4
    assert not one_colour(pixels)
