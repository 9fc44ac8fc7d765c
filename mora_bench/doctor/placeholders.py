"""Values that stand for "nobody knows" and are read as if somebody did: 1 for an age, -999, 1900-01-01, "XXXX".

Of numbers and dates a value is one if it is far from its neighbours and far too frequent beside them. Of texts it is
one if it is a usual way to say nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from mora_bench.doctor.features import NOTHING
from mora_bench.doctor.finding import Finding, share
from mora_bench.doctor.questions import ExaminedTable
from mora_bench.text import listed, number_of

#: Distinct values of a column that is measured rather than chosen from a list.
MEASURED = 10
#: Values on either side that a value is held against.
NEAR = 10
#: A placeholder's distance to the next value over the usual one there; its frequency over the usual one there.
FAR, OFTEN = 5, 5
#: Patients who share it at least.
FEWEST = 5
#: A usual code, however frequent, and in lists of a few numbers too, stands apart by so many times the others' range.
CODE, APART = re.compile(r"-?9{2,}|-[1-9]"), 3
FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d")
#: Whole cells and texts that say nothing, in small letters.
NOTHING_SAID = frozenset(
    {
        "unknown", "not known", "missing", "not available", "not applicable", "not recorded", "not specified",
        "unspecified", "undefined", "no data", "n.a.", "tbd", "to be determined", "test", "see report", "see above",
        "see text", "see notes", "as above", "no report", "-", "--", "---", ".", "?", "??", "*",
        "x", "xx", "xxx", "xxxx",
    }
)  # fmt: skip
#: The marks within a text where something was taken out.
TAKEN_OUT = re.compile(r"\b[xX]{3,}\b|_{3,}|\*{3,}|\?{3,}|\[\*\*.*?\*\*\]|<[A-Z_]{3,}>|\[[A-Z_ ]{4,}\]")
#: The share of texts that must hold the same one.
IN_TEXTS = 0.01
COSTS = "it would be read as a real value; write an empty cell, or mark it as missing"
#: Placeholders that one line lists.
LISTED = 6


@dataclass(frozen=True)
class Placeholder:
    """A value of a column, or a mark in its texts.

    Attributes:
        column, value: its column, and its text.
        rows: bool [n], the samples that have it.
        why: the reason for taking it for one.
    """

    column: str
    value: str
    rows: np.ndarray
    why: str

    @property
    def name(self) -> str:
        return f"{self.column} {self.value!r}"


def look(subject: ExaminedTable, entries: list[Placeholder]) -> list[Finding]:
    """One finding for all of them."""
    if not entries:
        return []
    n = len(subject.table)
    facts = [{"column": p.column, "value": p.value, "samples": int(p.rows.sum()), "why": p.why} for p in entries]
    phrases = [f"{p.name} {number_of(int(p.rows.sum()), 'time')} ({share(p.rows.mean())}; {p.why})" for p in entries]
    weight = max(float(p.rows.mean()) for p in entries)
    seen = f"placeholders: {listed(phrases, LISTED)}"
    return [Finding("placeholders", seen, COSTS, min(weight, 0.5), facts={"of": n, "placeholders": facts})]


def placeholders(subject: ExaminedTable) -> list[Placeholder]:
    """Those of every covariate, column of a table and text."""
    entries: list[Placeholder] = []
    for name, cells in _columns(subject):
        entries += _in_column(subject, name, cells)
    for name, column in subject.table.modalities.items():
        if column.kind == "text":
            entries += _in_texts(name, column.values)
    return entries


def _columns(subject: ExaminedTable) -> Iterator[tuple[str, list[str]]]:
    """Every column as stripped texts, "" for an empty cell."""
    for name, values in subject.table.covariates.items():
        yield name, [text_of(value) for value in values]
    for modality, column in subject.table.modalities.items():
        if column.kind == "table":
            names = sorted({cell for value in column.values for cell in value or ()})
            for cell in names:
                yield f"{modality}.{cell}", [text_of((value or {}).get(cell)) for value in column.values]


def text_of(value: Any) -> str:
    text = "" if value is None else str(value).strip()
    return "" if text.lower() in NOTHING else text


def _in_column(subject: ExaminedTable, name: str, cells: list[str]) -> Iterator[Placeholder]:
    array = np.array(cells, object)
    known = sorted(set(cells) - {""})
    codes = as_numbers(known)
    if codes is None:
        for value in known:
            rows = array == value
            if value.lower() in NOTHING_SAID and _patients(subject, rows) >= FEWEST:
                yield Placeholder(name, value, rows, "it says nothing")
        return
    # A patient who came ten times has one age.
    pairs = {(owner, cell) for owner, cell in zip(subject.owner.tolist(), cells, strict=True) if cell}
    for number in odd_ones(np.array([codes[cell] for _, cell in pairs])):
        spellings = [cell for cell in known if codes[cell] == number]
        rows = np.isin(array, np.array(spellings, object))
        gap = min(abs(other - number) for other in codes.values() if other != number)
        unit = " days" if as_floats(known) is None else ""
        yield Placeholder(name, spellings[0], rows, f"the next value is {gap:g}{unit} away")


def odd_ones(values: np.ndarray) -> list[float]:
    """The placeholders among numbers, one a patient: float [n]."""
    distinct, count = np.unique(values, return_counts=True)
    if len(distinct) < 3:
        return []
    suspects = []
    for k, value in enumerate(distinct.tolist()):
        others = np.delete(distinct, k)
        if count[k] < FEWEST:
            continue
        if _code(value, others):
            suspects.append(value)
        if _code(value, others) or len(distinct) < MEASURED:
            continue
        nearest = np.argsort(abs(others - value), kind="stable")[:NEAR]
        gaps = np.diff(np.sort(others[nearest]))
        usual = float(np.median(np.delete(count, k)[nearest]))
        if abs(others - value).min() >= FAR * np.median(gaps) and count[k] >= OFTEN * usual:
            suspects.append(value)
    return suspects


def _code(value: float, others: np.ndarray) -> bool:
    distance = abs(others - value).min()
    return bool(CODE.fullmatch(f"{value:g}")) and distance >= APART * (others.max() - others.min())


def as_numbers(texts: list[str]) -> dict[str, float] | None:
    """Texts as numbers, or dates as days; None if one is neither."""
    numbers = as_floats(texts)
    for form in FORMATS:
        if numbers is not None:
            break
        try:
            numbers = {text: float(datetime.strptime(text[:10], form).toordinal()) for text in texts}
        except ValueError:
            continue
    return numbers


def as_floats(texts: list[str]) -> dict[str, float] | None:
    """Texts as finite numbers; None if one is none."""
    try:
        numbers = {text: float(text) for text in texts}
    except ValueError:
        return None
    return numbers if np.isfinite(list(numbers.values())).all() else None


def _in_texts(name: str, values: tuple[Any, ...]) -> Iterator[Placeholder]:
    texts = ["" if value is None else value.strip() for value in values]
    whole_texts: dict[str, list[int]] = {}
    marks: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        if text.lower().rstrip(".") in NOTHING_SAID or text in NOTHING_SAID:
            whole_texts.setdefault(text.lower(), []).append(row)
        else:
            for mark in {match.upper()[:40] for match in TAKEN_OUT.findall(text)}:
                marks.setdefault(mark, []).append(row)
    filled = sum(map(bool, texts))
    for groups, why in ((whole_texts, "it says nothing"), (marks, "something was taken out")):
        for value, rows in sorted(groups.items()):
            if len(rows) >= max(FEWEST, IN_TEXTS * filled):
                yield Placeholder(name, value, np.isin(np.arange(len(texts)), rows), why)


def _patients(subject: ExaminedTable, rows: np.ndarray) -> int:
    return len(np.unique(subject.owner[rows]))
