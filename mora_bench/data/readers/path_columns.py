"""Columns of a table that hold paths, or that paths are made of: where they lead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from mora_bench.data.readers.cells import nothing, refuse
from mora_bench.data.readers.links import FOLLOW_LINKS
from mora_bench.data.readers.path_slips import remedy, similar
from mora_bench.data.readers.picture_paths import is_inside, is_there
from mora_bench.errors import UserError

#: A part of a path that stands in a column: {image_id}, or its first letters: {subject_id:.3}.
FIELD = re.compile(r"\{([^{}:]+)(?::\.([0-9]+))?\}")
#: The separator of several pictures in one cell; and in a pattern, where names of columns may hold it.
SEVERAL, BETWEEN = re.compile(r"\s*[;|]\s*"), re.compile(r"(\s*[;|]\s*)(?![^{}]*\})")
#: How many parts of a cell have a place of their own, as two eyes have.
PAIR = 2
#: How names of absent pictures are treated: "refuse" them; "allow" some, but not all; "any".
Absent = Literal["refuse", "allow", "any"]
#: The most letters of a cell that may name files: systems refuse to look for longer ones.
LONGEST = 500


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
    """The cells of a column of paths; of several paths in one, each is empty where a cell that it is made of is."""
    name, pattern = asked(entry)
    if fields(entry) == [entry]:
        return frame[entry]
    parts = [(part, [match[1] for match in FIELD.finditer(part)]) for part in BETWEEN.split(pattern)]

    def path(row: pd.Series) -> str:
        there = [(part, columns) for part, columns in parts if not any(nothing(row[name]) for name in columns)]
        if not any(columns for _, columns in there):
            return ""
        cell = "".join(part for part, _ in there)
        return FIELD.sub(lambda match: row[match[1]].strip()[: int(match[2]) if match[2] else None], cell)

    return pd.Series([path(row) for _, row in frame.iterrows()], frame.index, name=name, dtype=object)


def named(column: pd.Series) -> list[list[str]]:
    """The paths that each cell names."""
    return [[part for part in parts if part] for parts in _parts(column)]


def placed(column: pd.Series, pairs: bool | None = None) -> list[list[str]]:
    """As `named`, but where a cell has two parts, "" for one that is blank.

    Args:
        pairs: whether that part is absent, and the other one of a pair; None: if any cell has a second part.
    """
    cells = _parts(column)
    pairs = any(len(parts) == PAIR and parts[1] for parts in cells) if pairs is None else pairs
    return [parts if pairs and len(parts) == PAIR and any(parts) else [p for p in parts if p] for parts in cells]


def _parts(column: pd.Series) -> list[list[str]]:
    """The parts of each cell, "" for one in which nothing is."""
    split = [[] if nothing(value) else SEVERAL.split(value.strip()) for value in column]
    return [["" if nothing(part) else part for part in parts] for parts in split]


def name_files(column: pd.Series, bases: Sequence[Path]) -> list[bool]:
    """Whether each cell names files, below one of the folders in which paths begin, that are all there."""
    short = column.where(column.str.len() <= LONGEST, "")
    files = [[_resolve(part, bases) for part in names] for names in named(short)]
    return [bool(cell) and all(path is not None and path.is_file() for path in cell) for cell in files]


def located(
    column: pd.Series, bases: Sequence[Path], file: Path, absent: Absent, what: str = "pictures"
) -> list[list[Path]]:
    """The files and folders to which the paths of each cell lead, without absent ones; arguments and errors as in
    `found`."""
    present = found(column, bases, file, absent, what)
    return [[present[part] for part in names if part in present] for names in named(column)]


def found(
    column: pd.Series, bases: Sequence[Path], file: Path, absent: Absent, what: str = "pictures"
) -> dict[str, Path]:
    """By path the file or folder to which it leads, of all paths that cells name, without absent ones.

    Args:
        bases: the folders in which paths begin; a path is looked for in each, in order.
        file: of the table; what: what the files are, in the plural.

    Raises:
        UserError: a path leads out of the folder, or to nothing where `absent` does not allow it.
    """
    cells = named(column)
    resolved = {part: _resolve(part, bases) for names in cells for part in names}
    where = " or ".join(map(str, bases))
    do = f"Correct the table; links may lead out with --follow-links or {FOLLOW_LINKS}=1."
    refuse(
        column, [None in map(resolved.get, names) for names in cells], file, f"leads out of {where}, or is no path", do
    )
    present = {part: path for part, path in resolved.items() if path is not None and is_there(path)}
    lost = [[part for part in names if part not in present] for names in cells]
    meant = (remedy(cell, parts, bases) for cell, parts in zip(column, lost, strict=True) if parts)
    if resolved and not present and absent != "any":
        first = next(iter(resolved.values()))
        do = next(meant) or "Say where the paths begin (--pictures FOLDER ...)."
        raise UserError(
            f"{file}, column {column.name!r}: none of its {sum(map(len, cells))} {what} is there, e.g. {first}. {do}"
        )
    if absent == "refuse":
        hint = next(
            (beside for names in lost for part in names for base in bases if (beside := similar(base / part))), ""
        )
        do = next(filter(None, meant), f"Correct the names{hint}.")
        do = f"{do[:-1]}, or say --absent-pictures allow: then these samples have no {what[:-1]}."
        refuse(column, map(bool, lost), file, f"names {what} that are not there", do)
    return present


def _resolve(part: str, bases: Sequence[Path]) -> Path | None:
    """Where a path leads: below the first folder in which it is there, else below the first; None if it leads out of
    each. Windows has \\ between folders."""
    spellings = [part, part.replace("\\", "/")] if "\\" in part else [part]
    allowed = [base / spelling for base in bases for spelling in spellings if is_inside(spelling, base)]
    return next((path for path in allowed if is_there(path)), allowed[-1] if allowed else None)
