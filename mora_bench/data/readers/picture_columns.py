"""Columns of a table that hold paths of pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pandas as pd

from mora_bench.data.readers.cells import nothing, refuse
from mora_bench.data.readers.links import FOLLOW_LINKS
from mora_bench.data.readers.picture_paths import Views, is_inside, is_there, opened
from mora_bench.data.table import Column
from mora_bench.errors import UserError

#: What separates several pictures in one cell.
SEVERAL = re.compile(r"\s*[;|]\s*")
#: More pictures of a sample than these are a bag; up to these stand side by side.
SIDE_BY_SIDE = 2
#: What is done with names of pictures that are not there: "refuse" them; "allow" some, but not all; "any".
Absent = Literal["refuse", "allow", "any"]


def pictures(column: pd.Series, base: Path, file: Path, wanted: Views, absent: Absent) -> Column:
    """A column of paths: pictures side by side, a bag where a sample has many or a volume; None where none is there.

    Args:
        base: the folder in which paths begin; file: of the table; wanted: how volumes and DICOM files are looked at.

    Raises:
        UserError: a path leads out of the folder, or to nothing where `absent` does not allow it.
    """
    cells = [[] if nothing(value) else [part for part in SEVERAL.split(value.strip()) if part] for value in column]
    names = [[_of_any_system(part, base) for part in own] for own in cells]
    what = f"leads out of {base}, or is no path"
    do = f"Correct the table; links may lead out with --follow-links or {FOLLOW_LINKS}=1."
    refuse(column, [any(not is_inside(part, base) for part in own) for own in names], file, what, do)
    there = {part: base / part for own in names for part in own if is_there(base / part)}
    asked_for = sum(map(len, names))
    if asked_for and not there and absent != "any":
        first = next(own[0] for own in names if own)
        raise UserError(
            f"{file}, column {column.name!r}: none of its {asked_for} pictures is there, e.g. {base / first}. "
            "Say where the paths begin (--pictures FOLDER)."
        )
    if absent == "refuse":
        lost = [[part for part in own if part not in there] for own in names]
        like = next((beside for own in lost for part in own if (beside := _similar(base / part))), "")
        do = f"Correct the names{like}, or say --absent-pictures allow: then these samples have no picture."
        refuse(column, map(bool, lost), file, "names pictures that are not there", do)
    found = [[opened(there[part], wanted) for part in own if part in there] for own in names]
    many = max(map(len, names), default=0) > SIDE_BY_SIDE or any(isinstance(p, tuple) for own in found for p in own)
    if many:
        flat = [tuple(p for each in own for p in (each if isinstance(each, tuple) else (each,))) for own in found]
        return Column("bag", tuple(own or None for own in flat))
    return Column("image", tuple(tuple(own) or None for own in found))


def _of_any_system(part: str, base: Path) -> str:
    """A path as this system writes it: Windows has \\ between folders."""
    return part.replace("\\", "/") if "\\" in part and not is_there(base / part) else part


def _similar(path: Path) -> str:
    """In words, a file beside an absent one whose name differs in case or ending alone; "" if there is none."""
    try:
        beside = sorted(own.name for own in path.parent.iterdir())
    except OSError:
        return ""
    same = [own for own in beside if own.casefold() == path.name.casefold()]
    same = same or [own for own in beside if Path(own).stem.casefold() == path.stem.casefold()]
    return f" ({path.name!r} is there as {same[0]!r})" if same else ""
