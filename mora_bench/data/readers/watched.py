"""Pictures of new records that note, when they are read, whether there is anything to be seen; and signals, whether
they were brought to another rate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.modalities.image import FilePicture
from mora_bench.data.modalities.series import SAME_RATE, Series
from mora_bench.data.readers.signal_files import SignalFile
from mora_bench.data.table import PICTURES, Column, Table
from mora_bench.text import listed

#: Every so many rows and columns are looked at before a whole picture is.
STEP = 16


@dataclass
class Notes:
    """What is noted of the pictures and signals of some records.

    Attributes:
        together: pictures that are judged together: those of a bag, because a volume begins and ends with slices that
            show nothing; else each alone.
        blank: of each picture that was read, whether it is of one colour throughout.
        resampled: each file of a signal of other rates than was trained on, as far as it was read, and these rates with
            that one, in words.
    """

    together: list[tuple[FilePicture, ...]] = field(default_factory=list)
    blank: dict[FilePicture, bool] = field(default_factory=dict)
    resampled: dict[Path, str] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """The first file of those of which every picture that was read is of one colour; one that was not read,
        because another one has the same content, counts as that one."""
        if not any(self.blank.values()):
            return []
        contents = {picture.fingerprint(): blank for picture, blank in self.blank.items()}
        found = []
        for pictures in self.together:
            known = [contents.get(picture.fingerprint()) for picture in pictures]
            if True in known and False not in known:
                found.append(pictures[0].path)
        return found


@dataclass(frozen=True)
class Watched(FilePicture):
    """A picture as it is, noted when it is read."""

    picture: FilePicture
    notes: Notes = field(compare=False)

    def read(self) -> np.ndarray:
        """uint8 [H, W, 3]; raises what the picture does."""
        shown = self.picture.read()
        self.notes.blank[self.picture] = one_colour(shown)
        return shown

    def details(self) -> str:
        return self.picture.details()

    def fingerprint(self) -> str:
        return self.picture.fingerprint()


@dataclass(frozen=True)
class WatchedSignal:
    """A signal of a file as it is, noted when it is read if nobody asked for the rate that it is brought to."""

    path: Path
    signal: SignalFile
    notes: Notes = field(compare=False)

    def read(self) -> Series:
        """Raises what the signal does."""
        series, rates = self.signal.decoded()
        others = [rate for rate in rates if abs(rate - series.rate) > SAME_RATE * series.rate]
        if others:
            self.notes.resampled[self.path] = f"{listed([f'{rate:g}' for rate in others], 3)} for {series.rate:g} Hz"
        return series

    def fingerprint(self) -> str:
        return self.signal.fingerprint()


def watched(table: Table) -> tuple[Table, Notes]:
    """A table whose pictures are those of files, and the notes that are taken of them and of its signals."""
    notes = Notes()
    columns = {}
    for name, column in table.modalities.items():
        if column.kind in PICTURES:
            values = [value for value in column.values if value is not None]
            notes.together += values if column.kind == "bag" else [(picture,) for value in values for picture in value]
            columns[name] = Column(column.kind, tuple(_watched(value, notes) for value in column.values))
        if column.kind == "signal":
            columns[name] = Column(column.kind, tuple(_watched_signal(value, notes) for value in column.values))
    return replace(table, modalities={**table.modalities, **columns}), notes


def _watched(value: tuple[FilePicture | None, ...] | None, notes: Notes) -> tuple[Watched | None, ...] | None:
    if value is None:
        return None
    return tuple(None if picture is None else Watched(picture.path, picture, notes) for picture in value)


def _watched_signal(value: Any, notes: Notes) -> Any:
    trained = value.entry.trained if isinstance(value, SignalFile) else None
    return WatchedSignal(value.path, value, notes) if trained and trained.rate is None else value


def one_colour(picture: np.ndarray) -> bool:
    """Whether a picture, uint8 [H, W, 3], has the same colour everywhere."""
    return all(bool((part == picture[0, 0]).all()) for part in (picture[::STEP, ::STEP], picture))
