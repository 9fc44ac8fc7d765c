"""The plans of a results folder: the cells of every grid that was started on it, for whoever has the folder alone.

plans/NAME.json   one file a set of cells; its name is the digest of their score keys. The command is not in it, because
                  its paths are nobody else's business
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mora_bench.cells.cell import Cell
from mora_bench.errors import UserError
from mora_bench.files import digest, write_atomic

FOLDER = "plans"


class Planned(msgspec.Struct, frozen=True):
    """The keys and names of a cell before it has a record."""

    key: str
    score_key: str
    label: str
    dataset: str
    method: str


class GridRequest(msgspec.Struct, frozen=True):
    """One grid: when it was started last, in ISO 8601, and its cells."""

    time: str
    cells: list[Planned]


def write(folder: Path, cells: Iterable[Cell]) -> Path | None:
    """Note the cells of a grid, if any; the same cells have one file, whatever command started them. Gives that file if
    it was not there before."""
    planned = [Planned(c.key, c.score_key, c.label, c.dataset, c.method) for c in cells]
    if not planned:
        return None
    asked, file = GridRequest(time.strftime("%Y-%m-%dT%H:%M:%S%z"), planned), folder / FOLDER / f"{_name(planned)}.json"
    new = not file.exists()
    write_atomic(file, msgspec.json.encode(asked))
    return file if new else None


@contextmanager
def noted(folder: Path, cells: Iterable[Cell]) -> Iterator[None]:
    """Note the cells of a grid before the block makes all ready for it. If that is refused, a grid that was not there
    before is forgotten, because it never began; not so if another command has begun it since, or after Ctrl-C."""
    file = write(folder, cells)
    content = file.read_bytes() if file is not None else b""
    try:
        yield
    except Exception:
        if file is not None and file.is_file() and file.read_bytes() == content:
            file.unlink(missing_ok=True)
        raise


def read(folder: Path) -> list[GridRequest]:
    """All grids that were started on a folder, the first first.

    Raises:
        UserError: a file is none of ours, or was edited.
    """
    grids = []
    for file in sorted((folder / FOLDER).glob("*.json")):
        if file.is_symlink() or not file.is_file():
            raise UserError(f"{file}: no plain file. Remove it.")
        try:
            asked = msgspec.json.decode(file.read_bytes(), type=GridRequest)
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise UserError(f"{file}: not a plan ({error}). Remove it; the next `grid` writes it again.") from None
        if file.stem != _name(asked.cells):
            raise UserError(
                f"{file}: its name is not that of its cells: it was edited. Remove it; `grid` writes it again."
            )
        grids.append(asked)
    return sorted(grids, key=lambda grid: grid.time)


def _name(planned: Iterable[Planned]) -> str:
    return digest(f"{key}\n".encode() for key in sorted(cell.score_key for cell in planned))
