"""DICOM pictures, through pydicom (`pip install 'mora-bench[dicom]'`): films, frames, series of slices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.readers.links import inside
from mora_bench.data.readers.window import Window, grey
from mora_bench.errors import UserError
from mora_bench.files import hash_file

#: What names of DICOM files end with; and the most frames of one.
SUFFIXES, MOST_FRAMES = (".dcm", ".dicom"), 100_000


@dataclass(frozen=True)
class DicomFile:
    """One picture of a DICOM file.

    Stored values become measured ones (rescale slope and intercept, or the modality's table), then grey levels.
    MONOCHROME1, where high values are dark, is inverted. Colour pictures are shown as they are.

    Attributes:
        frame: of a file of several.
        window: None: the file's first one, or else the whole range of the values.
    """

    path: Path
    frame: int = 0
    window: Window | None = None

    def read(self) -> np.ndarray:
        """uint8 [H, W, 3].

        Raises:
            UserError: pydicom is absent, or the file cannot be read or has no such frame.
        """
        pydicom = _pydicom()
        try:
            data = pydicom.dcmread(self.path)
            stored = pydicom.pixels.pixel_array(data, index=self.frame)
        except Exception as error:
            raise UserError(
                f"{self.path}, frame {self.frame}: not a readable DICOM picture ({type(error).__name__}: {error}). "
                "Replace the file by an intact copy; compressed ones may need pylibjpeg beside pydicom."
            ) from error
        if stored.ndim == 3:
            return _coloured(stored, self.path)
        values = pydicom.pixels.apply_modality_lut(stored, data)
        picture = grey(values, self.window or _window(data))
        return 255 - picture if data.get("PhotometricInterpretation") == "MONOCHROME1" else picture

    def fingerprint(self) -> str:
        return f"{hash_file(self.path)} {self.frame} {self.window}"


def dicom_series(folder: Path, window: Window | None = None) -> tuple[DicomFile, ...]:
    """The pictures of all DICOM files in a folder, along the patient where positions say so, else by number.

    Raises:
        UserError: pydicom is absent, or a file cannot be read, or there is none.
    """
    pydicom = _pydicom()
    found: list[tuple[tuple[float, float], Path, int]] = []
    if not folder.is_dir():
        raise UserError(f"{folder}: no DICOM files, for it is no folder.")
    for path in sorted(file for file in folder.iterdir() if file.name.lower().endswith(SUFFIXES) and file.is_file()):
        if not inside(path, folder):
            raise UserError(f"{path}: a link that leads out of its folder. Correct it, or allow such: --follow-links.")
        try:
            data = pydicom.dcmread(path, stop_before_pixels=True)
        except Exception as error:
            raise UserError(
                f"{path}: not a DICOM file ({error}). Remove it, or replace it by an intact copy."
            ) from error
        place = _along(data), float(data.get("InstanceNumber") or 0)
        found += [(place, path, frame) for frame in range(_frames(data, path))]
    if not found:
        raise UserError(f"{folder}: no DICOM files. Expected names that end with .dcm.")
    return tuple(DicomFile(path, frame, window) for _, path, frame in sorted(found))


def dicom_frames(path: Path) -> DicomFile | tuple[DicomFile, ...]:
    """The picture of a DICOM file, or its frames if it has several. What is none is said when it is decoded.

    Raises:
        UserError: pydicom is absent.
    """
    pydicom = _pydicom()
    try:
        data = pydicom.dcmread(path, specific_tags=["NumberOfFrames"])
    except Exception:
        return DicomFile(path)
    count = _frames(data, path)
    return DicomFile(path) if count == 1 else tuple(DicomFile(path, frame) for frame in range(count))


def _frames(data: Any, path: Path) -> int:
    """How many pictures a file says that it has; before any of them is looked at."""
    try:
        count = int(data.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= MOST_FRAMES:
        raise UserError(f"{path}: says that it has {count:,} frames; expected 1 to {MOST_FRAMES:,}.")
    return count


def _along(data: Any) -> float:
    """Where a slice lies on the axis that is normal to it, in millimetres; 0 if the file does not say."""
    position, axes = data.get("ImagePositionPatient"), data.get("ImageOrientationPatient")
    if position is None or axes is None:
        return 0.0
    across = np.cross(*np.reshape(np.array(axes, float), (2, 3)))
    return float(across @ np.array(position, float))


def _window(data: Any) -> Window | None:
    """The first window that a file gives."""
    if data.get("WindowCenter") is None or data.get("WindowWidth") is None:
        return None
    centre, width = (np.atleast_1d(np.array(data[name].value, float))[0] for name in ("WindowCenter", "WindowWidth"))
    return Window(float(centre), float(width))


def _coloured(stored: np.ndarray, path: Path) -> np.ndarray:
    if stored.dtype != np.uint8 or stored.shape[2] != 3:
        raise UserError(f"{path}: a picture of {stored.dtype} {list(stored.shape)}; expected colours of 8 bits.")
    return stored


def _pydicom() -> Any:
    try:
        import pydicom
        import pydicom.pixels
    except ImportError as error:
        raise UserError("DICOM needs pydicom: pip install 'mora-bench[dicom]'.") from error
    return pydicom
