"""NIfTI volumes slice by slice, through nibabel (`pip install 'mora-bench[nifti]'`).

A slice lies as radiologists see it: the patient's right, or what is in front in sagittal slices, at the picture's left;
what is above in the patient, or in front in axial slices, above. `dicom.py` shows the same scan alike.
"""

from __future__ import annotations

import gzip
import mmap
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.modalities.image import FilePicture
from mora_bench.data.modalities.pictures import square
from mora_bench.data.readers.nifti_header import AXES, Header, Volume, header_of, known
from mora_bench.data.readers.window import Window, any_finite, between, check_shows, grey, spread
from mora_bench.errors import UserError
from mora_bench.files import Version, version

#: Change them when a slice of the same file becomes another picture: they are part of fingerprints. 1 had left at the
#: left. EXACT is that of slices of fractions in a given window, which 2 took for one of whole values.
VERSION, EXACT = 2, 3
#: Bytes that are decompressed at a time.
PART = 1 << 20


@dataclass(frozen=True)
class NiftiSlice(FilePicture):
    """One slice of a volume, of square pixels.

    Directions are those of nibabel's affine (the sform before the qform; SimpleITK takes the qform); an oblique volume
    is seen along its own axes, each named by the nearest of the standard ones.

    Attributes:
        index: from 0: at the patient's left, back or foot.
        plane: one of `AXES`.
        window: None: the file's cal_min to cal_max, or else the `spread` of the whole volume, the same for all slices.
            It is LINEAR of whole values, as DICOM's windows are, and LINEAR_EXACT of those that may be fractions.
            Colours have none and are shown as they are.
        volume: of a file of several, from 0 as they lie in the file; three numbers: as red, green and blue.
    """

    index: int
    plane: str = "axial"
    window: Window | None = None
    volume: Volume | None = None

    def read(self) -> np.ndarray:
        """uint8 [H, W, 3].

        Raises:
            UserError: nibabel is absent, or the file cannot be read or shown, or has no such slice or volume, or no
                finite value in the volume.
        """
        stamp = version(self.path)
        volumes = _held(self.path, stamp, known(self.path, stamp).numbers(self.volume))
        count = volumes.header.slices(self.plane)
        if not 0 <= self.index < count:
            raise UserError(f"{self.path}: no {self.plane} slice {self.index}; it has 0 to {count - 1}.")
        check_shows(self.path, volumes.shows)
        return volumes.picture(self.plane, self.index, self.window)

    def details(self) -> str:
        exact = self.window is not None and known(self.path, version(self.path)).fractions
        return f" {EXACT if exact else VERSION} {self.plane} {self.index} {self.window} {self.volume}"


def nifti_slices(
    path: Path, plane: str = "axial", window: Window | None = None, volume: Volume | None = None
) -> tuple[NiftiSlice, ...]:
    """All slices of a volume; its values are not read yet.

    Raises:
        UserError: nibabel is absent, the plane is unknown, the file is no volume or one that cannot be shown, or it
            has several and `volume` names none of them.
    """
    if plane not in AXES:
        raise UserError(f"{path}: plane {plane!r}; expected one of {', '.join(AXES)}.")
    header = header_of(path)
    header.numbers(volume)
    return tuple(NiftiSlice(path, i, plane, window, volume) for i in range(header.slices(plane)))


