"""A mask that somebody brought: who keeps which modality, as a table says it.

The table has a row for each unit (a sample, or with `--mask-unit patient` a patient): its `id`, one column a modality
with 1 for kept and 0 for lost, and optionally `side` (train, validation or test) and `seed`. Without a side a row
counts on all three, without a seed for every seed.

A mask is known by the digest of what it says, not by its file: the order of rows and columns does not matter, nor does
the format. What this process has read or been given is remembered under that digest.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from mora_bench.errors import UserError
from mora_bench.files import DIGITS, digest_json, version
from mora_bench.text import listed

#: The columns that are no modality.
ID, SIDE, SEED = "id", "side", "seed"
#: Values of `side`, and the side of a split that each means.
SIDES = {"train": "train", "validation": "val", "val": "val", "test": "test"}
#: How a side is called in messages.
SIDE_WORDS = {"train": "training", "val": "validation", "test": "test"}
#: Change it when the same file would be another mask.
VERSION = 1
#: How many rows a message names one by one.
NAMED = 20
#: The form of a digest.
DIGEST = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
FORMATS = "a table as .csv, .csv.gz or .parquet"

#: A row: side ("" for all), seed (None for every one), id, and a digit for each modality, "1" kept, "0" lost.
Row = tuple[str, int | None, str, str]


@dataclass(frozen=True)
class Brought:
    """A mask by rows, which are sorted; the last part of a row has a digit for each of the M `modalities`."""

    modalities: tuple[str, ...]
    rows: tuple[Row, ...]

    @cached_property
    def digest(self) -> str:
        """16 hex digits over all that the mask says."""
        return digest_json([VERSION, self.modalities, self.rows])

    @cached_property
    def _by_side(self) -> dict[tuple[str, int | None], dict[str, str]]:
        by_side: dict[tuple[str, int | None], dict[str, str]] = {}
        for side, seed, name, digits in self.rows:
            by_side.setdefault((side, seed), {})[name] = digits
        return by_side

    @cached_property
    def seeds(self) -> frozenset[int]:
        """The seeds that it names; empty if its rows count for every seed."""
        return frozenset(seed for seed in {row[1] for row in self.rows} if seed is not None)

    @cached_property
    def names(self) -> frozenset[str]:
        """The ids that it names."""
        return frozenset(row[2] for row in self.rows)

    def rows_of(self, side: str, seed: int) -> dict[str, str]:
        """Its rows for one side of one seed's split: by id a digit for each modality, "1" kept, "0" lost."""
        sides = self._by_side
        for key in ((side, seed), (side, None), ("", seed), ("", None)):
            if key in sides:
                return sides[key]
        return {}

    def absent(self, names: Iterable[str], side: str, seed: int) -> list[str]:
        """Those of some ids that have no row on a side, sorted."""
        known = self.rows_of(side, seed)
        return sorted({name for name in names if name not in known})

    def kept(self, names: Sequence[str], side: str, seed: int) -> np.ndarray:
        """The mask of n units, bool [n, M].

        Raises:
            UserError: one of them has no row.
        """
        lacking = self.absent(names, side, seed)
        if lacking:
            raise UserError(f"mask {self.digest} says nothing of {len(lacking)} {SIDE_WORDS[side]} units, seed {seed}.")
        known = self.rows_of(side, seed)
        return np.array([[digit == "1" for digit in known[name]] for name in names], bool).reshape(
            len(names), len(self.modalities)
        )

    def rate(self, columns: Collection[int], side: str) -> float:
        """The share of its rows for a side that lose one of some modalities, to four digits. A row that would lose all
        it has does not count: no mask takes a sample's last modality."""
        chosen = [digits for row_side, _, _, digits in self.rows if row_side in ("", side)]
        bits = [[digit == "1" or m not in columns for m, digit in enumerate(digits)] for digits in chosen]
        lost = [not all(row) and any(row) for row in bits]
        return round(sum(lost) / len(lost), 4) if lost else 0.0


_KNOWN: dict[str, Brought] = {}
#: By digest: the file that it was read from, and the first row of each id there, for messages.
_FILES: dict[str, tuple[Path, dict[str, int]]] = {}


def remember(mask: Brought) -> Brought:
    """Have this process know a mask by its digest."""
    return _KNOWN.setdefault(mask.digest, mask)


def file_of(digest: str) -> Path | None:
    """The file that this process read a mask from; None if it came from a results folder. Written nowhere."""
    return _FILES[digest][0] if digest in _FILES else None


def where(digest: str, name: str) -> str:
    """An id in messages, with its row where the mask was read from a file."""
    row = _FILES[digest][1].get(name) if digest in _FILES else None
    return repr(name) if row is None else f"row {row}: {name!r}"


