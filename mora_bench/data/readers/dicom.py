"""DICOM pictures, through pydicom (`pip install 'mora-bench[dicom]'`): films, frames, series of slices."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from mora_bench.data.readers import dicom_header as header
from mora_bench.data.readers.dicom_codecs import check_unpackable
from mora_bench.data.readers.dicom_picture import DicomFile
from mora_bench.data.readers.dicom_slices import Slice, slices_of
from mora_bench.data.readers.dicom_stacks import chosen
from mora_bench.data.readers.links import inside
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: The number of folders of a run whose omissions are reported.
REPORTED_FOLDERS = 5
#: Ends of names of pictures that no series of DICOM files holds.
OTHERS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".nii", ".nii.gz")
_reported: set[Path] = set()


def dicom_frames(
    path: Path, window: Window | None = None, series: str | None = None
) -> DicomFile | tuple[DicomFile, ...]:
    """The picture of a DICOM file, or its frames if it has several, along the patient where positions say so. A file
    without one is refused when it is decoded.

    Args:
        series: which of several runs through the same places (times, echoes) a file of frames shows: "1/2" is the
            second of series 1.

    Raises:
        UserError: pydicom or a decoder is absent; a file is a mosaic, or says that it has an odd number of frames;
            several runs, and none is named.
    """
    header.pydicom_or_refuse()
    try:
        data = header.described(path)
    except UserError:
        return DicomFile(path, window=window)
    if header.no_picture(data):
        return DicomFile(path, window=window)
    check_unpackable(data, path)
    if header.count_frames(data, path) == 1:
        if unfit := header.mosaic(data):
            raise UserError(f"{path}: {unfit}")
        return DicomFile(path, window=window)
    stack, _ = chosen(slices_of(data, path), series, path)
    return tuple(DicomFile(path, picture.frame, window) for picture in stack.slices)


def dicom_series(folder: Path, window: Window | None = None, series: str | None = None) -> tuple[DicomFile, ...]:
    """The pictures of a series of DICOM files in a folder, along the patient where positions say so, else by number.

    Localizers, copies, and objects that are no pictures (reports, presentation states, masks) are left out, which one
    line on stderr says. Files that are not DICOM are not looked at.

    Args:
        series: the UID, number or description of the series, where a folder holds several; "3/2" is the second of
            several runs through the same places (times, echoes) that make series 3.

    Raises:
        UserError: pydicom or a decoder is absent; a file cannot be read, or there is none; several series, and none is
            named.
    """
    header.pydicom_or_refuse()
    if not folder.is_dir():
        raise UserError(f"{folder}: not a folder; expected a folder of DICOM files.")
    slices: list[Slice] = []
    omitted: Counter[str] = Counter()
    for path in sorted(file for file in folder.iterdir() if file.is_file() and header.is_dicom(file)):
        if not inside(path, folder):
            raise UserError(f"{path}: a link that leads out of its folder. Correct it, or allow such: --follow-links.")
        data = header.described(path)
        if what := header.no_picture(data):
            omitted[what] += 1
            continue
        check_unpackable(data, path)
        slices += slices_of(data, path)
    distinct = list({_identity(picture): picture for picture in reversed(slices)}.values())[::-1]
    if not distinct:
        held = f" Found: {', '.join(omitted)}." if omitted else ""
        below = (
            " Folders in it are not looked at: name one of them." if any(p.is_dir() for p in folder.iterdir()) else ""
        )
        do = _others(folder) or "Expected DICOM files of any name."
        raise UserError(f"{folder}: no DICOM files with pictures.{held}{below} {do}")
    stack, others = chosen(distinct, series, folder)
    _say(folder, omitted, len(slices) - len(distinct), others)
    return tuple(DicomFile(picture.path, picture.frame, window) for picture in stack.slices)


def _others(folder: Path) -> str:
    """How the pictures of other formats in a folder are given, a sentence; "" if it holds none."""
    names = sorted(file.name for file in folder.iterdir() if file.name.lower().endswith(OTHERS) and file.is_file())
    several = ";".join(f"{folder.name}/{name}" for name in names[:2])
    return f"It holds {number_of(len(names), 'other picture')}: name each, with ; between ({several})." if names else ""


def _identity(picture: Slice) -> tuple:
    """A picture's identity, which its copies share."""
    if not picture.instance:
        return picture.path, picture.frame
    return picture.instance, picture.frame, picture.series, picture.position, picture.number


def _say(folder: Path, omitted: Counter[str], copies: int, others: list[str]) -> None:
    parts = [f"{number} x {what}" for what, number in omitted.items()]
    parts += [f"{copies} copies"] * bool(copies) + [f"series {other}" for other in others]
    if not parts or folder in _reported or len(_reported) > REPORTED_FOLDERS:
        return
    _reported.add(folder)
    end = "; what is left out of more folders is not said" if len(_reported) > REPORTED_FOLDERS else ""
    print(f"{folder}: left out: {'; '.join(parts)}{end}", file=sys.stderr)
