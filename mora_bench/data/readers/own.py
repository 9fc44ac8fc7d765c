"""Reads a table of one's own: a CSV file whose columns hold labels, texts, paths of pictures and measured values."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mora_bench.data.contract import Dataset
from mora_bench.data.readers import frames
from mora_bench.data.readers.links import FOLLOW_LINKS, inside
from mora_bench.data.readers.nifti import Volume
from mora_bench.data.readers.paths import unique
from mora_bench.data.readers.picture_paths import Views, check_meant, is_inside, is_there, opened, views
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError

#: What separates several names in one cell: labels of a sample, or its pictures.
SEVERAL = re.compile(r"\s*[;|]\s*")
#: How a table says yes and no, in lower case.
YES_NO = {"1": 1, "1.0": 1, "yes": 1, "true": 1, "y": 1, "0": 0, "0.0": 0, "no": 0, "false": 0, "n": 0}
#: How a table says that nobody knows (-1: CheXpert), in lower case.
UNCERTAIN = ("-1", "-1.0", "?")
#: How a table says that a value is not there, in lower case.
NOTHING = ("", "nan", "na", "n/a", "none", "null")
#: How many bad cells a message names.
NAMED = 5
#: More pictures of a sample than these are a bag; up to these stand side by side.
SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Columns:
    """What the columns of a table hold.

    Attributes:
        labels: several columns of 0 and 1, one a label; or one column of names, separated by ; or | where a sample has
            several.
        image, text: each a modality of its own, by the column's name; table: together one, called "table".
        id, patient: None for the number of the row, and for the id.
        covariates: for mechanisms of missingness, never for a model.
        pictures: the folder in which the paths of pictures begin, below that of the table.
        window, plane, volume, series: how volumes and DICOM files are looked at, as in `Views`.
        groups: a CSV file of `id` and `group`, as `doctor --groups-out` writes: samples of one group never fall on two
            sides of a split. A path that is not absolute begins at the table.
    """

    labels: tuple[str, ...]
    image: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    id: str | None = None
    patient: str | None = None
    covariates: tuple[str, ...] = ()
    pictures: str = ""
    window: tuple[float, float] | None = None
    plane: str | None = None
    volume: Volume | None = None
    series: str | int | None = None

    @property
    def views(self) -> Views:
        return views(self.window, self.plane, self.volume, self.series)

    groups: str = ""

    def all(self) -> list[str]:
        one = [name for name in (self.id, self.patient) if name]
        return list(dict.fromkeys([*one, *self.labels, *self.image, *self.text, *self.table, *self.covariates]))


def own_table(name: str, file: Path | str, **columns: Any) -> Dataset:
    """The dataset of a CSV file; `columns` as in `Columns`. A data root, if given, is where the file is looked for.

    Raises:
        UserError: no modality, or no labels.
    """
    given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in columns.items()}
    wanted = Columns(**given)
    if not wanted.labels:
        raise UserError(f"{file}: no labels. Name their columns, or the one column that lists them.")
    if not (wanted.image or wanted.text or wanted.table):
        raise UserError(f"{file}: no modality. Name columns of pictures, texts or measured values.")
    twice = [column for column in wanted.image if column in wanted.text]
    if twice:
        raise UserError(f"{file}: column {twice[0]!r} cannot be both pictures and text.")
    path = Path(file)

    def find(root: Path) -> Path | None:
        found = path if path.is_absolute() else root / path
        return found if found.is_file() and inside(found, root) else None

    def read_below(root: Path) -> Table:
        found = find(root)
        if found is None:
            raise UserError(f"{root}: no {path.name} in it. Expected the table {path}.")
        return read(name, found, wanted)

    return Dataset(f"{path.name}, a table of one's own", find, read_below, views=wanted.views)


def read(name: str, file: Path, columns: Columns) -> Table:
    """The table of a CSV file.

    Raises:
        UserError: an absent column, a repeated id, a target that is neither yes nor no, a path that leads elsewhere.
    """
    frame = frames.frame(file, columns.all())
    ids = _ids(frame, columns.id, file)
    patients = frame[columns.patient] if columns.patient else ids
    _refuse(patients, [not value.strip() for value in patients], file, "is empty", "Give every row one.")
    labels, targets, task = _targets(frame, columns.labels, file)
    modalities: dict[str, Column] = {}
    names = [_plain(column) for column in (*columns.image, *columns.text)] + ["table"] * bool(columns.table)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"{file}: two modalities would be called {twice[0]!r}. Rename a column.")
    base = file.parent.resolve() / columns.pictures
    if not base.is_dir():
        raise UserError(f"{base}: no such folder. Say where the paths of pictures begin (--pictures FOLDER).")
    for column in columns.image:
        modalities[_plain(column)] = _pictures(frame[column], base, file, columns.views)
    check_meant(columns.views, modalities.values(), file)
    for column in columns.text:
        modalities[_plain(column)] = Column("text", tuple(_none(value) for value in frame[column]))
    if columns.table:
        known = {column: _numbers(frame[column]) for column in columns.table}
        rows = [dict(zip(known, values, strict=True)) for values in zip(*known.values(), strict=True)]
        modalities["table"] = Column(
            "table", tuple(r if any(v is not None for v in r.values()) else None for r in rows)
        )
    return Table(
        name=name,
        source="real",
        labels=labels,
        ids=tuple(ids.str.strip()),
        patients=tuple(patients.str.strip()),
        modalities=modalities,
        targets=targets,
        covariates={column: tuple(frame[column]) for column in columns.covariates},
        task=task,
        inseparable=(_groups(file.parent / columns.groups, ids, file),) if columns.groups else (),
    )


def _groups(file: Path, ids: pd.Series, table: Path) -> tuple[str, ...]:
    """Of each sample the group that a file names, "" where it names none.

    Raises:
        UserError: the file cannot be read, an id stands twice or is none of the table's, or a group is empty.
    """
    frame = frames.frame(file, ("id", "group"))
    unique(frame["id"], file)
    _refuse(frame["group"], [not group.strip() for group in frame["group"]], file, "is empty", "Leave the row out.")
    known = set(ids.str.strip())
    odd = [id.strip() not in known for id in frame["id"]]
    _refuse(frame["id"], odd, file, f"is no id of {table.name}", "Write the file anew from this table (doctor).")
    group = dict(zip(frame["id"].str.strip(), frame["group"].str.strip(), strict=True))
    return tuple(group.get(id, "") for id in ids.str.strip())


def unlabelled(
    name: str, file: Path, shape: Mapping[str, str], labels: tuple[str, ...], task: str, looked_at: Views | None = None
) -> Table:
    """New records for what was trained on a dataset: a column for each modality, under its name; `id` if there is one.

    Args:
        looked_at: how the dataset's volumes were.

    Raises:
        UserError: an absent column, a record that has nothing, a modality that a cell of a table cannot hold.
    """
    odd = [f"{modality} ({kind})" for modality, kind in shape.items() if kind not in ("text", "image", "bag")]
    if odd:
        raise UserError(f"{name}: new records of {', '.join(odd)} cannot be read from a CSV file.")
    frame = frames.frame(file, list(shape), more=["id"])
    ids = _ids(frame, "id" if "id" in frame else None, file).str.strip()
    base = file.parent.resolve()
    modalities = {}
    for modality, kind in shape.items():
        column = frame[modality]
        if kind == "text":
            modalities[modality] = Column("text", tuple(_none(value) for value in column))
            continue
        found = _pictures(column, base, file, looked_at or Views())
        if kind == "image" and found.kind == "bag":
            several = f"over {SIDE_BY_SIDE} pictures in a cell, or a file of several"
            raise UserError(f"{file}, column {modality!r}: {several}; expected an image.")
        modalities[modality] = Column(kind, found.values)
    none = np.zeros((len(frame), len(labels)), np.uint8)
    table = Table(name, "real", labels, tuple(ids), tuple(ids), modalities, none, task=task)
    nothing = [not any(row) for row in table.present]
    _refuse(ids.rename("id"), nothing, file, "has nothing of any modality", "Leave it out.")
    return table


def _plain(column: str) -> str:
    """A column's name as that of a modality."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", column).strip("-").lower()
    return plain if plain[:1].isalpha() else f"column-{plain}"


