"""Real DICOM files for the conformance table: those of pydicom and pydicom-data."""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from conformance_source import Source

from mora_bench.data.readers.dicom import dicom_frames

#: Names of files that lie beside the pictures and are no DICOM.
OTHER = (".py", ".pyc", ".txt", ".json", ".md", ".icc", ".dump", ".zip", ".tar", ".gz")


def pydicom_files() -> Source | None:
    """The test files of pydicom (and of pydicom-data, where it is installed), compared with highdicom."""
    if not (find_spec("pydicom") and find_spec("highdicom")):
        return None
    package = f"pydicom {version('pydicom')}"
    if find_spec("pydicom_data") or find_spec("data_store"):
        package += f", pydicom-data {version('pydicom-data')}"
    return Source(package, f"highdicom {version('highdicom')}", _files(), _kind, _ours, _theirs)


def _files() -> list[Path]:
    import pydicom

    folders = [Path(pydicom.__file__).parent / "data" / "test_files"]
    if data := find_spec("data_store"):
        folders += map(Path, data.submodule_search_locations or ())
    return sorted(f for folder in folders for f in folder.rglob("*") if f.is_file() and f.suffix not in OTHER)


def _kind(file: Path) -> tuple[str, str]:
    import pydicom

    data = pydicom.dcmread(file, force=True, stop_before_pixels=True)
    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    return (syntax.name if syntax else "not said"), str(data.get("PhotometricInterpretation") or "no picture")


def _ours(file: Path) -> list[np.ndarray]:
    pictures = dicom_frames(file)
    return [picture.read() for picture in (pictures if isinstance(pictures, tuple) else (pictures,))]


def _theirs(file: Path) -> Sequence[np.ndarray] | None:
    import highdicom

    try:
        image = highdicom.imread(file)
        frames = [
            image.get_frame(n + 1, apply_voi_transform=None, voi_output_range=(0, 255), apply_icc_profile=False)
            for n in range(image.number_of_frames)
        ]
    except Exception:
        return None
    grey = [np.clip(frame, 0, 255).round().astype(np.uint8) for frame in frames]
    return [frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2) for frame in grey]
