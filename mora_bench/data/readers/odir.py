"""Reads ODIR-5K as published: the challenge's xlsx or Kaggle's `full_df.csv`, images wherever that layout puts them."""

from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers import frames
from mora_bench.data.readers.links import named
from mora_bench.data.readers.odir_same_eyes import same_eyes
from mora_bench.data.readers.paths import PictureFolder, find_folder, unique
from mora_bench.data.readers.texts import eye_text, words
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError

SOURCE = "odir2019.grand-challenge.org"
LABELS = ("N", "D", "G", "C", "A", "H", "M", "O")
TABLES = ("ODIR-5K_Training_Annotations(Updated)_V2.xlsx", "data.xlsx", "full_df.csv")
LEFT, RIGHT = "Left-Fundus", "Right-Fundus"
LEFT_WORDS, RIGHT_WORDS = "Left-Diagnostic Keywords", "Right-Diagnostic Keywords"
AGE, SEX = "Patient Age", "Patient Sex"
#: The mark of an unknown age: 16 of the 3,500 patients are said to be one year old, and the next youngest is 14.
UNKNOWN_AGE = "1"
COLUMNS = ("ID", AGE, SEX, LEFT, RIGHT, LEFT_WORDS, RIGHT_WORDS, *LABELS)


def find(root: Path) -> Path | None:
    """The annotation table at or below `root`: the xlsx before the csv, the shallowest first."""
    for name in TABLES:
        files = named(root, name)
        if files:
            return files[0]
    return None


def read(root: Path) -> Table:
    """Read the dataset below `root`. Patients whose eyes are the same are inseparable; an age of 1 is unknown, "".

    Raises:
        UserError: no table, unreadable table, absent column, duplicate id, label other than 0 or 1, or a file name
            that leads out of `root`.
    """
    file = find(root)
    if file is None:
        raise UserError(f"{root}: no ODIR table. Expected one of {', '.join(TABLES)} in it or in a folder below it.")
    frame = frames.frame(file, COLUMNS)[list(COLUMNS)]
    if file.suffix == ".csv":
        # Kaggle's table has one row per eye; the patient's own columns are the same in both.
        frame = frame.drop_duplicates()
    unique(frame["ID"], file)
    _check_labels(frame, file)
    folder = find_folder(file.parent, [*frame[LEFT], *frame[RIGHT]]) or find_folder(root, [*frame[LEFT], *frame[RIGHT]])
    files = PictureFolder(root, folder or root)
    pictures = tuple(
        tuple(_picture(files, name, f"{file}, ID {id[:80]}") for name in names)
        for id, *names in frame[["ID", LEFT, RIGHT]].itertuples(index=False)
    )
    texts = tuple(
        eye_text(left, right) if left.strip() or right.strip() else None
        for left, right in zip(words(frame[LEFT_WORDS]), words(frame[RIGHT_WORDS]), strict=True)
    )
    together = same_eyes(frame)
    return Table(
        name="odir",
        source="real",
        labels=LABELS,
        ids=tuple(frame["ID"]),
        patients=tuple(frame["ID"]),
        modalities={"text": Column("text", texts), "image": Column("image", pictures)},
        targets=frame[list(LABELS)].to_numpy().astype(np.uint8),
        covariates={"age": tuple(frame[AGE].replace(UNKNOWN_AGE, "")), "sex": tuple(frame[SEX])},
        inseparable=(together,) if any(together) else (),
    )


def _check_labels(frame: pd.DataFrame, file: Path) -> None:
    for label in LABELS:
        wrong = frame[~frame[label].isin(["0", "1"])]
        if len(wrong):
            id, value = wrong["ID"].iloc[0][:80], wrong[label].iloc[0][:80]
            raise UserError(f"{file}, ID {id}: label {label} is {value!r}, expected 0 or 1. Correct the table.")


def _picture(files: PictureFolder, name: str, where: str) -> PictureFile | None:
    path = files.file(name, where) if name else None
    return None if path is None else PictureFile(path)
