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


def likely_slips(
    column: pd.Series, labels: Sequence[str], lists: Sequence[Collection[str]], separator: str
) -> list[str]:
    """Warnings of labels that may be the same under two spellings, several in one, or none.

    Args:
        column: N cells; lists: the labels in each.
        separator: between several labels in a cell, as the user says it; "" if nobody did.
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
    odd = [label for label in labels if label.casefold() in UNKNOWN]
    if odd:
        rows = named(column, [not {*odd}.isdisjoint(held) for held in lists])
        warnings.append(
            f"WARNING: {quoted(odd)} is taken for a label of its own ({rows}). Empty the cells if it is none."
        )
    return warnings


def spelled_alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that are likely one."""
    alike: dict[str | float, list[str]] = {}
    for name in names:
        alike.setdefault(_spelling(name), []).append(name)
    return [group for group in alike.values() if len(group) > 1]


def _spelling(label: str) -> str | float:
    """What labels share that are likely one: 1, 1.0 and yes; "No finding" and "no-finding"."""
    plain = re.sub(r"[\s_-]+(?=\w)", " ", label).strip(" .:").casefold()
    parsed = same(label)
    return float(YES_NO[plain]) if plain in YES_NO else plain if isinstance(parsed, str) else parsed


def quoted(labels: Iterable[str]) -> str:
    """The first labels in quotes, and how many more there are."""
    return listed([repr(label[:60]) for label in labels], 5)
