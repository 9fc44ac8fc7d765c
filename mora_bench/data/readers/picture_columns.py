"""Columns of a table that hold paths of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mora_bench.data.readers.path_columns import Absent, located, named
from mora_bench.data.readers.picture_paths import Views, opened
from mora_bench.data.table import Column

#: More pictures of a sample than these are a bag; up to these stand side by side.
SIDE_BY_SIDE = 2


def pictures(column: pd.Series, bases: Sequence[Path], file: Path, wanted: Views, absent: Absent) -> Column:
    """A column of paths: pictures side by side, a bag where a sample has many or a volume; None where there is none.

    Args:
        bases, file, absent: as in `located`; wanted: how volumes and DICOM files are looked at.

    Raises:
        UserError: as `located`.
    """
    cells = [[opened(path, wanted) for path in paths] for paths in located(column, bases, file, absent)]
    most = max(map(len, named(column)), default=0)
    many = most > SIDE_BY_SIDE or any(isinstance(picture, tuple) for cell in cells for picture in cell)
    if many:
        bags = [
            tuple(picture for part in cell for picture in (part if isinstance(part, tuple) else (part,)))
            for cell in cells
        ]
        return Column("bag", tuple(bag or None for bag in bags))
    return Column("image", tuple(tuple(cell) or None for cell in cells))
