"""From the path of a picture, as a table has it, to its reader, and how volumes are then looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers.dicom import dicom_frames, dicom_series
from mora_bench.data.readers.dicom_header import SUFFIXES, is_dicom
from mora_bench.data.readers.dicom_picture import DicomFile
from mora_bench.data.readers.links import inside
from mora_bench.data.readers.nifti import AXES, NiftiSlice, Volume, nifti_slices
from mora_bench.data.readers.paths import LONGEST_NAME
from mora_bench.data.readers.window import Window
from mora_bench.data.table import PICTURES, Column
from mora_bench.errors import UserError


@dataclass(frozen=True)
class Views:
    """How the volumes and DICOM files of a table are looked at; None: as `NiftiSlice` and `DicomFile` say.

    Attributes:
        window: of both.
        plane: of NIfTI volumes, "axial" for None; volume: of NIfTI files of several.
        series: of DICOM folders of several, its UID, number or description.
    """

    window: Window | None = None
    plane: str | None = None
    volume: Volume | None = None
    series: str | None = None

    def __str__(self) -> str:
        options = {name: value for name, value in vars(self).items() if value is not None}
        return ", ".join(f"{name} {value}" for name, value in options.items()) or "no window, plane, volume or series"


def views(window: Any = None, plane: Any = None, volume: Any = None, series: Any = None) -> Views:
    """Options as people write them, lists for tuples and numbers for names, checked.

    Raises:
        UserError: an option that no file could have.
    """
    if window is not None:
        if len(window) != 2 or not all(map(isfinite, window)) or window[1] <= 0:
            raise UserError(f"--window {window}: expected a centre and a width above 0, such as 40 400.")
        window = Window(*map(float, window))
    if plane is not None and plane not in AXES:
        raise UserError(f"--plane {plane!r}: expected one of {', '.join(AXES)}.")
    numbers = () if volume is None else (volume,) if isinstance(volume, int) else tuple(volume)
    if len(numbers) not in (0, 1, 3) or any(number < 0 for number in numbers):
        raise UserError(f"--volume {numbers}: expected one number from 0, or three that become red, green and blue.")
    chosen: Any = None if not numbers else numbers[0] if len(numbers) == 1 else numbers
    return Views(window, plane, chosen, None if series is None else str(series))


def check_meant(wanted: Views, columns: Iterable[Column], file: Path) -> None:
    """Refuse options that mean nothing for the pictures of a table.

    Raises:
        UserError: an option, and no picture that it is about.
    """
    kinds = {type(picture) for picture in _pictures(columns)}
    scans, films = NiftiSlice in kinds, DicomFile in kinds
    about = {
        "window": (scans or films, "NIfTI volume or DICOM file"),
        "plane": (scans, "NIfTI volume"),
        "volume": (scans, "NIfTI volume"),
        "series": (films, "DICOM file"),
    }
    for name, (present, what) in about.items():
        if getattr(wanted, name) is not None and not present:
            raise UserError(f"{file}: --{name} has no effect: no column of pictures has a {what}. Leave it out.")
    if wanted.plane not in (None, "axial") and films:
        raise UserError(
            f"{file}: --plane {wanted.plane}: DICOM files are shown in the plane in which they were taken, and the "
            "table has some beside NIfTI volumes. Convert them (dcm2niix), or give them a table of their own."
        )


def check_alike(wanted: Views, columns: Mapping[str, Column]) -> None:
    """Refuse to look at new records otherwise than at those that were trained on.

    Args:
        columns: what was trained on.

    Raises:
        UserError: its pictures were looked at otherwise.
    """
    for picture in _pictures(columns.values()):
        if isinstance(picture, NiftiSlice):
            other = Views(picture.window, picture.plane, picture.volume)
            same = Views(wanted.window, wanted.plane or "axial", wanted.volume) == other
        elif isinstance(picture, DicomFile):
            other = Views(picture.window)
            same = wanted.window == picture.window
        else:
            continue
        if not same:
            raise UserError(
                f"{picture.path}: in training it was read with {other}, but new records would be read with {wanted}. "
                "Set it in the plug-in: Dataset(..., views=views(window=(40, 400), plane=...))."
            )


def _pictures(columns: Iterable[Column]) -> Iterator[Any]:
    for column in columns:
        if column.kind in PICTURES:
            yield from (picture for value in column.values for picture in value or ())


def is_inside(name: str, base: Path) -> bool:
    """Whether a path of a table leads to something below a folder."""
    if "\0" in name or any(len(part.encode(errors="replace")) > LONGEST_NAME for part in Path(name).parts):
        return False
    return os.path.abspath(base / name) != os.path.abspath(base) and inside(base / name, base)


def is_there(path: Path) -> bool:
    """Whether a path is a plain file or a folder. (Reading a pipe would wait for ever.)"""
    return path.is_file() or path.is_dir()


def opened(path: Path, wanted: Views) -> Any:
    """The readers of a path: a folder is a DICOM series; by its suffix a file is a DICOM picture or its frames, the
    slices of a volume, or a picture."""
    name = path.name.lower()
    if path.is_dir():
        return dicom_series(path, wanted.window, wanted.series)
    # Scanners name files by numbers, with no suffix or with the last number of a UID as one.
    odd = not path.suffix or path.suffix[1:].isdigit()
    if name.endswith(SUFFIXES) or (odd and is_dicom(path)):
        return dicom_frames(path, wanted.window, wanted.series)
    if name.endswith((".nii", ".nii.gz")):
        return nifti_slices(path, wanted.plane or "axial", wanted.window, wanted.volume)
    return PictureFile(path)
