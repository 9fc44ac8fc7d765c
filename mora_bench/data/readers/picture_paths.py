"""From the path of a picture, as a table has it, to what reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers.dicom import dicom_frames, dicom_series
from mora_bench.data.readers.dicom_header import SUFFIXES, is_dicom
from mora_bench.data.readers.links import inside
from mora_bench.data.readers.nifti import nifti_slices
from mora_bench.data.readers.paths import LONGEST_NAME


def is_inside(name: str, base: Path) -> bool:
    """Whether a path of a table leads to something below a folder."""
    if "\0" in name or any(len(part.encode(errors="replace")) > LONGEST_NAME for part in Path(name).parts):
        return False
    return os.path.abspath(base / name) != os.path.abspath(base) and inside(base / name, base)


def is_there(path: Path) -> bool:
    """Whether a path is a plain file or a folder. (Reading a pipe would wait for ever.)"""
    return path.is_file() or path.is_dir()


def opened(path: Path) -> Any:
    """What reads a path: a folder is a DICOM series; by its suffix a file is a DICOM picture or its frames, the
    slices of a volume, or a picture."""
    name = path.name.lower()
    if path.is_dir():
        return dicom_series(path)
    # Scanners name files by numbers, with no suffix or with the last number of a UID as one.
    odd = not path.suffix or path.suffix[1:].isdigit()
    if name.endswith(SUFFIXES) or (odd and is_dicom(path)):
        return dicom_frames(path)
    return nifti_slices(path) if name.endswith((".nii", ".nii.gz")) else PictureFile(path)
