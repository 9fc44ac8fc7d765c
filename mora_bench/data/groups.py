"""Groups of samples by covariates, for scores of their own."""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mora_bench.data.sides import Side
from mora_bench.data.table import Table

#: A covariate with more values than this is cut in two if they are numbers, and left out if they are not.
MOST = 8
#: A covariate that equals the ids of its samples or patients in this share of its known values is these ids.
NEARLY = 0.9
#: What stands between a covariate and the value in the name of a group, and a covariate that holds such a sign.
SIGNS, QUOTED = re.compile(r"=|<|>="), re.compile(r'"([^"]*[=<>][^"]*)"(?:=|<|>=)')


def groups(table: Table, side: Side) -> dict[str, np.ndarray]:
    """The groups that samples belong to: name -> bool [n].

    "sex=Female" and the like; of a number, those below the median of `table`, "age<58", and the others, "age>=58". A
    sample of unknown value is in neither. What no split may part, such as numbered sites, is not cut at a median.

    Args:
        table: the whole dataset, which says the values and the median.
        side: the samples, of that table or of another of its kind.
    """
    masks: dict[str, np.ndarray] = {}
    for name, values in table.covariates.items():
        if table.source == "real" and _names_people(table, values):
            # A group would be called by a patient's name.
            continue
        head = _head(name)
        texts = [str(side.table.covariates[name][row]).strip() for row in side.rows]
        known = sorted({str(value).strip() for value in values} - {""})
        if 2 <= len(known) <= MOST:
            masks |= {f"{head}={value}": np.array([text == value for text in texts], bool) for value in known}
        elif len(known) > MOST and tuple(str(value).strip() for value in values) not in table.inseparable:
            numbers = _numbers([str(value).strip() for value in values if str(value).strip()])
            side_numbers = _numbers([text or "nan" for text in texts], finite=False)
            if numbers is not None and side_numbers is not None:
                middle = float(np.median(numbers))
                # All digits that a decimal number can have: a date such as 20200101 has eight.
                cut = f"{middle:.15g}"
                masks |= {f"{head}<{cut}": side_numbers < middle, f"{head}>={cut}": side_numbers >= middle}
    return masks


def regrouped(table: Table, known: Iterable[str]) -> str:
    """Whether samples were grouped by other covariates than a table has, in words; "" if not. `known`: the digests of
    these, "" where nobody knows."""
    if not any(digest not in ("", table.covariates_digest) for digest in known):
        return ""
    return (
        f"covariates ({', '.join(table.covariates) or 'none by now'}) changed after some cells were computed: their "
        "scores by group are of the old values, all other scores stand; a new --out computes them anew"
    )


def _names_people(table: Table, values: Sequence[object]) -> bool:
    """Whether a covariate holds ids: row by row those of its own samples or patients, or words each of which is
    somebody's. That somebody is 57 and somebody's number is 57 makes an age no id."""
    texts = [str(value).strip() for value in values]
    known = [text for text in texts if text]
    # A blank equals no id, as no id is blank.
    alike = max(sum(map(operator.eq, texts, names)) for names in (table.ids, table.patients))
    if not known or alike >= NEARLY * len(known):
        return bool(known)
    return _numbers(known) is None and {*table.ids, *table.patients}.issuperset(known)


def _head(covariate: str) -> str:
    """A covariate as names of groups begin with it: in quotes where it holds a sign that ends it there."""
    return '"' + covariate.replace('"', "'") + '"' if re.search("[=<>]", covariate) else covariate


def by_covariate(masks: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Groups as `groups` names them, by the covariate that they divide: those are compared with each other."""
    grouped: dict[str, dict[str, np.ndarray]] = {}
    for name, mask in masks.items():
        quoted = QUOTED.match(name)
        covariate = quoted[1] if quoted else SIGNS.split(name, maxsplit=1)[0]
        grouped.setdefault(covariate, {})[name] = mask
    return grouped


def _numbers(texts: Sequence[str], finite: bool = True) -> np.ndarray | None:
    """Texts as numbers; None if one is no number, or not a finite one where that is asked."""
    try:
        numbers = np.array([float(text) for text in texts])
    except ValueError:
        return None
    return numbers if not finite or np.isfinite(numbers).all() else None
