"""Picture files that an earlier version showed otherwise: what it decoded of them, and scored, is not what is read now.

Only these get another fingerprint. Of most files their suffix tells that they are none of these.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from PIL import Image

from mora_bench.data.modalities import exif, tiff

#: Files of these suffixes were once read by Pillow alone, and have version 2 of their reader since.
DEEP_SUFFIXES, DEEP_VERSION = (".tif", ".tiff", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"), 2
#: The version of files that version 2, or Pillow alone, showed otherwise.
VERSION = 3
#: Kinds of files besides TIFF whose values may be floating, or that may hold several pictures.
RARE_SUFFIXES = (".pfm", ".fits", ".fit", ".im", ".spi", ".spider", ".avif", ".avifs", ".dcx", ".fli", ".flc")

#: Kinds of files that may say how they lie.
TURNED_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jls")


def details(path: Path) -> str:
    """Part of a picture's fingerprint: how files of its kind are read, where that once changed."""
    if _is_revised(path):
        return f" deep {VERSION}"
    return f" deep {DEEP_VERSION}" if path.suffix.lower() in DEEP_SUFFIXES else ""


def _is_revised(path: Path) -> bool:
    """Whether a file is of those that were shown otherwise before `VERSION`; what cannot be opened was not shown."""
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff"):
        tags = tiff.tags_of(path)
        floating = tiff.FLOATING in tiff.several(tags, tiff.FORMATS)
        return floating or tiff.lacks_samples(tags) or tiff.planes(tags, path.stat().st_size) > 1
    if suffix in RARE_SUFFIXES:
        with suppress(Exception), Image.open(path) as image:
            return image.mode == "F" or getattr(image, "n_frames", 1) > 1
    if suffix in TURNED_SUFFIXES:
        with suppress(Exception):
            return exif.is_turned_and_deep(path)
    return False
