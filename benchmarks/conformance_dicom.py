"""Real DICOM files for the conformance table: those of pydicom, of pydicom-data and of nibabel."""

import atexit
import gzip
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from conformance_source import NO_PICTURE, Source
from PIL import Image

from mora_bench.data.readers.dicom import dicom_frames

#: Names of files that lie beside the pictures and are no DICOM.
OTHER = (".py", ".pyc", ".txt", ".json", ".md", ".icc", ".dump", ".zip", ".tar", ".gz")
#: Files that SimpleITK misreads (16 and 32 bits of colour in RLE, 32 bits in big endian) or cannot read (one frame of
#: doses), and what stands for it in the name of a file that begins with the same pictures.
TWINS = {"_rle_16bit": "_16bit", "_rle_32bit": "_32bit", "_expb_1frame": "", "_rle_1frame": "", "_1frame": ""}
TWINS |= {"rtdose_expb": "rtdose"}


def pydicom_files() -> Source | None:
    """The test files of pydicom (and of pydicom-data, where it is installed), compared with SimpleITK's values."""
    if not (find_spec("pydicom") and find_spec("SimpleITK")):
        return None
    package = f"pydicom {version('pydicom')}"
    if find_spec("pydicom_data") or find_spec("data_store"):
        package += f", pydicom-data {version('pydicom-data')}"
    return Source(package, f"SimpleITK {version('SimpleITK')}", _files(), _kind, _ours, _theirs)


def nibabel_files() -> Source | None:
    """The DICOM files of nibabel's tests, unpacked where they are gzipped."""
    if not all(map(find_spec, ("nibabel", "pydicom", "SimpleITK"))):
        return None
    import nibabel

    packages = Path(nibabel.__file__).parent
    unpacked = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, unpacked)
    for file in packages.rglob("*.dcm.gz"):
        (unpacked / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    # Two of them lie in two folders.
    files = sorted({file.name: file for folder in (packages, unpacked) for file in folder.rglob("*.dcm")}.values())
    name = f"nibabel {nibabel.__version__} (DICOM)"
    return Source(name, f"SimpleITK {version('SimpleITK')}", files, _kind, _ours, _theirs)


def _files() -> list[Path]:
    import pydicom

    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    if data := find_spec("data_store"):
        folders += map(Path, data.submodule_search_locations or ())
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return sorted(file for file in files if file.suffix not in OTHER and file.name != "README")


def _kind(file: Path) -> tuple[str, str]:
    import pydicom

    data = pydicom.dcmread(file, force=True, stop_before_pixels=True)
    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    shows = data.get("Rows") and data.get("SOPClassUID") != pydicom.uid.SegmentationStorage
    return (syntax.name if syntax else "not said"), str(data.PhotometricInterpretation if shows else NO_PICTURE)


def _ours(file: Path) -> list[np.ndarray]:
    pictures = dicom_frames(file)
    frames = pictures if isinstance(pictures, tuple) else (pictures,)
    return [picture.read() for picture in sorted(frames, key=lambda one: one.frame)]


def _theirs(file: Path) -> Sequence[np.ndarray] | None:
    """Values and colours as SimpleITK (GDCM) reads them, grey levels by pydicom's windows and tables."""
    import pydicom
    import SimpleITK

    SimpleITK.ProcessObject_SetGlobalWarningDisplay(False)
    twin = _twin(file)
    if twin is None:
        return None
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(twin))
    reader.SetImageIO("GDCMImageIO")
    try:
        image = reader.Execute()
    except RuntimeError:
        return None
    data = pydicom.dcmread(file, force=True)
    values = SimpleITK.GetArrayFromImage(image)
    if values.ndim == 4:
        deep = 8 * (values.dtype.itemsize - 1)
        frames = [(frame >> deep if deep else frame).astype(np.uint8) for frame in values]
    else:
        frames = [np.repeat(_levels(frame, data, n)[..., None], 3, axis=2) for n, frame in enumerate(values)]
    across, down, _ = image.GetSpacing()
    if data.get("PixelAspectRatio"):
        down, across = map(float, data.PixelAspectRatio)
    count = int(data.get("NumberOfFrames") or 1)
    return [_upright(_squared(frame, down, across), data) for frame in frames[:count]]


def _squared(picture: np.ndarray, down: float, across: float) -> np.ndarray:
    if abs(across / down - 1) < 0.01:
        return picture
    side = min(across, down)
    size = round(picture.shape[1] * across / side), round(picture.shape[0] * down / side)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def _twin(file: Path) -> Path | None:
    """The file itself, or one of the same pictures in another packing where SimpleITK misreads it, if there is one."""
    for old, new in TWINS.items():
        if old in file.name:
            return next((other for other in _files() if other.name == file.name.replace(old, new)), None)
    return file


def _levels(values: np.ndarray, data: Any, frame: int) -> np.ndarray:
    """Measured values [H, W] to uint8 [H, W] by pydicom, which looks at the top of a data set only."""
    import pydicom
    from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing

    flat = pydicom.Dataset()
    groups = [*(data.get("SharedFunctionalGroupsSequence") or [])[:1]]
    groups += [*(data.get("PerFrameFunctionalGroupsSequence") or [])[frame : frame + 1]]
    for part in (data, *(item for group in groups for one in group if one.VR == "SQ" for item in one.value[:1])):
        for name in ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"):
            if part.get(name) is not None:
                setattr(flat, name, part.get(name))
    flat.file_meta, flat.BitsStored, flat.PixelRepresentation = data.file_meta, 8, 0
    flat.PhotometricInterpretation = "MONOCHROME2"
    over = data.PhotometricInterpretation == "MONOCHROME1"
    if over:
        # SimpleITK has turned the stored values over, before their slope and intercept.
        slope, intercept = float(data.get("RescaleSlope") or 1), float(data.get("RescaleIntercept") or 0)
        values = slope * (2**data.BitsStored - 1) + 2 * intercept - values
    if "ModalityLUTSequence" in data:
        # SimpleITK leaves it out.
        values = apply_modality_lut(values.astype(np.int32), data)
    if "VOILUTSequence" in flat:
        levels = apply_voi(values, flat) / (2 ** flat.VOILUTSequence[0].LUTDescriptor[2] - 1) * 255
    elif "WindowWidth" in flat:
        levels = apply_windowing(values.astype(np.float64), flat)
    elif data.BitsStored == 8:
        levels = values
    else:
        levels = (values - values.min()) / max(float(np.ptp(values)), 1e-9) * 255
    rounded = np.clip(levels, 0, 255).round().astype(np.uint8)
    return 255 - rounded if over else rounded


def _upright(picture: np.ndarray, data: Any) -> np.ndarray:
    """A slice as SimpleITK turns it, with the head or what is in front above. All frames of a file lie alike here."""
    import SimpleITK

    shared = data.get("SharedFunctionalGroupsSequence") or [data]
    plane = shared[0].get("PlaneOrientationSequence") or [data]
    if "ImageOrientationPatient" not in plane[0]:
        return picture
    row, column = np.reshape([float(value) for value in plane[0].ImageOrientationPatient], (2, 3))
    volume = SimpleITK.GetImageFromArray(picture[None], isVector=True)
    volume.SetDirection(np.stack([row, column, np.cross(row, column)], axis=1).ravel().tolist())
    turned = SimpleITK.GetArrayFromImage(SimpleITK.DICOMOrient(volume, "LPS"))
    axis = turned.shape[:3].index(1)
    return turned.take(0, axis) if axis == 0 else turned.take(0, axis)[::-1]
