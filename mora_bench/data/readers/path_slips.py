"""What a cell of paths that lead nowhere may have been meant to say, in sentences for the user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mora_bench.data.readers.picture_paths import is_inside, is_there

#: A list as Python or JSON writes it; an address; a pattern of the shell; a whole number that became a floating one.
LIST, ADDRESS, GLOB = re.compile(r"\[.*\]", re.S), re.compile(r"[a-z][a-z0-9+.-]*://", re.I), re.compile(r"[*?]")
FLOATING = re.compile(r"(?<![\d.])(\d+)\.0+(?![\d])")


def remedy(cell: str, lost: Sequence[str], bases: Sequence[Path]) -> str:
    """What to do with a cell that names what is not there, a sentence; "" if nobody can say.

    Args:
        lost: the paths in it that lead nowhere; bases: the folders in which paths begin.
    """
    if LIST.fullmatch(cell.strip()):
        return "Write several paths of a cell as a.png;b.png, without brackets and quotes."
    if any(ADDRESS.match(path) for path in lost):
        return "Addresses are not followed: download the files, and write where they lie."
    if any(GLOB.search(path) for path in lost):
        return "Patterns are not looked up: write each path, with ; between them (a.png;b.png)."
    for path in lost:
        commas = [part.strip() for part in path.split(",")]
        if len(commas) > 1 and all(_is_there(part, bases) for part in commas):
            return f"A comma separates no paths: write {';'.join(commas)!r}."
        whole = FLOATING.sub(r"\1", path)
        if whole != path and _is_there(whole, bases):
            return f"{path!r} is there as {whole!r}: write whole numbers without .0."
    return ""


def similar(path: Path) -> str:
    """In words, a file beside an absent one whose name differs in case or ending alone; "" if there is none."""
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return ""
    same = [name for name in beside if name.casefold() == path.name.casefold()]
    same = same or [name for name in beside if Path(name).stem.casefold() == path.stem.casefold()]
    return f" ({path.name!r} is there as {same[0]!r})" if same else ""


def _is_there(name: str, bases: Sequence[Path]) -> bool:
    return bool(name) and any(is_inside(name, base) and is_there(base / name) for base in bases)
