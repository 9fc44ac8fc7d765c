"""Patients of ODIR-5K that are one and the same: the same eyes stand in the public table under several IDs.

How they were found: pictures of the same side were compared with each other, after the mean of a neighbourhood was
taken off and its spread divided out, over small shifts and turns, and both eyes of every candidate were held against
each other (docs/datasets.md). Each group was looked at; the last two are likely rather than certain. No two files are
equal byte for byte; ages, sexes and labels of a group often differ.
"""

import hashlib
from collections.abc import Sequence

import pandas as pd

#: Each ID beside four digits of its row, by which the public table is known again.
Known = dict[str, str]
GROUPS: tuple[Known, ...] = (
    {"352": "7f49", "973": "7459"},
    {"2487": "4633", "3185": "99e0"},
    {"28": "24f3", "32": "3477", "229": "114c", "765": "fff4", "4037": "f79b"},
    {"271": "e841", "282": "56e6", "398": "240e", "668": "3e0a"},
    {"31": "239d", "105": "8e96"},
    {"1109": "009d", "1166": "5cda"},
    {"4317": "3565", "4398": "93f7"},
    {"719": "ba70", "821": "7883"},
    {"4296": "3a4c", "4419": "e0bd"},
    {"4105": "4e27", "4484": "fcbe"},
    {"321": "1716", "1043": "75d2"},
    {"1309": "caf4", "3078": "ff2f"},
    {"2365": "ca45", "3047": "023d"},
    {"4330": "8fed", "4552": "4122"},
    {"648": "385a", "1142": "c827"},
    {"249": "42c0", "569": "f531"},
    {"4472": "631c", "4553": "f75e"},
    {"3282": "a747", "4240": "53ca"},
)
#: The columns that the digits are of, beside the ID.
ROW = ("Patient Age", "Patient Sex", "Left-Diagnostic Keywords", "Right-Diagnostic Keywords")
#: The share of the listed IDs of a table whose rows must be those of the public table.
ENOUGH = 0.5


def same_eyes(frame: pd.DataFrame) -> tuple[str, ...]:
    """Of each of N rows the name of its group, "" for none: the first ID of the list, if the table holds two of them.

    IDs are plain numbers, which somebody else's table has too. So the list holds only if at least half of its IDs that
    are in the table stand in the rows that they stand in where it was published.

    Args:
        frame: ODIR's table, a row a patient, with the columns "ID" and `ROW` as text.
    """
    listed = {id: digits for group in GROUPS for id, digits in group.items()}
    rows = frame[frame["ID"].isin(listed)]
    known = [_digits(row) == listed[row[0]] for row in rows[["ID", *ROW]].itertuples(index=False, name=None)]
    if sum(known) < ENOUGH * max(len(known), 1):
        return ("",) * len(frame)
    present_ids = set(rows["ID"])
    name = {id: next(iter(group)) for group in GROUPS if len(present_ids & group.keys()) > 1 for id in group}
    return tuple(name.get(id, "") for id in frame["ID"])


def _digits(row: Sequence[str]) -> str:
    """Four hex digits of an ID and its `ROW`: enough to know a row again, too few to say what stands in it."""
    return hashlib.blake2b("\n".join(row).encode(), digest_size=2).hexdigest()
