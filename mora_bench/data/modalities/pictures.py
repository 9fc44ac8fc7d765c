"""From picture files to the uint8 arrays a backbone wants."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mora_bench.errors import UserError

#: The largest file in bytes, and the most pixels, that are decoded: beyond are bombs, and whole slides.
LARGEST_FILE, MOST_PIXELS = 2 << 30, 100_000_000


@dataclass(frozen=True)
class ImageRule:
    """ViLT's resizing: the shorter side becomes `shorter`, unless the longer would exceed `longer`; then both sides
    are floored to a multiple of `multiple` (the patch size)."""

    shorter: int
    longer: int
    multiple: int

    def key(self) -> list:
        return [self.shorter, self.longer, self.multiple]

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) a picture of the given size is resized to."""
        scale = self.shorter / min(height, width)
        if max(height, width) * scale > self.longer:
            scale = self.longer / max(height, width)
        h, w = (max(int(side * scale + 0.5) // self.multiple, 1) * self.multiple for side in (height, width))
        return h, w


def read(path: Path) -> np.ndarray:
    """Decode a picture file to uint8 [H, W, 3], RGB. 16-bit films are scaled down to 8 bits."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"a file of {path.stat().st_size >> 20} MB; expected at most {LARGEST_FILE >> 20}")
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels; expected at most {MOST_PIXELS:,} in all")
            image.load()
            if image.mode.startswith("I"):
                deep = np.asarray(image, np.float64)
                return np.repeat((deep * (255 / max(deep.max(), 255))).astype(np.uint8)[..., None], 3, axis=2)
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{path}: not a readable picture ({error}). Replace the file by an intact copy, or remove it: "
            "an absent file counts as a naturally missing image."
        ) from error


def side_by_side(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Paste pictures next to each other, as ODIR's two eyes are; None where all are absent.

    An absent part becomes white (the dummy value of a missing image) of the size of a part that is there; parts of
    other heights are resized to the first one's.
    """
    there = [part for part in parts if part is not None]
    if not there:
        return None
    height, width = there[0].shape[:2]
    dummy = np.full((height, width, 3), 255, np.uint8)
    return np.concatenate([dummy if part is None else _of_height(part, height) for part in parts], axis=1)


def _of_height(picture: np.ndarray, height: int) -> np.ndarray:
    return resize(picture, height, max(round(picture.shape[1] * height / picture.shape[0]), 1))


def resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bicubic resize of uint8 [H, W, 3], as ViLT's image processor does."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def problem(picture: object) -> str | None:
    """What keeps an array from being a picture, uint8 [H, W, 3]; None if nothing does."""
    if not isinstance(picture, np.ndarray):
        return f"is {type(picture).__name__}; expected a NumPy array, uint8 [H, W, 3]"
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        return f"is {picture.dtype} {list(picture.shape)}; expected uint8 [H, W, 3]"
    return None
