"""Where a DICOM picture lies in the patient, and how it is turned so that every scan lies alike.

Axes are the standard's: x to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

from collections.abc import Sequence

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
#: Of pictures that turn about an axis: the fewest; the least turn from one to the next, in degrees (slices of a stack
#: differ by rounding); how far a normal may point out of the plane of all others; and how far, in mm, a picture may be
#: from the axis.
FEWEST, STEP, ASKEW, FROM_AXIS = 3, 0.1, 0.02, 0.2


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
    return round(float(_counted(normal, axes) @ position), 3)


def _counted(normal: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """A normal in the direction in which slices are counted."""
    return -normal if normal @ COUNTED[plane_of(axes)] < 0 else normal


def turn_about_an_axis(lie: Sequence[tuple[np.ndarray | None, float | None]]) -> bool:
    """Whether pictures all contain one axis, each at another angle: radial slices, projections all around.

    Args:
        lie: of each its directions, as `orientation`, and its place on its normal, as `along`; of all or of none.
    """
    axes = np.array([directions for directions, _ in lie if directions is not None])
    places = np.array([place for _, place in lie if place is not None])
    if len(axes) < max(FEWEST, len(lie)) or len(places) not in (0, len(lie)):
        return False
    normals = np.cross(axes[:, 0], axes[:, 1])
    across, axis = np.split(np.linalg.svd(normals, full_matrices=False)[2], [2])
    if np.abs(normals @ axis.T).max() > ASKEW:
        return False
    angles = np.sort(np.rad2deg(np.arctan2(*(across @ normals.T))))
    if np.diff(angles, append=angles[0] + 360).min() < STEP:
        return False
    if not len(places):
        return True
    # The point of the axis of which each place is the distance along the normal.
    counted = np.array([_counted(normal, directions) for normal, directions in zip(normals, axes, strict=True)])
    point = np.linalg.lstsq(counted @ across.T, places)[0]
    return float(np.abs(counted @ across.T @ point - places).max()) < FROM_AXIS


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
