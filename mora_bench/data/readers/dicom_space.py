"""Where a DICOM picture lies in the patient, and how it is turned so that every scan lies alike.

Axes are the standard's: x to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

import numpy as np

from mora_bench.data.readers.dicom_header import Frame, numbers

#: By the axis that slices follow (sagittal, coronal, axial): what grows to the right and downwards in a picture, and
#: the direction in which slices are counted. The patient's right is at the left, in front is above (axial), the head is
#: above (coronal, sagittal), in front is at the left (sagittal); slices go from left to right, from back to front, from
#: foot to head.
RIGHTWARDS = ((0, 1, 0), (1, 0, 0), (1, 0, 0))
DOWNWARDS = ((0, 0, -1), (0, 0, -1), (0, 1, 0))
COUNTED = ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
#: How far from 1 a direction's length, and from 0 the product of two, may be.
SKEW = 0.1


def orientation(frame: Frame) -> np.ndarray | None:
    """Directions in the patient of a row and of a column, [2, 3]; None where the file does not say, or not well."""
    cosines = numbers(frame.get("ImageOrientationPatient"))
    if len(cosines) != 6:
        return None
    axes = np.reshape(cosines, (2, 3))
    return axes if np.abs(axes @ axes.T - np.eye(2)).max() < SKEW else None


def plane_of(axes: np.ndarray) -> int:
    """The axis that is nearest to a slice's normal: 0 sagittal, 1 coronal, 2 axial."""
    return int(np.abs(np.cross(*axes)).argmax())


def along(frame: Frame, axes: np.ndarray | None) -> float | None:
    """Where a slice lies on its normal, in millimetres, in the direction in which slices are counted; None if the file
    does not say."""
    position = numbers(frame.get("ImagePositionPatient"))
    if axes is None or len(position) != 3:
        return None
    normal = np.cross(*axes)
    # Nuclear medicine states the place of the first slice, and how far along the normal, or against it, the next one is
    # (PS3.3, C.8.4.15).
    slice_number = frame.of_vector("SliceVector")
    if slice_number is not None:
        spacing = (numbers(frame.get("SpacingBetweenSlices")) or numbers(frame.get("SliceThickness")) or (1.0,))[0]
        position = tuple(np.array(position) + (slice_number - 1) * spacing * normal)
    if normal @ COUNTED[plane_of(axes)] < 0:
        normal = -normal
    return round(float(normal @ position), 3)


def turned(picture: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """A slice [H, W, 3] as all of its plane lie, by the nearest turns of a quarter and mirrorings."""
    plane = plane_of(axes)
    right, down = np.array(RIGHTWARDS[plane]), np.array(DOWNWARDS[plane])
    row, column = axes
    if abs(row @ down) + abs(column @ right) > abs(row @ right) + abs(column @ down):
        picture, row, column = picture.swapaxes(0, 1), column, row
    if row @ right < 0:
        picture = picture[:, ::-1]
    if column @ down < 0:
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def pixel_size(frame: Frame) -> tuple[float, float]:
    """Height and width of a pixel, in millimetres or in proportion; (1, 1) where the file does not say."""
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"):
        spacing = numbers(frame.get(name))
        if len(spacing) == 2 and min(spacing) > 0:
            return spacing[0], spacing[1]
    return 1.0, 1.0
