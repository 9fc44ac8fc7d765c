"""From picture files to the uint8 arrays a backbone wants."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mora_bench.data.modalities import deep, formats, tiff
from mora_bench.data.modalities.deep import MOST_PIXELS
from mora_bench.errors import UserError

#: The largest file, in bytes, that is decoded.
LARGEST_FILE = 2 << 30
#: Formats of which several frames are one picture: a camera's with its preview, and layers below what they make.
ONE_PICTURE = ("MPO", "PSD")
#: The share of values that may be above what is shown as white, and how far above one must be for that.
OUTLIERS, FAR = 0.001, 2.0
#: How often a pixel may be longer than wide; beyond, what the file says of its size is an error.
LONGEST_PIXEL = 50


@dataclass(frozen=True)
class ImageRule:
    """ViLT's resizing: the shorter side becomes `shorter`, unless the longer would exceed `longer`; then both sides
    are floored to a multiple of `multiple` (the patch size). `resample`: the name of one of Pillow's filters."""

    shorter: int
    longer: int
    multiple: int
    resample: str = "bicubic"

    def key(self) -> list:
        return [self.shorter, self.longer, self.multiple, *[self.resample] * (self.resample != "bicubic")]

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) a picture of the given size is resized to."""
        scale = self.shorter / min(height, width)
        if max(height, width) * scale > self.longer:
            scale = self.longer / max(height, width)
        h, w = (max(int(side * scale + 0.5) // self.multiple, 1) * self.multiple for side in (height, width))
        return h, w

    def resized(self, picture: np.ndarray) -> np.ndarray:
        """A picture, uint8 [H, W, 3], of the size that the rule gives it."""
        return resize(picture, *self.size(*picture.shape[:2]), self.resample)


def read(path: Path) -> np.ndarray:
    """Decode a picture file to uint8 [H, W, 3], RGB: upright as EXIF says, on black where it is transparent, deep
    values as `grey` shows them."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"a file of {path.stat().st_size >> 20} MB; expected at most {LARGEST_FILE >> 20}")
        spoilt = deep.decoded(path)
        return _by_pillow(path) if spoilt is None else _levels(spoilt)
    except deep.UnreadableFile as error:
        raise UserError(f"{path}: {error}.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if what := formats.another(path):
            raise UserError(f"{path}: {what}") from error
        raise UserError(
            f"{path}: not a readable picture ({error}). Replace the file by an intact copy, or remove it: "
            "an absent file counts as a naturally missing image."
        ) from error


def _by_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels; expected at most {MOST_PIXELS:,} in all")
        pages = getattr(image, "n_frames", 1)
        if pages > 1 and image.format not in ONE_PICTURE:
            raise deep.UnreadableFile(f"{pages} pages; expected one: split it, or give its pages as a bag")
        if image.format == "TIFF":
            deep.check_planes(tiff.tags_of_image(image), path)
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I") or upright.mode == "F":
            return _levels(deep.Deep(np.asarray(upright)))
        if upright.has_transparency_data:
            layer = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
        return np.asarray(upright.convert("RGB"))


def _levels(picture: deep.Deep) -> np.ndarray:
    values = np.asarray(picture.values)
    shown = grey(values)
    if picture.inverted:
        shown = np.where(np.isfinite(values), 255 - shown, 0).astype(np.uint8)
    if shown.ndim == 2:
        shown = np.repeat(shown[..., None], 3, axis=2)
    if picture.opacity is None:
        return np.ascontiguousarray(shown)
    return (shown * picture.opacity[..., None]).round().astype(np.uint8)


def grey(values: np.ndarray) -> np.ndarray:
    """Deep, signed or floating values [H, W] or [H, W, 3] as uint8; those that are NaN or infinite are black. Floating
    values of 0 to 1 go from black to white. Whole numbers of 0 to 255 are shown as they are, whatever type holds them,
    as a file of 8 bits shows them. All else by its content: from 0, or the least value if that is negative, to the
    greatest; if that is over twice what all but 0.1 % of the values reach, to the latter, because one hot pixel must
    not blacken a film.

    Raises:
        ValueError: all are NaN or infinite.
    """
    floating, values = values.dtype.kind == "f", values.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("all its values are NaN or infinite")
    low, high = min(float(values[finite].min()), 0.0), float(values[finite].max())
    values[~finite] = low
    if low == 0 and floating and high <= 1:
        return (values * 255).astype(np.uint8)
    if low == 0 and high <= 255 and (values == np.floor(values)).all():
        return values.astype(np.uint8)
    low, high = -_most(-values[finite], -low), _most(values[finite], high)
    if high / 2 - low / 2 > np.finfo(float).max / 2:
        # Their difference is no number any more.
        values, low, high = values / 2, low / 2, high / 2
    span = high - low if high > low else 1.0
    # The reciprocal of a span of nearly nothing is no number either.
    scaled = (values - low) * (255 / span) if span > np.finfo(float).tiny * 256 else (values - low) / span * 255
    return np.clip(scaled, 0, 255).astype(np.uint8)


def _most(values: np.ndarray, greatest: float) -> float:
    """The greatest value, or that of all but a few if it is far above them."""
    most = float(np.quantile(values, 1 - OUTLIERS))
    return most if 0 < FAR * most < greatest else greatest


def side_by_side(parts: list[np.ndarray | None]) -> np.ndarray | None:
    """Paste pictures next to each other, as ODIR's two eyes are, more than two in rows; None where all are absent.

    An absent part becomes white (the dummy value of a missing image) of the size of a part that is there; parts of
    other heights are resized to the first one's.
    """
    present = [part for part in parts if part is not None]
    if not present:
        return None
    height, width = present[0].shape[:2]
    dummy = np.full((height, width, 3), 255, np.uint8)
    filled = [dummy if part is None else part for part in parts]
    if len(filled) <= 2:
        return np.concatenate([_of_height(part, height) for part in filled], axis=1)
    # In one row, many pictures would become slivers.
    across = math.ceil(math.sqrt(len(filled)))
    filled += [dummy] * (-len(filled) % across)
    cells = [resize(part, height, width) for part in filled]
    return np.concatenate([np.concatenate(cells[k : k + across], axis=1) for k in range(0, len(cells), across)])


def _of_height(picture: np.ndarray, height: int) -> np.ndarray:
    return resize(picture, height, max(round(picture.shape[1] * height / picture.shape[0]), 1))


def resize(picture: np.ndarray, height: int, width: int, resample: str = "bicubic") -> np.ndarray:
    """Resize uint8 [H, W, 3] with one of Pillow's filters, as transformers' image processors do."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling[resample.upper()]))


def square(picture: np.ndarray, down: float, across: float) -> np.ndarray:
    """A picture, uint8 [H, W, 3], whose pixels are `down` high and `across` wide, of square pixels as small as their
    shorter side. One whose sides differ by less than 1 %, or by more than `LONGEST_PIXEL`, stays as it is."""
    if not (down > 0 and across > 0) or not 1.01 <= max(down / across, across / down) <= LONGEST_PIXEL:
        return picture
    side = min(down, across)
    height, width = (max(round(n * s / side), 1) for n, s in zip(picture.shape[:2], (down, across), strict=True))
    return resize(picture, height, width)


def problem(picture: object) -> str | None:
    """The reason why an array is no picture, uint8 [H, W, 3]; None if it is one."""
    if not isinstance(picture, np.ndarray):
        return f"is {type(picture).__name__}; expected a NumPy array, uint8 [H, W, 3]"
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        return f"is {picture.dtype} {list(picture.shape)}; expected uint8 [H, W, 3]"
    return None
