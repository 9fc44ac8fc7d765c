"""Pictures of which Pillow would lose levels or show others: TIFF, JPEG 2000, PNG and JPEG of over 8 bits.

The right picture is a closed form of the values that were written, by tifffile or imagecodecs. Those of 8 bits are
compared with Pillow, which then does not read them for us.
"""

import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.modalities.pictures import read
from mora_bench.errors import UserError

tifffile, imagecodecs = pytest.importorskip("tifffile"), pytest.importorskip("imagecodecs")
#: 12 bits, as cameras and scanners of 16 bits often have: a reader of the upper byte keeps 16 levels.
GREY = np.arange(4096, dtype=np.uint16).reshape(64, 64)
RGB = np.stack([GREY, GREY[::-1], GREY.T], -1)
FULL = 4095


def levels(values, full=FULL):
    """Values as grey levels, cut as uint8 are."""
    shown = (values.astype(float) * (255 / full)).astype(np.uint8)
    return shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)


def tiff(tmp_path, values, photometric="minisblack", **more):
    tifffile.imwrite(tmp_path / "x.tif", values, photometric=photometric, **more)
    return read(tmp_path / "x.tif")


def packed(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    return read(tmp_path / name)


@pytest.mark.parametrize(
    "more", [{}, {"compression": "zlib", "predictor": True}, {"byteorder": ">", "tile": (16, 16)}, {"bigtiff": True}]
)
def test_colour_tiff_of_16_bits_keeps_its_levels(more, tmp_path):
    assert (tiff(tmp_path, RGB, "rgb", **more) == levels(RGB)).all()
    planes = np.ascontiguousarray(np.moveaxis(RGB, -1, 0))
    assert (tiff(tmp_path, planes, "rgb", planarconfig="separate", **more) == levels(RGB)).all()


def test_tiff_packed_as_webp_is_read_whatever_pillow_was_built_with(tmp_path, capfd):
    """Its libtiff had written on stderr, and an intact copy was asked for."""
    values = (RGB // 16).astype(np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", compression="webp", compressionargs={"lossless": 1})
    assert (read(tmp_path / "x.tif") == values).all()
    assert not capfd.readouterr().err


def test_a_compression_of_tiff_that_nothing_reads_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", RGB, photometric="rgb")
    content = (tmp_path / "x.tif").read_bytes()
    entry = b"\x03\x01\x03\x00\x01\x00\x00\x00"
    assert content.count(entry + b"\1\0") == 1
    for code, name in ((32809, "THUNDERSCAN"), (65432, "65432")):
        (tmp_path / "x.tif").write_bytes(content.replace(entry + b"\1\0", entry + code.to_bytes(2, "little")))
        with pytest.raises(UserError) as error:
            read(tmp_path / "x.tif")
        assert str(error.value) == (
            f"{tmp_path}/x.tif: its compression ({name}) cannot be read; save it with another one, such as LZW."
        )


@pytest.mark.parametrize(
    "values", [GREY, GREY.astype(np.uint32), GREY.astype(np.float32), (GREY // 16).astype(np.uint8)]
)
def test_white_is_zero_is_turned_over_at_any_depth(values, tmp_path):
    full = int(values.max())
    assert (tiff(tmp_path, values, "miniswhite") == 255 - levels(values, full)).all()


@pytest.mark.parametrize(
    "kind", [np.uint16, np.uint32, np.uint64, np.int16, np.int32, np.float16, np.float32, np.float64]
)
def test_no_kind_of_number_wraps(kind, tmp_path):
    # Of 32 bits up to above 2 ** 31, where Pillow's mode I becomes negative.
    scale = kind(1_000_000 if np.dtype(kind).itemsize > 2 and np.dtype(kind).kind == "u" else 1)
    values = (GREY // 2 if kind is np.float16 else GREY).astype(kind) * scale
    assert (tiff(tmp_path, values) == levels(values, float(values.max()))).all()


def test_signed_tiff_begins_at_its_least_value(tmp_path):
    values = GREY.astype(np.int16) - 2000
    assert (tiff(tmp_path, values) == levels(GREY)).all()
    assert (tiff(tmp_path, (GREY // 16 - 128).astype(np.int8)) == (GREY // 16).astype(np.uint8)[..., None]).all()


def test_floating_colours_of_0_to_1_go_from_black_to_white(tmp_path):
    picture = tiff(tmp_path, (RGB / FULL / 2).astype(np.float64), "rgb")
    assert np.abs(picture.astype(int) - levels(RGB, 2 * FULL)).max() <= 1
    assert picture.max() == 127


def test_floating_colours_of_any_unit_keep_their_levels(tmp_path):
    picture = tiff(tmp_path, (RGB / FULL * 3.2).astype(np.float32), "rgb")
    assert np.abs(picture.astype(int) - levels(RGB)).max() <= 1
    assert picture.max() == 255


def test_nan_is_black_where_white_is_zero_and_where_it_is_the_opacity(tmp_path):
    values = (GREY / FULL).astype(np.float32)
    expected = tiff(tmp_path, values, "miniswhite").copy()
    values[5, 5], expected[5, 5] = np.nan, 0
    assert (tiff(tmp_path, values, "miniswhite") == expected).all()
    seen = np.concatenate([RGB / FULL, np.ones((64, 64, 1))], -1).astype(np.float32)
    expected = tiff(tmp_path, seen, "rgb", extrasamples=["unassalpha"]).copy()
    seen[5, 5, 3], expected[5, 5] = np.nan, 0
    assert (tiff(tmp_path, seen, "rgb", extrasamples=["unassalpha"]) == expected).all()


def test_opacity_lies_on_black(tmp_path):
    opacity = np.full((64, 64, 1), 65535 // 2, np.uint16)
    picture = tiff(tmp_path, np.concatenate([RGB, opacity], -1), "rgb", extrasamples=["unassalpha"])
    assert np.abs(picture - levels(RGB) / 2.0).max() <= 1
    picture = tiff(tmp_path, np.concatenate([RGB, opacity], -1), "rgb", extrasamples=["assocalpha"])
    assert (picture == levels(RGB)).all()
    assert (
        packed(tmp_path, "x.png", imagecodecs.png_encode(np.concatenate([RGB, opacity * 2 + 1], -1))) == levels(RGB)
    ).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_tiff_stands_upright(orientation, tmp_path):
    plain, deep = (RGB[:40] // 16).astype(np.uint8), RGB[:40] // 16 * 257
    tag = [(274, "H", 1, orientation, True)]
    # Of 8 bits Pillow turns it.
    expected = tiff(tmp_path, plain, "rgb", extratags=tag)
    picture = tiff(tmp_path, deep, "rgb", extratags=tag)
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - levels(expected, int(expected.max()))).max() <= 1


def with_exif(content, orientation):
    """A PNG or JPEG file that says how it lies."""
    said = Image.Exif()
    said[274] = orientation
    part = b"Exif\0\0" + said.tobytes().removeprefix(b"Exif\0\0")
    if content.startswith(b"\xff\xd8"):
        return content[:2] + b"\xff\xe1" + (len(part) + 2).to_bytes(2) + part + content[2:]
    chunk = b"eXIf" + part[6:]
    return content[:33] + (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + content[33:]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["png", "transparent png", "lossless jpg", "12-bit jpg", "jls"])
def test_deep_png_and_jpeg_stand_upright_as_exif_says(name, orientation, tmp_path):
    smooth = np.add.outer(np.arange(40), 3 * np.arange(64)).astype(np.uint16) * 16
    opacity = np.full((40, 64, 1), 65535, np.uint16)
    content = {
        "png": lambda: imagecodecs.png_encode(np.stack([smooth] * 3, -1)),
        "transparent png": lambda: imagecodecs.png_encode(np.concatenate([np.stack([smooth] * 3, -1), opacity], -1)),
        "lossless jpg": lambda: imagecodecs.jpeg_encode(smooth, lossless=True, bitspersample=16),
        "12-bit jpg": lambda: imagecodecs.jpeg_encode(smooth, level=100, bitspersample=12),
        "jls": lambda: imagecodecs.jpegls_encode(smooth),
    }[name]()
    # Of 8 bits Pillow turns it.
    shallow = levels(smooth, int(smooth.max()))
    Image.fromarray(shallow).save(tmp_path / "plain.png")
    expected = packed(tmp_path, "plain.png", with_exif((tmp_path / "plain.png").read_bytes(), orientation))
    suffix = name.split()[-1]
    picture = packed(tmp_path, f"x.{suffix}", with_exif(content, orientation))
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(int) - expected).max() <= 2
    # Only what is turned is another picture than before.
    assert PictureFile(tmp_path / f"x.{suffix}").details() == (" deep 3" if orientation > 1 else "")
    assert PictureFile(tmp_path / "plain.png").details() == ""


def test_turned_pictures_that_pillow_showed_right_keep_their_fingerprints(tmp_path):
    (tmp_path / "x.png").write_bytes(with_exif(imagecodecs.png_encode(GREY[:40]), 6))
    Image.new("RGB", (64, 40)).save(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").write_bytes(with_exif((tmp_path / "x.jpg").read_bytes(), 6))
    for name in ("x.png", "x.jpg"):
        assert read(tmp_path / name).shape == (64, 40, 3)
        assert PictureFile(tmp_path / name).details() == ""


def test_palettes_lab_and_cmyk_of_8_bits_are_shown_in_their_colours(tmp_path):
    palette = np.zeros((3, 256), np.uint16)
    palette[:, 7] = 0, 128 * 257, 255 * 257
    picture = tiff(tmp_path, np.full((8, 8), 7, np.uint8), "palette", colormap=palette)
    assert picture[0, 0].tolist() == [0, 128, 255]
    picture = tiff(tmp_path, np.full((8, 8, 4), (255, 0, 0, 0), np.uint8), "separated")
    assert picture[0, 0].tolist() == [0, 255, 255]
    # CIE L* 50.2, a* and b* 0: a grey of 119 in sRGB.
    picture = tiff(tmp_path, np.full((8, 8, 3), (128, 0, 0), np.uint8), "cielab")
    assert np.abs(picture[0, 0].astype(int) - 119).max() <= 1


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        (np.concatenate([RGB, RGB[..., :1]], -1), {"photometric": "separated"}, "SEPARATED of uint16; save it as grey"),
        (RGB, {"photometric": "cielab"}, "CIELAB of uint16; save it as grey or RGB"),
        (RGB[..., :2], {"planarconfig": "contig", "extrasamples": [0]}, "TIFF with 2 channels of uint16"),
        (np.stack([GREY, GREY]), {}, "2 pages; expected one: split it, or give its pages as a bag"),
        (np.stack([RGB, RGB]), {"photometric": "rgb"}, "2 pages; expected one"),
        (np.stack([GREY, GREY]), {"volumetric": True, "tile": (2, 16, 16)}, "a volume of 2 planes; save it as NIfTI"),
        (GREY.astype(np.complex64), {}, "MINISBLACK of complex64; save it as grey"),
    ],
)
def test_what_cannot_be_shown_right_is_refused_by_name(values, more, message, tmp_path):
    with pytest.raises(UserError, match=rf"x\.tif: {message}"):
        tiff(tmp_path, values, **more)


PLANES = np.stack([GREY // 16, GREY // 17, GREY // 18, GREY // 19, GREY // 20])


@pytest.mark.parametrize(
    "more", [{"truncate": True, "photometric": "minisblack"}, {"truncate": True, "imagej": True, "photometric": None}]
)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_planes_behind_one_page_are_refused_and_one_plane_that_is_left_is_not(more, kind, tmp_path):
    """The first had been shown in place of all."""
    values = PLANES.astype(kind)
    with pytest.raises(UserError, match=r"x\.tif: 5 planes behind one page; expected one: save it as NIfTI, or its"):
        tiff(tmp_path, values, **more)
    content = (tmp_path / "x.tif").read_bytes()
    assert PictureFile(tmp_path / "x.tif").details() == " deep 3"
    assert (
        packed(tmp_path, "x.tif", content[: len(content) - 4 * values[0].nbytes])[..., 0]
        == read_alone(tmp_path, values[0])
    ).all()
    for shape in ((1, 64, 64), (64, 64)):
        shown = tiff(tmp_path, values[0].reshape(shape), **more | {"truncate": False})
        assert (shown[..., 0] == read_alone(tmp_path, values[0])).all()


def read_alone(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "alone.tif")
    return read(tmp_path / "alone.tif")[..., 0]


def test_planes_of_metamorph_are_refused(tmp_path):
    tag = (33629, "2I", 5, (1, 1) * 5, True)
    with pytest.raises(UserError, match=r"x\.tif: 5 planes behind one page"):
        tiff(tmp_path, PLANES.astype(np.uint8), metadata=None, truncate=True, extratags=[tag])


def test_samples_beside_grey_are_not_left_out(tmp_path):
    grey = (GREY // 16).astype(np.uint8)
    for photometric in ("minisblack", "miniswhite"):
        with pytest.raises(UserError, match="TIFF with 2 channels of uint8; save it as grey or RGB"):
            tiff(tmp_path, np.stack([grey, 255 - grey], 2), photometric, planarconfig="contig", extrasamples=[0])
        assert PictureFile(tmp_path / "x.tif").details() == " deep 3"
    seen = np.stack([grey, np.full_like(grey, 255)], 2)
    assert (tiff(tmp_path, seen, planarconfig="contig", extrasamples=[2])[..., 0] == grey).all()
    assert PictureFile(tmp_path / "x.tif").details() == " deep 2"
    # Beside colours one sample without a meaning is a filler, several are none.
    colours = np.stack([grey, 255 - grey, grey.T, grey, grey], 2)
    filled = tiff(tmp_path, np.ascontiguousarray(colours[..., :4]), "rgb", extrasamples=[0])
    assert (filled == colours[..., :3]).all()
    with pytest.raises(UserError, match="TIFF with 5 channels of uint8; save it as grey or RGB"):
        tiff(tmp_path, colours, "rgb", extrasamples=[0, 0])


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("suffix", ["jp2", "j2k"])
def test_deep_colour_jpeg_2000_is_white_where_it_is_white(bits, suffix, tmp_path):
    values = RGB if bits == 12 else RGB * 16
    content = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat=suffix, bitspersample=bits)
    assert (packed(tmp_path, f"x.{suffix}", content) == levels(values, int(values.max()))).all()
    white = np.full((16, 16, 3), 2**bits - 1, np.uint16)
    content = imagecodecs.jpeg2k_encode(white, level=0, reversible=True, codecformat=suffix, bitspersample=bits)
    assert packed(tmp_path, f"x.{suffix}", content).min() == 255


def test_grey_jpeg_2000_is_right_at_any_depth_and_sign(tmp_path):
    def coded(values, **more):
        return imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat="jp2", **more)

    assert np.abs(packed(tmp_path, "x.jp2", coded(GREY, bitspersample=12)).astype(int) - levels(GREY)).max() <= 1
    assert np.abs(packed(tmp_path, "x.jp2", coded(GREY * 16)).astype(int) - levels(GREY)).max() <= 1
    assert (packed(tmp_path, "x.jp2", coded(GREY.astype(np.int16) - 2000)) == levels(GREY)).all()
    with pytest.raises(UserError, match="JPEG 2000 with 4 channels of uint16; save it as grey or RGB"):
        packed(tmp_path, "x.jp2", coded(np.concatenate([RGB, RGB[..., :1]], -1)))


def test_png_and_jpeg_of_over_8_bits_and_jpeg_without_loss(tmp_path):
    assert (packed(tmp_path, "x.png", imagecodecs.png_encode(RGB)) == levels(RGB)).all()
    lossless = imagecodecs.jpeg_encode(GREY, lossless=True, bitspersample=16)
    assert (packed(tmp_path, "x.jpg", lossless) == levels(GREY)).all()
    assert (packed(tmp_path, "x.jls", imagecodecs.jpegls_encode(GREY)) == levels(GREY)).all()
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint16) * 32
    lossy = imagecodecs.jpeg_encode(smooth, level=100, bitspersample=12)
    assert np.abs(packed(tmp_path, "x.jpg", lossy).astype(int) - levels(smooth, int(smooth.max()))).max() <= 1


def test_a_transparent_value_of_a_deep_png_lies_on_black(tmp_path):
    content = imagecodecs.png_encode(GREY)
    chunk = b"tRNS" + (4000).to_bytes(2)
    at = content.index(b"IDAT") - 4
    content = content[:at] + (2).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + content[at:]
    assert (packed(tmp_path, "x.png", content) == levels(np.where(GREY == 4000, 0, GREY))).all()


def test_without_the_extra_they_are_refused_and_plain_ones_are_read(tmp_path, monkeypatch):
    (tmp_path / "x.png").write_bytes(imagecodecs.png_encode(RGB))
    tifffile.imwrite(tmp_path / "x.tif", RGB, photometric="rgb")
    tifffile.imwrite(tmp_path / "y.tif", GREY, photometric="minisblack")
    for package in ("tifffile", "imagecodecs"):
        monkeypatch.setitem(sys.modules, package, None)
    for name in ("x.png", "x.tif"):
        with pytest.raises(UserError, match=r"x\..*pip install 'mora-bench\[tiff\]'"):
            read(tmp_path / name)
    assert (read(tmp_path / "y.tif") == levels(GREY)).all()


@pytest.mark.parametrize("suffix", ["tif", "png", "jp2", "jpg"])
def test_a_cut_file_is_named(suffix, tmp_path):
    values = np.random.default_rng(0).integers(0, 4096, (64, 64, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="rgb", compression="zlib")
    contents = {
        "tif": (tmp_path / "x.tif").read_bytes(),
        "png": imagecodecs.png_encode(values),
        "jp2": imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat="jp2"),
        "jpg": imagecodecs.jpeg_encode(values, level=100, bitspersample=12),
    }
    content = contents[suffix]
    for part in (30, 60, 120, len(content) // 2, len(content) - 20):
        with pytest.raises(UserError, match=rf"y\.{suffix}: not a readable picture"):
            packed(tmp_path, f"y.{suffix}", content[:part])


def test_pictures_that_look_different_now_have_other_fingerprints(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "x.tif")
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    assert PictureFile(tmp_path / "x.tif").fingerprint().endswith(" deep 2")
    assert len(PictureFile(tmp_path / "x.png").fingerprint()) == 64


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floating_pictures_have_other_fingerprints_than_before_and_no_others(kind, tmp_path):
    for name, values in (("grey", GREY / FULL), ("rgb", RGB / FULL)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", values.astype(kind), photometric={"grey": "minisblack"}.get(name, name)
        )
        assert PictureFile(tmp_path / f"{name}.tif").details() == " deep 3"
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "x.pfm")
    assert PictureFile(tmp_path / "x.pfm").details() == " deep 3"
    tifffile.imwrite(tmp_path / "x.tif", GREY, photometric="minisblack")
    assert PictureFile(tmp_path / "x.tif").details() == " deep 2"
    # What is no TIFF file is named when it is decoded.
    (tmp_path / "x.tif").write_bytes(b"II*\0 not a picture")
    assert PictureFile(tmp_path / "x.tif").details() == " deep 2"


@pytest.mark.parametrize("name", ["x.mgz", "x.nrrd", "x.PAR"])
def test_a_volume_of_another_format_is_refused_by_name(name, tmp_path):
    with pytest.raises(UserError, match=rf"{name}: a volume of a format that is not read. Convert it to NIfTI"):
        packed(tmp_path, name, b"volume")
