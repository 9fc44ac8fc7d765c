"""Columns of a table that hold paths, or that paths are made of: where they lead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from mora_bench.data.readers.cells import nothing, refuse
from mora_bench.data.readers.links import FOLLOW_LINKS
from mora_bench.data.readers.picture_paths import is_inside, is_there
from mora_bench.errors import UserError

#: A part of a path that stands in a column: {image_id}, or its first letters: {subject_id:.3}.
FIELD = re.compile(r"\{([^{}:]+)(?::\.([0-9]+))?\}")
#: What separates several pictures in one cell.
SEVERAL = re.compile(r"\s*[;|]\s*")
#: What is done with names of pictures that are not there: "refuse" them; "allow" some, but not all; "any".
Absent = Literal["refuse", "allow", "any"]


def asked(entry: str) -> tuple[str, str]:
    """A column of paths as it is asked for, as name and pattern: "film={folder}/{id}.png" is called "film"; "film" is a
    column of whole paths."""
    name, is_, pattern = entry.partition("=")
    return (name, pattern) if is_ and FIELD.search(pattern) else (entry, f"{{{entry}}}")


def fields(entry: str) -> list[str]:
    """The columns of the table that a column of paths is made of."""
    pattern = asked(entry)[1]
    return [entry] if pattern == f"{{{entry}}}" else [name for name, _ in FIELD.findall(pattern)]


def paths(frame: pd.DataFrame, entry: str) -> pd.Series:
    """The cells of a column of paths; empty where a cell that they are made of is."""
    name, pattern = asked(entry)
    if fields(entry) == [entry]:
        return frame[entry]

    def path(row: pd.Series) -> str:
        if any(nothing(row[field]) for field in fields(entry)):
            return ""
        return FIELD.sub(lambda found: row[found[1]].strip()[: int(found[2]) if found[2] else None], pattern)

    return pd.Series([path(row) for _, row in frame.iterrows()], frame.index, name=name, dtype=object)


def named(column: pd.Series) -> list[list[str]]:
    """The paths that each cell names."""
    return [[] if nothing(value) else [part for part in SEVERAL.split(value.strip()) if part] for value in column]


def located(
    column: pd.Series, bases: Sequence[Path], file: Path, absent: Absent, what: str = "pictures"
) -> list[list[Path]]:
    """Where the paths of each cell lead; without those that are not there.

    Args:
        bases: the folders in which paths begin; a path is looked for in each, in order.
        file: of the table; what: what the files are, in the plural.

    Raises:
        UserError: a path leads out of the folder, or to nothing where `absent` does not allow it.
    """
    cells = named(column)
    places = {part: _place(part, bases) for own in cells for part in own}
    where = " or ".join(map(str, bases))
    do = f"Correct the table; links may lead out with --follow-links or {FOLLOW_LINKS}=1."
    refuse(column, [None in map(places.get, own) for own in cells], file, f"leads out of {where}, or is no path", do)
    there = {part: path for part, path in places.items() if path is not None and is_there(path)}
    if places and not there and absent != "any":
        first = next(iter(places.values()))
        raise UserError(
            f"{file}, column {column.name!r}: none of its {sum(map(len, cells))} {what} is there, e.g. {first}. "
            "Say where the paths begin (--pictures FOLDER ...)."
        )
    if absent == "refuse":
        lost = [[part for part in own if part not in there] for own in cells]
        like = next((own for each in lost for part in each for base in bases if (own := _similar(base / part))), "")
        do = f"Correct the names{like}, or say --absent-pictures allow: then these samples have no {what[:-1]}."
        refuse(column, map(bool, lost), file, f"names {what} that are not there", do)
    return [[there[part] for part in own if part in there] for own in cells]


def _place(part: str, bases: Sequence[Path]) -> Path | None:
    """Where a path leads: below the first folder in which it is there, else below the first; None if it leads out of
    each. Windows has \\ between folders."""
    written = [part, part.replace("\\", "/")] if "\\" in part else [part]
    allowed = [base / own for base in bases for own in written if is_inside(own, base)]
    return next((path for path in allowed if is_there(path)), allowed[-1] if allowed else None)


def _similar(path: Path) -> str:
    """In words, a file beside an absent one whose name differs in case or ending alone; "" if there is none."""
    try:
        beside = sorted(own.name for own in path.parent.iterdir())
    except OSError:
        return ""
    same = [own for own in beside if own.casefold() == path.name.casefold()]
    same = same or [own for own in beside if Path(own).stem.casefold() == path.stem.casefold()]
    return f" ({path.name!r} is there as {same[0]!r})" if same else ""
