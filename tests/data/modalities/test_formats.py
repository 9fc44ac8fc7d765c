"""Whole files of formats that are not read as pictures: named, with what to do, and never called damaged."""

import gzip

import numpy as np
import pytest

from mora_bench.data.modalities.formats import another
from mora_bench.data.readers.picture_paths import Views, opened
from mora_bench.errors import UserError

PICTURE, FILM = "Save it as PNG, TIFF or JPEG.", "Save those of its frames that matter as pictures."
UNPACK = "Unpack it; a NIfTI volume may be packed anew by gzip (.nii.gz)."
VOLUME, BY_SIMPLEITK = "a volume of a format that is not read", "Convert it to NIfTI, with SimpleITK, say."
BY_FIJI = "Save its pictures as TIFF, with Fiji, say."
EXPORT = "Export them as DICOM files or pictures from the viewer, or with OCT-Converter, say."
GIPL = bytes(252) + (0xEFFFE9B0).to_bytes(4) + bytes(200)
NIFTI = bytes(344) + b"n+1\0" + bytes(100)
FILES = {
    "a.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), f"a HEIC picture. {PICTURE}"),
    "a.jxl": (b"\xff\x0a" + bytes(30), f"a JPEG XL picture. {PICTURE}"),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), f"a JPEG XL picture. {PICTURE}"),
    "a.svg": (b"<svg width='4'/>", f"an SVG drawing. {PICTURE}"),
    "a.npy": (b"\x93NUMPY\1\0", f"an array of NumPy. {PICTURE}"),
    "a.avi": (b"RIFF\0\0\0\0AVI LIST", f"a film (AVI). {FILM}"),
    "a.mp4": (b"\0\0\0\x18ftypmp42", f"a film (MP4, MOV). {FILM}"),
    "a.mov": (b"\0\0\0\x14ftypqt  ", f"a film (MP4, MOV). {FILM}"),
    "a.mkv": (b"\x1a\x45\xdf\xa3", f"a film (Matroska, WebM). {FILM}"),
    "a.mpg": (b"\0\0\1\xba" + bytes(90), f"a film (MPEG). {FILM}"),
    "a.pdf": (b"%PDF-1.4\n", "a PDF document. Save those of its pages that matter as pictures."),
    "a.png": (
        b"<!DOCTYPE html><title>404</title>",
        "a page of HTML, as a failed download leaves it. Download it again.",
    ),
    "b.png": (
        b"version https://git-lfs.github.com/spec/v1\n",
        "a pointer of Git LFS in place of a file. Bring the file: git lfs pull.",
    ),
    "a.gipl": (GIPL, f"{VOLUME} (GIPL). {BY_SIMPLEITK}"),
    "a.vtk": (b"# vtk DataFile Version 3.0\n", f"{VOLUME} (VTK). {BY_SIMPLEITK}"),
    "a.nrrd": (b"NRRD0004\n", f"{VOLUME} (NRRD). {BY_SIMPLEITK}"),
    "a.mha": (b"ObjectType = Image\n", f"{VOLUME} (MetaImage). {BY_SIMPLEITK}"),
    "a.czi": (b"ZISRAWFILE\0\0" + bytes(90), f"a file of a microscope (Zeiss CZI). {BY_FIJI}"),
    "a.nd2": (b"\xda\xce\xbe\x0a" + bytes(90), f"a file of a microscope (Nikon ND2). {BY_FIJI}"),
    "a.e2e": (b"CMDb" + bytes(90), f"scans of the eye (Heidelberg E2E). {EXPORT}"),
    "a.fda": (b"FOCTFDA" + bytes(90), f"scans of the eye (Topcon FDA, FDS). {EXPORT}"),
    "a.gipl.gz": (gzip.compress(GIPL), f"{VOLUME}. {BY_SIMPLEITK}"),
    "a.mgz": (
        gzip.compress(bytes(90)),
        f"{VOLUME}. Convert it to NIfTI, with `nib-convert FILE FILE.nii.gz` of nibabel.",
    ),
    "a.mnc": (b"\x89HDF\r\n\x1a\n", f"{VOLUME}. Convert it to NIfTI, with `nib-convert FILE FILE.nii.gz` of nibabel."),
    "a.h5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file. Save its pictures as PNG or TIFF."),
    "a.nii.bz2": (b"BZh9" + bytes(30), f"a file that bzip2 packed. {UNPACK}"),
    "a.zip": (b"PK\3\4" + bytes(30), f"an archive (zip, 7z, RAR). {UNPACK}"),
    "a.gz": (
        gzip.compress(NIFTI),
        "a file that gzip packed. Unpack it (gunzip); a NIfTI volume is read as it is, if called .nii.gz.",
    ),
    "a.vol": (NIFTI, "a NIfTI volume. Call it a.nii."),
    "a.img": (bytes(128) + b"DICM" + bytes(99), "a DICOM file. Call it a.dcm."),
    "a.dic": (bytes(128) + b"DICM" + bytes(99), "a DICOM file. Call it a.dcm."),
}


