"""Whether links may lead out of a data root. Imports nothing heavy, because every command reads it."""

import os
from collections.abc import Iterator
from pathlib import Path

#: Where this is set to 1, links may lead out of a data root, as they do on clusters that keep one copy of a dataset.
FOLLOW_LINKS = "MORA_BENCH_FOLLOW_LINKS"


def follow_links(allowed: bool) -> None:
    """Allow links that lead out of a data root, in this process and those that it starts; never forbids them again."""
    if allowed:
        os.environ[FOLLOW_LINKS] = "1"


def inside(path: Path, root: Path) -> bool:
    """Whether a path lies below a folder, links followed; where links may lead out, as it is written."""
    if _followed():
        return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(root))
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Every folder at or below `root` with the names of folders and files in it. Through links to folders only where
    links may lead out, and into each folder once, because links can form a circle."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=_followed()):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield Path(folder), folders, files


def named(root: Path, name: str) -> list[Path]:
    """Files and folders of a name at or below `root`, the shallower first."""
    paths = [folder / name for folder, folders, files in walk(root) if name in files or name in folders]
    return sorted(paths, key=lambda file: (len(file.parts), str(file)))


def _followed() -> bool:
    return os.environ.get(FOLLOW_LINKS) == "1"
