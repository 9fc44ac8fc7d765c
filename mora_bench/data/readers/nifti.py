"""NIfTI volumes slice by slice, through nibabel (`pip install 'mora-bench[nifti]'`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.readers.window import Window, grey
from mora_bench.errors import UserError
from mora_bench.files import hash_file

AXES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class NiftiSlice:
    """One slice of a volume; of several volumes in a file (time), the first.

    The volume is turned to the nearest of the standard orientations (left to right, back to front, foot to head); what
    is above in the patient is above in the picture, in axial slices what is in front.

    Attributes:
        index: from 0; plane: one of `AXES`.
        window: None: the file's cal_min to cal_max, or else the whole range of the slice.
    """

    path: Path
    index: int
    plane: str = "axial"
    window: Window | None = None

    def read(self) -> np.ndarray:
        """uint8 [H, W, 3].

        Raises:
            UserError: nibabel is absent, or the file cannot be read or has no such slice.
        """
        volume = _volume(self.path)
        axis, shape = AXES.index(self.plane), volume.shape[:3]
        if not 0 <= self.index < shape[axis]:
            raise UserError(f"{self.path}: no {self.plane} slice {self.index}; it has 0 to {shape[axis] - 1}.")
        at: list[Any] = [slice(None)] * 3
        at[axis] = self.index
        more = [0] * (len(volume.shape) - 3)
        try:
            values = np.asarray(volume.dataobj[(*at, *more)])
        except Exception as error:
            raise UserError(
                f"{self.path}: its values cannot be read ({error}). Replace the file by an intact copy."
            ) from error
        return grey(np.rot90(values), self.window or _window(volume))

    def fingerprint(self) -> str:
        return f"{hash_file(self.path)} {self.plane} {self.index} {self.window}"


def nifti_slices(path: Path, plane: str = "axial", window: Window | None = None) -> tuple[NiftiSlice, ...]:
    """All slices of a volume; its values are not read yet.

    Raises:
        UserError: nibabel is absent, the plane is unknown, or the file is no volume.
    """
    if plane not in AXES:
        raise UserError(f"{path}: plane {plane!r}; expected one of {', '.join(AXES)}.")
    return tuple(NiftiSlice(path, i, plane, window) for i in range(_volume(path).shape[AXES.index(plane)]))


def _volume(path: Path) -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise UserError("NIfTI needs nibabel: pip install 'mora-bench[nifti]'.") from error
    try:
        volume: Any = nibabel.as_closest_canonical(nibabel.load(path))
    except Exception as error:
        raise UserError(
            f"{path}: not a readable NIfTI file ({type(error).__name__}: {error}). Replace it by an intact copy."
        ) from error
    if len(volume.shape) < 3:
        raise UserError(f"{path}: an array of shape {list(volume.shape)}; expected a volume of three dimensions.")
    return volume


def _window(volume: Any) -> Window | None:
    """What the header says should be shown."""
    low, high = (float(volume.header.get(name, 0) or 0) for name in ("cal_min", "cal_max"))
    return Window((low + high) / 2 + 0.5, high - low + 1) if high > low else None
