"""Which pictures of DICOM files belong together, and in which order: series, and stacks and phases within a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mora_bench.data.readers.dicom_phases import by, phases, turning
from mora_bench.data.readers.dicom_slices import OF_A_SLIDE, Slice
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: How near to 1 the products of two slices' directions are that lie alike.
ALIKE = 0.99


@dataclass(frozen=True)
class Stack:
    """Pictures in order that a user can name.

    Attributes:
        names: the series' UID, number and description, with /k where the series has several stacks.
        what: by what it differs from the series' other stacks, "" if it is the only one.
        aside: why it is left out unless it is named, "" if it is not.
        torn: why its pictures cannot be brought in order, "" if they can.
    """

    names: tuple[str, ...]
    slices: tuple[Slice, ...]
    what: str = ""
    aside: str = ""
    torn: str = ""

    def described(self, among: Sequence[Stack]) -> str:
        """Its number, or its UID where others have the number too, with what is in it."""
        uid, number, description = self.names
        alone = number and [other.names[1] for other in among].count(number) == 1
        name = (
            f"{(number if alone else uid or number) or 'without a number'}{f' {description!r}' if description else ''}"
        )
        return f"{name} ({', '.join(filter(None, (counted(self.slices), self.what, self.aside)))})"


def counted(several: Sequence[Any]) -> str:
    return number_of(len(several), "picture")


def chosen(slices: Sequence[Slice], series: str | None, where: Path) -> tuple[Stack, list[str]]:
    """The stack that is meant, and descriptions of those that are left out.

    Args:
        series: its UID, number or description, as `Stack.names`; None: the only one that is not aside.

    Raises:
        UserError: no stack has that name, or several could be meant; its pictures cannot be shown, or not
            be brought in order.
    """
    candidates = stacks(slices)
    stack = _meant(candidates, series, where)
    for picture in stack.slices:
        if picture.unfit:
            raise UserError(f"{picture.path}: {picture.unfit}")
    if stack.torn:
        raise UserError(f"{where}: series {stack.described(candidates)}: {stack.torn}")
    return stack, [other.described(candidates) for other in candidates if other is not stack]


def _meant(candidates: list[Stack], series: str | None, where: Path) -> Stack:
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
        return meant[0]
    meant = [stack for stack in candidates if not stack.aside] or candidates
    if meant[0].aside.endswith(OF_A_SLIDE):
        raise UserError(f"{where}: no tissue in it: {listing}. Bring the slide's other files, or leave it out.")
    if len(meant) > 1:
        raise UserError(f"{where}: {len(meant)} series could be meant: {listing}. Say which (--series NAME).")
    return meant[0]


def stacks(slices: Sequence[Slice]) -> list[Stack]:
    """All pictures by series, each series in stacks of the same orientation, each of these in phases. A whole slide is
    parted by magnification first, the highest as /1, with what lies beside the tissue last."""
    all_stacks: list[Stack] = []
    placed = any(picture.position is not None for picture in slices)
    for members in by(slices, _series).values():
        levels = by(members, _level)
        parts = [
            (phase, why) for level in sorted(levels) for group, why in _alike(levels[level]) for phase in phases(group)
        ]
        for k, (phase, why) in enumerate(parts, 1):
            first = phase.slices[0]
            level = "{:,} x {:,} pixels".format(*first.level) if first.level and len(levels) > 1 else ""
            what = ", ".join(filter(None, (level, phase.what)))
            names = tuple(f"{name}/{k}" if name and len(parts) > 1 else name for name in first.series)
            reasons = {picture.aside for picture in phase.slices}
            aside = reasons.pop() if len(reasons) == 1 else ""
            if aside == "secondary capture" and (not placed or first.position is not None):
                aside = ""
            all_stacks.append(Stack(names, phase.slices, what, aside or why, phase.torn))
    return sorted(all_stacks, key=lambda stack: (stack.slices[0].series[1].zfill(9), stack.names))


def _series(picture: Slice) -> tuple[str, ...]:
    """What pictures of one series share: the UID and number; without a UID, as in files that were made anonymous, the
    number and the description."""
    return picture.series[:2] if picture.series[0] else picture.series


def _level(picture: Slice) -> tuple:
    """What tiles of one magnification of a whole slide share, larger ones first; the same for all other pictures."""
    columns, rows = picture.level or (0, 0)
    return picture.aside if picture.aside.endswith(OF_A_SLIDE) else "", -columns * rows, columns


def _alike(slices: Sequence[Slice]) -> list[tuple[list[Slice], str]]:
    """A series by orientation, and why a part is left out: where most pictures lie alike, the others are localizers. So
    are pictures without a place among others. A series that turns about an axis is one,
    and so is one of which no two pictures lie alike."""
    if turning(slices):
        return [(list(slices), "")]
    groups: list[list[Slice]] = []
    for picture in slices:
        for group in groups:
            if _lie_alike(picture, group[0]):
                group.append(picture)
                break
        else:
            groups.append([picture])
    groups.sort(key=len, reverse=True)
    if len(groups) == len(slices):
        return [(list(slices), "")]
    most = 2 * len(groups[0]) > len(slices)
    return [(group, _why(group[0], groups[0][0]) if most and n else "") for n, group in enumerate(groups)]


def _why(other: Slice, usual: Slice) -> str:
    """Why a picture does not lie as most of its series do."""
    return "without a place" if other.position is None and usual.position is not None else "another orientation"


def _lie_alike(first: Slice, second: Slice) -> bool:
    if (first.position is None) != (second.position is None):
        return False
    if first.axes is None or second.axes is None:
        return first.axes is second.axes
    return bool(((first.axes * second.axes).sum(1) > ALIKE).all())