def _none(value: str) -> str | None:
    return None if value.strip().lower() in NOTHING else value


def _ids(frame: pd.DataFrame, column: str | None, file: Path) -> pd.Series:
    """Unique names of the rows: those of a column, or their numbers in a spreadsheet."""
    if column is None:
        return pd.Series([f"row {i + 2}" for i in frame.index], name="row")
    unique(frame[column], file)
    return frame[column]


def _refuse(column: pd.Series, bad: Iterable[bool], file: Path, what: str, do: str) -> None:
    """Name the first rows of a column that are bad, as a spreadsheet numbers them, and count the others."""
    rows = [i for i, wrong in enumerate(bad) if wrong]
    if rows:
        some = "; ".join(f"row {i + 2}: {column.iloc[i][:60]!r}" for i in rows[:NAMED])
        more = f"; and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
        raise UserError(f"{file}, column {column.name!r} {what} in {some}{more}. {do}")


def _targets(frame: pd.DataFrame, names: Sequence[str], file: Path) -> tuple[tuple[str, ...], np.ndarray, str]:
    """The labels, targets uint8 [N, C], and the task: several columns, or one that looks like yes and no, are labels of
    their own; one column of names is one class a sample, or a list of labels where any sample has none or several."""
    one = frame[names[0]].str.strip()
    said = set(one.str.lower())
    if len(names) > 1 or (said & {*YES_NO} and said <= {*YES_NO, *NOTHING, *UNCERTAIN}):
        found = np.empty((len(frame), len(names)), np.uint8)
        for number, name in enumerate(names):
            values = frame[name].str.strip().str.lower()
            what = "is neither 0 nor 1"
            do = "Decide what an uncertain or empty label is, and write 0 or 1, or leave the row out."
            _refuse(frame[name], ~values.isin(YES_NO), file, what, do)
            found[:, number] = values.map(YES_NO)
        return tuple(names), found, "multi-label"
    lists = [[part for part in SEVERAL.split(value) if part] for value in one]
    labels = tuple(sorted({label for own in lists for label in own}))
    if not labels:
        raise UserError(f"{file}, column {names[0]!r}: no label in any row.")
    number_of = {label: number for number, label in enumerate(labels)}
    found = np.zeros((len(frame), len(labels)), np.uint8)
    for row, own in enumerate(lists):
        found[row, [number_of[label] for label in own]] = 1
    return labels, found, "multi-class" if (found.sum(1) == 1).all() else "multi-label"


