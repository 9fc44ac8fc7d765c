"""Signals of a table: files that a column names, one a sample, or one table that holds the rows of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from mora_bench.data.modalities.series import Series
from mora_bench.data.modalities.units import listed_units
from mora_bench.data.readers import frames, signal_tables
from mora_bench.data.readers.cells import nothing, refuse
from mora_bench.data.readers.path_columns import Absent, located, paths
from mora_bench.data.readers.path_columns import fields as fields_of
from mora_bench.data.readers.path_columns import named as path_names
from mora_bench.data.readers.signal_dicom import DicomWaveform
from mora_bench.data.readers.signal_entry import DICOM, TABLES, UNITS, SignalEntry
from mora_bench.data.readers.signal_files import ArrayFile, SignalFile, unspelled
from mora_bench.data.readers.signal_keys import nothing_measured, table_of_all
from mora_bench.data.readers.signal_records import BdfFile, EdfFile, WfdbFile
from mora_bench.data.readers.signal_sounds import FlacFile, WavFile
from mora_bench.data.readers.signal_times import Moments, beginnings
from mora_bench.data.readers.thousands import refuse_thousands
from mora_bench.data.table import Column
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: The reader of a file, by the end of its name.
READERS: dict[str, type[SignalFile]] = {
    ".wav": WavFile, ".flac": FlacFile, ".hea": WfdbFile, ".edf": EdfFile, ".bdf": BdfFile, ".npy": ArrayFile,
    **dict.fromkeys(DICOM, DicomWaveform),
}  # fmt: skip
#: What to do with some files that none reads, by the ends of their names.
REMEDIES = {
    (
        ".mp3",
        ".ogg",
        ".oga",
        ".opus",
        ".m4a",
        ".aac",
        ".wma",
        ".aif",
        ".aiff",
    ): "Convert it to FLAC (ffmpeg -i OLD NEW.flac)",
    (".dat",): "Name the header of its record, which ends in .hea",
    (".fif", ".set", ".vhdr", ".gdf", ".cnt"): "Convert it to EDF (mne.io.read_raw(OLD).export(NEW))",
    (".mat",): "Save its values as an array (numpy.save)",
}
#: How many channels a line names.
NAMED = 12


def fields(entry: SignalEntry) -> list[str]:
    """The columns of the main table that a signal is found by."""
    return [*entry.columns, *([] if entry.key else fields_of(f"{entry.name}={entry.path}"))]


def signals(
    frame: pd.DataFrame,
    entry: SignalEntry,
    bases: Sequence[Path],
    file: Path,
    absent: Absent,
    hidden: Mapping[str, str] = MappingProxyType({}),
) -> Column:
    """The signal of each row; None where there is none, or, of tables, where nothing in it was measured.

    Args:
        bases, file, absent: as in `located`; one table of all begins at the first of the bases that holds it, or beside
            `file`.
        hidden: as `Columns.hidden`, names that no channel of a table may have.

    Raises:
        UserError: as `located`; several files in a cell; a table that cannot be read as the entry says. Other files are
            read when they are decoded.
    """
    values = _values(frame, entry, bases, file, absent)
    channels = next((series.channels for series in values if isinstance(series, Series)), ())
    leaks = [name for name in channels if name in hidden]
    if leaks:
        do = "Say which channels= to read."
        raise UserError(
            f"{entry.path}: column {leaks[0]!r} {hidden[leaks[0]]}, and would be a channel of {entry.name}. {do}"
        )
    return Column("signal", values)


def taken_for(name: str, column: Column) -> list[str]:
    """A line on what the signals of a column were taken for, and one on each of their channels that may be another one
    spelled otherwise."""
    present = [value for value in column.values if value is not None]
    if not present:
        return [f"signal {name!r}: no row has one"]
    first = present[0].read()
    named = listed_units(first.channels, first.units, NAMED)
    count = f"{number_of(len(first.channels), 'channel')} {named}"
    rate = f"{first.rate:g} Hz" if first.rate >= 1 else f"a step every {_duration(1 / first.rate)}"
    lasts, gaps = _duration(len(first.values) / first.rate), float(np.isnan(first.values).mean())
    sentence = f"signal {name!r}: {len(present)} of {len(column.values)} rows have one; the first: {count}"
    of_gaps = f"{gaps:.0%}".replace("%", " %")
    return [f"{sentence}, {rate}, {lasts}, {of_gaps} of it gaps", *_spellings(name, first.channels)]


def _spellings(name: str, channels: Sequence[str]) -> list[str]:
    """A warning of each channel whose name differs in case or blanks alone from an earlier one's."""
    firsts: dict[str, str] = {}
    pairs = [(firsts.setdefault(unspelled(channel), channel), channel) for channel in channels]
    return [
        f"WARNING: signal {name!r}: its channels {first!r} and {other!r} differ in case or blanks alone. Write them "
        "alike if they are one."
        for first, other in pairs
        if first != other
    ]


