"""Names of rows, patients, groups and keys that may be one under several spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mora_bench.text import listed

#: A whole number that a program wrote as a floating one, and zeros before a number that none of its digits needs.
FLOATING, ZEROS = re.compile(r"(\d+)\.0+"), re.compile(r"(?<![\d.])0+(?=\d)")
#: How many spellings of one name, and how many names, a sentence shows.
SHOWN = 3


def spelling(name: str) -> str:
    """What spellings of one name share: case, blanks, a last .0 and leading zeros do not count."""
    plain = re.sub(r"\s+", "", name).casefold()
    whole = FLOATING.fullmatch(plain)
    return ZEROS.sub("", whole[1] if whole else plain)


def alike(names: Iterable[str], column: str, what: str) -> list[str]:
    """A warning of names, "" for none, that are alike but for their spelling; none if no two are.

    Args:
        what: what they name, in the plural.
    """
    by_spelling: dict[str, list[str]] = {}
    for name in sorted({*names} - {""}):
        by_spelling.setdefault(spelling(name), []).append(name)
    groups = [group for group in by_spelling.values() if len(group) > 1]
    if not groups:
        return []
    shown = [listed([repr(name[:60]) for name in group], SHOWN) for group in groups]
    return [
        f"WARNING: column {column!r}: {listed(shown, SHOWN, '; ')} are {what} of their own, and differ in case, "
        "blanks, .0 or leading zeros alone. Write them alike if they are one."
    ]


def apart(names: Iterable[str], known: Iterable[str]) -> list[tuple[str, str]]:
    """The names that are not among the known ones but for their spelling, each with the known one, as they come."""
    exact = {*known}
    by_spelling = {spelling(name): name for name in sorted(exact)}
    missing = [name for name in names if name and name not in exact]
    return [(name, by_spelling[spelling(name)]) for name in missing if spelling(name) in by_spelling]


def elsewhere(names: Sequence[str], known: Iterable[str], column: str, table: Path) -> list[str]:
    """A warning of the keys of rows that are not among those of another table but for their spelling; none if none is.

    Args:
        names: a key a row, "" for none; known: those of the other table; column: what the keys are called in both.
    """
    otherwise = apart(names, known)
    return [
        f"WARNING: {table.name}: {len(otherwise)} of {len(names)} values of {column!r} are spelled otherwise there, so "
        f"that these rows have nothing of it: {name!r} is {there!r} there. Write both columns alike."
        for name, there in otherwise[:1]
    ]
