"""Picture files of which Pillow would lose levels, or show others: over 8 bits a colour, signed, 12-bit JPEG and such.

They are read through tifffile and imagecodecs (`pip install 'mora-bench[tiff]'`); without them they are refused. What
Pillow shows right it decodes, whether these are installed or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mora_bench.data.modalities import exif, tiff

#: The most pixels that are decoded: beyond are bombs, and whole slides.
MOST_PIXELS = 100_000_000
#: How TIFF files begin.
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: Start of a JPEG 2000 codestream; the marker segment that says sizes and depths is its first.
CODESTREAM = b"\xff\x4f\xff\x51"
#: Enumerated colour spaces of JPEG 2000 that are grey levels, or red, green and blue.
GREY_OR_RGB = (16, 17)
#: Kinds of opacity, as in TIFF's ExtraSamples.
STRAIGHT, ON_BLACK = "straight", "on black"
#: The end of a JPEG file; no other part of its picture holds it.
END = b"\xff\xd9"
#: Bytes of a file in which its kind and depth are looked for.
HEAD = 1 << 18


class UnreadableFile(ValueError):
    """The reason why a whole file cannot be shown right, and the remedy."""


@dataclass(frozen=True)
class Deep:
    """A decoded picture, whose levels are to be shown.

    Attributes:
        values: [H, W] or [H, W, 3], of any number type.
        inverted: whether the least value is white.
        opacity: 0 to 1 [H, W], None where the picture has none or lies on black already.
    """

    values: np.ndarray
    inverted: bool = False
    opacity: np.ndarray | None = None


def decoded(path: Path) -> Deep | None:
    """A picture that Pillow would spoil; None if it would not, or if the file is of no kind that is known here.

    Raises:
        Refused: a kind that cannot be shown right, or a package is absent.
        ValueError: a damaged file.
    """
    try:
        return _decoded(path)
    except (UnreadableFile, OSError):
        raise
    except Exception as error:
        # Of damaged files the libraries raise whatever comes up first.
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _decoded(path: Path) -> Deep | None:
    with open(path, "rb") as file:
        head = file.read(HEAD)
    if head.startswith(TIFF):
        tags = tiff.tags_by_pillow(path)
        return None if tags is not None and tiff.is_plain(tags) else _tiff(path)
    if head.startswith(b"\x89PNG") and len(head) > 25 and head[24] > 8:
        # Grey without opacity is Pillow's; tRNS gives a value that is transparent.
        return _png(path, head) if head[25] or b"tRNS" in head[: head.find(b"IDAT")] else None
    if head.startswith(b"\xff\xd8"):
        return _jpeg(path)
    at = head.find(CODESTREAM)
    if at == 0 or (at > 0 and head[4:8] == b"jP  "):
        return _jpeg2000(path, head, at)
    return None


def _tiff(path: Path) -> Deep:
    try:
        tifffile = tiff.tifffile()
    except ImportError as error:
        raise UnreadableFile("a TIFF file that Pillow does not show right: pip install 'mora-bench[tiff]'") from error
    with tifffile.TiffFile(path) as file:
        if len(file.pages) > 1:
            raise UnreadableFile(f"{len(file.pages)} pages; expected one: split it, or give its pages as a bag")
        page: Any = file.pages.first
        _check_size(page.imagewidth, page.imagelength)
        if page.imagedepth > 1:
            raise UnreadableFile(f"a volume of {page.imagedepth} planes; save it as NIfTI, or its planes as files")
        if page.compression not in tifffile.TIFF.DECOMPRESSORS:
            name = getattr(page.compression, "name", page.compression)
            raise UnreadableFile(f"its compression ({name}) cannot be read; save it with another one, such as LZW")
        check_planes(tiff.tags_of_page(page), path)
        values = page.asarray()
        turn = page.tags.get(274)
    if 262 not in page.tags:
        raise UnreadableFile("it does not say what its values mean (PhotometricInterpretation); save it anew")
    meaning = getattr(page.photometric, "name", f"PhotometricInterpretation {page.photometric}")
    if meaning not in ("MINISBLACK", "MINISWHITE", "RGB") or values.dtype.kind not in "uif":
        raise UnreadableFile(f"{meaning} of {values.dtype}; save it as grey or RGB")
    if page.axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    values = upright(values, int(turn.value) if turn else 1)
    extra = list(map(int, page.extrasamples))
    deep = _of_channels(values, "TIFF", ON_BLACK if extra == [1] else STRAIGHT if extra == [2] else "")
    return Deep(deep.values, meaning == "MINISWHITE", deep.opacity)


def check_planes(tags: tiff.Tags, path: Path) -> None:
    """Refuse a TIFF file of one page behind which planes lie.

    Raises:
        UnreadableFile: there are some.
    """
    planes = tiff.planes(tags, path.stat().st_size)
    if planes > 1:
        raise UnreadableFile(f"{planes} planes behind one page; expected one: save it as NIfTI, or its planes as files")


def _png(path: Path, head: bytes) -> Deep:
    _check_size(int.from_bytes(head[16:20]), int.from_bytes(head[20:24]))
    with Image.open(path) as image:
        turn = image.getexif().get(exif.ORIENTATION, 1)
    values = upright(_by_codec("png_decode", path), turn)
    return _of_channels(values, "PNG", STRAIGHT if values.ndim == 3 and values.shape[2] in (2, 4) else "")


def _jpeg(path: Path) -> Deep | None:
    """A JPEG file of 8 bits with loss is Pillow's."""
    frame = exif.jpeg_frame(path)
    if frame is None or not frame.is_deep:
        return None
    _check_size(frame.height, frame.width)
    if path.read_bytes().rfind(END) < frame.at:
        # The decoders make up what is lacking.
        raise ValueError("it ends too early")
    values = _by_codec("jpegls_decode" if frame.marker == exif.JPEG_LS else "jpeg_decode", path)
    return _of_channels(upright(values, frame.turn), "JPEG")


