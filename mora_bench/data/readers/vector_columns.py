"""Vectors of a table: many columns of numbers that are one, or files of NumPy that a column names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mora_bench.data.modalities.vector import Vector
from mora_bench.data.readers.cells import NOTHING, refuse
from mora_bench.data.readers.path_columns import FIELD, Absent, located
from mora_bench.data.readers.thousands import refuse_thousands
from mora_bench.data.table import Column
from mora_bench.errors import UserError

#: The most bytes of a file: a vector of four million numbers.
MOST = 16 << 20


def entry_of(entry: str) -> tuple[str, str]:
    """The name of a vector, and the pattern of its columns ("e_*") or files ("{id}.npy").

    Raises:
        UserError: it is not of this form.
    """
    name, _, pattern = entry.partition("=")
    if not name or not ({*"*?["} & {*pattern} or FIELD.search(pattern)):
        raise UserError(
            f"--vector {entry!r}: expected NAME=COLUMNS with * in it, such as embedding=e_*, or NAME=FILE with columns "
            "in braces, such as embedding={id}.npy."
        )
    return name, pattern


def of_files(entry: str) -> bool:
    """Whether a vector is read from files."""
    return FIELD.search(entry_of(entry)[1]) is not None


def columns_of(entry: str, headings: Sequence[str], file: Path) -> list[str]:
    """The columns of a table that make a vector, in the order of their names, numbers in them by size: so their order
    in the table means nothing.

    Raises:
        UserError: there is none.
    """
    pattern = entry_of(entry)[1]
    matches = sorted((name for name in headings if fnmatchcase(name, pattern)), key=_by_number)
    if not matches:
        raise UserError(f"{file}: no column {pattern!r}, which --vector {entry} asks for.")
    return matches


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts e_2 before e_10."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"([0-9]+)", name)]


def from_columns(frame: pd.DataFrame, names: Sequence[str], file: Path, separator: str) -> Column:
    """A vector a row, None where all its cells are empty.

    Args:
        separator: as in `refuse_thousands`; where it is no comma, numbers may have a decimal comma.

    Raises:
        UserError: a cell that is no number, or is empty where others of its row are not; what `refuse_thousands` does.
    """
    cells = frame[list(names)].apply(lambda column: column.str.strip())
    empty = cells.apply(lambda column: column.str.lower().isin(NOTHING))
    none = empty.all(axis=1)
    plain = cells.apply(lambda column: column.str.replace(",", ".")) if separator != "," else cells
    numbers = plain.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    finite = np.isfinite(numbers.astype(np.float32))
    for number, name in enumerate(names):
        part = empty[name] & ~none
        refuse(frame[name], part, file, "is empty, where the rest of its vector is not", "Fill all of it, or none.")
        odd = ~finite[:, number] & ~none.to_numpy()
        refuse(frame[name], odd, file, "is part of a vector, and no finite number", "Correct the table.")
        refuse_thousands(frame[name], file, separator)
    rows = zip(none, numbers.astype(np.float32), strict=True)
    return Column("vector", tuple(None if gone else row for gone, row in rows))


def from_files(column: pd.Series, bases: Sequence[Path], file: Path, absent: Absent) -> Column:
    """The vectors of the files that a column of paths names; None where there is none.

    Args:
        bases, file, absent: as in `located`.

    Raises:
        UserError: as `located`; several files in a cell; a file that holds no vector, or one of another length.
    """
    cells = located(column, bases, file, absent, "vectors")
    refuse(column, [len(paths) > 1 for paths in cells], file, "names several files", "Name one a row.")
    vectors = tuple(_vector(paths[0]) if paths else None for paths in cells)
    width = next((len(vector) for vector in vectors if vector is not None), 0)
    odd = [vector is not None and len(vector) != width for vector in vectors]
    refuse(
        column,
        odd,
        file,
        f"names a vector of another length than {width}, the first one's,",
        "Take all of one encoder.",
    )
    return Column("vector", vectors)


def _vector(path: Path) -> Any:
    """The array of a file, without the pickles that NumPy's format allows."""
    if not path.is_file() or path.stat().st_size > MOST:
        raise UserError(f"{path}: expected a file of NumPy (.npy) of at most {MOST >> 20} MiB.")
    try:
        loaded = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise UserError(f"{path}: no array that NumPy reads without pickle ({error}).") from None
    vector = loaded[0] if isinstance(loaded, np.ndarray) and loaded.ndim == 2 and len(loaded) == 1 else loaded
    if wrong := Vector().problem(vector):
        raise UserError(f"{path}: {wrong}.")
    return vector.astype(np.float32)
