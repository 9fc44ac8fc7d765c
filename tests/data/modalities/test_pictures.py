"""Picture sizes and decoding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import floats, integers
from PIL import Image

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.modalities.pictures import ImageRule, grey, read, resize, side_by_side
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
    content = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"x\.jpg: not a readable picture"):
        read(tmp_path / "x.jpg")


def test_grey_and_16_bit_films_become_rgb(tmp_path):
    Image.fromarray(np.full((5, 5), 65535, np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(np.full((5, 5), 7, np.uint8)).save(tmp_path / "grey.png")
    assert (read(tmp_path / "deep.png") == 255).all()
    assert (read(tmp_path / "grey.png") == 7).all()


def ramp(low, high, dtype):
    return np.linspace(low, high, 64 * 64).reshape(64, 64).astype(dtype)


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        (ramp(0, 1, np.float32), 0, 255),
        (ramp(0, 4095, np.float32), 0, 255),
        (ramp(-100, 100, np.int32), 0, 255),
        (ramp(-1000, 1000, np.float32), 0, 255),
        (ramp(0, 1.0001, np.float32), 0, 255),
        (ramp(0, 3.2, np.float32), 0, 255),
        (ramp(0, 200, np.float32), 0, 255),
        (ramp(0, 0.5, np.float32), 0, 127),
        (ramp(0, 200, np.float32).round(), 0, 200),
        (ramp(0, 200, np.uint16), 0, 200),
        (ramp(0, 4095, np.uint16), 0, 255),
    ],
    ids=[
        "float 0..1",
        "float 0..4095",
        "signed",
        "float signed",
        "float 0..1.0001",
        "float 0..3.2",
        "float 0..200",
        "float 0..0.5",
        "8 bits in float",
        "8 bits in 16",
        "12 bits in 16",
    ],
)
def test_deep_signed_and_floating_values_are_shown_by_their_content(tmp_path, values, first, last):
    Image.fromarray(values).save(tmp_path / "x.tiff")
    picture = read(tmp_path / "x.tiff")
    assert picture.shape == (64, 64, 3)
    assert abs(int(picture[0, 0, 0]) - first) <= 1
    assert abs(int(picture[-1, -1, 0]) - last) <= 1
    assert (np.diff(picture[..., 0].ravel().astype(int)) >= 0).all()


def test_one_hot_pixel_does_not_blacken_a_film(tmp_path):
    values = ramp(0, 2000, np.uint16)
    values[10, 10] = 65535
    Image.fromarray(values).save(tmp_path / "x.tiff")
    film = read(tmp_path / "x.tiff")
    assert film.mean() > 120
    assert len(np.unique(film)) > 200


@pytest.mark.parametrize("top", [1.0001, 3.2, 12.5, 255.5])
@pytest.mark.parametrize("suffix", ["tiff", "pfm"])
def test_measured_values_keep_their_levels_whatever_their_unit(tmp_path, suffix, top):
    """0 to 3.2 (a diffusion coefficient) had been 4 grey levels, nearly black."""
    Image.fromarray(ramp(0, top, np.float32)).save(tmp_path / f"x.{suffix}")
    picture = read(tmp_path / f"x.{suffix}")
    assert np.abs(picture[..., 0] - ramp(0, 255, np.float64)).max() <= 1
    assert len(np.unique(picture)) > 250


def test_a_floating_mask_of_0_and_1_is_black_and_white_and_one_of_16_bits_as_one_of_8(tmp_path):
    mask = np.eye(8)
    for dtype, white in ((np.float32, 255), (np.uint16, 1), (np.uint8, 1)):
        Image.fromarray(mask.astype(dtype)).save(tmp_path / "x.tiff")
        assert (read(tmp_path / "x.tiff")[..., 0] == mask * white).all()


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_black_and_leaves_the_others_as_they_are(tmp_path, odd):
    for values in (ramp(0, 3.2, np.float32), ramp(0, 1, np.float32), ramp(-5, 900, np.float32)):
        Image.fromarray(values).save(tmp_path / "x.tiff")
        expected = read(tmp_path / "x.tiff")
        values[10, 10] = odd
        expected[10, 10] = 0
        Image.fromarray(values).save(tmp_path / "x.tiff")
        assert (read(tmp_path / "x.tiff") == expected).all()


def test_values_that_are_no_numbers_are_named(tmp_path):
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "x.tiff")
    with pytest.raises(UserError, match="NaN or infinite"):
        read(tmp_path / "x.tiff")


def test_a_picture_is_upright_as_exif_says(tmp_path):
    picture = Image.fromarray(np.zeros((40, 80, 3), np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "x.jpg", exif=exif)
    assert read(tmp_path / "x.jpg").shape == (80, 40, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_black(tmp_path, mode):
    values = np.full((8, 8, 4), (200, 0, 0, 0), np.uint8)
    values[:, 4:, 3] = 255
    picture = Image.fromarray(values, "RGBA")
    if mode == "P":
        picture = Image.new("P", (8, 8), 0)
        picture.putpalette([200, 0, 0] * 256)
        picture.paste(1, (4, 0, 8, 8))
        picture.save(tmp_path / "x.png", transparency=0)
    else:
        picture.convert(mode).save(tmp_path / "x.png")
    pixels = read(tmp_path / "x.png")
    assert (pixels[:, :4] == 0).all()
    assert pixels[:, 4:].max() > 50


@pytest.mark.parametrize("suffix", ["tiff", "gif", "webp", "png", "avif"])
def test_several_pages_are_not_one_picture(tmp_path, suffix):
    pages = [Image.fromarray(np.full((8, 8, 3), 90 * k, np.uint8)) for k in range(3)]
    pages[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=pages[1:])
    with pytest.raises(UserError, match="3 pages; expected one"):
        read(tmp_path / f"x.{suffix}")


def test_of_a_moving_avif_what_was_decoded_before_is_not_used_and_a_still_one_keeps_its_name(tmp_path):
    pages = [Image.fromarray(np.full((8, 8, 3), 90 * k, np.uint8)) for k in range(3)]
    pages[0].save(tmp_path / "x.avif", save_all=True, append_images=pages[1:])
    pages[1].save(tmp_path / "y.avif")
    assert [PictureFile(tmp_path / name).details() for name in ("x.avif", "y.avif")] == [" deep 3", ""]
    assert abs(read(tmp_path / "y.avif").astype(int) - 90).max() <= 2


def test_a_camera_may_keep_a_preview_in_its_picture(tmp_path):
    pages = [Image.fromarray(np.full((8, 8, 3), 90 * k, np.uint8)) for k in (1, 2)]
    pages[0].save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=pages[1:])
    with Image.open(tmp_path / "x.jpg") as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
    assert abs(read(tmp_path / "x.jpg").astype(int) - 90).max() <= 2


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (20, 30)), (2, (20, 60)), (3, (40, 60)), (5, (40, 90)), (10, (60, 120))]
)
def test_many_pictures_stand_in_rows(count, shape):
    parts = [np.full((20, 30, 3), k, np.uint8) for k in range(count)]
    picture = side_by_side(parts)
    assert picture.shape == (*shape, 3)
    seen = [int(picture[20 * (k // (shape[1] // 30)) + 1, 30 * (k % (shape[1] // 30)) + 1, 0]) for k in range(count)]
    assert seen == list(range(count))


@given(
    arrays(np.float64, (6, 7), elements=floats(-1e30, 1e30)),
    integers(0, 3),
)
def test_any_finite_values_keep_their_order(values, scale):
    levels = grey(values / 10 ** (10 * scale))
    assert levels.dtype == np.uint8
    order = np.argsort(values.ravel(), kind="stable")
    assert (np.diff(levels.ravel()[order].astype(int)) >= 0).all()
