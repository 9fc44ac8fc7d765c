"""Real volumes for the conformance table: those of nibabel."""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from conformance_source import Source
from PIL import Image

from mora_bench.data.readers.picture_paths import Views, opened
from mora_bench.data.readers.window import Window

#: Formats of volumes among nibabel's files, by the end of a name.
FORMATS = {
    ".nii": "NIfTI", ".nii.gz": "NIfTI, gzip", ".hdr": "Analyze, NIfTI pair", ".img": "Analyze, NIfTI pair",
    ".mgz": "MGH", ".mgh": "MGH", ".mnc": "MINC", ".par": "PAR/REC", ".rec": "PAR/REC", ".v": "ECAT",
    ".head": "AFNI", ".brik": "AFNI", ".brik.gz": "AFNI",
}  # fmt: skip


def nibabel_files() -> Source | None:
    """The test files of nibabel, compared with SimpleITK; of files of several volumes, the first."""
    if not (find_spec("nibabel") and find_spec("SimpleITK")):
        return None
    reader = f"SimpleITK {version('SimpleITK')}"
    return Source(f"nibabel {version('nibabel')}", reader, _files(), _kind, _ours, _theirs)


def _files() -> list[Path]:
    import nibabel

    folder = Path(nibabel.__file__).parent
    return sorted(file for file in folder.rglob("data/*") if _format(file))


def _format(file: Path) -> str:
    name = file.name.lower()
    return next((title for end, title in FORMATS.items() if name.endswith(end)), "")


def _kind(file: Path) -> tuple[str, str]:
    import nibabel

    if not file.name.lower().endswith((".nii", ".nii.gz")):
        return _format(file), "of a format that is not read"
    image = nibabel.load(file)
    return _format(file), f"{image.get_data_dtype()}, {'several volumes' if len(image.shape) > 3 else 'a volume'}"


def _view(file: Path) -> Views:
    """A window, so that the two readers are compared and not two ways of choosing one."""
    import nibabel

    if not file.name.lower().endswith((".nii", ".nii.gz")):
        return Views()
    values = nibabel.load(file).get_fdata()
    low, high = np.nanquantile(values, [0.01, 0.99])
    return Views(Window((low + high) / 2, max(high - low, 2)), volume=0)


def _whole(file: Path) -> bool:
    import nibabel

    proxy = nibabel.load(file).dataobj
    return proxy.dtype.kind != "f" and proxy.slope % 1 == proxy.inter % 1 == 0


def _ours(file: Path) -> Sequence[np.ndarray]:
    pictures = opened(file, _view(file))
    return [picture.read() for picture in (pictures if isinstance(pictures, tuple) else (pictures,))]


def _theirs(file: Path) -> Sequence[np.ndarray] | None:
    """Axial slices from the foot, the patient's right at the left, as SimpleITK lays them."""
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(file), SimpleITK.sitkFloat64)
    except RuntimeError:
        return None
    if image.GetDimension() > 3:
        image = SimpleITK.Extract(image, [*image.GetSize()[:3], *[0] * (image.GetDimension() - 3)])
    upright = SimpleITK.DICOMOrient(image, "LPS")
    window = _view(file).window
    assert window is not None
    # PS3.3, C.11.2.1.2.1 (LINEAR) of whole values, C.11.2.1.3.2 (LINEAR_EXACT) of fractions.
    less = int(_whole(file))
    shares = (SimpleITK.GetArrayFromImage(upright) - (window.centre - less / 2)) / (window.width - less) + 0.5
    levels = (np.clip(np.nan_to_num(shares), 0, 1) * 255).round().astype(np.uint8)
    across, down, _ = upright.GetSpacing()
    size = round(levels.shape[2] * across / min(across, down)), round(levels.shape[1] * down / min(across, down))
    squares = [Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC) for picture in levels]
    return [np.repeat(np.asarray(picture)[..., None], 3, axis=2) for picture in squares]
