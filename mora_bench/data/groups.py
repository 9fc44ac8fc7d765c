"""Groups of samples by covariates, for scores of their own."""

import operator
import re
from collections.abc import Mapping, Sequence

import numpy as np

from mora_bench.data.sides import Side
from mora_bench.data.table import Table

#: A covariate with more values than this is cut in two if they are numbers, and left out if they are not.
MOST = 8
#: A covariate that equals the ids of its samples or patients in this share of its known values is these ids.
NEARLY = 0.9


def groups(table: Table, side: Side) -> dict[str, np.ndarray]:
    """The groups that samples belong to: name -> bool [n].

    "sex=Female" and the like; of a number, those below the median of `table`, "age<58", and the others, "age>=58". A
    sample of unknown value is in neither.

    Args:
        table: the whole dataset, which says the values and the median.
        side: the samples, of that table or of another of its kind.
    """
    found: dict[str, np.ndarray] = {}
    for name, values in table.covariates.items():
        if table.source == "real" and _names_people(table, values):
            # A group would be called by a patient's name.
            continue
        own = [str(side.table.covariates[name][row]).strip() for row in side.rows]
        known = sorted({str(value).strip() for value in values} - {""})
        if 2 <= len(known) <= MOST:
            found |= {f"{name}={value}": np.array([each == value for each in own], bool) for value in known}
        elif len(known) > MOST:
            numbers = _numbers([str(value).strip() for value in values if str(value).strip()])
            mine = _numbers([each or "nan" for each in own], finite=False)
            if numbers is not None and mine is not None:
                middle = float(np.median(numbers))
                found |= {f"{name}<{middle:g}": mine < middle, f"{name}>={middle:g}": mine >= middle}
    return found


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


def by_covariate(found: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Groups as `groups` names them, by the covariate that they divide: those are compared with each other."""
    sorted_: dict[str, dict[str, np.ndarray]] = {}
    for name, own in found.items():
        covariate = re.split(r"=|<|>=", name, maxsplit=1)[0]
        sorted_.setdefault(covariate, {})[name] = own
    return sorted_


def _numbers(texts: Sequence[str], finite: bool = True) -> np.ndarray | None:
    """Texts as numbers; None if one is no number, or not a finite one where that is asked."""
    try:
        found = np.array([float(text) for text in texts])
    except ValueError:
        return None
    return found if not finite or np.isfinite(found).all() else None
