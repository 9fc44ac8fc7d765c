"""Whose the rows of one table of all signals are, and what a user should know of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pandas as pd

from mora_bench.data.readers import frames
from mora_bench.data.readers.cells import NAMED, keys
from mora_bench.data.readers.links import inside
from mora_bench.data.readers.path_columns import located, paths
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.spellings import elsewhere
from mora_bench.errors import UserError
from mora_bench.files import Version, version


def table_of_all(entry: SignalEntry, bases: Sequence[Path], file: Path) -> Path:
    """The one table that holds the signals of all samples: below the first of the bases that has it, or beside `file`,
    the main table.

    Raises:
        UserError: it is in none of them, or a link leads out of each.
    """
    bases = [*bases, file.parent.resolve()]
    found = [base / entry.path for base in bases if (base / entry.path).is_file()]
    if not found:
        where = " or ".join(map(str, dict.fromkeys(bases)))
        raise UserError(f"{file}: no {entry.path} below {where}, which --signal {entry.name} asks for.")
    if not any(inside(found[0], base) for base in bases):
        raise UserError(f"{found[0]}: a link that leads out of {bases[0]} (--follow-links allows it).")
    return found[0]


def keys_of(table: Path, entry: SignalEntry) -> frozenset[str]:
    """The keys of a table of all signals."""
    return _keys_in(table, entry.key, version(table))


@lru_cache(maxsize=4)
def _keys_in(table: Path, key: str, seen: Version) -> frozenset[str]:
    """The keys of a version of a table, which each part of new records asks for: it may be long."""
    return frozenset(keys(frames.frame(table, [key], rowless=True)[key])) - {""}


def spelled_otherwise(cells: pd.Series, entry: SignalEntry, bases: Sequence[Path], file: Path) -> list[str]:
    """A warning of keys of the main table, `cells`, that stand in another spelling in that of all signals."""
    table = table_of_all(entry, bases, file)
    return elsewhere([*keys(cells)], keys_of(table, entry), entry.key, table)


def table_notes(frame: pd.DataFrame, entry: SignalEntry, bases: Sequence[Path], file: Path) -> list[str]:
    """Warnings of the tables of a signal: of rows that they hide, and of keys in other spellings.

    Args:
        frame: the main table, of `file`; bases: the folders in which paths begin.

    Raises:
        UserError: as `table_of_all`, `frames.frame` and `located`.
    """
    if not entry.of_tables:
        return []
    if entry.key:
        table = table_of_all(entry, bases, file)
        return [*frames.notes(table), *spelled_otherwise(frame[entry.key], entry, bases, file)]
    column = paths(frame, f"{entry.name}={entry.path}")
    tables = [table for row in located(column, bases, file, "any", "signals") for table in row]
    warnings = [note for table in tables for note in frames.notes(table)]
    more = f"WARNING: signal {entry.name!r}: {len(warnings) - NAMED} more of its tables hide rows."
    return warnings[:NAMED] + [more] * (len(warnings) > NAMED)


def nothing_measured(cells: pd.Series, entry: SignalEntry, table: Path, file: Path) -> UserError:
    """The error of a table of all signals that has none of any sample: with the first keys of both tables if none of
    them fit, else with what may be wrong of times. `cells`: the keys of the main table, of `file`."""
    known, wanted = keys_of(table, entry), [*keys(cells)]
    if known.isdisjoint(wanted):
        return UserError(
            f"{table}: no row for any value of {entry.key!r} of {file}, such as {wanted[0]!r}; there it is "
            f"{min(known, default='')!r}. Write them alike, or name another key."
        )
    return UserError(
        f"{table}, column {entry.key!r}: none of its rows is of a sample of {file.name} within the time that is "
        "read. Compare the times, and the unit of time."
    )