def knows(digest: str) -> bool:
    """Whether this process knows the mask of a digest."""
    return digest in _KNOWN


def known(digest: str) -> Brought:
    """The mask of a digest.

    Raises:
        UserError: this process was not given it.
    """
    if digest not in _KNOWN:
        raise UserError(f"mask:{digest}: no mask of that digest is at hand. Give its file again, as mask:FILE.")
    return _KNOWN[digest]


def is_digest(argument: str) -> bool:
    """Whether an argument names a mask by its digest rather than by a file."""
    return DIGEST.fullmatch(argument) is not None and not Path(argument).exists()


def read(file: Path, modalities: Sequence[str]) -> Brought:
    """The mask that a file holds for data of these modalities, which this process then knows.

    Raises:
        UserError: it is no such table; names every row that is wrong, up to `NAMED` of them.
    """
    if not file.is_file():
        raise UserError(f"mask:{file}: {'not a plain file' if file.exists() else 'no such file'}; expected {FORMATS}.")
    mask, numbers = _read(file, version(file), tuple(modalities))
    _FILES[mask.digest] = file, numbers
    return remember(mask)


@lru_cache(maxsize=16)
def _read(file: Path, seen: object, modalities: tuple[str, ...]) -> tuple[Brought, dict[str, int]]:
    header, lines = _table(file)
    more = [name for name in header if name not in (ID, SIDE, SEED, *modalities)]
    lacking = [name for name in (ID, *modalities) if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    expected = f"expected {ID}, {', '.join(modalities)}, and optionally {SIDE} and {SEED}"
    for names, what in ((lacking, "lacks column"), (more, "has a column of another name:"), (twice, "has twice")):
        if names:
            raise UserError(f"{file}: it {what} {', '.join(map(repr, names[:NAMED]))}; {expected}.")
    rows, wrong = [], []
    first: dict[tuple[str, int | None, str], int] = {}
    for number, line in enumerate(lines, 1):
        row, why = _row(dict(zip(header, line, strict=False)), modalities, len(line) - len(header))
        if row is not None and row[:3] in first:
            why = f"{row[2]!r} stands in row {first[row[:3]]}, too"
        elif row is not None:
            first[row[:3]] = number
            rows.append(row)
        if why:
            wrong.append(f"row {number}: {why}")
    if wrong:
        raise UserError(f"{file}: {listed(wrong, NAMED, '; ')}.")
    if not rows:
        raise UserError(f"{file}: no rows below the header; {expected}.")
    numbers: dict[str, int] = {}
    for (_, _, name), number in first.items():
        numbers.setdefault(name, number)
    return Brought(modalities, tuple(sorted(rows, key=order))), numbers


def order(row: Row) -> tuple[str, int, str]:
    """The key that rows are sorted by."""
    return row[0], -1 if row[1] is None else row[1], row[2]


def _row(cells: dict[str, str], modalities: Sequence[str], surplus: int) -> tuple[Row | None, str]:
    """A row, or its fault."""
    if surplus:
        return None, f"{'more' if surplus > 0 else 'fewer'} fields than the header"
    name = cells[ID]
    if not name.strip():
        return None, f"{ID} is empty"
    for modality in modalities:
        if cells[modality] not in ("0", "1"):
            return None, f"{modality} of {name!r} is {cells[modality]!r:.40}; expected 1 for kept or 0 for lost"
    side, seed = "", None
    if SIDE in cells:
        if cells[SIDE] not in SIDES:
            return None, f"{SIDE} of {name!r} is {cells[SIDE]!r:.40}; expected train, validation or test"
        side = SIDES[cells[SIDE]]
    if SEED in cells:
        if not re.fullmatch("[0-9]{1,9}", cells[SEED]):
            return None, f"{SEED} of {name!r} is {cells[SEED]!r:.40}; expected a whole number of 0 or more"
        seed = int(cells[SEED])
    return (side, seed, name, "".join(cells[modality] for modality in modalities)), ""


def _table(file: Path) -> tuple[list[str], Iterator[list[str]]]:
    """The columns of a table, and its rows as texts."""
    try:
        if file.suffix == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(file)
            # pandas adds the names of rows.
            table = table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")])
            columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
            return table.column_names, map(list, zip(*columns, strict=True))
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines = [line for line in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if line]
    except Exception as error:
        # pyarrow and gzip raise whatever they meet in bytes that are none of theirs.
        raise UserError(f"{file}: cannot be read ({type(error).__name__}: {error}); expected {FORMATS}.") from None
    if not lines:
        raise UserError(f"{file}: empty; expected {FORMATS}.")
    return [name.strip() for name in lines[0]], ([cell.strip() for cell in line] for line in lines[1:])


def _text(value: object) -> str:
    """A cell of a typed table as the text that a CSV would have."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value).strip()
