"""What a NIfTI file says of its volumes before their values are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.modalities import formats
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError
from mora_bench.files import Version

AXES = ("sagittal", "coronal", "axial")

#: The number of a volume in a file of several, or three of them, one a colour.
Volume = int | tuple[int, int, int]


@dataclass(frozen=True)
class Header:
    """The facts of a file that are known before its values are read.

    Attributes:
        proxy: nibabel's, of shape [X, Y, Z, ...] or [X, Y].
        along: of each of the file's three axes the axis of the patient (an index of `AXES`) and whether it ascends:
            to the patient's right, front, head.
        spacing: millimetres from voxel to voxel along each of the file's axes.
        window: from cal_min to cal_max, None where they say nothing.
    """

    path: Path
    proxy: Any
    along: tuple[tuple[int, bool], ...]
    spacing: tuple[float, ...]
    window: Window | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one volume."""
        return (*self.proxy.shape, 1)[:3]

    @property
    def volumes(self) -> int:
        return prod(self.proxy.shape[3:])

    @property
    def fractions(self) -> bool:
        """Whether measured values may be fractions: stored as floats, or scaled by such numbers."""
        whole = float(self.proxy.slope).is_integer() and float(self.proxy.inter).is_integer()
        return self.proxy.dtype.kind == "f" or not whole

    def slices(self, plane: str) -> int:
        return int(self.shape[self.axis(plane)])

    def axis(self, plane: str) -> int:
        """The axis of the file along which the slices of a plane lie."""
        return [number for number, _ in self.along].index(AXES.index(plane))

    def numbers(self, volume: Volume | None) -> tuple[int, ...]:
        """The volumes to be read, one or three."""
        if volume is None and self.volumes > 1:
            raise UserError(
                f"{self.path}: {self.volumes} volumes (shape {list(self.proxy.shape)}); say which: volume=N, on the "
                f"command line --volume N, 0 to {self.volumes - 1}; or three numbers, as red, green and blue."
            )
        numbers = (volume or 0,) if volume is None or isinstance(volume, int) else tuple(volume)
        if len(numbers) not in (1, 3) or not all(0 <= number < self.volumes for number in numbers):
            raise UserError(
                f"{self.path}: volume {', '.join(map(str, numbers))}; expected one number, or three, of "
                f"0 to {self.volumes - 1}."
            )
        return numbers


@lru_cache(maxsize=1)
def known(path: Path, stamp: Version) -> Header:
    """The header of a file of this version; for slices that are read one after the other."""
    return header_of(path)


def header_of(path: Path) -> Header:
    nibabel = _nibabel()
    try:
        image: Any = nibabel.load(path)
        if not hasattr(image, "affine"):
            raise TypeError(f"a {type(image).__name__}, which has no place in space")
        proxy, affine = image.dataobj, image.affine
        axes = nibabel.io_orientation(affine)
        spacing = nibabel.affines.voxel_sizes(affine)
    except Exception as error:
        packed = (formats.GZIP,) if path.suffix.lower() == ".gz" else ()
        if what := formats.another(path, formats.NIFTI, formats.NIFTI_2, *packed):
            raise UserError(f"{path}: {what}") from error
        raise UserError(
            f"{path}: not a readable NIfTI file ({type(error).__name__}: {error}). Replace it by an intact copy."
        ) from error
    if len(proxy.shape) < 2 or 0 in proxy.shape:
        raise UserError(f"{path}: an array of shape {list(proxy.shape)}; expected a volume of three dimensions.")
    if proxy.dtype.kind == "c":
        raise UserError(
            f"{path}: complex values ({proxy.dtype}). Save what is to be shown, such as the magnitude, as a file."
        )
    if np.isnan(axes).any():
        raise UserError(f"{path}: its affine has an axis without a direction. Save the file with a whole affine.")
    along = tuple((int(axis), flip > 0) for axis, flip in axes)
    return Header(path, proxy, along, tuple(map(float, spacing)), _window(image))


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise UserError("NIfTI needs nibabel: pip install 'mora-bench[nifti]'.") from error
    return nibabel


def _window(image: Any) -> Window | None:
    """The window that the header asks for, None without one."""
    low, high = (float(image.header.get(name, 0) or 0) for name in ("cal_min", "cal_max"))
    return Window((low + high) / 2, high - low) if high > low else None
