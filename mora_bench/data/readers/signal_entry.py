"""Signals of a table of one's own, as a user asks for them: NAME=FILE or NAME=FILE:WORD=VALUE;WORD=VALUE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mora_bench.data.readers.path_columns import FIELD
from mora_bench.errors import UserError

#: Seconds in the units of time that a table may count in.
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
#: The axes of an array, in order: T steps, C channels.
AXES = ("TC", "CT")
#: The ends of names of files of DICOM.
DICOM = (".dcm", ".dicom")
#: The ends of names of files that are tables; of all others the format says what the steps are.
TABLES = (".csv", ".tsv", ".txt", ".psv", ".csv.gz", ".tsv.gz", ".txt.gz", ".xlsx", ".parquet", ".pq")


@dataclass(frozen=True)
class SignalEntry:
    """A signal: where it lies and how it is read.

    Attributes:
        name: of the modality; path: the pattern of a file a sample ("{id}.hea"), or one table of all.
        key: the column of that one table, and of the main one, that says whose a row is.
        channels: which ones, in this order; () for all.
        rate: Hz; resampled to it. Of arrays and of tables without times: what it is.
        until: read no further than this time, in `unit`.
        time, unit, step: the column of times of a table, what they count in, and the time between two steps; rows that
            fall into one step are averaged, and a step without a row is a gap.
        since: the column of the main table that holds the time from which a sample's times count.
        channel, value: of a table with a row a measurement: the columns that say what was measured, and how much.
        axes: of arrays, the order of their axes, "TC" or "CT"; "" for [T, C] if it has no more channels than steps.
        group: of a DICOM file of several multiplex groups that are unlike, the name or the number of one; "" for all.
        units: of new records, those of the channels in training, which no word says; () for any.
        trained: of new records, the entry that was trained on, as users asked for it; their channels and rate are those
            of training, whether or not a word said them. None of others.
    """

    name: str
    path: str
    key: str = ""
    channels: tuple[str, ...] = ()
    rate: float | None = None
    until: float | None = None
    time: str = ""
    unit: str = "s"
    step: float | None = None
    since: str = ""
    channel: str = ""
    value: str = ""
    axes: str = ""
    group: str = ""
    units: tuple[str, ...] = ()
    trained: SignalEntry | None = None

    @property
    def of_tables(self) -> bool:
        """Whether its steps are rows of tables."""
        return self.path.lower().endswith(TABLES)

    @property
    def seconds(self) -> float:
        """Of one of its units of time."""
        return UNITS[self.unit]

    @property
    def columns(self) -> list[str]:
        """The columns of the main table that it is read by, but for those in the pattern of a file a sample."""
        return [name for name in (self.key, self.since) if name]

    @classmethod
    def of(cls, option: str) -> SignalEntry:
        """The entry that a user's option asks for.

        Raises:
            UserError: it is not of this form, or two of its words do not go together.
        """
        name, _, rest = option.partition("=")
        path, more = _apart(rest)
        fields: dict[str, Any] = {}
        for part in filter(None, more.split(";")):
            word, is_, value = (text.strip() for text in part.partition("="))
            if word not in WORDS or not is_ or not value or word in fields:
                known = ", ".join(f"{known_word}=" for known_word in WORDS)
                raise UserError(f"--signal {option}: {part!r} is not one of {known} each once, with a value.")
            fields[word] = WORDS[word](option, word, value)
        entry = cls(name.strip(), path.strip(), **fields)
        if wrong := _problem(entry):
            raise UserError(f"--signal {option}: {wrong}.")
        return entry


def _apart(text: str) -> tuple[str, str]:
    """The pattern of a path, whose braces may hold colons ("{id:.2}"), and what follows the first colon elsewhere."""
    braces = [range(*match.span()) for match in FIELD.finditer(text)]
    colons = (at for at, letter in enumerate(text) if letter == ":" and not any(at in brace for brace in braces))
    at = next(colons, len(text))
    return text[:at], text[at + 1 :]


def _text(option: str, word: str, value: str) -> str:
    return value


def _number(option: str, word: str, value: str) -> float:
    try:
        parsed = float(value)
    except ValueError:
        parsed = 0.0
    if not 0 < parsed < float("inf"):
        raise UserError(f"--signal {option}: {word}={value} is no number above 0.")
    return parsed


def _names(option: str, word: str, value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(","))
    if "" in names or len(set(names)) < len(names):
        raise UserError(f"--signal {option}: {word}={value} expected names with commas between them, each once.")
    return names


#: The words of an entry, and the reader of each one's value.
WORDS: Mapping[str, Callable[[str, str, str], Any]] = {
    "key": _text, "channels": _names, "rate": _number, "until": _number, "time": _text, "unit": _text,
    "step": _number, "since": _text, "channel": _text, "value": _text, "axes": _text, "group": _text,
}  # fmt: skip


def _problem(entry: SignalEntry) -> str | None:
    """Which words do not go together, in words; None if all do."""
    of_one = FIELD.search(entry.path) is not None
    rules = (
        (
            bool(entry.name and entry.path) and (of_one or bool(entry.key and entry.of_tables)),
            "expected NAME=FILE with columns in braces, such as ecg={id}.hea, or one table of all samples and the "
            "column that says whose a row is, such as vitals=charts.csv:key=stay",
        ),
        (not (of_one and entry.key), "key= is for one table of all samples, and the file has columns in braces"),
        (entry.unit in UNITS, f"unit={entry.unit}; expected {', '.join(UNITS)}"),
        (bool(entry.channel) == bool(entry.value), "channel= and value= go together"),
        (
            entry.of_tables or not (entry.time or entry.step or entry.channel or entry.since),
            "time=, step=, since=, channel= and value= are for tables, and this file is none",
        ),
        (
            bool(entry.time) == bool(entry.step),
            "time= and step= go together: a column of times, and how long a step is",
        ),
        (not (entry.time and entry.rate), "step= says the rate; leave rate= out"),
        (not (entry.channel and not entry.time), "a table with a row a measurement needs time= and step="),
        (not entry.of_tables or bool(entry.time or entry.rate), "a table needs time= and step=, or rate= in Hz"),
        (
            not entry.path.lower().endswith(".npy") or bool(entry.rate),
            "an array does not say its rate; give rate= in Hz",
        ),
        (entry.axes in ("", *AXES), f"axes={entry.axes}; expected {' or '.join(AXES)}"),
        (not entry.axes or entry.path.lower().endswith(".npy"), "axes= is for arrays, and this file is none"),
        (
            not entry.group or entry.path.lower().endswith(DICOM),
            "group= is for files of DICOM, and this file is none",
        ),
        (not (entry.since and not entry.time), "since= says from when times count; give time= and step= too"),
        (
            not (entry.channel and of_one and not entry.channels),
            "of a file a sample with a row a measurement, say which channels= there are",
        ),
    )
    return next((wrong for right, wrong in rules if not right), None)
