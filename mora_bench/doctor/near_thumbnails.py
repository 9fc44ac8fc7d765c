"""Small grey copies of all pictures of a table, kept in the cache, with all but content blotted out."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.progress import shown
from mora_bench.errors import UserError
from mora_bench.files import beside, digest_json, hash_version, naming, read_sealed, write_sealed

#: Change it when the same picture would become another thumbnail.
VERSION = 3
#: Pixels along a thumbnail's sides.
SIDE = 128
#: Flat is where neighbours differ by no more grey levels than this: less is the noise of coding a picture.
FLAT = 2
#: The share of a thumbnail from which a flat part is a border, and less than which no content is.
BORDER, SLIVER = 0.004, 0.05
#: Pixels beside a border that show its edge.
EDGE = 4
ARRAY, MANIFEST = "thumbnails.npy", "manifest.json"


@dataclass(frozen=True)
class Thumbnails:
    """Attributes:
    grey: uint8 [n, SIDE, SIDE], mapped from a file: 0 is outside of a picture's content, 1 to 255 is grey.
    blank: the numbers of pictures that are of one grey level throughout.
    """

    grey: np.ndarray
    blank: frozenset[int] = frozenset()


def thumbnails(
    pictures: Sequence[Any], fingerprints: Sequence[str], cache: Path | None, threads: int, note: Callable[[str], None]
) -> Thumbnails:
    """Those of n pictures with the given fingerprints. A picture that cannot be read has no content, and is noted.

    Args:
        cache: they are kept below `doctor` in it, and opened from there if they are what was written.
    """
    if not pictures:
        return Thumbnails(np.empty((0, SIDE, SIDE), np.uint8))
    if cache is None:
        with tempfile.TemporaryDirectory() as temporary:
            seen = _write(pictures, Path(temporary), threads)
            # The mapping outlives the file's name.
            return _opened(Path(temporary), seen, note)
    folder = cache / "doctor" / digest_json([VERSION, SIDE, list(fingerprints)])
    manifest = _believed(folder)
    if manifest is None:
        if folder.exists():
            note(f"{folder}: damaged; made anew")
        manifest = _keep(pictures, folder, threads)
    return _opened(folder, manifest, note)


def _opened(folder: Path, seen: dict[str, Any], note: Callable[[str], None]) -> Thumbnails:
    if unreadable := seen["unreadable"]:
        note(f"{len(unreadable)} pictures cannot be read and are compared with none, e.g. {unreadable[0]}")
    grey = np.load(folder / ARRAY, mmap_mode="r", allow_pickle=False)
    return Thumbnails(grey, frozenset(seen["blank"]))


def _believed(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder that holds what was written, else None."""
    manifest = read_sealed(folder / MANIFEST)
    try:
        fits = isinstance(manifest, dict) and hash_version(folder / ARRAY)[1] == manifest["sha256"]
    except OSError:
        return None
    return manifest if fits else None


def _keep(pictures: Sequence[Any], folder: Path, threads: int) -> dict[str, Any]:
    temporary = beside(folder)
    try:
        with naming(folder):
            temporary.mkdir(parents=True)
            seen = _write(pictures, temporary, threads)
            manifest = {"sha256": hash_version(temporary / ARRAY)[1], **seen}
            write_sealed(temporary / MANIFEST, manifest)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    except OSError:
        # Another process may have been first, with the same.
        if (manifest := _believed(folder) or {}) == {}:
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def _write(pictures: Sequence[Any], folder: Path, threads: int) -> dict[str, Any]:
    """Write the thumbnails; gives the faults of pictures that cannot be read, and the numbers of blank ones."""
    small = np.lib.format.open_memmap(folder / ARRAY, "w+", np.uint8, (len(pictures), SIDE, SIDE))
    unreadable, blank = [], []
    with ThreadPoolExecutor(threads) as pool:
        made = shown(pool.map(_tried, pictures), len(pictures), "making small pictures")
        for at, picture in enumerate(made):
            if isinstance(picture, str):
                unreadable.append(picture)
            else:
                small[at], is_blank = picture
                blank += [at] * is_blank
    small.flush()
    return {"unreadable": unreadable, "blank": blank}


def _tried(picture: Any) -> tuple[np.ndarray, bool] | str:
    """A picture's thumbnail and whether it is blank, or why it cannot be read."""
    try:
        whole = grey(picture)
        return thumbnail(whole), int(whole.max()) - int(whole.min()) <= FLAT
    except UserError as error:
        return str(error)
    except Exception as error:
        return f"a {type(picture).__name__} ({type(error).__name__}: {error})"


def grey(picture: Any) -> np.ndarray:
    """A picture, uint8 [H, W]; a JPEG file is decoded at the least scale that a thumbnail needs, which is several
    times as fast."""
    if isinstance(picture, PictureFile):
        with Image.open(picture.path) as image:
            if image.format == "JPEG":
                image.draft("L", (SIDE, SIDE))
                return np.asarray(ImageOps.exif_transpose(image).convert("L"))
    return np.asarray(Image.fromarray(picture.read()).convert("L"))


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 [H, W], as [SIDE, SIDE]: its longer side fills it, in its middle; 0 where it shows nothing."""
    height, width = picture.shape
    scale = SIDE / max(height, width)
    h, w = (max(round(side * scale), 1) for side in (height, width))
    small = np.asarray(Image.fromarray(picture).resize((w, h), Image.Resampling.BOX))
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - h) // 2, (SIDE - w) // 2
    canvas[top : top + h, left : left + w] = np.maximum(small, 1) * content(small)
    return canvas


def content(picture: np.ndarray) -> np.ndarray:
    """Where a thumbnail, uint8 [H, W], shows something, bool: all but borders and their edges. A border is flat,
    however bright, and reaches the rim, or lies on such a border (the black frame of a disc on white paper)."""
    near = np.ones((3, 3), bool)
    flat = ndimage.maximum_filter(picture, 3) - ndimage.minimum_filter(picture, 3) <= FLAT
    parts, count = ndimage.label(ndimage.binary_opening(flat, near))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    large = sizes >= BORDER * picture.size
    rim = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    border = np.zeros(count + 1, bool)
    fresh = np.unique(rim)
    while len(fresh := fresh[(fresh > 0) & ~border[fresh] & large[fresh]]):
        border[fresh] = True
        blotted = ndimage.maximum_filter(border[parts], 2 * EDGE + 1)
        fresh = np.unique(parts[blotted])
    if not border.any():
        return np.ones(picture.shape, bool)
    return _without_slivers(~blotted)


def _without_slivers(shows: np.ndarray) -> np.ndarray:
    parts, count = ndimage.label(shows)
    large = np.bincount(parts.ravel(), minlength=count + 1) >= SLIVER * shows.size
    large[0] = False
    return large[parts]
