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
from mora_bench.data.readers.cells import NAMED, errors, named, refuse, text
from mora_bench.data.readers.measured import is_number, measured
from mora_bench.data.readers.own import names_of
from mora_bench.data.readers.own_columns import plain
from mora_bench.data.readers.path_columns import fields, paths
from mora_bench.data.readers.path_columns import named as path_names
from mora_bench.data.readers.picture_columns import SIDE_BY_SIDE, pictures, there
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.signal_columns import fields as signal_fields
from mora_bench.data.readers.signal_columns import lost, signals
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.signal_keys import table_notes
from mora_bench.data.readers.text_columns import texts, texts_of_files
from mora_bench.data.readers.thousands import refuse_thousands
from mora_bench.data.readers.vector_columns import columns_of, from_columns, from_files, of_files
from mora_bench.data.table import PICTURES, Column, Table
from mora_bench.errors import UserError
from mora_bench.text import listed

#: The kinds of modalities that a table can hold.
KINDS = ("text", *PICTURES, "table", "vector", "signal")


@dataclass(frozen=True)
class NewRecords:
    """`table`: some records, none of their labels known; `notes`: what a user should know of them and of their file, a
    sentence by column or table."""

    table: Table
    notes: Mapping[str, str]


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
    cells = {name: _cells(trained) for name, trained in trained_on.modalities.items() if trained.kind == "table"}
    headings = joined.names(file, joins)
    others = {name: trained for name, trained in trained_on.modalities.items() if name not in cells}
    sources = {name: _source(name, trained, made.get(name, ""), headings, file) for name, trained in others.items()}
    wanted = [column for source in sources.values() for column in source.columns]
    wanted += [column for known in cells.values() for column in known]
    bases = [base or file.parent.resolve()]
    seen: set[str] = set()
    frames.check_columns(headings, wanted, file, "Add it, empty where a record has nothing of it.")
    wanted = list(dict.fromkeys([*wanted, *([id] if id else [])]))
    separators = _separators(file, joins, wanted)
    of_tables = {f"{table}, hidden": note for table in joined.all_tables(file, joins) for note in frames.notes(table)}
    for join in joins:
        both = joined.taken_before(file, joins, join, wanted)
        of_tables |= {f"{join}, columns {number}": note for number, note in enumerate(both)}
    known = [joined.keys_of(join) for join in joins]
    more = list(dict.fromkeys(["id", *(join.key for join in joins)]))
    for frame in joined.parts(file, wanted, joins, more, at_once):
        id_column = id or ("id" if "id" in frame else None)
        ids = names_of(frame, id_column, file).str.strip()
        refuse(ids, [name in seen for name in ids], file, "is not the first of its name", "Rename it.")
        seen.update(ids if id_column else ())
        modalities: dict[str, Column] = {}
        notes = of_tables | joined.new_notes(joins, frame, known)
        notes |= {f"{name}, errors": sentence for name, sentence in errors(frame).items()}
        for name, trained in trained_on.modalities.items():
            if name in cells:
                rows, unlike = _measured(frame, cells[name], tuple(ids), file, separators)
                modalities[name] = Column("table", rows)
                notes |= unlike
            else:
                modalities[name] = _read(trained, sources[name], frame, bases, file, views, separators)
                notes |= _nowhere(trained, sources[name], frame, modalities[name], bases, file)
        targets = np.zeros_like(trained_on.targets, shape=(len(frame), trained_on.targets.shape[1]))
        row_ids = tuple(ids)
        table = Table(
            trained_on.name, "real", trained_on.labels, row_ids, row_ids, modalities, targets, task=trained_on.task
        )
        lacking = [not any(row) for row in table.present]
        _refuse_empty(ids, lacking, id_column, file)
        yield NewRecords(table, notes)


def _refuse_empty(ids: pd.Series, lacking: Sequence[bool], column: str | None, file: Path) -> None:
    """Refuse records that have nothing, by the column of their names; by their rows alone if there is none."""
    what, do = "has nothing of any modality", "Leave it out."
    if column is not None:
        refuse(ids, lacking, file, what, do)
    rows = [name for name, empty in zip(ids, lacking, strict=True) if empty]
    if rows:
        raise UserError(f"{file} {what} in {listed(rows, NAMED)}. {do}")


