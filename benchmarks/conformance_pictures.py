"""Real pictures for the conformance table: those of packages that are installed, and of Pillow's source.

Pillow's wheels ship no pictures, its source does: unpack it and say where, PILLOW_IMAGES=pillow-13.0.0/Tests/images.
"""

import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from conformance_source import Source

from mora_bench.data.modalities.image import PictureFile

#: The decoder of imagecodecs by suffix; TIFF is tifffile's.
DECODERS = {
    ".png": "png", ".apng": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".jp2": "jpeg2k", ".j2k": "jpeg2k",
    ".j2c": "jpeg2k", ".webp": "webp", ".gif": "gif", ".bmp": "bmp", ".tif": "tiff", ".tiff": "tiff",
}  # fmt: skip
#: Packages whose wheels hold pictures, and where.
FOLDERS = {"scikit-image": "skimage/data", "scikit-learn": "sklearn/datasets", "matplotlib": "matplotlib/mpl-data"}
SAMPLES = {1: "grey", 2: "grey and opacity", 3: "colours", 4: "four channels"}


def installed_files() -> Source | None:
    """The pictures in the wheels of scikit-image, scikit-learn and matplotlib."""
    if not _readers():
        return None
    files, packages = [], []
    for package, folder in FOLDERS.items():
        spec = find_spec(folder.split("/", maxsplit=1)[0])
        if spec is None or spec.origin is None:
            continue
        packages.append(f"{package} {version(package)}")
        files += _pictures(Path(spec.origin).parent.parent / folder)
    return Source(", ".join(packages), _reader(), files, _kind, _ours, _theirs, _tolerance) if files else None


def pillow_files() -> Source | None:
    """The pictures that Pillow is tested with, where its source is unpacked."""
    folder = os.environ.get("PILLOW_IMAGES")
    if not folder or not _readers():
        return None
    return Source(
        f"Pillow {version('pillow')} (source)", _reader(), _pictures(Path(folder)), _kind, _ours, _theirs, _tolerance
    )


def _readers() -> bool:
    return bool(find_spec("tifffile") and find_spec("imagecodecs"))


def _reader() -> str:
    return f"tifffile {version('tifffile')}, imagecodecs {version('imagecodecs')}"


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in DECODERS and file.is_file())


def _kind(file: Path) -> tuple[str, str]:
    name = DECODERS[file.suffix.lower()].upper()
    try:
        values, _ = _values(file)
    except Exception:
        return name, "the other reader fails"
    return name, f"{SAMPLES.get(1 if values.ndim == 2 else values.shape[-1], 'odd')}, {values.dtype}"


def _ours(file: Path) -> Sequence[np.ndarray]:
    return [PictureFile(file).read()]


def _theirs(file: Path) -> Sequence[np.ndarray] | None:
    try:
        values, turned_over = _values(file)
    except Exception:
        return None
    if values.ndim not in (2, 3) or values.dtype.kind == "c":
        return None
    samples = 1 if values.ndim == 2 else values.shape[-1]
    if samples > 4:
        return None
    values = values.reshape(*values.shape[:2], samples)
    colours, opacity = (values[..., :-1], values[..., -1:]) if samples in (2, 4) else (values, None)
    shown = _shown(colours)
    if turned_over:
        shown = 255 - shown
    if opacity is not None:
        full = 1 if opacity.dtype.kind == "f" else np.iinfo(opacity.dtype).max
        shown = shown * (opacity / full)
    shown = np.broadcast_to(shown.round().astype(np.uint8), (*shown.shape[:2], 3))
    return [_turned(shown, file)]


def _shown(values: np.ndarray) -> np.ndarray:
    """Deep values by their content, as docs/data.md says."""
    if values.dtype == np.uint8:
        return values.astype(float)
    if values.dtype == bool:
        return values * 255.0
    x = values.astype(float)
    if values.dtype.kind == "f" and x.min() >= 0 and x.max() <= 1:
        return x * 255
    if x.min() >= 0 and x.max() <= 255 and (x == np.floor(x)).all():
        return x
    low = min(x.min(), 0)
    high = x.max()
    most = np.quantile(x, 0.999)
    if 0 < 2 * most < high:
        high = most
    return np.clip((x - low) / max(high - low, 1e-300), 0, 1) * 255


def _values(file: Path) -> tuple[np.ndarray, bool]:
    """As the other reader decodes a file, and whether its least value is white."""
    import imagecodecs
    import tifffile

    name = DECODERS[file.suffix.lower()]
    if name != "tiff":
        decode: Callable[[bytes], Any] = getattr(imagecodecs, f"{name}_decode")
        return np.asarray(decode(file.read_bytes())), False
    with tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages.first
        values = page.asarray()
        if page.axes.startswith("S"):
            values = np.moveaxis(values, 0, -1)
        if page.bitspersample < 8 and page.colormap is None and values.dtype != bool:
            values = values * (255 // (2**page.bitspersample - 1))
        if page.colormap is not None:
            values = (np.moveaxis(page.colormap, 0, -1) >> 8).astype(np.uint8)[values]
        elif [int(extra) for extra in page.extrasamples] == [1]:
            # Colours that opacity multiplied already lie on black.
            values = values[..., :-1]
        elif page.photometric.name not in ("MINISBLACK", "MINISWHITE", "RGB", "YCBCR"):
            raise ValueError(page.photometric.name)
        return values, page.photometric.name == "MINISWHITE"


def _turned(picture: np.ndarray, file: Path) -> np.ndarray:
    """By the Exif tag; the tag is read by Pillow, the turning is not its."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            orientation = image.getexif().get(274, 1)
    except OSError:
        orientation = 1
    turns: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: lambda x: x.swapaxes(0, 1),
        6: lambda x: np.rot90(x, -1), 7: lambda x: np.rot90(x, 2).swapaxes(0, 1), 8: np.rot90,
    }  # fmt: skip
    return turns.get(orientation, lambda x: x)(picture)


def _tolerance(file: Path) -> tuple[float, float]:
    """Decoders of JPEG, which TIFF may hold, and of WebP enlarge colours of half the size in ways of their own, which
    shows at edges."""
    lossy = DECODERS[file.suffix.lower()] in ("jpeg", "webp") or "jpeg" in file.name
    return (48, 1) if lossy else (1, 1)
