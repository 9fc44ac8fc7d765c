"""Units of the channels of signals: voltages are brought to millivolts, all others are only held against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: The unit in which every voltage is read, whatever its file says.
MILLIVOLT = "mV"
#: How many of a unit of voltage are a millivolt, by how the unit is written. "MV" is left out: it is a megavolt.
OF_A_MILLIVOLT = {
    written: count
    for count, names in (
        (1e6, ("nV", "nv", "NV", "nanovolt", "nanovolts")),
        (1e3, ("uV", "uv", "UV", "microvolt", "microvolts")),
        (1.0, (MILLIVOLT, "mv", "millivolt", "millivolts")),
        (1e-3, ("V", "v", "volt", "volts")),
    )
    for written in names
}
#: The micro sign and the Greek letter, which look alike.
MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


def in_one_unit(values: np.ndarray, unit: str) -> tuple[np.ndarray, str]:
    """Values, float [T], in millivolts where `unit` is one of voltage, as they are where it is none; and their unit."""
    count = OF_A_MILLIVOLT.get(unit.strip().translate(MICRO))
    if count is None:
        return values, unit.strip()
    return (values if count == 1 else values / count), MILLIVOLT


def alike(unit: str, other: str) -> bool:
    """Whether two units are one, but for case and blanks; "" is one that nobody knows."""
    return _plain(unit) == _plain(other)


def said(unit: str) -> str:
    """A unit as a message names it."""
    return repr(unit) if unit else "no unit"


def listed_units(channels: Sequence[str], units: Sequence[str], most: int) -> str:
    """The first `most` of some channels' names with their units, " in mV" once where all have one."""
    more = ", ..." * (len(channels) > most)
    if len(set(units)) <= 1:
        unit = f" in {units[0]}" if units and units[0] else ""
        return f"({', '.join(channels[:most])}{more}){unit}"
    pairs = zip(channels[:most], units, strict=False)
    return f"({', '.join(f'{name} in {unit}' if unit else f'{name} without a unit' for name, unit in pairs)}{more})"


def unlike(channels: Sequence[str], units: Sequence[str], others: Sequence[str], named: str) -> str | None:
    """How the units of some channels differ from those that they have in a sample, in words; None if they do not."""
    nobodys = ("",) * len(channels)
    for channel, unit, other in zip(channels, units or nobodys, others or nobodys, strict=True):
        if not alike(unit, other):
            do = "Bring all to one unit, correct what the files say, or leave the channel out"
            return f"has the channel {channel!r} in {said(unit)}, and {said(other)} in sample {named}. {do}"
    return None


def _plain(unit: str) -> str:
    return "".join(unit.split()).translate(MICRO).casefold()
