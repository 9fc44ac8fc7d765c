"""The words of a record on a failure. They quote nothing of patients' data: an error may hold a name or a text."""

import os
import traceback
from contextlib import suppress
from pathlib import Path

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.errors import PlainError
from mora_bench.files import write_atomic

#: Packages of ours whose messages are made of our words, settings and shapes, never of what data hold.
PLAIN = ("backbones", "engines", "methods", "missing", "scoring", "tasks", "training")
PACKAGE = Path(__file__).parents[1]
#: Lines of a trace that a record keeps.
LINES = 30


def described(error: BaseException, cell: Cell, runtime: Runtime) -> tuple[str, list[str]]:
    """An error in a line, and the tail of its trace, as a record may hold them.

    The words of others' code about patients go to a file of the cache, which holds their decoded data anyway; only its
    owner can read it. The record then has the kind of the error and the places in the code.
    """
    message = f"{type(error).__name__}: {error}"
    lines = "".join(traceback.format_exception(error)).splitlines()
    if cell.source != "real" or _ours(error):
        return message, lines[-LINES:] if cell.source != "real" else _places(error)
    # A disk that is full costs the message alone.
    with suppress(OSError):
        file = private_file(cell, runtime)
        write_atomic(file, "\n".join([message, "", *lines, ""]).encode(errors="replace"))
        os.chmod(file, 0o600)
    where = f"errors/{cell.key}.log of the cache"
    return f"{type(error).__name__}: what it says may be a patient's, and is kept in {where}", _places(error)


def private_file(cell: Cell, runtime: Runtime) -> Path:
    """The file with the message of a cell's error, if a record may not hold it."""
    return runtime.cache / "errors" / f"{cell.key}.log"


def full_message(error: str, cell: Cell, runtime: Runtime) -> str:
    """The message of a failed cell's error, for whoever sits at the machine that ran it; else that of its record."""
    try:
        lines = private_file(cell, runtime).read_text(errors="replace").splitlines()
    except OSError:
        return error
    return lines[0] if lines and error.partition(":")[0] == lines[0].partition(":")[0] else error


def _ours(error: BaseException) -> bool:
    """Whether we wrote the message of an error, without quoting data."""
    if isinstance(error, PlainError) or error.__traceback__ is None:
        return True
    frame = list(traceback.walk_tb(error.__traceback__))[-1][0]
    path = Path(frame.f_code.co_filename)
    return path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in PLAIN


def _places(error: BaseException) -> list[str]:
    """The places in the code that a trace names, and the kinds of the errors, without what they say."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        frames = "".join(traceback.format_tb(seen.__traceback__)).splitlines()
        lines = [*frames, type(seen).__name__, *lines]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return lines[-LINES:]
