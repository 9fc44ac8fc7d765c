"""What DICOM files say beside their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.errors import UserError

#: What names of DICOM files end with; and the most frames of one.
SUFFIXES, MOST_FRAMES = (".dcm", ".dicom"), 100_000


def pydicom_or_refuse() -> Any:
    try:
        import pydicom
        import pydicom.pixels
    except ImportError as error:
        raise UserError("DICOM needs pydicom: pip install 'mora-bench[dicom]'.") from error
    return pydicom


def count_frames(data: Any, path: Path) -> int:
    """How many pictures a file says that it has; before any of them is looked at."""
    try:
        count = int(data.get("NumberOfFrames") or 1)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= MOST_FRAMES:
        raise UserError(f"{path}: says that it has {count:,} frames; expected 1 to {MOST_FRAMES:,}.")
    return count


def along(data: Any) -> float:
    """Where a slice lies on the axis that is normal to it, in millimetres; 0 if the file does not say."""
    position, axes = data.get("ImagePositionPatient"), data.get("ImageOrientationPatient")
    if position is None or axes is None:
        return 0.0
    across = np.cross(*np.reshape(np.array(axes, float), (2, 3)))
    return float(across @ np.array(position, float))
