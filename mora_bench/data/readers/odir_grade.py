"""ODIR as a multi-class question: how many kinds of disease a patient has."""

from dataclasses import replace

import numpy as np

from mora_bench.data.datasets import ODIR
from mora_bench.data.table import Table

GRADES = ("none", "one", "several")


def graded(table: Table) -> Table:
    """The same patients with one grade each: the number of labels other than N, two and more as one."""
    diseases = [label != "N" for label in table.labels]
    grade = np.minimum(table.targets[:, diseases].sum(1), len(GRADES) - 1)
    targets = np.eye(len(GRADES), dtype=np.uint8)[grade]
    return replace(table, name="odir-grade", labels=GRADES, targets=targets, task="multi-class")


ODIR_GRADE = ODIR.seen_as("ODIR-5K: how many kinds of disease a patient has: none, one, several", graded)