def _jpeg2000(path: Path, head: bytes, at: int) -> Deep | None:
    """Pillow shows 8 bits right, and a single channel without signs."""
    count = int.from_bytes(head[at + 40 : at + 42])
    depths = head[at + 42 : at + 42 + 3 * count : 3]
    if all(depth < 8 for depth in depths) or (count == 1 and depths[0] < 16):
        return None
    box = head.find(b"colr", 0, at)
    if box > 0 and head[box + 4] == 1 and int.from_bytes(head[box + 7 : box + 11]) not in GREY_OR_RGB:
        raise UnreadableFile("JPEG 2000 of over 8 bits that is neither grey nor RGB; save it as one of them")
    _check_size(int.from_bytes(head[at + 8 : at + 12]), int.from_bytes(head[at + 12 : at + 16]))
    return _of_channels(_by_codec("jpeg2k_decode", path), "JPEG 2000")


def _of_channels(values: np.ndarray, what: str, opacity: str = "") -> Deep:
    """Values [H, W] or [H, W, channels].

    Args:
        opacity: what the last channel is besides the colours: `STRAIGHT` opacity, or such that colours were multiplied
            by (`ON_BLACK`); "" for a colour.
    """
    if values.ndim == 2:
        return Deep(values)
    channels = values.shape[2]
    colours = channels - bool(opacity)
    if colours not in (1, 3):
        raise UnreadableFile(f"{what} with {channels} channels of {values.dtype}; save it as grey or RGB")
    shown = values[..., 0] if colours == 1 else values[..., :3]
    if opacity != STRAIGHT:
        return Deep(shown)
    full = 1 if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    # What is NaN hides its colour.
    return Deep(shown, opacity=np.clip(np.nan_to_num(values[..., -1] / full), 0, 1))


def upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn [H, W, ...] as the tag Orientation of TIFF and EXIF, 1 to 8, says."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values


def _by_codec(name: str, path: Path) -> np.ndarray:
    """A file through a decoder of imagecodecs."""
    try:
        import imagecodecs
    except ImportError as error:
        raise UnreadableFile("a picture of over 8 bits, or without loss: pip install 'mora-bench[tiff]'") from error
    return getattr(imagecodecs, name)(path.read_bytes())


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels; expected at most {MOST_PIXELS:,} in all")