def _numbers(column: pd.Series) -> list[float | str | None]:
    """A column's values: numbers if all that are there are, else categories."""
    values = [_none(value) for value in column]
    try:
        return [None if value is None else float(value) for value in values]
    except ValueError:
        return list(values)


def _pictures(column: pd.Series, base: Path, file: Path, looked_at: Views) -> Column:
    """A column of paths: pictures side by side, a bag where a sample has many or a volume; None where none is there."""
    names = [[part for part in SEVERAL.split(value.strip()) if part] if _none(value) else [] for value in column]
    what = f"leads out of {base}, or is no path"
    do = f"Correct the table; links may lead out with --follow-links or {FOLLOW_LINKS}=1."
    _refuse(column, [any(not is_inside(part, base) for part in own) for own in names], file, what, do)
    there = {part: base / part for own in names for part in own if is_there(base / part)}
    asked = sum(map(len, names))
    if asked and not there:
        first = next(own[0] for own in names if own)
        raise UserError(
            f"{file}, column {column.name!r}: none of its {asked} pictures is there, e.g. {base / first}. "
            "Say where the paths begin (--pictures FOLDER)."
        )
    pictures = [[opened(there[part], looked_at) for part in own if part in there] for own in names]
    many = max(map(len, names), default=0) > SIDE_BY_SIDE or any(isinstance(p, tuple) for own in pictures for p in own)
    if many:
        flat = [tuple(p for each in own for p in (each if isinstance(each, tuple) else (each,))) for own in pictures]
        return Column("bag", tuple(own or None for own in flat))
    return Column("image", tuple(tuple(own) or None for own in pictures))
