"""The headers of DICOM files: all that they say beside their pixels."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mora_bench.data.modalities import formats
from mora_bench.errors import UserError
from mora_bench.files import Version, version

#: The ends of names of DICOM files; and the most frames of one, and pixels of a frame.
SUFFIXES, MOST_FRAMES, MOST_PIXELS = (".dcm", ".dicom", ".ima"), 100_000, 100_000_000
#: Objects that have rows and columns and show no patient.
MASKS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
#: Pictures of nuclear medicine, and its kinds that are no slices (PS3.3, C.8.4.9.1.1).
NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"
PROJECTIONS = ("STATIC", "WHOLE BODY", "DYNAMIC", "GATED", "TOMO", "GATED TOMO")
#: How a file without preamble begins: group 2 or 8, in either order of bytes.
BARE = (b"\2\0", b"\x08\0", b"\0\2", b"\0\x08")
#: How what macOS keeps of a file beside it begins (AppleSingle, AppleDouble): `._IM1.dcm` beside IM1.dcm, in each zip.
APPLE = (b"\0\5\x16\0", b"\0\5\x16\7")


def pydicom_or_refuse() -> Any:
    try:
        import pydicom
        import pydicom.pixels
    except ImportError as error:
        raise UserError("DICOM needs pydicom: pip install 'mora-bench[dicom]'.") from error
    return pydicom


def is_dicom(path: Path) -> bool:
    """Whether a plain file is DICOM: by its suffix, or by how it begins."""
    if path.name.lower().endswith(SUFFIXES):
        return _head(path)[:4] not in APPLE
    return _begins(path)


def _head(path: Path) -> bytes:
    """The first bytes of a file, none where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(132)
    except OSError:
        return b""


def _begins(path: Path) -> bool:
    """Whether a file begins as DICOM does."""
    head = _head(path)
    if head[128:] == b"DICM":
        return True
    # A tag, then two letters that name a type, or a length, which is short.
    named = head[4:6].isalpha() and head[4:6].isupper()
    return head[:2] in BARE and (named or head[6:8] == b"\0\0" or head[4:6] == b"\0\0")


def opened(path: Path) -> Any:
    """The data set of a file; that of the file that was read last is kept. Of a damaged file pydicom raises whatever
    comes up first."""
    pydicom_or_refuse()
    return _read(path, version(path))


@lru_cache(maxsize=1)
def _read(path: Path, stamp: Version) -> Any:
    # Frames of a file are read one after the other.
    return _parsed(path, True)


def described(path: Path) -> Any:
    """The data set of a file without its pixels.

    Raises:
        UserError: pydicom is absent, or the file is not DICOM.
    """
    pydicom_or_refuse()
    try:
        return _parsed(path, False)
    except Exception as error:
        if what := formats.another(path, formats.DICOM):
            raise UserError(f"{path}: {what}") from error
        raise UserError(
            f"{path}: not a DICOM file ({type(error).__name__}: {error}). Remove it, or replace it by an intact copy."
        ) from error


def _parsed(path: Path, pixels: bool) -> Any:
    import pydicom

    with warnings.catch_warnings():
        # Of values that break a rule and are not needed.
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(path, stop_before_pixels=not pixels)
        except pydicom.errors.InvalidDicomError as error:
            data = None if not _begins(path) else pydicom.dcmread(path, stop_before_pixels=not pixels, force=True)
            if data is None or ("SOPClassUID" not in data and "Rows" not in data):
                raise ValueError("no header of DICOM") from error
    if not hasattr(data, "file_meta"):
        data.file_meta = pydicom.dataset.FileMetaDataset()
    if "TransferSyntaxUID" not in data.file_meta:
        implicit, little = data.original_encoding
        little_endian = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
        data.file_meta.TransferSyntaxUID = little_endian if little else pydicom.uid.ExplicitVRBigEndian
    return data


def no_picture(data: Any) -> str | None:
    """The kind of a data set that is no picture, in words; None for a picture."""
    from pydicom.uid import UID

    kind = UID(str(data.get("SOPClassUID") or ""))
    if data.get("Rows") and data.get("Columns") and kind not in MASKS:
        return None
    return kind.name or ("a directory" if "DirectoryRecordSequence" in data else "an object without a name")


def count_frames(data: Any, path: Path) -> int:
    """How many pictures a file says that it has; before any of them is looked at."""
    try:
        count = int(data.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= MOST_FRAMES:
        raise UserError(f"{path}: says that it has {count:,} frames; expected 1 to {MOST_FRAMES:,}.")
    return count


def check_size(data: Any, path: Path) -> None:
    """Refuse a picture that would fill the memory, before it is decoded."""
    if int(data.Rows) * int(data.Columns) > MOST_PIXELS:
        raise UserError(f"{path}: {data.Rows} x {data.Columns} pixels; expected at most {MOST_PIXELS:,} in all.")


def mosaic(data: Any) -> str:
    """Why a picture of many slices side by side (functional and diffusion MR by Siemens) is not shown, "" for others:
    it would be turned and ordered as if it were one slice."""
    words = {str(word).strip().upper() for word in list_of(data.get("ImageType") or ())}
    if "MOSAIC" not in words:
        return ""
    return "a mosaic (ImageType), many slices side by side in one picture. Convert it to NIfTI: dcm2niix FOLDER."


@dataclass(frozen=True)
class Frame:
    """One frame of a data set, numbered from 0."""

    data: Any
    number: int = 0

    @cached_property
    def parts(self) -> list[Any]:
        """The data sets that hold its attributes: its own functional groups, those that all frames share, the file; of
        a reconstructed slice of nuclear medicine its detector, which alone says how the slice lies."""
        datasets = []
        for name, number in (("PerFrameFunctionalGroupsSequence", self.number), ("SharedFunctionalGroupsSequence", 0)):
            groups = self.data.get(name) or ()
            sequences = (group for group in (groups[number] if number < len(groups) else ()) if group.VR == "SQ")
            # Scanners put private sequences beside the groups, with attributes of the same names and other meanings.
            datasets += [group.value[0] for group in sequences if group.value and not group.tag.is_private]
        detectors = self.data.get("DetectorInformationSequence") if self._lies_as_its_detector() else None
        if detectors:
            at = int(self.of_vector("DetectorVector") or 1) - 1
            datasets.append(detectors[at if 0 <= at < len(detectors) else 0])
        return [*datasets, self.data]

    def _lies_as_its_detector(self) -> bool:
        """Whether the file is of nuclear medicine and not a projection, which is shown as stored, like a film."""
        kind = list_of(self.data.get("ImageType") or ())
        projection = len(kind) > 2 and str(kind[2]).strip().upper() in PROJECTIONS
        return str(self.data.get("SOPClassUID") or "") == NUCLEAR and not projection

    def of_vector(self, name: str) -> float | None:
        """Its value of an attribute that has one for each frame; None where it has none."""
        several = numbers(self.data.get(name))
        return several[self.number] if self.number < len(several) else None

    def get(self, name: str) -> Any:
        """An attribute; None where it is absent or empty."""
        values = (part.get(name) for part in self.parts if name in part)
        return next((value for value in values if value is not None and value != ""), None)


def numbers(value: Any) -> tuple[float, ...]:
    """The numbers of an attribute, none where it is absent or where one of them is none."""
    if value is None or isinstance(value, str):
        return ()
    try:
        several = tuple(float(part) for part in list_of(value))
    except (TypeError, ValueError):
        return ()
    return several if all(map(math.isfinite, several)) else ()


def list_of(value: Any) -> list[Any]:
    """The values of an attribute that may have one or several."""
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
