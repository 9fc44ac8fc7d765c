"""The file of samples that no split should part, which `data --groups FILE` reads."""

import csv
import io
from collections import defaultdict
from pathlib import Path

from mora_bench.data.table import Table
from mora_bench.doctor.copies import linked
from mora_bench.doctor.looks import Diagnosis
from mora_bench.doctor.questions import all_samples
from mora_bench.doctor.repeats import repeats
from mora_bench.files import write_atomic

COLUMNS = ("id", "group")


def write(file: Path, table: Table, diagnosis: Diagnosis, same_text: bool = False) -> int:
    """Write the id and the group of every sample whose patient must not be parted from another one; how many.

    Args:
        same_text: whether patients of whom the same whole text is written must not be parted either.
    """
    links = [(pair.first, pair.second) for pair in diagnosis.pairs]
    links += [(files[0][0], patient) for files in diagnosis.shared for patient, _ in files[1:]]
    names = [n for n, column in table.modalities.items() if column.kind == "text"] if same_text else []
    texts = [seen.names for n in names if (seen := repeats(all_samples(table), n)) is not None]
    together = linked(table, links, texts)
    patients = defaultdict(set)
    for group, patient in zip(together, table.patients, strict=True):
        patients[group].add(patient)
    rows = [(id, group) for id, group in zip(table.ids, together, strict=True) if len(patients[group]) > 1]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    write_atomic(file, text.getvalue().encode())
    return len(rows)
