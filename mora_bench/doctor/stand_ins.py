"""Pictures that stand for an absent one, and count as present: they show nothing, or several patients share them.

In a bag, as the slices of a volume are, empty ones are usual: there a sample is named if all its pictures are such.
"""

from collections.abc import Iterator, Set

import numpy as np

from mora_bench.data.table import Table
from mora_bench.doctor.near_album import Album
from mora_bench.doctor.placeholders import Placeholder
from mora_bench.text import listed, number_of

BLANK = "of one grey level"
#: Patients from which on one picture is none of theirs. What few share may be theirs: a film kept for each visit.
MANY = 20
#: Files that a line names.
NAMED = 3


def stand_ins(pictures: Album, blank: Set[int], table: Table) -> dict[int, str]:
    """The numbers of contents that stand for no picture, each with the reason.

    Args:
        blank: the numbers of contents of one grey level.
    """
    reasons = dict.fromkeys(sorted(blank), BLANK)
    holders: dict[int, set[str]] = {}
    for by_content in pictures.holders.values():
        for number, rows in by_content.items():
            holders.setdefault(number, set()).update(table.patients[row] for row in rows)
    for number, patients in holders.items():
        if len(patients) >= MANY:
            reasons.setdefault(number, f"the same picture of {number_of(len(patients), 'patient')}")
    return reasons


def placeholders(pictures: Album, reasons: dict[int, str], table: Table, ids: tuple[str, ...]) -> Iterator[Placeholder]:
    """One for each reason and modality.

    Args:
        ids: of the samples that `Placeholder.rows` is about, among which are those of the table.
    """
    for modality in table.names:
        held: dict[str, dict[int, list[int]]] = {}
        full: set[int] = set()
        for (name, place), by_content in pictures.holders.items():
            for number, rows in by_content.items() if name == modality else ():
                if number in reasons:
                    held.setdefault(reasons[number], {}).setdefault(number, []).extend(rows)
                elif place < 0:
                    full.update(rows)
        for why, contents in held.items():
            samples = {table.ids[row] for rows in contents.values() for row in rows if row not in full}
            if samples:
                files = listed([pictures.names[number] for number in contents], NAMED)
                yield Placeholder(modality, files, np.array([id in samples for id in ids]), why)