@dataclass(frozen=True)
class Volumes:
    """One or three volumes of a file as they are stored, [X, Y, Z] each; of an uncompressed file they are mapped."""

    header: Header
    stored: tuple[np.ndarray, ...]

    def picture(self, plane: str, index: int, window: Window | None) -> np.ndarray:
        """uint8 [H, W, 3]."""
        header = self.header
        axis = header.axis(plane)
        index = index if header.along[axis][1] else header.shape[axis] - 1 - index
        # The two other axes, that which runs across the picture first.
        across, down = sorted((a for a in range(3) if a != axis), key=lambda a: header.along[a][0])
        at = (slice(None),) * axis + (index,)
        slices = [stored[at].T if across > down else stored[at] for stored in self.stored]
        steps = tuple(slice(None, None, -1 if header.along[a][1] else 1) for a in (across, down))
        turned = [values[steps].T for values in slices]
        shown = _coloured(turned[0]) if turned[0].dtype.names else self._grey(turned, window)
        return square(shown, header.spacing[down], header.spacing[across])

    def _grey(self, channels: list[np.ndarray], window: Window | None) -> np.ndarray:
        values = [self._measured(channel) for channel in channels]
        if window:
            shown = [grey(channel, window, self.header.fractions) for channel in values]
        elif self.header.window:
            shown = [grey(channel, self.header.window, exact=True) for channel in values]
        else:
            shown = [between(channel, *ends) for channel, ends in zip(values, self._spreads, strict=True)]
        return shown[0] if len(shown) == 1 else np.stack([channel[..., 0] for channel in shown], axis=2)

    def _measured(self, stored: Any) -> np.ndarray:
        proxy = self.header.proxy
        return np.asarray(stored, np.float64) * proxy.slope + proxy.inter

    @cached_property
    def shows(self) -> bool:
        """Whether a volume has a finite value; a slice alone need not have one."""
        return any(map(any_finite, self.stored))

    @cached_property
    def _spreads(self) -> list[tuple[float, float]]:
        """The spread of each volume, in measured values."""
        spreads = []
        for stored in self.stored:
            first, last = sorted(float(self._measured(end)) for end in spread(stored))
            spreads.append((first, last))
        return spreads


@lru_cache(maxsize=1)
def _held(path: Path, stamp: Version, numbers: tuple[int, ...]) -> Volumes:
    """Volumes of a file of this version. Those read last are kept, and no others: the slices of a bag are read one
    after the other, and a compressed file must be read from its beginning for any of them."""
    header = known(path, stamp)
    proxy = header.proxy
    try:
        if path.suffix.lower() == ".gz":
            stored = _decompressed(header, numbers)
        else:
            unscaled = proxy.get_unscaled().reshape((*header.shape, -1), order="F")
            stored = tuple(unscaled[..., number] for number in numbers)
    except Exception as error:
        raise UserError(
            f"{path}: its values cannot be read ({type(error).__name__}: {error}). Replace the file by an intact copy."
        ) from error
    return Volumes(header, stored)


def _decompressed(header: Header, numbers: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Volumes of a file that gzip compressed; nothing else of it is kept."""
    proxy, arrays = header.proxy, {}
    with _gzip().open(header.path) as file:
        for number in sorted(set(numbers)):
            stored = _room(header.shape, proxy.dtype)
            file.seek(proxy.offset + number * stored.nbytes)
            _fill(stored.reshape(-1, order="F").view(np.uint8), file)
            arrays[number] = stored
        # At its end a file's checksum is compared.
        while file.read(PART):
            pass
    return tuple(arrays[number] for number in numbers)


def _room(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array whose pages of memory are all there at once. Linux hands out those of any other large one as each is
    first written, which can take as long as to decompress what is written."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_POPULATE", 0)
    memory = mmap.mmap(-1, prod(shape) * dtype.itemsize, flags=flags)
    return np.frombuffer(memory, dtype).reshape(shape, order="F")


def _fill(raw: np.ndarray, file: Any) -> None:
    """Read a file into uint8 [n], in parts that stay in the processor's cache while they are copied."""
    for start in range(0, len(raw), PART):
        part = raw[start : start + PART]
        if file.readinto(part) != len(part):
            raise EOFError(f"it ends before the {len(raw):,} bytes of a volume do")


def _gzip() -> Any:
    """The fastest reader of gzip that is installed; the extra brings one of twice the speed."""
    try:
        from isal import igzip
    except ImportError:
        return gzip
    return igzip


def _coloured(stored: np.ndarray) -> np.ndarray:
    """Fields R, G, B and perhaps A of 8 bits [H, W] -> uint8 [H, W, 3], on black where it is transparent."""
    colours = np.stack([stored[name] for name in "RGB"], axis=2)
    if "A" not in (stored.dtype.names or ()):
        return colours
    return (colours * (stored["A"][..., None] / 255)).round().astype(np.uint8)
