"""Reads a table of one's own: a CSV file whose columns hold labels, texts, measured values, and paths of pictures and
signals."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mora_bench.data.contract import Dataset
from mora_bench.data.groups import MOST
from mora_bench.data.readers import frames, joined, official, vector_columns
from mora_bench.data.readers.cells import MARKS, NOTHING, errors, keys, marked, nothing, refuse
from mora_bench.data.readers.links import inside
from mora_bench.data.readers.measured import asked
from mora_bench.data.readers.measured_columns import measured_columns, measured_notes
from mora_bench.data.readers.outcomes import outcomes
from mora_bench.data.readers.own_columns import Columns, plain
from mora_bench.data.readers.path_columns import asked as named_path
from mora_bench.data.readers.path_columns import paths
from mora_bench.data.readers.paths import unique
from mora_bench.data.readers.picture_columns import pictures
from mora_bench.data.readers.picture_paths import check_meant
from mora_bench.data.readers.row_columns import covariates, decimal_notes
from mora_bench.data.readers.row_columns import weights as row_weights
from mora_bench.data.readers.signal_columns import signals, taken_for
from mora_bench.data.readers.signal_keys import table_notes
from mora_bench.data.readers.spellings import alike
from mora_bench.data.readers.text_columns import from_files, tagged, texts, texts_of_files
from mora_bench.data.table import Column, Table
from mora_bench.data.weights import effective_size
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: The share of rows of equal weight that rows are worth below which a few of them outweigh all others.
FEW_OF = 0.1


def own_table(name: str, file: Path | str, **columns: Any) -> Dataset:
    """The dataset of a CSV file; `columns` as in `Columns`, one name or a list where several names may be given. A
    data root, if given, is where the file is looked for.

    Raises:
        UserError: no modality, or no labels.
    """
    options: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in columns.items()}
    several = {key for key, value in vars(Columns).items() if value == ()}
    options |= {key: (v,) for key, v in options.items() if key in several and isinstance(v, str)}
    wanted = Columns(**options)
    if bool(wanted.labels) == (wanted.event_times is not None):
        raise UserError(
            f"{file}: no labels, or a time beside them. Name their columns, or the one column that lists them; or "
            "--time, --event and --horizons."
        )
    if not (wanted.image or wanted.text or wanted.table or wanted.vector or wanted.signal):
        raise UserError(f"{file}: no modality. Name columns of pictures, texts, measured values, vectors or signals.")
    wanted.check_forms()
    twice = [column for column in wanted.image if column in wanted.text]
    if twice:
        raise UserError(f"{file}: column {twice[0]!r} cannot be both pictures and text.")
    visible = [*wanted.text, *(asked(column)[0] for column in wanted.table)]
    # Of pictures the content is shown, and their names may be anybody's.
    leaks = [name for name in visible if name in wanted.hidden] + [
        name for name in wanted.image if name in wanted.labels
    ]
    if leaks:
        what = wanted.hidden[leaks[0]]
        raise UserError(f"{file}: column {leaks[0]!r} {what}, and would be shown to the model. Leave one of them out.")
    if wanted.empty_patient != "refuse" and not wanted.patient:
        raise UserError(f"{file}: --empty-patient {wanted.empty_patient} needs --patient COLUMN.")
    path = Path(file)

    def find(root: Path) -> Path | None:
        candidate = path if path.is_absolute() else root / path
        return candidate if candidate.is_file() and inside(candidate, root) else None

    def read_below(root: Path) -> Table:
        table_file = find(root)
        if table_file is None:
            raise UserError(f"{root}: no {path.name} in it. Expected the table {path}.")
        return read(name, table_file, wanted)

    return Dataset(f"{path.name}, a table of one's own", find, read_below, views=wanted.views, made=wanted.made)


def read(name: str, file: Path, columns: Columns) -> Table:
    """The table of a file, without the rows that the policy of labels leaves out.

    Raises:
        UserError: an absent column, a repeated id, a cell that is no label or neither a number nor a category, a path
            that leads elsewhere or nowhere.
    """
    whole = _frame(file, columns)
    ids = names_of(whole, columns.id, file)
    patients, all_ids = _patients(whole, ids, columns, file), {*ids}
    labelled = outcomes(whole, columns, file)
    frame, ids, patients = whole[labelled.kept], ids[labelled.kept], patients[labelled.kept]
    modalities: dict[str, Column] = {}
    names = [*map(plain, columns.named), *["table"] * bool(columns.table)]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"{file}: two modalities would be called {twice[0]!r}. Rename a column.")
    bases = columns.bases(file)
    nowhere = next((base for base in bases if not base.is_dir()), None)
    if nowhere is not None:
        raise UserError(f"{nowhere}: no such folder. Say where the paths of pictures begin (--pictures FOLDER).")
    for entry in columns.image:
        column = paths(frame, entry)
        modality = pictures(column, bases, file, columns.views, columns.absent_pictures)
        modalities[plain(str(column.name))] = modality
    check_meant(columns.views, modalities.values(), file)
    for entry in columns.text:
        column = paths(frame, entry)
        of_files = from_files(entry)
        read_texts = (
            texts_of_files(column, bases, file, columns.absent_pictures) if of_files else texts(column, bases, file)
        )
        modalities[plain(str(column.name))] = read_texts
    for entry in columns.vector:
        modalities[plain(vector_columns.entry_of(entry)[0])] = _vectors(entry, frame, columns, bases, file)
    for signal in columns.signals:
        modalities[plain(signal.name)] = signals(frame, signal, bases, file, columns.absent_pictures, columns.hidden)
    if columns.table:
        by_column = {
            name: column.values for name, column in measured_columns(whole, labelled.kept, columns, file).items()
        }
        rows = [dict(zip(by_column, values, strict=True)) for values in zip(*by_column.values(), strict=True)]
        modalities["table"] = Column(
            "table", tuple(r if any(v is not None for v in r.values()) else None for r in rows)
        )
    return Table(
        name=name,
        source="real",
        labels=labelled.labels,
        ids=tuple(ids.str.strip()),
        patients=tuple(patients.str.strip()),
        modalities=modalities,
        targets=labelled.values[labelled.kept],
        covariates=covariates(frame, columns, file),
        task=labelled.task,
        inseparable=tuple(_inseparable(frame, ids, all_ids, columns, file)),
        official=columns.official.sides(frame, file) if columns.official else (),
        weights=row_weights(frame, columns, file) if columns.weights else (),
    )


def _inseparable(
    frame: pd.DataFrame, ids: pd.Series, all_ids: set[str], columns: Columns, file: Path
) -> Iterator[tuple[str, ...]]:
    """The groupings that no split may part, each with a name for every row, "" for none. `all_ids` holds the ids of the
    rows that are left out, too."""
    if columns.groups:
        yield _groups(file.parent / columns.groups, ids, all_ids, file)
    for column in columns.group:
        groups = tuple("" if nothing(cell) else cell.strip() for cell in frame[column])
        if not any(groups):
            raise UserError(f"{file}, column {column!r}: every cell is empty, so it names no group.")
        yield groups


def _vectors(entry: str, frame: pd.DataFrame, columns: Columns, bases: list[Path], file: Path) -> Column:
    if vector_columns.of_files(entry):
        return vector_columns.from_files(paths(frame, entry), bases, file, columns.absent_pictures)
    names = vector_columns.columns_of(entry, list(frame.columns), file)
    leaks = [name for name in names if name in columns.hidden]
    if leaks:
        raise UserError(f"{file}: column {leaks[0]!r} {columns.hidden[leaks[0]]}, and --vector {entry} takes it, too.")
    between = joined.separators(file, columns.joins(file), names[:1])[names[0]]
    return vector_columns.from_columns(frame, names, file, between)


def text_notes(columns: Columns, table: Table) -> list[str]:
    """A warning of each modality of texts of a table that `read` gave that hold markup."""
    names = [plain(named_path(entry)[0]) for entry in columns.text]
    return [note for name in names for note in tagged(name, table.modalities[name], table.ids)]


def signal_notes(columns: Columns, table: Table) -> list[str]:
    """Sentences on what each signal of a table that `read` gave was taken for, and what a user should look at."""
    return [note for entry in columns.signals for note in taken_for(entry.name, table.modalities[plain(entry.name)])]


def notes(file: Path, columns: Columns) -> list[str]:
    """Sentences on what the table of a file was taken for, and on what in it a user should look at; on what signals
    hold, which may be large, `signal_notes` has them.

    Raises:
        UserError: as `read` does.
    """
    frame = _frame(file, columns)
    labelled = outcomes(frame, columns, file)
    sentences = [f"{file.name}: {_dialect(file)}, {len(frame)} rows"]
    sentences += [*joined.notes(file, columns.joins(file), columns.all()), *labelled.notes]
    sentences += [f"WARNING: {sentence}" for sentence in errors(frame).values()]
    ids = names_of(frame, columns.id, file)
    patients = _patients(frame, ids, columns, file)
    sentences += alike(ids, columns.id, "ids") if columns.id else []
    sentences += alike(patients, columns.patient.partition("~")[0], "patients") if columns.patient else []
    if columns.patient:
        sentences += marked(patients.rename(columns.patient), [*NOTHING, *MARKS], "the name of one patient")
    kept = frame[labelled.kept]
    for name in (name for name in columns.text if not from_files(name)):
        sentences += marked(kept[name], MARKS, "a text")
    sentences += [*measured_notes(frame, labelled, columns, file), *decimal_notes(kept, columns, file)]
    for signal in columns.signals:
        sentences += table_notes(frame, signal, columns.bases(file), file)
    sides = columns.official.sides(kept, file) if columns.official else ()
    for column in columns.group:
        groups = ["" if nothing(cell) else cell.strip() for cell in kept[column]]
        several = len({*groups} - {""})
        sentences += alike(groups, column, "groups") + marked(kept[column], MARKS, "a group")
        count = f"column {column!r}: {number_of(several, 'group')}"
        sentences.append(count if sides else f"{count}, none of which falls on two sides of a split")
        if several > MOST and column in columns.covariates:
            sentences.append(f"column {column!r}: more than {MOST} values, so there are no scores for each of them")
        sentences += official.parted(sides, groups, f"groups of column {column!r}") if sides else []
    if columns.weights:
        weights = np.array(row_weights(kept, columns, file))
        which = "training rows" if sides else "rows"
        # Nothing draws the rows of an official split that are for testing.
        drawn = weights[[side == "train" for side in sides]] if sides else weights
        worth = effective_size(drawn)
        sentences.append(
            f"column {columns.weights!r}: weights from {drawn.min():g} to {drawn.max():g}, worth {worth:,.0f} of "
            f"{len(drawn):,} {which}; training draws rows in proportion to them, and every score counts each row once"
        )
        if worth < FEW_OF * len(drawn):
            sentences.append(f"WARNING: column {columns.weights!r}: a few {which} outweigh all others. Is that meant?")
    if columns.official:
        sentences += official.notes(sides, [*patients[labelled.kept]], columns.official.column)
    return sentences


def _patients(frame: pd.DataFrame, ids: pd.Series, columns: Columns, file: Path) -> pd.Series:
    """The patient of each row."""
    if not columns.patient:
        return ids
    name, _, pattern = columns.patient.partition("~")
    cells = keys(frame[name])
    empty = [not cell for cell in cells]
    if columns.empty_patient == "refuse":
        do = "Give every row one, or say --empty-patient own: then each of these rows is a patient of its own."
        refuse(frame[name], empty, file, "is empty", do)
    if pattern:
        try:
            extracted = cells.str.extract(f"({pattern})")[0]
        except re.error as error:
            raise UserError(f"{file}: --patient {columns.patient!r}: {pattern!r} is no pattern ({error}).") from error
        unfit = (extracted.isna() | (extracted == "")) & (cells != "")
        refuse(frame[name], unfit, file, f"does not fit {pattern!r}", "Correct the pattern.")
        cells = extracted.fillna("")
    return cells.where(cells != "", "row of " + ids.str.strip())


def _frame(file: Path, columns: Columns) -> pd.DataFrame:
    joins = columns.joins(file)
    headings = joined.names(file, joins)
    wide = [entry for entry in columns.vector if not vector_columns.of_files(entry)]
    parts = [name for entry in wide for name in vector_columns.columns_of(entry, headings, file)]
    return joined.frame(file, list(dict.fromkeys([*columns.all(), *parts])), joins)


def _dialect(file: Path) -> frames.Dialect:
    return frames.dialect(file, frames.names(file))


def _groups(file: Path, ids: pd.Series, all_ids: set[str], table: Path) -> tuple[str, ...]:
    """Of each sample the group that a file names, "" where it names none.

    Raises:
        UserError: the file cannot be read, an id stands twice or is none of the table's, or a group is empty.
    """
    frame = frames.frame(file, ("id", "group"))
    unique(frame["id"].str.strip(), file)
    refuse(frame["group"], keys(frame["group"]) == "", file, "is empty", "Leave the row out.")
    odd = [id.strip() not in all_ids for id in frame["id"]]
    refuse(frame["id"], odd, file, f"is no id of {table.name}", "Write the file anew from this table (doctor).")
    group = dict(zip(frame["id"].str.strip(), frame["group"].str.strip(), strict=True))
    return tuple(group.get(id, "") for id in ids.str.strip())


def names_of(frame: pd.DataFrame, column: str | None, file: Path) -> pd.Series:
    """Unique names of the rows: those of a column, or their numbers in a spreadsheet."""
    if column is None:
        return pd.Series([f"row {i + 2}" for i in frame.index], name="row")
    names = keys(frame[column])
    refuse(frame[column], names == "", file, "is empty", "Give every row a name of its own.")
    unique(names, file)
    return names
