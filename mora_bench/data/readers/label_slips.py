"""Labels and categories that may be one under two spellings, several in one, or none; in sentences for the user."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from mora_bench.data.readers.cells import MARKS, YES_NO, named
from mora_bench.data.readers.measured import same
from mora_bench.text import listed

#: Other separators that are likely: the first two whatever the parts are, the others if a part is a label by itself.
LIKELY, SURELY = (",", "/", "+", "&"), (",", "/")
#: Names of a class that may mean that nobody knows, in lower case.
UNKNOWN = (
    "unknown", "unclear", "uncertain", "undetermined", "missing", "not available", "[not available]", "not applicable",
    "not done", "not known", "not reported", "n.d.", "k.a.", "keine angabe", "unbekannt", *MARKS,
)  # fmt: skip
#: Whole numbers by which a table may say so: -1, 7, 88, -999.
CODE = re.compile(r"-1|-?(7+|8+|9+)")
#: Such a number is one if it is this much above the next label.
APART = 3


def likely_slips(
    column: pd.Series, labels: Sequence[str], lists: Sequence[Collection[str]], separator: str, graded: bool
) -> list[str]:
    """Warnings of labels that may be the same under two spellings, several in one, or none.

    Args:
        column: N cells; lists: the labels in each.
        separator: between several labels in a cell, as the user says it; "" if nobody did.
        graded: whether the user named the labels, so that none is a code.
    """
    warnings = []
    for group in spelled_alike(labels):
        warnings.append(f"WARNING: {quoted(group)} are labels of their own. Write them alike if they are one.")
    known = {label.casefold() for label in labels}
    for mark in () if separator else LIKELY:
        several = [
            label
            for label in labels
            if mark in label and (mark in SURELY or any(part.strip().casefold() in known for part in label.split(mark)))
        ]
        if several:
            do = f"If {mark!r} separates labels, say --separator {mark!r}."
            warnings.append(f"WARNING: {quoted(several)} count as one label each. {do}")
    codes = [] if graded else likely_codes(labels)
    odd = [label for label in labels if label.casefold() in UNKNOWN or label in codes]
    if odd:
        rows = named(column, [not {*odd}.isdisjoint(held) for held in lists])
        warnings.append(
            f"WARNING: {quoted(odd)} is taken for a label of its own ({rows}). Empty the cells if it is none."
        )
    return warnings


def likely_codes(labels: Iterable[str]) -> list[str]:
    """Labels that are numbers by which a table may say that nobody knows: 9, 99 or -9 beside 0 and 1. A number that
    goes on from the others is none, nor is one of a scale around 0."""
    spelled = {label: _spelling(label) for label in labels}
    numbers = sorted((value, label) for label, value in spelled.items() if isinstance(value, float))
    are_codes = {label: value.is_integer() and bool(CODE.fullmatch(f"{value:.0f}")) for value, label in numbers}
    if len(numbers) < len(spelled):
        # Among names all numbers are codes, or none is.
        return [label for _, label in numbers] if all(are_codes.values()) else []
    below = [label for value, label in numbers if value < 0]
    around_0 = bool(numbers) and numbers[0][0] == -numbers[-1][0]
    codes = below if all(are_codes[label] for label in below) and not around_0 else []
    others: list[float] = []
    for value, label in numbers[len(below) :]:
        if are_codes[label] and len({*others}) > 1 and value - others[-1] >= APART:
            codes.append(label)
        else:
            others.append(value)
    return codes


def spelled_alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that are likely one."""
    alike: dict[str | float, list[str]] = {}
    for name in names:
        alike.setdefault(_spelling(name), []).append(name)
    return [group for group in alike.values() if len(group) > 1]


def _spelling(label: str) -> str | float:
    """What labels share that are likely one: 1, 1.0 and yes; "No finding" and "no-finding"."""
    parsed = same(label)
    if not isinstance(parsed, str):
        return parsed
    plain = re.sub(r"[\s_-]+(?=\w)", " ", label).strip(" .:").casefold()
    return float(YES_NO[plain]) if plain in YES_NO else plain


def quoted(labels: Iterable[str]) -> str:
    """The first labels in quotes, and how many more there are."""
    return listed([repr(label[:60]) for label in labels], 5)
