"""ODIR as a multi-class question: how many kinds of disease a patient has."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mora_bench.data.contract import Dataset
from mora_bench.data.readers import odir
from mora_bench.data.table import Table
from mora_bench.data.twins import tables as twins

GRADES = ("none", "one", "several")


def graded(table: Table) -> Table:
    """The same patients with one grade each: the number of labels other than N, two and more as one."""
    diseases = [label != "N" for label in table.labels]
    grade = np.minimum(table.targets[:, diseases].sum(1), len(GRADES) - 1)
    targets = np.eye(len(GRADES), dtype=np.uint8)[grade]
    return replace(table, name="odir-grade", labels=GRADES, targets=targets, task="multi-class")


def read(root: Path) -> Table:
    """ODIR below `root`, graded; raises as `odir.read` does."""
    return graded(odir.read(root))


def twin() -> Table:
    """The ODIR twin, graded."""
    return graded(twins.odir())


ODIR_GRADE = Dataset(
    "ODIR-5K: how many kinds of disease a patient has: none, one, several", odir.find, read, twin, odir.SOURCE
)
