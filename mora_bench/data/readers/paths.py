"""Helpers of the readers of published tables: where pictures lie, and names that may not lead elsewhere."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mora_bench.data.readers.links import FOLLOW_LINKS, inside, walk
from mora_bench.errors import UserError

#: Bytes in a file name beyond which no file system that is in use can hold it.
LONGEST_NAME = 255


class PictureFolder:
    """The pictures that a table names, in one folder inside a data root. The folder is listed once, so that a million
    names cost no million questions to the disk."""

    def __init__(self, root: Path, folder: Path):
        self.root = root
        self.folder = folder
        self.links: dict[str, bool] = {}
        if folder.is_dir():
            with os.scandir(folder) as entries:
                # Neither folders nor pipes, at which a reader would wait for ever.
                self.links = {e.name: e.is_symlink() for e in entries if e.is_symlink() or e.is_file()}

    def file(self, name: str, where: str) -> Path | None:
        """The file of that name; None if it is not there.

        Raises:
            UserError: naming `where` (file and row) a name stands that would lead out of the data root.
        """
        link = self.links.get(name)
        if link is False:
            return self.folder / name
        plain = name not in ("", ".", "..") and not any(letter in name for letter in "/\\\0")
        if not plain or len(name.encode(errors="replace")) > LONGEST_NAME:
            self._refuse(name, where)
        if link is None:
            return None
        return self._behind(name, where)

    def _behind(self, name: str, where: str) -> Path | None:
        """The file that a link leads to, None without one; UserError if it lies outside the root."""
        path = self.folder / name
        try:
            path.stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise UserError(
                    f"{where}: {name!r} is a link that leads to itself. Correct the link or the table."
                ) from None
            return None
        if not inside(path, self.root):
            raise UserError(
                f"{where}: {name!r} is a link that leads out of {self.root}, to {path.resolve()}. Correct it, or allow "
                f"such links: --follow-links, or {FOLLOW_LINKS}=1."
            )
        return path if path.is_file() else None

    def _refuse(self, name: str, where: str) -> None:
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise UserError(f"{where}: {shown!r} is not a plain file name inside {self.root}. Correct the table.")


def find_folder(root: Path, names: Sequence[str]) -> Path | None:
    """The folder at or below `root` that holds the most of `names`; ties go to the shallower, then alphabetically."""
    wanted = set(names)
    candidates: list[tuple[int, int, str]] = []
    for folder, _, files in walk(root):
        count = len(wanted.intersection(files))
        if count:
            candidates.append((-count, len(folder.parts), str(folder)))
    return Path(min(candidates)[2]) if candidates else None


def unique(column: pd.Series, file: Path) -> None:
    """Raise UserError where a column repeats a value, naming both rows (as a spreadsheet numbers them)."""
    repeated = column[column.duplicated()]
    if len(repeated):
        value = repeated.iloc[0]
        first, second = (column.index[column == value][:2] + 2).tolist()
        raise UserError(
            f"{file}, row {second}: {column.name} {value[:80]!r} stands in row {first} too. "
            f"Every {column.name} must be unique: delete or rename one of the rows."
        )