def lost(frame: pd.DataFrame, entry: SignalEntry, bases: Sequence[Path], file: Path) -> str:
    """A note on records of which none has a signal, on where it was looked for; "" if they name no files, or files that
    are there. Arguments as in `signals`."""
    if entry.key:
        rows = f"rows {frame.index[0] + 2} to {frame.index[-1] + 2}"
        return (
            f"signal {entry.name!r}: none of {rows} has one, as no row of {entry.path} has their {entry.key!r} and a "
            "measurement within the time that is read (if one should, compare the keys, and the unit of time)"
        )
    column = paths(frame, f"{entry.name}={entry.path}")
    count = sum(map(bool, path_names(column)))
    if not count or any(located(column, bases, file, "any", "signals")):
        return ""
    where = " or ".join(map(str, bases))
    return f"signal {entry.name!r}: none of its {count} files is below {where} (--pictures FOLDER says where they are)"


def _duration(seconds: float) -> str:
    """In the greatest unit of which it is at least one."""
    unit = next((name for name, size in reversed(UNITS.items()) if seconds >= size), "s")
    return f"{seconds / UNITS[unit]:.4g} {unit}"


def _values(
    frame: pd.DataFrame, entry: SignalEntry, bases: Sequence[Path], file: Path, absent: Absent
) -> tuple[Any, ...]:
    begins = _beginnings(frame[entry.since], entry, file) if entry.since else None
    if entry.key:
        return tuple(_of_all(frame, entry, bases, file, absent, begins))
    column = paths(frame, f"{entry.name}={entry.path}")
    row_files = located(column, bases, file, absent, "signals")
    refuse(column, [len(files) > 1 for files in row_files], file, "names several files", "Name one a row.")
    samples = tuple(
        _of_file(files[0], entry, (begins, row) if begins else None) if files else None
        for row, files in enumerate(row_files)
    )
    if entry.since and absent != "any" and any(row_files) and all(sample is None for sample in samples):
        raise UserError(
            f"{file}, column {entry.since!r}: no file {entry.path} has a measurement within the time that is read from "
            "there on. Compare its times with theirs, and the unit of time."
        )
    return samples


def _beginnings(cells: pd.Series, entry: SignalEntry, file: Path) -> Moments:
    separator = frames.separator(file)
    refuse_thousands(cells, file, separator)
    return beginnings(cells, entry, file, commas=separator != ",")


def _of_file(path: Path, entry: SignalEntry, begin: tuple[Moments, int] | None) -> Any:
    if entry.of_tables:
        return signal_tables.of_one(path, entry, begin)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join((*READERS, *TABLES))
        do = next((do for ends, do in REMEDIES.items() if path.suffix.lower() in ends), "Convert it to one of them")
        raise UserError(f"{path}: a signal whose name ends in none of {known}. {do}.")
    return reader(path, entry)


def _of_all(
    frame: pd.DataFrame,
    entry: SignalEntry,
    bases: Sequence[Path],
    file: Path,
    absent: Absent,
    begins: Moments | None,
) -> list[Series | None]:
    table = table_of_all(entry, bases, file)
    keys = frame[entry.key]
    refuse(keys, map(nothing, keys), file, "is empty, and says whose rows a signal is", "Fill it.")
    samples = signal_tables.of_all(table, entry, [*keys], begins, whole=absent != "any")
    if absent != "any" and all(series is None for series in samples):
        raise nothing_measured(keys, entry, table, file)
    return samples
