"""Which pictures of DICOM files belong together, and in which order: series, and stacks and phases within a series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_header import Frame, count_frames, list_of, numbers
from mora_bench.data.readers.dicom_space import along, orientation
from mora_bench.errors import UserError

#: How near to 1 the products of two slices' directions are that lie alike.
ALIKE = 0.99
#: Attributes that tell pictures of the same place apart, in the order in which they are asked.
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
#: The first of these part a series although no place occurs twice: they do not vary from slice to slice.
RUNS = 3
#: Scanners' names for the pictures by which a scan is planned.
LOCALIZERS = {"LOCALIZER", "LOCALISER", "SCOUT", "TOPOGRAM", "SURVEY", "SURVIEW"}
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
#: Secondary captures: the first is of one frame, the others of several.
CAPTURES = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True)
class Slice:
    """One picture, by what its file says of it.

    Attributes:
        axes: directions of its rows and columns, if they are known; position: in mm along its normal, likewise.
        moment: its values of `PHASES`.
        aside: why nobody would mean it by the folder's name, "" if one would.
    """

    path: Path
    frame: int
    series: tuple[str, str, str]
    instance: str
    axes: np.ndarray | None = field(compare=False)
    position: float | None
    moment: tuple[float, ...]
    aside: str

    @property
    def number(self) -> float:
        return self.moment[-1]


@dataclass(frozen=True)
class Stack:
    """Pictures in order that a user can name.

    Attributes:
        names: the series' UID, number and description, with /k where the series has several stacks.
        aside: why it is left out unless it is named, "" if it is not.
    """

    names: tuple[str, ...]
    slices: tuple[Slice, ...]
    what: str = ""
    aside: str = ""

    def described(self, among: Sequence[Stack]) -> str:
        """Its number, or its UID where others have the number too, with what is in it."""
        uid, number, description = self.names
        alone = number and [other.names[1] for other in among].count(number) == 1
        name = f"{(number if alone else uid) or 'without a number'}{f' {description!r}' if description else ''}"
        return f"{name} ({', '.join(filter(None, (counted(self.slices), self.what, self.aside)))})"


def counted(several: Sequence[Any]) -> str:
    return f"{len(several)} picture{'s' * (len(several) != 1)}"


def slices_of(data: Any, path: Path) -> list[Slice]:
    """The pictures of a file.

    Raises:
        UserError: it says that it has an odd number of frames.
    """
    uid, number, description = (
        str(data.get(f"Series{name}") or "").strip() for name in ("InstanceUID", "Number", "Description")
    )
    instance, aside = str(data.get("SOPInstanceUID") or ""), _aside(data)
    slices = []
    for at in range(count_frames(data, path)):
        frame = Frame(data, at)
        axes = orientation(frame)
        moment = tuple((numbers(_number(frame.get(name))) or (0.0,))[0] for name in PHASES)
        slices.append(Slice(path, at, (uid, number, description), instance, axes, along(frame, axes), moment, aside))
    return slices


def _number(value: Any) -> Any:
    """A time of day as a number: it is a text of digits."""
    return float(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value


def _aside(data: Any) -> str:
    kind = str(data.get("SOPClassUID") or "")
    words = {str(word).upper() for word in list_of(data.get("ImageType") or ())}
    if words & LOCALIZERS or LOCALIZERS & set(str(data.get("SeriesDescription") or "").upper().split()):
        return "localizer"
    if kind == DOSE:
        return "dose"
    return "secondary capture" if kind.startswith(CAPTURES) else ""


def chosen(slices: Sequence[Slice], series: str | None, where: Path) -> tuple[Stack, list[str]]:
    """The stack that is meant, and descriptions of those that are left out.

    Args:
        series: its UID, number or description, as `Stack.names`; None: the only one that is not aside.

    Raises:
        UserError: no stack has that name, or several could be meant.
    """
    candidates = stacks(slices)
    listing = "; ".join(stack.described(candidates) for stack in candidates[:20])
    if series is not None:
        meant = [stack for stack in candidates if series.strip() in stack.names]
        if not meant:
            meant = [
                stack for stack in candidates if series.strip() in {name.partition("/")[0] for name in stack.names}
            ]
        if len(meant) != 1:
            how = f"{len(meant)} series are" if meant else "no series is"
            raise UserError(f"{where}: {how} called {series!r}. There are: {listing}. Say which (--series NAME).")
        return meant[0], [stack.described(candidates) for stack in candidates if stack is not meant[0]]
    meant = [stack for stack in candidates if not stack.aside] or candidates
    if len(meant) > 1:
        raise UserError(f"{where}: {len(meant)} series could be meant: {listing}. Say which (--series NAME).")
    return meant[0], [stack.described(candidates) for stack in candidates if stack is not meant[0]]


def stacks(slices: Sequence[Slice]) -> list[Stack]:
    """All pictures by series, each series in stacks of the same orientation, each of these in phases."""
    all_stacks: list[Stack] = []
    placed = any(picture.position is not None for picture in slices)
    for series, members in _by(slices, lambda picture: picture.series[0]).items():
        parts = [(phase, what, why) for group, why in _alike(members) for phase, what in _phases(group)]
        for k, (part, what, why) in enumerate(parts, 1):
            _, number, description = part[0].series
            names = tuple(f"{name}/{k}" if name and len(parts) > 1 else name for name in (series, number, description))
            reasons = {picture.aside for picture in part}
            aside = reasons.pop() if len(reasons) == 1 else ""
            if aside == "secondary capture" and (not placed or part[0].position is not None):
                aside = ""
            all_stacks.append(Stack(names, tuple(part), what, aside or why))
    return sorted(all_stacks, key=lambda stack: (stack.slices[0].series[1].zfill(9), stack.names))


def _by(slices: Sequence[Slice], key: Any) -> dict[Any, list[Slice]]:
    groups = defaultdict(list)
    for picture in slices:
        groups[key(picture)].append(picture)
    return groups


def _alike(slices: Sequence[Slice]) -> list[tuple[list[Slice], str]]:
    """A series by orientation, and why a part is left out: where most pictures lie alike, the others are localizers. A
    series that turns about an axis, each picture differing from the next, is one."""
    groups: list[list[Slice]] = []
    for picture in slices:
        for group in groups:
            if _lie_alike(picture.axes, group[0].axes):
                group.append(picture)
                break
        else:
            groups.append([picture])
    groups.sort(key=len, reverse=True)
    if len(groups) == len(slices):
        return [(list(slices), "")]
    most = 2 * len(groups[0]) > len(slices)
    return [(group, "another orientation" if most and n else "") for n, group in enumerate(groups)]


def _lie_alike(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    if first is None or second is None:
        return first is second
    return bool(((first * second).sum(1) > ALIKE).all())


def _phases(slices: list[Slice]) -> list[tuple[list[Slice], str]]:
    """Pictures of the same places as one run through them after the other, with what tells the runs apart; each sorted
    along the patient where positions say so, else by number."""
    places = {view.position for view in slices}
    if None in places:
        return [(sorted(slices, key=lambda view: (view.position or 0.0, view.number, str(view.path), view.frame)), "")]
    if len(places) == 1:
        # One place again and again, as a heart that beats.
        return [(sorted(slices, key=lambda view: (view.moment, str(view.path), view.frame)), "")]
    groups = list(_by(slices, lambda view: view.moment[:RUNS]).values())
    if not _overlap(groups):
        groups = [slices]
    runs = [run for group in groups for run in _runs(group)]
    runs.sort(key=lambda run: run[0].moment)
    return [(run, _apart(runs, run)) for run in runs]


def _overlap(groups: list[list[Slice]]) -> bool:
    """Whether groups of pictures are runs through the same part of the body, though not through the same places."""
    ends = [
        (min(positions), max(positions))
        for positions in ([picture.position or 0.0 for picture in group] for group in groups)
    ]
    return all(low < high for low, high in ends) and max(low for low, _ in ends) < min(high for _, high in ends)


def _runs(slices: list[Slice]) -> list[list[Slice]]:
    """The first pictures of all places, the second ones, and so on."""
    places = _by(slices, lambda picture: picture.position)
    runs: list[list[Slice]] = [[] for _ in range(max(map(len, places.values())))]
    for position in sorted(places):
        for run, picture in zip(
            runs, sorted(places[position], key=lambda picture: (picture.moment, str(picture.path))), strict=False
        ):
            run.append(picture)
    return runs


def _apart(runs: list[list[Slice]], run: list[Slice]) -> str:
    """By what a run differs from the others: "EchoTime 20"."""
    for k, name in enumerate(PHASES[:-1]):
        values = [{picture.moment[k] for picture in other} for other in runs]
        if all(len(value) == 1 for value in values) and len(set.union(*values)) == len(runs) > 1:
            return f"{name} {run[0].moment[k]:g}"
    return ""
