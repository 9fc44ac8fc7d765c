"""Reads new records for what was trained on a dataset: the same columns, without labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mora_bench.data.readers import frames, joined
from mora_bench.data.readers.cells import named, refuse, text
from mora_bench.data.readers.measured import is_number, measured
from mora_bench.data.readers.own import names_of
from mora_bench.data.readers.own_columns import plain
from mora_bench.data.readers.path_columns import fields, paths
from mora_bench.data.readers.path_columns import named as path_names
from mora_bench.data.readers.picture_columns import SIDE_BY_SIDE, pictures
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.signal_columns import fields as signal_fields
from mora_bench.data.readers.signal_columns import signals
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.text_columns import texts, texts_of_files
from mora_bench.data.readers.vector_columns import columns_of, from_columns, from_files, of_files
from mora_bench.data.table import PICTURES, Column, Table
from mora_bench.errors import UserError

#: The kinds of modalities that a table can hold.
KINDS = ("text", *PICTURES, "table", "vector", "signal")


@dataclass(frozen=True)
class NewRecords:
    """`table`: some records, none of their labels known; `said`: what a user should know of them, a sentence by
    column."""

    table: Table
    said: Mapping[str, str]


def new_records(
    trained_on: Table,
    file: Path,
    views: Views,
    base: Path | None = None,
    at_once: int | None = None,
    id: str = "",
    made: Mapping[str, str] = MappingProxyType({}),
    joins: Sequence[joined.Join] = (),
) -> Iterator[NewRecords]:
    """The records of a file, at most `at_once` together, all if it is not given: a column for each modality of text or
    pictures, under its name or the one that it was made from, or those that its paths are made of; one for each
    measured value; `id` if there is one.

    Args:
        trained_on: the table that was trained on.
        views: how its volumes and DICOM files were looked at.
        base: the folder in which paths of pictures begin; None for that of the file.
        made: `Dataset.made`.
        id: the column of their names; "" for `id`, if there is one, else the number of the row.
        joins: further tables that hold some of the columns, which are in memory whole.

    Raises:
        UserError: an absent column, a record that has nothing, a modality that a table cannot hold, a cell that is no
            number where numbers were trained on.
    """
    odd = [f"{name} ({kind})" for name, kind in trained_on.shape.items() if kind not in KINDS]
    if odd:
        raise UserError(f"{trained_on.name}: new records of {', '.join(odd)} cannot be read from a table.")
    values = {name: _cells(own) for name, own in trained_on.modalities.items() if own.kind == "table"}
    there = joined.names(file, joins)
    others = {name: own for name, own in trained_on.modalities.items() if name not in values}
    sources = {name: _source(name, own, made.get(name, ""), there, file) for name, own in others.items()}
    wanted = [column for source in sources.values() for column in source.columns]
    wanted += [column for cells in values.values() for column in cells]
    bases = [base or file.parent.resolve()]
    seen: set[str] = set()
    wanted = list(dict.fromkeys([*wanted, *([id] if id else [])]))
    commas = _commas(file, joins, wanted)
    for frame in joined.parts(file, wanted, joins, ["id"], at_once):
        called = id or ("id" if "id" in frame else None)
        ids = names_of(frame, called, file).str.strip()
        refuse(ids.rename("id"), [name in seen for name in ids], file, "is not the first of its name", "Rename it.")
        seen.update(ids if called else ())
        modalities: dict[str, Column] = {}
        said: dict[str, str] = {}
        for name, own in trained_on.modalities.items():
            if name in values:
                found, unknown = _measured(frame, values[name], file, commas)
                modalities[name] = Column("table", found)
                said |= unknown
            else:
                modalities[name] = _read(own, sources[name], frame, bases, file, views, commas)
                said |= _nowhere(own, sources[name], frame, modalities[name], bases)
        none = np.zeros_like(trained_on.targets, shape=(len(frame), trained_on.targets.shape[1]))
        own_ids = tuple(ids)
        table = Table(
            trained_on.name, "real", trained_on.labels, own_ids, own_ids, modalities, none, task=trained_on.task
        )
        lacking = [not any(row) for row in table.present]
        refuse(ids.rename("id"), lacking, file, "has nothing of any modality", "Leave it out.")
        yield NewRecords(table, said)


@dataclass(frozen=True)
class _Source:
    """The columns of a file that a modality is read from; `entry`: what its paths or its vector are made of, "" for
    none."""

    columns: list[str]
    entry: str = ""


def _source(name: str, own: Column, entry: str, there: Sequence[str], file: Path) -> _Source:
    """Where a modality stands: what it was made from in training if that is there, else the column of its name."""
    if own.kind == "vector" and entry and not of_files(entry):
        return _Source(columns_of(entry, there, file), entry)
    if own.kind == "signal":
        return _Source(signal_fields(SignalEntry.of(entry)), entry)
    if entry and name not in there and {*fields(entry)} <= {*there}:
        return _Source(fields(entry), entry)
    return _Source([_column(name, there, file)])


def _commas(file: Path, joins: Sequence[joined.Join], columns: Sequence[str]) -> dict[str, bool]:
    """By column whether a comma in a number may stand before its decimals: where it separates no fields."""
    homes = joined.homes(file, joins, columns)
    read = {home: [name for name in columns if homes[name] == home] for home in set(homes.values())}
    return {name: frames.dialect(home, own).separator != "," for home, own in read.items() for name in own}


def _read(
    own: Column, source: _Source, frame: pd.DataFrame, bases: Sequence[Path], file: Path, views: Views,
    commas: Mapping[str, bool],
) -> Column:  # fmt: skip
    """The values of a modality, which are as those that were trained on, `own`."""
    if own.kind == "vector" and source.entry and not of_files(source.entry):
        found = from_columns(frame, source.columns, file, commas[source.columns[0]])
        return _of_width(found, own, file)
    if own.kind == "signal":
        return signals(frame, _as_trained(SignalEntry.of(source.entry), own), bases, file, "any")
    column = paths(frame, source.entry) if source.entry else frame[source.columns[0]]
    if own.kind == "vector":
        return _of_width(from_files(column, bases, file, "any"), own, file)
    if own.kind == "text":
        return texts_of_files(column, bases, file, "any") if source.entry else texts(column)
    return _of_pictures(column, bases, file, views, own.kind)


def _as_trained(entry: SignalEntry, own: Column) -> SignalEntry:
    """How new signals are read: with the channels, and of files with the rate, of those that were trained on."""
    known = next(value.read() for value in own.values if value is not None)
    return replace(entry, channels=known.channels, rate=entry.rate if entry.of_tables else known.rate)


def _nowhere(own: Column, source: _Source, frame: pd.DataFrame, found: Column, bases: Sequence[Path]) -> dict[str, str]:
    """What is said of a column of paths none of which leads to a file."""
    of_files = own.kind in PICTURES or (source.entry and not (own.kind == "vector" and len(source.columns) > 1))
    if own.kind == "signal" or not of_files or any(value is not None for value in found.values):
        return {}
    column = paths(frame, source.entry) if source.entry else frame[source.columns[0]]
    count = sum(map(bool, path_names(column)))
    where = " or ".join(map(str, bases))
    said = f"column {column.name!r}: none of its {count} files is below {where} (--pictures FOLDER says where they are)"
    return {str(column.name): said} if count else {}


def _of_width(found: Column, own: Column, file: Path) -> Column:
    """Vectors, if they have as many numbers as those that were trained on."""
    width = next(len(value) for value in own.values if value is not None)
    odd = next((len(value) for value in found.values if value is not None and len(value) != width), None)
    if odd is not None:
        raise UserError(f"{file}: a vector of {odd} numbers; {width} were trained on. Take it from the same encoder.")
    return found


def _column(modality: str, there: Sequence[str], file: Path) -> str:
    """The column of a modality: of its name, or the one whose name became that of the modality."""
    alike = [column for column in there if plain(column) == modality]
    return modality if modality in there or len(alike) != 1 else alike[0]


def _cells(column: Column) -> dict[str, set[str]]:
    """The columns of measured values that were trained on, and the categories of each; none for numbers."""
    found: dict[str, set[str]] = {}
    for row in column.values:
        for name, cell in (row or {}).items():
            kinds = found.setdefault(name, set())
            if isinstance(cell, str):
                kinds.add(cell)
    return found


def _measured(
    frame: pd.DataFrame, cells: Mapping[str, set[str]], file: Path, commas: Mapping[str, bool]
) -> tuple[tuple[Any, ...], dict[str, str]]:
    """Rows of measured values, None for those without any; and by column which categories nobody had in training."""
    read: dict[str, tuple[Any, ...]] = {}
    said = {}
    for name, kinds in cells.items():
        if not kinds:
            odd = [text(cell) is not None and not is_number(cell.strip(), commas[name]) for cell in frame[name]]
            refuse(frame[name], odd, file, "held numbers in training, and does not", "Correct the table.")
        own = measured(frame[name], "category" if kinds else "number", file, commas[name]).values
        unseen = [isinstance(cell, str) and cell not in kinds for cell in own]
        read[name] = tuple(None if new else cell for new, cell in zip(unseen, own, strict=True))
        if any(unseen):
            said[name] = (
                f"column {name!r}: nobody had this in training, so it counts as empty: {named(frame[name], unseen)}"
            )
    rows = [dict(zip(read, row, strict=True)) for row in zip(*read.values(), strict=True)]
    return tuple(row if any(cell is not None for cell in row.values()) else None for row in rows), said


def _of_pictures(column: pd.Series, bases: Sequence[Path], file: Path, views: Views, kind: str) -> Column:
    found = pictures(column, bases, file, views, "any")
    if kind == "image" and found.kind == "bag":
        several = f"over {SIDE_BY_SIDE} pictures in a cell, or a file of several"
        raise UserError(f"{file}, column {column.name!r}: {several}; expected an image.")
    return Column(kind, found.values)
