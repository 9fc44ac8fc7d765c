"""Several runs through the same part of the body in one series, as echoes, times and b-values are, taken apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_slices import ACQUISITION, CONTRASTS, LABELS, PHASES, TIMES, Slice
from mora_bench.data.readers.dicom_space import turn_about_an_axis
from mora_bench.text import number_of

#: Places that lie nearer, in mm, are one if all others lie ten times as far apart; rounding is about 0.001.
ROUNDING, TIMES_AS_FAR = 0.2, 10
#: Of pictures that all lie so near, one place.
ONE_PLACE = 0.01
#: The largest share of places that may have been taken again, where nothing says in which run.
AGAIN = 0.25


@dataclass(frozen=True)
class Phase:
    """One run through a part of the body, in order.

    Attributes:
        what: by what it differs from the others, as "EchoTime 20"; "" where it is the only one.
        torn: why the pictures are no run, "" if they are one.
    """

    slices: tuple[Slice, ...]
    what: str = ""
    torn: str = ""


#: Pictures by the value of one attribute, None where it is absent.
Groups = Mapping[Any, Sequence[Slice]]
Places = Mapping[float | None, int]


def by(slices: Sequence[Slice], key: Callable[[Slice], Any]) -> dict[Any, list[Slice]]:
    groups = defaultdict(list)
    for picture in slices:
        groups[key(picture)].append(picture)
    return groups


def phases(slices: Sequence[Slice]) -> list[Phase]:
    """Pictures of one orientation, all with a place or all without: one run after the other, each along the patient,
    or by number where there are no places, or where each is on a normal of its own (`turning`).

    What tells runs apart is found in the files (`dicom_slices`), whichever places a run lacks and however far the
    places of one are from those of the next. Where nothing tells, the pictures of a place count as first, second and so
    on; unless their number differs from place to place: then they are `torn`.
    """
    if slices[0].position is None or turning(slices):
        parts = _parted(slices, {}, dict.fromkeys(CONTRASTS, _as_many))
        return [Phase(tuple(sorted(part, key=_by_number)), what) for part, what in parts]
    places = _numbered(sorted({view.position for view in slices if view.position is not None}))
    if len(set(places.values())) == 1:
        # One place again and again, as a heart that beats.
        return [Phase(tuple(sorted(slices, key=lambda view: (view.moment, str(view.path), view.frame))))]
    more = {name for view in slices for name in view.traits} - {*CONTRASTS, *LABELS, ACQUISITION, *TIMES}
    tells: dict[str, Callable[[Groups, Places], bool]] = dict.fromkeys(CONTRASTS, _contrast)
    tells |= dict.fromkeys((*LABELS, *sorted(more)), _label)
    tells |= {ACQUISITION: _acquisition} | dict.fromkeys(TIMES, _repeats)
    # In the order of what tells them apart, so that an absent slice changes no run's number.
    return [run for part, what in _parted(slices, places, tells) for run in _runs(part, places, what)]


def turning(slices: Sequence[Slice]) -> bool:
    """Whether pictures turn about an axis, each lying otherwise: then their places are in no order."""
    return turn_about_an_axis([(view.axes, view.position) for view in slices])


def _by_number(view: Slice) -> tuple:
    return view.number, str(view.path), view.frame


def _numbered(positions: list[float]) -> dict[float | None, int]:
    """Positions in order -> the number of the place of each: those that differ by rounding are one place."""
    lie = np.array(positions)
    gaps = np.diff(lie).round(6)
    joined = np.full(len(gaps), lie[-1] - lie[0] <= ONE_PLACE)
    for nearest in np.unique(gaps[gaps <= ROUNDING])[::-1]:
        near = gaps <= nearest
        starts = np.flatnonzero(np.r_[True, ~near])
        widest = (lie[np.r_[starts[1:] - 1, len(gaps)]] - lie[starts]).max()
        if not near.all() and widest <= min(ROUNDING, gaps[~near].min() / TIMES_AS_FAR):
            joined = near
            break
    return {position: int(place) for position, place in zip(positions, np.cumsum(np.r_[0, ~joined]), strict=True)}


def _parted(
    slices: Sequence[Slice], places: Places, tells: Mapping[str, Callable[[Groups, Places], bool]], what: str = ""
) -> list[tuple[Sequence[Slice], str]]:
    """Pictures by the first attribute that tells runs apart, each part by the next one, with their values in words."""
    for name, does_tell in tells.items():
        groups = by(slices, partial(_trait, name=name))
        if len(groups) > 1 and does_tell(groups, places):
            return [
                part
                for value in sorted(groups, key=lambda value: (value is not None, isinstance(value, str), value))
                for part in _parted(groups[value], places, tells, _words(what, name, value))
            ]
    return [(slices, what)]


def _trait(view: Slice, name: str) -> float | str | None:
    return view.traits.get(name)


def _words(before: str, name: str, value: float | str | None) -> str:
    value = f"{value:g}" if isinstance(value, float) else value
    return ", ".join(filter(None, (before, f"without {name}" if value is None else f"{name} {value}")))


def _as_many(groups: Groups, _: Places) -> bool:
    """Without places: whether groups are about as large as each other, and none has but one picture."""
    sizes = [len(group) for group in groups.values()]
    return min(sizes) > 1 and 2 * min(sizes) >= max(sizes)


def _contrast(groups: Groups, places: Places) -> bool:
    """Whether groups share a place, or a part of the body: then they are no one run."""
    counts = _counts(groups, places)
    total = Counter(place for count in counts for place in count.elements())
    few = len(groups) <= max(*total.values(), total.total() / 2)
    shared = any(len(group) > 1 for group in _by_place(groups, places).values())
    long = [group for group in groups.values() if len({places[view.position] for view in group}) > 1]
    return few and (shared or _overlap(long) > 0)


def _by_place(groups: Groups, places: Places) -> dict[int, set]:
    """The values that there are at each place."""
    values = defaultdict(set)
    for value, group in groups.items():
        for view in group:
            values[places[view.position]].add(value)
    return values


def _label(groups: Groups, places: Places) -> bool:
    """Whether groups repeat places; or run through the same part of the body, each through as many places."""
    return _repeats(groups, places) or _alternate(groups, places)


def _acquisition(groups: Groups, places: Places) -> bool:
    """As of a label; but slices at even distances may have been taken in turns, the odd ones first."""
    if _repeats(groups, places):
        return True
    gaps = np.diff(sorted({view.position or 0.0 for group in groups.values() for view in group}))
    return _alternate(groups, places) and not bool((np.abs(gaps - np.median(gaps)) < 0.1 * np.median(gaps)).all())


def _alternate(groups: Groups, places: Places) -> bool:
    sizes = {value: len({places[view.position] for view in group}) for value, group in groups.items()}
    long = [groups[value] for value, size in sizes.items() if size > 1 and 2 * size >= max(sizes.values())]
    return 2 * _overlap(long) >= 1


def _repeats(groups: Groups, places: Places) -> bool:
    """Whether groups tell apart pictures of the same places: as few groups as pictures of a place, or each at half of
    the places; and not only where one part of the body ends and the next begins."""
    counts = _counts(groups, places)
    total = Counter(place for count in counts for place in count.elements())
    often = all(2 * len(count) >= len(total) for count in counts)
    told = sum(total.values()) - len(total) > sum(sum(count.values()) - len(count) for count in counts)
    few = often or len(groups) <= max(total.values())
    return told and few and 2 * _overlap(list(groups.values())) >= 1


def _counts(groups: Groups, places: Places) -> list[Counter]:
    """How many pictures of each place each group has."""
    return [Counter(places[view.position] for view in group) for group in groups.values()]


def _overlap(runs: Sequence[Sequence[Slice]]) -> float:
    """Of which share the shorter of two runs lies within the other, 0 to 1, for the two of which it is the largest."""
    lie = [[view.position or 0.0 for view in run] for run in runs]
    lows, highs = np.array([min(run) for run in lie]), np.array([max(run) for run in lie])
    largest = 0.0
    for k in range(1, len(runs)):
        common = np.minimum(highs[k], highs[:k]) - np.maximum(lows[k], lows[:k])
        shorter = np.minimum(highs[k] - lows[k], highs[:k] - lows[:k])
        # A run of one place lies within another or not.
        shares = np.where(shorter > 0, common / np.maximum(shorter, 1e-9), common >= 0)
        largest = max(largest, float(shares.max()))
    return largest


def _runs(slices: Sequence[Slice], places: Places, what: str) -> list[Phase]:
    """The first pictures of all places, the second ones, and so on."""
    at = by(slices, lambda view: places[view.position])
    sizes = Counter(map(len, at.values()))
    if len(sizes) > 1 and 1 - sizes[1] / len(at) > AGAIN:
        ordered = sorted(slices, key=lambda view: (places[view.position], view.moment, str(view.path), view.frame))
        return [Phase(tuple(ordered), what, _torn(sizes))]
    runs: list[list[Slice]] = [[] for _ in range(max(sizes))]
    for place in sorted(at):
        for run, picture in zip(runs, sorted(at[place], key=lambda view: (view.moment, str(view.path))), strict=False):
            run.append(picture)
    differ = _apart(runs)
    return [Phase(tuple(run), ", ".join(filter(None, (what, word)))) for run, word in zip(runs, differ, strict=True)]


def _torn(sizes: Counter[int]) -> str:
    counted = ", ".join(
        f"{number_of(number, 'place')} {'has' if number == 1 else 'have'} {number_of(size, 'picture')}"
        for size, number in sorted(sizes.items())
    )
    return (
        f"{counted}, and nothing in the files tells which of them belong together (EchoTime, DiffusionBValue, "
        "AcquisitionNumber, TriggerTime and the like). Bring the missing files, or put one picture of each place into "
        "a folder."
    )


def _apart(runs: list[list[Slice]]) -> list[str]:
    """By what runs differ from each other: "AcquisitionTime 20", or "" of each."""
    for k, name in enumerate(PHASES[:-1]):
        values = [{picture.moment[k] for picture in run} for run in runs]
        if all(len(value) == 1 for value in values) and len(set.union(*values)) == len(runs) > 1:
            return [f"{name} {value.pop():g}" for value in values]
    return [""] * len(runs)
