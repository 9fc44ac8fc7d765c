"""Picture sizes and decoding."""

import numpy as np
import pytest
from PIL import Image

from mora_bench.data.modalities.pictures import ImageRule, read, resize, side_by_side
from mora_bench.errors import UserError

PAPER = ImageRule(384, 639, 32)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (256, 512, (320, 608)),
        (384, 384, (384, 384)),
        (2048, 2496, (384, 448)),
        (2048, 2000, (384, 384)),
        (50, 5000, (32, 608)),
    ],
)
def test_the_papers_sizes(height, width, expected):
    assert PAPER.size(height, width) == expected


def test_half_an_eye_pair_is_white():
    eye = np.zeros((4, 4, 3), np.uint8)
    pair = side_by_side([eye, None])
    assert pair.shape == (4, 8, 3)
    assert (pair[:, :4] == 0).all()
    assert (pair[:, 4:] == 255).all()
    assert side_by_side([None, None]) is None


def test_eyes_of_other_heights_are_fitted():
    assert side_by_side([np.zeros((10, 10, 3), np.uint8), np.zeros((20, 30, 3), np.uint8)]).shape == (10, 25, 3)


def test_resize_keeps_a_picture_that_fits():
    picture = np.zeros((4, 6, 3), np.uint8)
    assert resize(picture, 4, 6) is picture


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n\0\0\0"])
def test_a_corrupt_picture_is_named(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.png: not a readable picture"):
        read(tmp_path / "x.png")


def test_a_truncated_picture_is_named(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(tmp_path / "x.jpg")
    whole = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"x\.jpg: not a readable picture"):
        read(tmp_path / "x.jpg")


def test_grey_and_16_bit_films_become_rgb(tmp_path):
    Image.fromarray(np.full((5, 5), 65535, np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(np.full((5, 5), 7, np.uint8)).save(tmp_path / "grey.png")
    assert (read(tmp_path / "deep.png") == 255).all()
    assert (read(tmp_path / "grey.png") == 7).all()
