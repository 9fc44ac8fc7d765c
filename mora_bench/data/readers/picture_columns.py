"""Columns of a table that hold paths of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mora_bench.data.readers.path_columns import PAIR, Absent, found, placed
from mora_bench.data.readers.picture_paths import Views, opened
from mora_bench.data.table import Column

#: More pictures of a sample than these are a bag; up to these stand side by side.
SIDE_BY_SIDE = PAIR


def pictures(
    column: pd.Series, bases: Sequence[Path], file: Path, wanted: Views, absent: Absent, pairs: bool | None = None
) -> Column:
    """A column of paths: pictures side by side, None in the place of one of two that is absent; a bag where a sample
    has many or a volume; None where there is none.

    Args:
        bases, file, absent: as in `found`; pairs: as in `placed`; wanted: how volumes and DICOM files are looked at.

    Raises:
        UserError: as `found`.
    """
    present, places = found(column, bases, file, absent), placed(column, pairs)
    cells = [[opened(present[part], wanted) if part in present else None for part in parts] for parts in places]
    # Those that are named, also where they are absent.
    most = max((sum(map(bool, parts)) for parts in places), default=0)
    many = most > SIDE_BY_SIDE or any(isinstance(picture, tuple) for cell in cells for picture in cell)
    if many:
        bags = [
            [picture for part in cell for picture in (part if isinstance(part, tuple) else (part,))] for cell in cells
        ]
        return Column("bag", tuple(map(there, bags)))
    return Column("image", tuple(tuple(cell) if there(cell) else None for cell in cells))


def there(sample: Sequence[Any]) -> tuple[Any, ...] | None:
    """Those of the pictures of a sample that are not absent, None if all are."""
    return tuple(picture for picture in sample if picture is not None) or None
