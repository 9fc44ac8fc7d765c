"""What DICOM files say of each of their pictures: its series, where it lies, and what tells it from others there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_header import Frame, count_frames, list_of, mosaic, numbers
from mora_bench.data.readers.dicom_space import along, orientation

#: Numbers by which pictures of one place are put in order, the first first.
PHASES = (
    "EchoTime",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "NominalCardiacTriggerDelayTime",
    "TriggerTime",
    "DiffusionBValue",
    "AcquisitionNumber",
    "AcquisitionTime",
    "InstanceNumber",
)
#: Numbers of a frame of nuclear medicine, in lists with one for each frame.
VECTORS = ("EnergyWindowVector", "PhaseVector", "RRIntervalVector", "TimeSlotVector")
#: What makes a picture another one: these do not vary along a series that is run through once.
CONTRASTS = (
    "EchoTime",
    "InversionTime",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "DiffusionBValue",
    *VECTORS,
)
#: Names of a part of a series, which may also be given to a few of its slices.
LABELS = (
    "StackID",
    "DiffusionGradientOrientation",
    "ImageType",
    "ComplexImageComponent",
    "ConvolutionKernel",
)
#: The number of an acquisition, and times, which may vary from slice to slice.
ACQUISITION = "AcquisitionNumber"
TIMES = ("NominalCardiacTriggerDelayTime", "TriggerTime", "FrameReferenceTime", "AcquisitionTime")
#: Attributes that enhanced files call otherwise. Of these the type of a frame is more than that of the file.
NAMES = {"EchoTime": ("EchoTime", "EffectiveEchoTime"), "ImageType": ("FrameType", "ImageType")}
#: Dimensions of enhanced files that number places.
PLACES = {"InStackPositionNumber", "ImagePositionPatient", "SliceLocation", "ImageOrientationPatient"}
#: Scanners' names for the pictures by which a scan is planned.
LOCALIZERS = {"LOCALIZER", "LOCALISER", "SCOUT", "TOPOGRAM", "SURVEY", "SURVIEW"}
#: What a scanner of slides photographs beside the tissue (value 3 of ImageType); a label may name the patient.
BESIDE_TISSUE = {"LABEL", "OVERVIEW", "THUMBNAIL"}
OF_A_SLIDE = " of a slide"
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
#: Secondary captures: the first is of one frame, the others of several.
CAPTURES = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True)
class Slice:
    """One picture, by what its file says of it.

    Attributes:
        series: the UID, number and description of its series, "" where they are absent.
        axes: directions of its rows and columns, if they are known; position: in mm along its normal, likewise.
        moment: its values of `PHASES`, 0 where they are absent.
        traits: what may tell it from other pictures of its place, by name, as `traits_of`.
        aside: why nobody would mean it by the folder's name, "" if one would.
        unfit: why it cannot be shown, "" if it can.
        level: of a tile of a whole slide the width and height in pixels that all tiles of its magnification cover.
    """

    path: Path
    frame: int
    series: tuple[str, str, str]
    instance: str
    axes: np.ndarray | None = field(compare=False)
    position: float | None
    moment: tuple[float, ...]
    traits: Mapping[str, float | str] = field(compare=False)
    aside: str
    unfit: str = ""
    level: tuple[int, int] | None = None

    @property
    def number(self) -> float:
        return self.moment[-1]


def slices_of(data: Any, path: Path) -> list[Slice]:
    """The pictures of a file.

    Raises:
        UserError: it says that it has an odd number of frames.
    """
    uid, number, description = (
        str(data.get(f"Series{name}") or "").strip() for name in ("InstanceUID", "Number", "Description")
    )
    instance, aside, unfit = str(data.get("SOPInstanceUID") or ""), _aside(data), mosaic(data)
    level = _level(data)
    slices = []
    for at in range(count_frames(data, path)):
        frame = Frame(data, at)
        axes, traits = orientation(frame), traits_of(frame)
        moment = tuple((numbers(_number(_said(frame, name))) or (0.0,))[0] for name in PHASES)
        position, series = along(frame, axes), (uid, number, description)
        slices.append(Slice(path, at, series, instance, axes, position, moment, traits, aside, unfit, level))
    return slices


def traits_of(frame: Frame) -> dict[str, float | str]:
    """What may tell a picture from others of its place, by attribute; of enhanced files also the indices of its
    dimensions, by the attribute that each counts. What is absent is left out."""
    traits: dict[str, float | str] = {}
    for name in (*CONTRASTS, *LABELS, ACQUISITION, *TIMES):
        value = _said(frame, name)
        if value is not None:
            several = numbers(_number(value))
            traits[name] = several[0] if len(several) == 1 else "\\".join(map(str, list_of(value)))
    indices = list_of(frame.get("DimensionIndexValues") or ())
    for dimension, index in zip(frame.data.get("DimensionIndexSequence") or (), indices, strict=False):
        name = _pointed(dimension)
        if name and name not in PLACES:
            traits.setdefault(f"index of {name}", float(index))
    return traits


def _said(frame: Frame, name: str) -> Any:
    """An attribute, by any of its names; None where it is absent or empty."""
    if name in VECTORS:
        return frame.of_vector(name)
    values = (frame.get(one) for one in NAMES.get(name, (name,)))
    return next((value for value in values if value is not None and list_of(value)), None)


def _pointed(dimension: Any) -> str:
    """The name of the attribute that a dimension of an enhanced file counts."""
    from pydicom.datadict import keyword_for_tag

    pointer = dimension.get("DimensionIndexPointer")
    return (keyword_for_tag(pointer) or str(pointer)) if pointer is not None else ""


def _number(value: Any) -> Any:
    """A time of day as a number: it is a text of digits."""
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value


def _level(data: Any) -> tuple[int, int] | None:
    (columns, *_), (rows, *_) = (numbers(data.get(f"TotalPixelMatrix{side}")) or (0,) for side in ("Columns", "Rows"))
    return (int(columns), int(rows)) if columns and rows else None


def _aside(data: Any) -> str:
    kind = str(data.get("SOPClassUID") or "")
    values = [str(word).strip().upper() for word in list_of(data.get("ImageType") or ())]
    if beside := BESIDE_TISSUE.intersection(values[2:3]):
        return f"{beside.pop().lower()}{OF_A_SLIDE}"
    words = {*values}
    if words & LOCALIZERS or LOCALIZERS & set(str(data.get("SeriesDescription") or "").upper().split()):
        return "localizer"
    if kind == DOSE:
        return "dose"
    return "secondary capture" if kind.startswith(CAPTURES) else ""