@dataclass(frozen=True)
class _Source:
    """The columns of a file that a modality is read from; `entry`: what its paths or its vector are made of, "" for
    none."""

    columns: list[str]
    entry: str = ""


def _source(name: str, trained: Column, entry: str, headings: Sequence[str], file: Path) -> _Source:
    """The columns of a modality: those it was made from in training if the file has them, or one of them has its name;
    else that of its name."""
    if trained.kind == "vector" and entry and not of_files(entry):
        return _Source(columns_of(entry, headings, file), entry)
    if trained.kind == "signal":
        return _Source(signal_fields(SignalEntry.of(entry)), entry)
    column, parts = _column(name, headings, file), fields(entry) if entry else []
    if column in parts or (parts and {*parts} <= {*headings}):
        return _Source(parts, entry)
    return _Source([column])


def _separators(file: Path, joins: Sequence[joined.Join], columns: Sequence[str]) -> dict[str, str]:
    """By column what separates the fields of its table, "" if that is no text."""
    homes = joined.homes(file, joins, columns)
    by_home = {home: [name for name in columns if homes[name] == home] for home in set(homes.values())}
    return {name: frames.dialect(home, names).separator for home, names in by_home.items() for name in names}


def _read(
    trained: Column, source: _Source, frame: pd.DataFrame, bases: Sequence[Path], file: Path, views: Views,
    separators: Mapping[str, str],
) -> Column:  # fmt: skip
    """The values of a modality, which are as those that were trained on, `trained`."""
    if trained.kind == "vector" and source.entry and not of_files(source.entry):
        vectors = from_columns(frame, source.columns, file, separators[source.columns[0]])
        return _of_width(vectors, trained, file)
    if trained.kind == "signal":
        return signals(frame, _as_trained(SignalEntry.of(source.entry), trained), bases, file, "any")
    column = paths(frame, source.entry) if source.entry else frame[source.columns[0]]
    if trained.kind == "vector":
        return _of_width(from_files(column, bases, file, "any"), trained, file)
    if trained.kind == "text":
        return texts_of_files(column, bases, file, "any") if source.entry else texts(column, bases, file)
    return _of_pictures(column, bases, file, views, trained)


def _as_trained(entry: SignalEntry, trained: Column) -> SignalEntry:
    """How new signals are read: with the channels, and of files with the rate and the units, of those that were trained
    on."""
    series = next(value.read() for value in trained.values if value is not None)
    new = replace(entry, channels=series.channels, trained=entry)
    return new if entry.of_tables else replace(new, rate=series.rate, units=series.units)


def _nowhere(
    trained: Column, source: _Source, frame: pd.DataFrame, modality: Column, bases: Sequence[Path], file: Path
) -> dict[str, str]:
    """Notes, by column or modality, on paths none of which leads to a file, on signals that no record has, and on
    their tables."""
    nothing = all(value is None for value in modality.values)
    if trained.kind == "signal":
        entry = SignalEntry.of(source.entry)
        note = lost(frame, entry, bases, file) if nothing else ""
        found = {f"signal {entry.name}": note} if note else {}
        warnings = enumerate(table_notes(frame, entry, bases, file))
        return found | {f"signal {entry.name}, table {number}": warning for number, warning in warnings}
    if not nothing:
        return {}
    of_files = trained.kind in PICTURES or (source.entry and not (trained.kind == "vector" and len(source.columns) > 1))
    if not of_files:
        return {}
    column = paths(frame, source.entry) if source.entry else frame[source.columns[0]]
    count = sum(map(bool, path_names(column)))
    where = " or ".join(map(str, bases))
    note = f"column {column.name!r}: none of its {count} files is below {where} (--pictures FOLDER says where they are)"
    return {str(column.name): note} if count else {}


