"""A column that says on which side of a published split each row is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from mora_bench.data.readers.cells import NAMED, named
from mora_bench.data.splits import SPLITS
from mora_bench.errors import UserError
from mora_bench.text import listed

#: Published tables' names for the sides, in lower case.
CALLED = {
    "train": ("train", "training", "tr"),
    "val": ("val", "valid", "validate", "validation", "dev", "tune"),
    "test": ("test", "testing", "te", "holdout", "hold-out"),
}


@dataclass(frozen=True)
class Official:
    """A column, and by side the values that mean it, in lower case."""

    column: str
    values: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, option: str) -> Self:
        """From "COLUMN" or "COLUMN:train=A,B;val=C;test=D".

        Raises:
            UserError: it is neither.
        """
        column, colon, rest = option.partition(":")
        if not colon:
            return cls(column, CALLED)
        values: dict[str, list[str]] = {}
        for part in rest.split(";"):
            side, _, listed = part.partition("=")
            if side.strip() not in SPLITS or not listed.strip():
                raise UserError(f"--split {option}: expected COLUMN:train=A,B;val=C;test=D, where val may be left out.")
            named_before = {value for earlier in values.values() for value in earlier}
            values[side.strip()] = [value.strip().lower() for value in listed.split(",")]
            twice = named_before & {*values[side.strip()]}
            if twice or option.count(f"{side.strip()}=") > 1:
                raise UserError(f"--split {option}: {(*sorted(twice), side.strip())[0]!r} is named twice.")
        return cls(column, values)

    def sides(self, frame: pd.DataFrame, file: Path) -> tuple[str, ...]:
        """The side of each row.

        Raises:
            UserError: a value is of no side, or there is nothing to train on or to test.
        """
        side = {value: name for name, values in self.values.items() for value in values}
        cells = frame[self.column].str.strip().str.lower()
        odd = [cell not in side for cell in cells]
        if any(odd):
            known = "; ".join(f"{name}: {', '.join(values)}" for name, values in self.values.items())
            raise UserError(
                f"{file}, column {self.column!r}: of no side of a split in {named(frame[self.column], odd)}. Known are "
                f"{known}. Name the values, as in --split '{self.column}:train=0,1;val=2;test=3'."
            )
        sides = tuple(side[cell] for cell in cells)
        for name in ("train", "test"):
            if name not in sides:
                raise UserError(
                    f"{file}, column {self.column!r}: no row is for {name}. A split needs train and test. "
                    f"{self._taken(cells, side)}"
                )
        return sides

    def _taken(self, cells: pd.Series, side: Mapping[str, str]) -> str:
        """Sentences on what the values of a column were taken for, and how to say otherwise, with its values where
        two of them can be the two sides."""
        counts = cells.value_counts()
        taken = listed([f"{value!r} is {side[value]} ({n:,} rows)" for value, n in counts.items()], NAMED)
        first, second = counts.index[:2] if len(counts) > 1 else ("A", "B")
        return f"Here {taken}. Name the values, as in --split '{self.column}:train={first};test={second}'."


def notes(sides: Sequence[str], patients: Sequence[str], column: str) -> list[str]:
    """Sentences for the user on an official split."""
    sizes = {name: sides.count(name) for name in SPLITS}
    sentences = [f"column {column!r}: official split, {', '.join(f'{name} {n:,}' for name, n in sizes.items() if n)}"]
    if not sizes["val"]:
        sentences.append("the official split has no validation side: each seed draws a ninth of its training side")
    return [*sentences, *parted(sides, patients, "patients")]


def parted(sides: Sequence[str], groups: Sequence[str], what: str) -> list[str]:
    """A warning if some groups are on two sides; "" is none. `what` they are, in the plural."""
    members = pd.DataFrame({"group": groups, "side": sides})
    several = int((members[members["group"] != ""].groupby("group")["side"].nunique() > 1).sum())
    if not several:
        return []
    return [
        f"WARNING: {several} {what} are on two sides of the official split, so that test scores may be too good. "
        "--split patient draws another one, which keeps them together."
    ]