def first(path):
    """The first picture of a file."""
    shown = opened(path, Views())
    return (shown[0] if isinstance(shown, tuple) else shown).read()


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_of_another_format_is_named_with_what_to_do(name, tmp_path):
    """It had been called damaged, and to be removed, which makes a missing picture of one that is there."""
    content, expected = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        opened(tmp_path / name, Views()).read()
    assert str(error.value) == f"{tmp_path}/{name}: {expected}"


@pytest.mark.parametrize("name", ["v.raw", "v.zraw", "V.RAW", "v.raw.gz"])
def test_values_beside_the_header_of_a_volume_are_named_by_it(name, tmp_path):
    (tmp_path / name).write_bytes(bytes(600))
    header = f"{name[0]}.mhd"
    assert another(tmp_path / name) == ""
    (tmp_path / header).write_bytes(b"ObjectType = Image\n")
    with pytest.raises(UserError) as error:
        opened(tmp_path / name, Views()).read()
    said = f"the values of a volume, whose header is {header}. Convert that one to NIfTI, with SimpleITK, say."
    assert str(error.value) == f"{tmp_path}/{name}: {said}"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bin"])
def test_what_nothing_tells_may_be_damaged(name, tmp_path):
    for content in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"\0" * 600, b"no picture at all"):
        (tmp_path / name).write_bytes(content)
        assert another(tmp_path / name) == ""
        with pytest.raises(UserError, match=f"{name}: not a readable picture .* Replace the file by an intact copy"):
            opened(tmp_path / name, Views()).read()
    assert another(tmp_path / "absent.png") == ""


def test_a_film_or_a_packed_file_is_named_whatever_it_is_called(tmp_path):
    pytest.importorskip("nibabel")
    pytest.importorskip("pydicom")
    for name, content, expected in (
        ("a.dcm", b"%PDF-1.4" + bytes(300), "a PDF document. Save"),
        ("b.dcm", NIFTI, "a NIfTI volume. Call it b.nii."),
        ("c.nii", bytes(128) + b"DICM" + bytes(300), "a DICOM file. Call it c.dcm."),
        ("d.nii.gz", b"BZh9" + bytes(300), "a file that bzip2 packed. Unpack it"),
        ("e.nii", gzip.compress(NIFTI), "a file that gzip packed. Unpack it"),
        # Of their own formats these are damaged.
        ("f.dcm", bytes(128) + b"DICM" + bytes(300), "no picture in it"),
        ("g.nii.gz", gzip.compress(bytes(400)), "not a readable NIfTI file"),
        ("h.nii", NIFTI, "not a readable NIfTI file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as error:
            first(tmp_path / name)
        assert f"{name}" in str(error.value)
        assert expected in str(error.value)


def test_what_is_read_is_told_from_no_other_format(tmp_path):
    from PIL import Image

    for suffix in ("png", "jpg", "tif", "gif", "webp", "avif", "bmp", "ppm", "jp2", "tga", "ico"):
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / f"x.{suffix}")
        assert another(tmp_path / f"x.{suffix}") == ""
