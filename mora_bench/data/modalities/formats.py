"""Files that are whole and of a format that is not read as a picture: which one it is, and what to do with it.

Of a file that only a reader of another kind would take for damaged, nobody shall make a missing picture.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

#: Bytes of a file by which its format is told.
HEAD = 512


class Format(NamedTuple):
    """A format that is told by its first bytes.

    Attributes:
        what: it is, in words.
        remedy: what to do with it, a whole sentence; {name} stands for the file's name without its last suffix.
        starts: the bytes that it may have at `at`.
    """

    what: str
    remedy: str
    starts: tuple[bytes, ...]
    at: int = 0


DICOM = Format("a DICOM file", "Call it {name}.dcm.", (b"DICM",), 128)
NIFTI = Format("a NIfTI volume", "Call it {name}.nii.", (b"n+1\0",), 344)
NIFTI_2 = Format("a NIfTI volume", "Call it {name}.nii.", (b"n+2\0",), 4)
GZIP = Format(
    "a file that gzip packed", "Unpack it (gunzip); a NIfTI volume is read as it is, if called .nii.gz.", (b"\x1f\x8b",)
)
PICTURE = "Save it as PNG, TIFF or JPEG."
FILM = "Save those of its frames that matter as pictures."
UNPACK = "Unpack it; a NIfTI volume may be packed anew by gzip (.nii.gz)."
VOLUME, BY_SIMPLEITK = "a volume of a format that is not read", "Convert it to NIfTI, with SimpleITK, say."
BY_FIJI = "Save its pictures as TIFF, with Fiji, say."
EXPORT = "Export them as DICOM files or pictures from the viewer, or with OCT-Converter, say."
#: What no name says otherwise.
FORMATS = (
    DICOM,
    NIFTI,
    NIFTI_2,
    Format("a HEIC picture", PICTURE, tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"hevc")), 4),
    Format("a JPEG XL picture", PICTURE, (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    Format("an SVG drawing", PICTURE, (b"<svg",)),
    Format("a PostScript drawing", PICTURE, (b"%!PS",)),
    Format("a PDF document", "Save those of its pages that matter as pictures.", (b"%PDF-",)),
    Format("a film (MP4, MOV)", FILM, tuple(b"ftyp" + brand for brand in (b"iso", b"mp4", b"avc1", b"M4V", b"qt")), 4),
    Format("a film (AVI)", FILM, (b"AVI ",), 8),
    Format("a film (MPEG)", FILM, (b"\0\0\1\xba", b"\0\0\1\xb3")),
    Format("a film (Matroska, WebM)", FILM, (b"\x1a\x45\xdf\xa3",)),
    Format(f"{VOLUME} (NRRD)", BY_SIMPLEITK, (b"NRRD00",)),
    Format(f"{VOLUME} (MetaImage)", BY_SIMPLEITK, (b"ObjectType",)),
    Format(f"{VOLUME} (VTK)", BY_SIMPLEITK, (b"# vtk DataFile", b"<VTKFile")),
    Format(f"{VOLUME} (GIPL)", BY_SIMPLEITK, (b"\xef\xff\xe9\xb0", b"\x2a\xe3\x89\xb8"), 252),
    Format("a file of a microscope (Zeiss CZI)", BY_FIJI, (b"ZISRAWFILE",)),
    Format("a file of a microscope (Nikon ND2)", BY_FIJI, (b"\xda\xce\xbe\x0a",)),
    Format("scans of the eye (Heidelberg E2E)", EXPORT, (b"CMDb",)),
    Format("scans of the eye (Topcon FDA, FDS)", EXPORT, (b"FOCT",)),
    Format("an array of NumPy", PICTURE, (b"\x93NUMPY",)),
    Format("a page of HTML, as a failed download leaves it", "Download it again.", (b"<!doctype html", b"<html")),
    Format("a pointer of Git LFS in place of a file", "Bring the file: git lfs pull.", (b"version https://git-lfs",)),
)
#: What a name may say more of.
CONTAINERS = (
    GZIP,
    Format("a file that bzip2 packed", UNPACK, (b"BZh",)),
    Format("a file that xz packed", UNPACK, (b"\xfd7zXZ",)),
    Format("a file that zstd packed", UNPACK, (b"\x28\xb5\x2f\xfd",)),
    Format("an archive (zip, 7z, RAR)", UNPACK, (b"PK\3\4", b"7z\xbc\xaf", b"Rar!")),
    Format("an HDF5 file", "Save its pictures as PNG or TIFF.", (b"\x89HDF",)),
)
#: Formats of volumes that are not read, by the end of a name, and what to do with them.
VOLUMES = (
    (
        (".mgh", ".mgz", ".mnc", ".hdr", ".img", ".brik", ".brik.gz", ".head"),
        "`nib-convert FILE FILE.nii.gz` of nibabel",
    ),
    ((".par", ".rec"), "`parrec2nii FILE` of nibabel"),
    ((".nrrd", ".nhdr", ".mha", ".mhd", ".gipl", ".gipl.gz"), "SimpleITK, say"),
    ((".v",), "nibabel"),
)
#: The end of the name of a file that holds the values of a volume alone, and of the header beside it.
VALUES, HEADERS = re.compile(r"\.z?raw(\.gz)?$", re.I), (".mhd", ".nhdr")


def another(path: Path, *but: Format) -> str:
    """What a file is that could not be read, and the remedy, in two sentences; "" if nothing tells, and it may be
    damaged.

    Args:
        but: formats that the caller reads: a file that begins so is damaged.
    """
    head = b""
    with suppress(OSError), open(path, "rb") as file:
        head = file.read(HEAD)
    if _told(head, but):
        return ""
    if header := _header(path):
        return f"the values of a volume, whose header is {header}. Convert that one to NIfTI, with SimpleITK, say."
    name = path.name.lower()
    volume = next((by for ends, by in VOLUMES if name.endswith(ends)), "")
    told = _told(head, FORMATS)
    if told is None and volume:
        return f"{VOLUME}. Convert it to NIfTI, with {volume}."
    told = told or _told(head, CONTAINERS)
    return f"{told.what}. {told.remedy.format(name=path.stem)}" if told else ""


def _header(path: Path) -> str:
    """The name of the header of a volume beside the file of its values, "" if it is none."""
    name, values = VALUES.subn("", path.name)
    return next((name + end for end in HEADERS if values and (path.parent / (name + end)).is_file()), "")


def _told(head: bytes, formats: tuple[Format, ...]) -> Format | None:
    """The format by which a file begins; letters of HTML may be large or small."""
    for form in formats:
        start = head[form.at : form.at + 32]
        if start.startswith(form.starts) or start.lower().startswith(form.starts):
            return form
    return None
