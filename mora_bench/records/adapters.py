"""The files of what a cell trained: written, read and identified as one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.files import digest, digest_json, write_atomic

#: What to do where there are none: a done cell is not trained again in its folder.
ABSENT = "absent. Run the cell's grid with --save-adapters and a new --out; cells that are done are not trained again."


def identity(files: Mapping[str, bytes]) -> str:
    """The digest of the names and the contents of files; "" for none."""
    return digest_json({name: digest([content]) for name, content in files.items()}) if files else ""


def write(folder: Path, files: Mapping[str, bytes]) -> str:
    """Write files in place of a folder's old ones, each whole or not at all; gives their digest."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        write_atomic(folder / name, content)
    return identity(files)


def read(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their path in it.

    Raises:
        UserError: the folder is absent, or something in it is no plain file.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise UserError(f"{folder}: {ABSENT}")
    paths = sorted(file for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())
    odd = next((file for file in paths if file.is_symlink() or not file.is_file()), None)
    if odd is not None:
        raise UserError(f"{odd}: not a plain file. Remove it, and train the cell again.")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in paths}
