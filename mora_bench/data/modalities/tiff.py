"""What a TIFF file says that it holds, before its picture is decoded: its tags, by number."""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

#: Numbers of tags.
BITS, COMPRESSION, MEANING, SAMPLES, FORMATS, DEPTH = 258, 259, 262, 277, 339, 32997
WIDTH, LENGTH, DESCRIPTION, OFFSETS, COUNTS, EXTRA, METAMORPH = 256, 257, 270, 273, 279, 338, 33629
#: Those that are looked at. Of others a file may hold anything.
KNOWN = (
    *(BITS, COMPRESSION, MEANING, SAMPLES, FORMATS, DEPTH),
    *(WIDTH, LENGTH, DESCRIPTION, OFFSETS, COUNTS, EXTRA, METAMORPH),
)
#: Meanings of a picture that has one colour: the least value is white, or black.
GREY = (0, 1)
#: Compression by WebP: Pillow knows it, and its libtiff may not.
WEBP = 50001
#: A format of samples (tag 339).
FLOATING = 3

Tags = Mapping[int, Any]


def tags_by_pillow(path: Path) -> Tags | None:
    """The tags of a file's first page; None where Pillow does not know what it is."""
    try:
        with Image.open(path) as image:
            return tags_of_image(image)
    except UnidentifiedImageError:
        return None


def tags_of_image(image: Image.Image) -> Tags:
    """The tags of a picture of Pillow."""
    tags: Any = getattr(image, "tag_v2", {})
    return {number: tags[number] for number in KNOWN if number in tags}


def tags_of(path: Path) -> Tags:
    """The tags of a file's first page, by Pillow or, of kinds that it does not know, by tifffile; none where neither
    can read them."""
    with suppress(Exception), warnings.catch_warnings():
        # What is wrong with a file is said when it is decoded.
        warnings.simplefilter("ignore")
        tags = tags_by_pillow(path)
        if tags is not None:
            return tags
        with tifffile().TiffFile(path) as file:
            return tags_of_page(file.pages.first)
    return {}


def tags_of_page(page: Any) -> Tags:
    """The tags of a page of tifffile."""
    return {number: page.tags.valueof(number) for number in KNOWN if number in page.tags}


def tifffile() -> Any:
    """The package of that name.

    Raises:
        ImportError: it is absent.
    """
    import tifffile as package

    # Without a handler its messages on damaged files go to stderr.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    return package


def several(tags: Tags, number: int, absent: Any = ()) -> tuple[Any, ...]:
    """The values of a tag, which may be one or several."""
    value = tags.get(number, absent)
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def lacks_samples(tags: Tags) -> bool:
    """Whether Pillow leaves out samples of a pixel that may be pictures of their own: those beside grey that are called
    neither colour nor opacity, or several beside colours (one is a filler)."""
    unnamed = several(tags, EXTRA).count(0)
    return unnamed > (0 if tags.get(MEANING) in GREY else 1)


def planes(tags: Tags, size: int) -> int:
    """How many planes lie in a file of one page and `size` bytes: ImageJ, MetaMorph and tifffile (`truncate=True`) may
    write one page and say in its tags how many planes follow its own."""
    text = str(tags.get(DESCRIPTION, ""))
    said = max(_of_imagej(text), _of_a_shape(text, tags), len(several(tags, METAMORPH)))
    offsets, counts = several(tags, OFFSETS), several(tags, COUNTS)
    # A page that was saved anew may still say what the file that it was taken from held.
    return said if offsets and counts and offsets[0] + said * sum(counts) <= size else 1


def _of_imagej(text: str) -> int:
    images = re.search(r"^images=(\d{1,9})$", text, re.MULTILINE) if text.startswith("ImageJ=") else None
    return int(images[1]) if images else 1


def _of_a_shape(text: str, tags: Tags) -> int:
    """By the shape of the array that tifffile wrote."""
    if not text.startswith('{"shape":'):
        return 1
    with suppress(ValueError, TypeError, KeyError, ZeroDivisionError):
        return prod(json.loads(text)["shape"]) // (tags[WIDTH] * tags[LENGTH] * tags.get(SAMPLES, 1))
    return 1


def is_plain(tags: Tags) -> bool:
    """Whether Pillow shows a file right, or can say itself what is wrong with it."""
    bits, formats = set(several(tags, BITS, 1)), set(several(tags, FORMATS, 1))
    if tags.get(DEPTH, 1) != 1 or tags.get(COMPRESSION) == WEBP:
        return False
    if max(bits) <= 8:
        return formats <= {1, 4} and not lacks_samples(tags)
    kinds = {(16, 1), (16, 2), (32, 2), (32, 3)}
    # BlackIsZero: of the opposite Pillow turns 8 bits over, and no more.
    single = int(tags.get(SAMPLES, 1)) == 1 and tags.get(MEANING) == 1
    return single and {(b, f) for b in bits for f in formats} <= kinds
