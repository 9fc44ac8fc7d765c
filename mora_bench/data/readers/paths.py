"""What readers of published tables share: where pictures lie, and names that may not lead elsewhere."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mora_bench.errors import UserError

#: Bytes in a file name beyond which no file system that is in use can hold it.
LONGEST_NAME = 255


def inside(root: Path, folder: Path, name: str, where: str) -> Path:
    """`folder / name`, refused when a name out of a table would lead out of the data root.

    Raises:
        UserError: naming `where` (file and row) the name stands.
    """
    short = "\0" not in name and len(name.encode(errors="replace")) <= LONGEST_NAME
    plain = short and Path(name).name == name and name not in (".", "..")
    if plain and _loops(folder / name):
        raise UserError(f"{where}: {name!r} is a link that leads to itself. Correct the link or the table.")
    if not plain or not (folder / name).resolve().is_relative_to(root.resolve()):
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise UserError(f"{where}: {shown!r} is not a plain file name inside {root}. Correct the table.")
    return folder / name


def _loops(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def find_folder(root: Path, names: Sequence[str]) -> Path | None:
    """The folder at or below `root` that holds the most of `names`; ties go to the shallower, then alphabetically."""
    wanted = set(names)
    found: list[tuple[int, int, str]] = []
    for folder, _, files in os.walk(root):
        count = len(wanted.intersection(files))
        if count:
            found.append((-count, len(Path(folder).parts), folder))
    return Path(min(found)[2]) if found else None


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