def _of_width(vectors: Column, trained: Column, file: Path) -> Column:
    """Vectors, if they have as many numbers as those that were trained on."""
    width = next(len(value) for value in trained.values if value is not None)
    odd = next((len(value) for value in vectors.values if value is not None and len(value) != width), None)
    if odd is not None:
        raise UserError(f"{file}: a vector of {odd} numbers; {width} were trained on. Take it from the same encoder.")
    return vectors


def _column(modality: str, headings: Sequence[str], file: Path) -> str:
    """The column of a modality: of its name, or the one whose name became that of the modality."""
    alike = [column for column in headings if plain(column) == modality]
    return modality if modality in headings or len(alike) != 1 else alike[0]


@dataclass(frozen=True)
class _Known:
    """What a column of measured values holds in a cell's data: `categories`, none if numbers; the least and the
    greatest of these, None if there are none."""

    categories: set[str]
    least: float | None
    greatest: float | None

    def beyond(self, name: str, values: Sequence[Any], ids: Sequence[str]) -> str:
        """A note on new numbers of the column, None where a record has none, that are beyond these; "" if none is."""
        new = [(id, value) for id, value in zip(ids, values, strict=True) if isinstance(value, float)]
        low, high = self.least, self.greatest
        if low is not None and high is not None:
            new = [(id, value) for id, value in new if not low <= value <= high]
        if not new:
            return ""
        seen = "no number" if low is None else f"numbers from {low:.10g} to {high:.10g}"
        which = listed([f"{id} ({value:.10g})" for id, value in new], NAMED)
        return f"column {name!r}: the cell's data hold {seen}, so trust the predictions of these less: {which}"


def _cells(column: Column) -> dict[str, _Known]:
    """The columns of measured values that were trained on, and what each held."""
    filled: dict[str, list[Any]] = {}
    for row in column.values:
        for name, cell in (row or {}).items():
            filled.setdefault(name, []).extend([] if cell is None else [cell])
    known = {}
    for name, cells in filled.items():
        numbers = [cell for cell in cells if not isinstance(cell, str)]
        categories = {cell for cell in cells if isinstance(cell, str)}
        known[name] = _Known(categories, min(numbers, default=None), max(numbers, default=None))
    return known


def _measured(
    frame: pd.DataFrame, cells: Mapping[str, _Known], ids: Sequence[str], file: Path, separators: Mapping[str, str]
) -> tuple[tuple[Any, ...], dict[str, str]]:
    """Rows of measured values, None for those without any; and a note by column on categories that nobody had in
    training, and on numbers beyond those of the cell's data."""
    columns: dict[str, tuple[Any, ...]] = {}
    notes = {}
    for name, known in cells.items():
        kinds, commas = known.categories, separators[name] != ","
        if not kinds:
            odd = [text(cell) is not None and not is_number(cell.strip(), commas) for cell in frame[name]]
            refuse(frame[name], odd, file, "held numbers in training, and does not", "Correct the table.")
            refuse_thousands(frame[name], file, separators[name])
        values = measured(frame[name], "category" if kinds else "number", file, commas).values
        unseen = [isinstance(cell, str) and cell not in kinds for cell in values]
        columns[name] = tuple(None if new else cell for new, cell in zip(unseen, values, strict=True))
        if any(unseen):
            notes[name] = (
                f"column {name!r}: nobody had this in training, so it counts as empty: {named(frame[name], unseen)}"
            )
        if beyond := known.beyond(name, values, ids):
            notes[f"{name}, beyond"] = beyond
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return tuple(row if any(cell is not None for cell in row.values()) else None for row in rows), notes


def _of_pictures(column: pd.Series, bases: Sequence[Path], file: Path, views: Views, trained: Column) -> Column:
    pairs = trained.kind == "image" and any(len(value or ()) == SIDE_BY_SIDE for value in trained.values)
    modality = pictures(column, bases, file, views, "any", pairs)
    if trained.kind == "bag":
        return Column("bag", tuple(value and there(value) for value in modality.values))
    if modality.kind == "bag":
        several = f"over {SIDE_BY_SIDE} pictures in a cell, or a file of several"
        raise UserError(f"{file}, column {column.name!r}: {several}; expected an image.")
    return modality
