"""Labels as people write them down: columns of 0 and 1, or one column of names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mora_bench.data.readers.cells import NOTHING, YES_NO, named, nothing, refuse
from mora_bench.data.readers.label_lists import broken, parts
from mora_bench.data.readers.label_slips import likely_slips
from mora_bench.data.readers.measured import MOSTLY, is_number, same
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: How a table says that nobody knows (-1: CheXpert), in lower case.
UNCERTAIN = ("-1", "-1.0", "?")

#: The share of cells up to which other numbers among 0 and 1 are taken for slips, and not for classes.
RARELY = 0.05

REFUSE, LEAVE_OUT = "refuse", "leave-out"
Empty = Literal["refuse", "leave-out", "negative"]
Uncertain = Literal["refuse", "leave-out", "0", "1"]


@dataclass(frozen=True)
class Policy:
    """How a table is read where it leaves open what a sample's labels are.

    Attributes:
        separator: between several labels in one cell; "" for ; and |.
        empty: rows without a label: "refuse" them, "leave-out", or "negative": they have none of the labels.
        uncertain: labels that nobody knows (-1 or ?) in columns of 0 and 1: "refuse", "leave-out" their rows, or take
            them for "0" or "1".
        none_label: a name in a column of names that means none of the others, such as "No Finding".
        exclusive: whether columns of 0 and 1 are classes that exclude each other; of one column that says mostly yes
            and no, whether each value is a class of its own.
        grades: the names of a column of names, the lowest first, where they have an order.
    """

    separator: str = ""
    empty: Empty = "refuse"
    uncertain: Uncertain = "refuse"
    none_label: str = ""
    exclusive: bool = False
    grades: tuple[str, ...] = ()


@dataclass(frozen=True)
class Targets:
    """The labels of a table.

    Attributes:
        labels: their names; values: uint8 [N, C], or what else targets of the task are; task: its name.
        kept: bool [N], False for rows that the policy leaves out.
        notes: what a user should know of them, a sentence each.
    """

    labels: tuple[str, ...]
    values: np.ndarray
    task: str
    kept: np.ndarray
    notes: tuple[str, ...]


def targets(frame: pd.DataFrame, names: Sequence[str], file: Path, policy: Policy) -> Targets:
    """The labels in several columns, or in one: that of 0 and 1 is one label; one of names is a class a sample, or a
    list of labels if any sample has several, or none under the policy "negative".

    Raises:
        UserError: a cell is no label, or has none, and the policy does not say what that means; no row is left.
    """
    values = set(frame[names[0]].str.strip().str.lower())
    marks = len(names) > 1 or (not policy.grades and values & {*YES_NO} and values <= {*YES_NO, *NOTHING, *UNCERTAIN})
    odd = [] if marks else _odd_marks(frame[names[0]], policy)
    _check_applies(policy, bool(marks), names, file, mostly=any(odd))
    if not policy.exclusive:
        do = "Correct them, or say --exclusive if each value is a class of its own (--none-label NAME if one is none)."
        refuse(frame[names[0]], odd, file, "says yes and no, or 1 and 0, but not", do)
    labelled = _marked(frame, names, file, policy) if marks else _named(frame[names[0]], file, policy)
    if not labelled.kept.any():
        raise UserError(f"{file}, column {names[0]!r}: no row has a label.")
    return labelled


def _odd_marks(column: pd.Series, policy: Policy) -> list[bool]:
    """Whether each cell is likely a slip in a column that says yes and no: over half of its cells do. Of numbers beside
    0 and 1 a few are slips, and many are classes."""
    cells = column.str.strip().str.lower()
    marks, filled = cells.isin(YES_NO), ~cells.isin(NOTHING)
    odd = filled & ~marks & ~cells.isin(UNCERTAIN)
    named = policy.grades or policy.separator or policy.none_label
    if named or {*cells[marks].map(YES_NO)} != {0, 1} or marks.sum() <= MOSTLY * filled.sum():
        return []
    numbers = all(is_number(part, commas=False) for cell in cells[odd] for part in _listed(cell, policy))
    return [] if numbers and odd.sum() > RARELY * filled.sum() else odd.tolist()


def _check_applies(policy: Policy, marks: bool, names: Sequence[str], file: Path, mostly: bool) -> None:
    """Refuse what means nothing for labels that are written as these are: `marks` of 0 and 1, or names; `mostly`: names
    of which most are such marks."""
    beside = {"--separator": policy.separator, "--none-label": policy.none_label}
    beside |= {"--empty-label negative": policy.empty * (policy.empty == "negative")}
    if policy.grades and not marks and any(beside.values()):
        wrong = next(option for option, asked in beside.items() if asked)
        raise UserError(f"{file}: {wrong} means nothing beside --grades: a row has one grade. Leave it out.")
    of_names = {"--separator": policy.separator, "--none-label": policy.none_label, "--grades": policy.grades}
    of_marks = {"--exclusive": policy.exclusive and not mostly, "--uncertain": policy.uncertain != REFUSE}
    odd = next((option for option, asked in (of_names if marks else of_marks).items() if asked), "")
    if odd:
        wanted, are = ("names", "holds 0 and 1") if marks else ("0 and 1", "holds names")
        raise UserError(f"{file}: {odd} is for labels that are written as {wanted}; column {names[0]!r} {are}.")


def _marked(frame: pd.DataFrame, names: Sequence[str], file: Path, policy: Policy) -> Targets:
    values, kept, notes = np.zeros((len(frame), len(names)), np.uint8), np.ones(len(frame), bool), []
    for number, name in enumerate(names):
        cells = frame[name].str.strip().str.lower()
        open_, empty = cells.isin(UNCERTAIN), cells.isin(NOTHING)
        what = "is neither 0 nor 1"
        refuse(frame[name], ~(cells.isin(YES_NO) | open_ | empty), file, what, "Write 0 or 1.")
        if policy.uncertain == REFUSE:
            do = "Say what an uncertain label counts as: --uncertain 0, --uncertain 1 or --uncertain leave-out."
            refuse(frame[name], open_, file, "is uncertain", do)
        if policy.empty == REFUSE:
            do = "Say what an empty label counts as: --empty-label leave-out or --empty-label negative."
            refuse(frame[name], empty, file, "is empty", do)
        values[:, number] = cells.map(YES_NO).fillna(int(policy.uncertain == "1") * open_).astype(np.uint8)
        out = (open_ & (policy.uncertain == LEAVE_OUT)) | (empty & (policy.empty == LEAVE_OUT))
        kept &= ~out.to_numpy()
        counted = [f"{open_.sum()} uncertain, taken for {policy.uncertain}"] * bool(open_.any() and not out.any())
        counted += [f"{empty.sum()} empty, taken for 0"] * bool(empty.any() and policy.empty == "negative")
        notes += [f"label {name!r}: {', '.join(counted)}"] * bool(counted)
    notes += left_out(kept)
    single = (values.sum(1) == 1) | ~kept
    if policy.exclusive:
        rows = pd.Series([" ".join(map(str, row)) for row in values], frame.index, name=", ".join(names))
        refuse(rows, ~single, file, "is not 1 in one of them alone", "Leave --exclusive out, or correct the table.")
    elif len(names) > 2 and single.all():
        notes.append("each row has one label exactly: say --exclusive if the labels exclude each other")
    return Targets(tuple(names), values, "multi-class" if policy.exclusive else "multi-label", kept, tuple(notes))


def _named(column: pd.Series, file: Path, policy: Policy) -> Targets:
    lists, notes = _lists(column, file, policy)
    empty = [not listed for listed in lists]
    none = policy.none_label.strip().casefold()
    without = [bool(none) and none in map(str.casefold, listed) for listed in lists]
    lists = [[label for label in listed if label.casefold() != none] for listed in lists]
    if policy.empty == REFUSE:
        do = "Say what such rows are: --empty-label leave-out"
        do += "." if policy.grades else ", or negative if they have none of the labels."
        refuse(column, empty, file, "has no label", do)
    twice = [grade for grade in policy.grades if sum(same(grade) == same(other) for other in policy.grades) > 1]
    if twice:
        raise UserError(f"--grades: {twice[0]!r} stands there twice, case and spelling aside. Name each grade once.")
    labels = policy.grades or tuple(sorted({label for listed in lists for label in listed}))
    if policy.grades:
        odd = [bool({*listed} - {*labels}) for listed in lists]
        refuse(column, odd, file, "is not one of the grades", f"Name them all, in order; known: {', '.join(labels)}.")
    kept = np.array([policy.empty != LEAVE_OUT or not blank for blank in empty])
    places = {label: place for place, label in enumerate(labels)}
    values = np.zeros((len(column), len(labels)), np.uint8)
    for row, held in enumerate(lists):
        values[row, [places[label] for label in held]] = 1
    single = bool(labels) and bool((values[kept].sum(1) == 1).all())
    if policy.exclusive:
        several = [len(listed) > 1 for listed in lists]
        refuse(column, several, file, "names several labels", "Leave --exclusive out, or correct the table.")
    contradicted = [not_any and bool(listed) for not_any, listed in zip(without, lists, strict=True)]
    refuse(column, contradicted, file, f"has {policy.none_label!r} beside a label", "Correct these rows.")
    notes = [*left_out(kept), *likely_slips(column, labels, lists, policy.separator, bool(policy.grades)), *notes]
    if policy.empty == "negative" and any(empty):
        notes.append(f"{sum(empty)} rows have none of the labels")
    if none and not any(without):
        raise UserError(f"{file}, column {column.name!r}: no cell is {policy.none_label!r}, as --none-label says.")
    notes += [f"{sum(without)} rows have {policy.none_label!r}: none of the labels"] * any(without)
    task = "ordinal" if policy.grades else "multi-class" if single else "multi-label"
    return Targets(labels, values, task, kept, tuple(notes))


def _lists(column: pd.Series, file: Path, policy: Policy) -> tuple[list[list[str]], list[str]]:
    """The labels of each cell, and a sentence on cells that say beside a label that nothing is there, if any does."""
    if policy.grades:
        return [_listed(cell, policy) for cell in column], []
    refuse(column, map(broken, column), file, "holds a list that cannot be read", "Write its labels as a;b.")
    written = [_listed(cell, policy) for cell in column]
    lists = [[label for label in held if not nothing(label)] for held in written]
    beside = [0 < len(labels) < len(held) for labels, held in zip(lists, written, strict=True)]
    what = f"{number_of(sum(beside), 'row')} with nan, NA or the like beside a label, which counts as not there"
    return lists, [f"{what}: {named(column, beside)}"] * any(beside)


def _listed(cell: str, policy: Policy) -> list[str]:
    """The labels of a cell, and what in a list says that nothing is there; none if the whole cell says so."""
    cell = cell.strip()
    if policy.grades:
        # A grade may be called "none"; nothing but a blank is empty.
        return [next((grade for grade in policy.grades if same(grade) == same(cell)), cell)] * bool(cell)
    return [] if nothing(cell) else parts(cell, policy.separator)


def left_out(kept: np.ndarray) -> list[str]:
    """A sentence on the rows that are left out, if any are."""
    lost = int((~kept).sum())
    return [f"{lost} rows without a certain label are left out"] * bool(lost)
