"""The columns of a table of one's own by what they hold, as a user says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mora_bench.data.readers import joined
from mora_bench.data.readers.event_times import EventTimes
from mora_bench.data.readers.measured import asked
from mora_bench.data.readers.nifti import Volume
from mora_bench.data.readers.official import Official
from mora_bench.data.readers.path_columns import Absent, fields
from mora_bench.data.readers.path_columns import asked as named_path
from mora_bench.data.readers.picture_paths import Views, views
from mora_bench.data.readers.signal_columns import fields as signal_fields
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.targets import Empty, Policy, Uncertain
from mora_bench.data.readers.text_columns import from_files
from mora_bench.data.readers.vector_columns import entry_of, of_files


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they hold.

    Attributes:
        labels: several columns of 0 and 1, one a label; or one column of names, separated by ; or | where a sample has
            several. Not given where `time` is.
        time, event, horizons: as in `EventTimes`.
        image, text: each a modality of its own, by the column's name; "film={folder}/{id}.png" is a modality "film" of
            paths that are made of columns, "{id:.2}" the first two letters of one; "report={study}.txt" one of texts
            that lie in files.
        vector: each a modality of numbers that somebody took: "embedding=e_*" of columns, "embedding={id}.npy" of
            files.
        signal: each a modality of sampled series, as in `SignalEntry.of`: "ecg={id}.hea".
        table: together one modality, called "table"; "age:number" and "age:category" say what a column holds.
        id, patient: None for the number of the row, and for the id. "Path~patient[0-9]+" is what of a column fits a
            pattern; empty_patient: whether rows without one are refused, or each its "own".
        covariates: for mechanisms of missingness, never for a model.
        pictures: the folder in which the paths of pictures begin, from that of the table; several are tried in order.
        window, plane, volume, series: how volumes and DICOM files are looked at, as in `Views`.
        groups: a CSV file of `id` and `group`, as `doctor --groups-out` writes: samples of one group never fall on two
            sides of a split. A path that is not absolute begins at the table.
        join: further tables, as "FILE:KEY" or "FILE:KEY:list" (`joined.Join`); paths begin at the table.
        separator, empty_label, uncertain, none_label, exclusive, grades: as in `Policy`.
        split: the column of an official split, as in `Official.of`.
        group: columns whose rows with the same value never fall on two sides of a split; an empty cell is of no group.
        weights: the column that says how much a row counts in training.
        absent_pictures: whether names of pictures that are not there are refused, or count as nature's.
    """

    labels: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    id: str | None = None
    patient: str | None = None
    covariates: tuple[str, ...] = ()
    pictures: str | tuple[str, ...] = ""
    window: tuple[float, float] | None = None
    plane: str | None = None
    volume: Volume | None = None
    series: str | int | None = None

    @property
    def views(self) -> Views:
        return views(self.window, self.plane, self.volume, self.series)

    groups: str = ""
    join: tuple[str, ...] = ()
    empty_patient: Literal["refuse", "own"] = "refuse"
    separator: str = ""
    empty_label: Empty = "refuse"
    uncertain: Uncertain = "refuse"
    none_label: str = ""
    exclusive: bool = False
    absent_pictures: Absent = "refuse"
    split: str = ""
    vector: tuple[str, ...] = ()
    signal: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    weights: str = ""
    time: str = ""
    event: str = ""
    horizons: tuple[float, ...] = ()
    grades: tuple[str, ...] = ()

    @property
    def event_times(self) -> EventTimes | None:
        return EventTimes(self.time, self.event, self.horizons) if self.time or self.event or self.horizons else None

    @property
    def official(self) -> Official | None:
        return Official.of(self.split) if self.split else None

    @property
    def hidden(self) -> dict[str, str]:
        """By column why no model may see it, in words."""
        times = self.event_times
        reasons = dict.fromkeys(self.labels, "is a label")
        reasons |= dict.fromkeys(times.columns if times else (), "says what is to be predicted")
        named = {self.id: "names somebody", (self.patient or "").partition("~")[0]: "names somebody"}
        named |= {self.weights: "holds the weights", self.official.column if self.official else "": "is the split"}
        return reasons | {column: why for column, why in named.items() if column}

    @property
    def policy(self) -> Policy:
        return Policy(self.separator, self.empty_label, self.uncertain, self.none_label, self.exclusive, self.grades)

    def joins(self, file: Path) -> list[joined.Join]:
        """The further tables, for a table at `file`."""
        # A grade may be called "none".
        words = self.labels if self.grades else ()
        return [joined.Join.of(option, file.parent, words) for option in self.join]

    @property
    def folders(self) -> tuple[str, ...]:
        return (self.pictures,) if isinstance(self.pictures, str) else self.pictures

    def bases(self, file: Path) -> list[Path]:
        """The folders in which paths begin, for a table at `file`."""
        return [file.parent.resolve() / folder for folder in self.folders]

    @property
    def named(self) -> list[str]:
        """The names of the modalities but for the measured values."""
        paths = [named_path(entry)[0] for entry in (*self.image, *self.text)]
        return [*paths, *(entry_of(entry)[0] for entry in self.vector), *(signal.name for signal in self.signals)]

    @property
    def signals(self) -> list[SignalEntry]:
        return [SignalEntry.of(option) for option in self.signal]

    def check_forms(self) -> None:
        """Refuse vectors and signals that are not of their form.

        Raises:
            UserError: one is not.
        """
        for entry in self.vector:
            entry_of(entry)
        assert len(self.signals) == len(self.signal)

    @property
    def made(self) -> dict[str, str]:
        """By modality the entry that it is made from, where that is no column of its name."""
        files = [entry for entry in (*self.image, *self.text) if from_files(entry)]
        return {plain(entry.partition("=")[0]): entry for entry in (*files, *self.vector, *self.signal)}

    def all(self) -> list[str]:
        official = self.official
        names = (self.id, self.patient and self.patient.partition("~")[0], official and official.column, self.weights)
        chosen = [name for name in names if name]
        table = [asked(name)[0] for name in self.table]
        files = [entry for entry in self.vector if of_files(entry)]
        shown = [field for entry in (*self.image, *self.text, *files) for field in fields(entry)]
        shown += [field for signal in self.signals for field in signal_fields(signal)]
        times = self.event_times.columns if self.event_times else ()
        return list(dict.fromkeys([*chosen, *self.labels, *times, *shown, *table, *self.covariates, *self.group]))


def plain(column: str) -> str:
    """A column's name as that of a modality."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", column).strip("-").lower()
    return plain if plain[:1].isalpha() else f"column-{plain}"
