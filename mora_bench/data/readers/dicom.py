"""DICOM pictures, through pydicom (`pip install 'mora-bench[dicom]'`): films, frames, series of slices."""

from __future__ import annotations

from pathlib import Path

from mora_bench.data.readers.dicom_header import SUFFIXES, along, count_frames, pydicom_or_refuse
from mora_bench.data.readers.dicom_picture import DicomFile
from mora_bench.data.readers.links import inside
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError


def dicom_series(folder: Path, window: Window | None = None) -> tuple[DicomFile, ...]:
    """The pictures of all DICOM files in a folder, along the patient where positions say so, else by number.

    Raises:
        UserError: pydicom is absent, or a file cannot be read, or there is none.
    """
    pydicom = pydicom_or_refuse()
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
        place = along(data), float(data.get("InstanceNumber") or 0)
        found += [(place, path, frame) for frame in range(count_frames(data, path))]
    if not found:
        raise UserError(f"{folder}: no DICOM files. Expected names that end with .dcm.")
    return tuple(DicomFile(path, frame, window) for _, path, frame in sorted(found))


def dicom_frames(path: Path) -> DicomFile | tuple[DicomFile, ...]:
    """The picture of a DICOM file, or its frames if it has several. What is none is said when it is decoded.

    Raises:
        UserError: pydicom is absent.
    """
    pydicom = pydicom_or_refuse()
    try:
        data = pydicom.dcmread(path, specific_tags=["NumberOfFrames"])
    except Exception:
        return DicomFile(path)
    count = count_frames(data, path)
    return DicomFile(path) if count == 1 else tuple(DicomFile(path, frame) for frame in range(count))
