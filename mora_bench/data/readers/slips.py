"""What in a table of one's own may be a slip, in sentences for the user."""

from __future__ import annotations

import numpy as np

from mora_bench import registry
from mora_bench.data.readers.measured import MOSTLY, Measured
from mora_bench.data.readers.targets import Targets

#: A column of more kinds of values than these is not held against labels.
MOST_KINDS = 10
#: In fewer rows a column may say by chance who has a label.
FEWEST_ROWS = 20


def hardly_repeats(measurement: Measured) -> bool:
    """Whether a column of categories has over half as many of them as cells, of at least 20."""
    filled = [value for value in measurement.values if value is not None]
    return measurement.kind == "category" and len(filled) >= FEWEST_ROWS and len({*filled}) > MOSTLY * len(filled)


def tells(measurement: Measured, labelled: Targets) -> list[str]:
    """Which labels a column gives away: those that each of its values, of two to ten, has always or never. Its
    rows are those that are kept."""
    if registry.made(registry.TASKS, labelled.task).columns:
        return []
    values = np.array([str(value) for value in measurement.values], object)
    masks = {value: values == value for value in {*values} - {"None"}}
    if not 2 <= len(masks) <= MOST_KINDS or len(values) < FEWEST_ROWS:
        return []
    sentences = []
    for label, target in zip(labelled.labels, labelled.values[labelled.kept].T, strict=True):
        shares = [target[mask].mean() for mask in masks.values()]
        if {*shares} == {0.0, 1.0}:
            sentences.append(f"says who has label {label!r}, and who has not")
    return sentences
