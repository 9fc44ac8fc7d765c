"""Several tables of text read as one: columns of others beside those of the first, row by row of a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mora_bench.data.readers import frames
from mora_bench.data.readers.cells import ERRORS, keys, named, nothing, refuse
from mora_bench.data.readers.spellings import elsewhere
from mora_bench.errors import UserError

#: How several rows of a key become one: their cells, one after the other.
LIST = "list"
#: The separator between them then, and between several pictures or labels of a cell.
BETWEEN = ";"


@dataclass(frozen=True)
class Join:
    """A further table: its `file`, the column `key` that it shares with the first one, and whether several rows of one
    key become one; `words`: columns in which a word such as none is a value."""

    file: Path
    key: str
    several: bool = False
    words: frozenset[str] = frozenset()

    @classmethod
    def of(cls, option: str, beside: Path, words: Iterable[str] = ()) -> Join:
        """ "labels.csv:image" or "films.csv:uid:list", a path from the folder of the first table on.

        Raises:
            UserError: it is not of this form.
        """
        rest, _, last = option.rpartition(":")
        several = last == LIST and ":" in rest
        name, _, key = rest.rpartition(":") if several else (rest, "", last)
        if not name or not key:
            raise UserError(
                f"--join {option!r}: expected FILE:COLUMN, or FILE:COLUMN:{LIST} where a key has several rows."
            )
        return cls(beside / name, key, several, frozenset(words))


def frame(file: Path, columns: Sequence[str], joins: Sequence[Join]) -> pd.DataFrame:
    """The rows of a table with these columns, which may also be of further tables; all as text, "" where nothing is.

    Raises:
        UserError: a column is in none of them, or a key has several rows in a further table.
    """
    (table,) = parts(file, columns, joins)
    return table


def parts(
    file: Path, columns: Sequence[str], joins: Sequence[Join], more: Sequence[str] = (), rows: int | None = None
) -> Iterator[pd.DataFrame]:
    """`frame` in parts of at most `rows` rows of the first table, whose indices go on, with what it has of `more`.
    Further tables are in memory whole.

    Raises:
        UserError: as `frame` does; where no row has anything of a further table, after the last part.
    """
    if not joins:
        yield from frames.parts(file, columns, more, rows)
        return
    first_columns = frames.names(file)
    missing = [column for column in columns if column not in first_columns]
    others = []
    for join in joins:
        join_columns = set(frames.names(join.file)) - {join.key}
        taken = [column for column in missing if column in join_columns]
        missing = [column for column in missing if column not in join_columns]
        others += [(join, _by_key(join, taken))] * bool(taken)
    if missing:
        tables = ", ".join(str(path) for path in all_tables(file, joins))
        raise UserError(f"{tables}: no column {', '.join(map(repr, missing))} in any of them.")
    wanted = [*(column for column in columns if column in first_columns), *(join.key for join in joins)]
    examples: dict[Join, str] = {join: "" for join, _ in others}
    matched: set[Join] = set()
    for part in frames.parts(file, list(dict.fromkeys(wanted)), more, rows):
        table = part
        for join, other in others:
            wanted_keys = keys(part[join.key])
            examples[join] = examples[join] or next(iter(wanted_keys[wanted_keys != ""]), "")
            matched |= {join} if wanted_keys.isin(other.index).any() else set()
            cells = other.reindex(wanted_keys).fillna("").to_numpy().T
            table = table.assign(**dict(zip(other.columns, cells, strict=True)))
        if rows is None or len(part) < rows:
            _check_matched(file, others, matched, examples)
        yield table[[*columns, *(name for name in more if name in table and name not in columns)]]
    _check_matched(file, others, matched, examples)


def _check_matched(
    file: Path, others: Sequence[tuple[Join, pd.DataFrame]], matched: set[Join], examples: dict[Join, str]
) -> None:
    """Raise UserError if a further table has a row for no key of the first one; `examples`: keys of that."""
    for join, other in others:
        if join not in matched:
            raise UserError(
                f"{join.file}: no row for any value of {join.key!r} of {file}, such as {examples[join]!r}; there it is "
                f"{next(iter(other.index), '')!r}. Write them alike, or name another key."
            )


def all_tables(file: Path, joins: Sequence[Join]) -> tuple[Path, ...]:
    """A table and those that are joined to it."""
    return (file, *(join.file for join in joins))


def names(file: Path, joins: Sequence[Join]) -> list[str]:
    """The columns of all tables, in order, each once."""
    read = all_tables(file, joins)
    return list(dict.fromkeys(name for table in read for name in frames.names(table)))


def homes(file: Path, joins: Sequence[Join], columns: Sequence[str]) -> dict[str, Path]:
    """By column the table that it is read from."""
    tables = {table: {*frames.names(table)} for table in all_tables(file, joins)}
    return {
        column: next((table for table, headings in tables.items() if column in headings), file) for column in columns
    }


def separators(file: Path, joins: Sequence[Join], columns: Sequence[str]) -> dict[str, str]:
    """By column what stands between the fields of the table that it is read from, as `frames.separator`."""
    by_column = homes(file, joins, columns)
    between = {home: frames.separator(home) for home in {*by_column.values()}}
    return {column: between[home] for column, home in by_column.items()}


def notes(file: Path, joins: Sequence[Join], columns: Sequence[str]) -> list[str]:
    """Sentences on each further table: how many rows of the first one it matches, and which of `columns` an earlier
    table has, too. Before them a warning of each table that hides rows."""
    sentences = [note for table in all_tables(file, joins) for note in frames.notes(table)]
    for join in joins:
        cells, known = frames.frame(file, [join.key])[join.key], keys_of(join)
        sentences += [matches(join, cells, known), *elsewhere(keys(cells), known, join.key, join.file)]
        sentences += taken_before(file, joins, join, columns)
    return sentences


def keys_of(join: Join) -> set[str]:
    """The keys of a further table."""
    return {*keys(frames.frame(join.file, [join.key])[join.key])} - {""}


def matches(join: Join, cells: pd.Series, known: set[str]) -> str:
    """A sentence on how many keys of the first table, `cells`, are among those of a further one, `known`."""
    lost = (~keys(cells).isin(known)).tolist()
    what = f"; none for {named(cells.str.strip(), lost)}" if any(lost) else ""
    return f"{join.file.name}: rows for {len(cells) - sum(lost)} of {len(cells)} values of {join.key!r}{what}"


def new_notes(joins: Sequence[Join], part: pd.DataFrame, known: Sequence[set[str]]) -> dict[str, str]:
    """By a name of each its sentences on the keys of a part of the first table that further ones do not have; `known`:
    the keys of each of these."""
    found: dict[str, str] = {}
    for join, there in zip(joins, known, strict=True):
        cells = keys(part[join.key])
        if not cells.isin(there).all():
            sentences = [matches(join, part[join.key], there), *elsewhere(cells, there, join.key, join.file)]
            found |= {f"{join}, {number}": sentence for number, sentence in enumerate(sentences)}
    return found


def taken_before(file: Path, joins: Sequence[Join], join: Join, columns: Sequence[str]) -> list[str]:
    """A sentence on the columns of a further table that are read from the first one, and on those from each table that
    was joined before it."""
    held = {*frames.names(join.file)} - {join.key}
    by_table: dict[str, list[str]] = {}
    for name, home in homes(file, joins, columns).items():
        if name in held and home != join.file:
            by_table.setdefault(home.name, []).append(name)
    return [
        f"{join.file.name}: its {', '.join(map(repr, both))} is not read; that of {home} is"
        for home, both in by_table.items()
    ]


def _by_key(join: Join, columns: Sequence[str]) -> pd.DataFrame:
    table = frames.frame(join.file, [join.key, *columns])
    # A row without a key is nobody's.
    names = keys(table[join.key])
    table, names = table[names != ""], names[names != ""]
    if join.several:
        filled = table[list(columns)].apply(lambda column: column.where(~column.str.lower().isin(ERRORS), ""))
        rows = filled.groupby(names, sort=False)
        return pd.DataFrame({c: rows[c].agg(_words if c in join.words else _values) for c in columns})
    do = f"Make one row of them, or say {join.file.name}:{join.key}:{LIST}: then their cells stand one after the other."
    refuse(table[join.key], names.duplicated(), join.file, "has several rows for one value", do)
    return table.set_index(names)[list(columns)]


def _words(cells: Iterable[str]) -> str:
    return BETWEEN.join(cell for cell in cells if cell)


def _values(cells: Iterable[str]) -> str:
    """The cells of a key one after the other, without those that say that nothing is there, unless all do."""
    filled = [cell for cell in cells if cell]
    return BETWEEN.join([cell for cell in filled if not nothing(cell)] or filled[:1])
