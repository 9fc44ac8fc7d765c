"""What a TIFF file says that it holds, before its picture is decoded: its tags, by number."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

#: Numbers of tags.
BITS, COMPRESSION, MEANING, SAMPLES, FORMATS, DEPTH = 258, 259, 262, 277, 339, 32997
#: Those that are looked at. Of others a file may hold anything.
KNOWN = (BITS, COMPRESSION, MEANING, SAMPLES, FORMATS, DEPTH)
#: Compression by WebP: Pillow knows it, and its libtiff may not.
WEBP = 50001
#: A format of samples (tag 339).
FLOATING = 3

Tags = Mapping[int, Any]


def tags_by_pillow(path: Path) -> Tags | None:
    """The tags of a file's first page; None where Pillow does not know what it is."""
    try:
        with Image.open(path) as image:
            tags: Any = getattr(image, "tag_v2", {})
            return {number: tags[number] for number in KNOWN if number in tags}
    except UnidentifiedImageError:
        return None


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
            page: Any = file.pages.first
            return {number: page.tags.valueof(number) for number in KNOWN if number in page.tags}
    return {}


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


def is_plain(tags: Tags) -> bool:
    """Whether Pillow shows a file right, or can say itself what is wrong with it."""
    bits, formats = set(several(tags, BITS, 1)), set(several(tags, FORMATS, 1))
    if tags.get(DEPTH, 1) != 1 or tags.get(COMPRESSION) == WEBP:
        return False
    if max(bits) <= 8:
        return formats <= {1, 4}
    kinds = {(16, 1), (16, 2), (32, 2), (32, 3)}
    # BlackIsZero: of the opposite Pillow turns 8 bits over, and no more.
    single = int(tags.get(SAMPLES, 1)) == 1 and tags.get(MEANING) == 1
    return single and {(b, f) for b in bits for f in formats} <= kinds
