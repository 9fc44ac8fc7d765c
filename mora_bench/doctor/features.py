"""Features that could tell a label without a look at a picture or a text: one number a sample each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench.data.table import PICTURES
from mora_bench.doctor.questions import ExaminedTable

#: A run of digits, kept by `re.split`.
DIGITS = re.compile(r"([0-9]+)")
#: Texts that tables write for an empty cell, in small letters.
NOTHING = ("", "nan", "na", "n/a", "none", "null", "<na>", "nat")
#: The cost of a label told from a feature, and the remedy, by kind of feature.
ORDER = "split by patients drawn at random, never in this order, and let no id reach a model"
FILE = "a model may learn how a file was made instead of the disease; make all files alike, or report it with the table"
ABSENCE = "a method may predict from what is missing instead of the contents; compare it with the baseline `presence`"
LENGTH = "add a baseline to the table that sees only the length"
COVARIATE = "subgroups by it are not equally difficult, and with --mechanism covariate the masks depend on the label"


@dataclass(frozen=True)
class Feature:
    """Attributes:
    names: with which a sentence begins; several where they put the samples in the same order.
    values: float [n], of which the order alone matters; NaN where a sample has none.
    costs: the cost for a table if a label can be told from it.
    """

    names: tuple[str, ...]
    values: np.ndarray
    costs: str

    @property
    def name(self) -> str:
        return " and ".join(self.names)


def features(subject: ExaminedTable) -> list[Feature]:
    """Every feature that varies, its values as ranks; of two that put samples in the same order the first, under both
    names."""
    distinct: list[Feature] = []
    for new in _all(subject):
        values = _ranks(new.values)
        if len(np.unique(values[~np.isnan(values)])) < 2:
            continue
        at = next((i for i, old in enumerate(distinct) if _same(old, Feature(new.names, values, new.costs))), None)
        if at is None:
            distinct.append(Feature(new.names, values, new.costs))
        else:
            distinct[at] = Feature(distinct[at].names + new.names, distinct[at].values, distinct[at].costs)
    return distinct


def _all(subject: ExaminedTable) -> Iterator[Feature]:
    table = subject.table
    yield Feature(("the id",), _natural(table.ids), ORDER)
    if table.patients != table.ids:
        yield Feature(("the patient's id",), _natural(table.patients), ORDER)
    yield Feature(("the order in the file",), subject.position.astype(float), ORDER)
    for m, (name, column) in enumerate(table.modalities.items()):
        if column.kind in PICTURES:
            yield Feature((f"the number of pictures of {name}",), counts(column.values), ABSENCE)
            yield from _files(name, column.values)
        else:
            yield Feature((f"whether there is {name}",), table.present[:, m].astype(float), ABSENCE)
        if column.kind == "text":
            lengths = [float(len(text.strip())) if text and text.strip() else np.nan for text in column.values]
            yield Feature((f"the length of {name}",), np.array(lengths), LENGTH)
    for name, values in table.covariates.items():
        yield Feature((f"covariate {name}",), numbers(values), COVARIATE)


def counts(values: tuple[Any, ...]) -> np.ndarray:
    """Pictures of each sample, float [n]."""
    return np.array([sum(part is not None for part in value or ()) for value in values], float)


def _natural(names: tuple[str, ...]) -> np.ndarray:
    """Ranks of names in the order in which people put them: 2 before 10, however long."""
    # Digits are compared by length first: Python reads no number of more than 4,300 digits.
    keys = {
        name: [
            (1, len(part.lstrip("0")), part.lstrip("0")) if k % 2 else (0, 0, part)
            for k, part in enumerate(DIGITS.split(name))
        ]
        for name in set(names)
    }
    ranks = {name: float(k) for k, name in enumerate(sorted(keys, key=lambda name: (keys[name], name)))}
    return np.array([ranks[name] for name in names])


def numbers(values: tuple[Any, ...]) -> np.ndarray:
    """A column as numbers, float [n], NaN where a cell holds nothing; categories are numbered in the order of text."""
    texts = ["" if value is None else str(value).strip() for value in values]
    known = sorted({text for text in texts if text.lower() not in NOTHING})
    try:
        codes = {text: float(text) for text in known}
    except ValueError:
        codes = {text: float(k) for k, text in enumerate(known)}
    coded = np.array([codes.get(text, np.nan) for text in texts], float)
    return np.where(np.isfinite(coded), coded, np.nan)


def _files(name: str, values: tuple[Any, ...]) -> Iterator[Feature]:
    """Size, format and shape of the files that pictures come from, as their headers say."""
    rows = [[_header(part.path) for part in value or () if getattr(part, "path", None) is not None] for value in values]
    kinds = sorted({kind for row in rows for kind, *_ in row})
    for k, quantity in enumerate(("format", "size in bytes", "width", "height")):
        means = [
            np.nanmean([kinds.index(cells[0]) if k == 0 else cells[k] for cells in row])
            if row and not all(cells[k] != cells[k] for cells in row)
            else np.nan
            for row in rows
        ]
        yield Feature((f"the {quantity} of the files of {name}",), np.array(means, float), FILE)


def _header(path: Any) -> tuple[str, float, float, float]:
    """Format, bytes, width and height of a file; NaN for a shape that Pillow does not read."""
    from PIL import Image, UnidentifiedImageError

    size = float(path.stat().st_size) if path.is_file() else np.nan
    try:
        with Image.open(path) as picture:
            return str(picture.format), size, float(picture.width), float(picture.height)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return path.suffix.lower(), size, np.nan, np.nan


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks among the distinct values, float [n]; NaN stays."""
    ranks = np.full(len(values), np.nan)
    measured = ~np.isnan(values)
    ranks[measured] = np.unique(values[measured], return_inverse=True)[1]
    return ranks


def _same(first: Feature, second: Feature) -> bool:
    """Whether they put samples in the same order; of ids and files also where the second has ties of the first."""
    if first.costs == second.costs == ORDER:
        return bool((np.diff(second.values[np.argsort(first.values, kind="stable")]) >= 0).all())
    return bool(np.array_equal(first.values, second.values, equal_nan=True))
