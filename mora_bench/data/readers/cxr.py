"""Reads Indiana University's chest X-rays as Kaggle publishes them: two csv tables and a folder of PNG files."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers import frames
from mora_bench.data.readers.links import named
from mora_bench.data.readers.paths import PictureFolder, find_folder, unique
from mora_bench.data.readers.texts import chest_text, words
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError

LABELS = (
    "Lung",
    "Opacity",
    "Cardiomegaly",
    "Calcinosis",
    "Pulmonary Atelectasis",
    "Calcified Granuloma",
    "Thoracic Vertebrae",
    "Cicatrix",
    "Spine",
    "Markings",
    "Pleural Effusion",
    "Aorta",
    "Diaphragm",
    "Density",
    "Atherosclerosis",
    "Deformity",
    "Airspace Disease",
    "Catheters, Indwelling",
    "Scoliosis",
    "Nodule",
)
#: The projections of the table, frontal first.
VIEWS = ("Frontal", "Lateral")
REPORTS, PROJECTIONS = "indiana_reports.csv", "indiana_projections.csv"
#: Rows whose texts are joined at once.
AT_ONCE = 20_000
COLUMNS = {REPORTS: ("uid", "Problems", "findings", "impression"), PROJECTIONS: ("uid", "filename", "projection")}


def find(root: Path) -> Path | None:
    """The reports table at or below `root`, the shallowest first."""
    files = named(root, REPORTS)
    return files[0] if files else None


@dataclass(frozen=True)
class PublishedTables:
    """Both tables as they were published.

    Attributes:
        file: the projections table, for messages; films: where they lie.
    """

    file: Path
    films: PictureFolder
    reports: pd.DataFrame
    projections: pd.DataFrame

    def film(self, uid: str, name: str) -> Path | None:
        """A film of the projections table, None if it is not there; UserError if its name leads out of the root."""
        return self.films.file(name, f"{self.file}, uid {uid}")


def published(root: Path) -> PublishedTables:
    """The tables below `root`.

    Raises:
        UserError: no table, unreadable table, absent column, duplicate uid or file name.
    """
    reports_file = find(root)
    if reports_file is None:
        raise UserError(f"{root}: no CXR table. Expected {REPORTS} and {PROJECTIONS} in it or in a folder below it.")
    reports = frames.frame(reports_file, COLUMNS[REPORTS])
    file = reports_file.with_name(PROJECTIONS)
    if not file.exists():
        raise UserError(f"{file}: absent. Kaggle's Indiana CXR has it beside {REPORTS}.")
    projections = frames.frame(file, COLUMNS[PROJECTIONS])
    unique(reports["uid"], reports_file)
    unique(projections["filename"], file)
    folder = find_folder(reports_file.parent, list(projections["filename"])) or root
    return PublishedTables(file, PictureFolder(root, folder), reports, projections)


def read(root: Path) -> Table:
    """Read the dataset below `root`: frontal films joined with reports on uid, as the released code of MoRA does.

    Rows whose findings and impression are both empty are dropped. A label is membership of `Problems`, split at ";".

    Raises:
        UserError: as `published`, or a file name leads out of `root`.
    """
    tables = published(root)
    frame = _frontal(tables)
    frame = frame[(frame["findings"].str.strip() + frame["impression"].str.strip()).astype(bool)]
    if frame.empty:
        raise UserError(
            f"{tables.file}: no row with projection 'Frontal' belongs to a report with findings or impression "
            f"in {REPORTS}. Download both tables again."
        )
    return _table(tables, frame)


def everybody(root: Path) -> Table:
    """As `read`, without dropping any row: where findings and impression are empty there is no text."""
    tables = published(root)
    table = _table(tables, _frontal(tables))
    text = Column("text", tuple(text or None for text in table.modalities["text"].values))
    return replace(table, modalities=table.modalities | {"text": text})


def _frontal(tables: PublishedTables) -> pd.DataFrame:
    frontal = tables.projections[tables.projections["projection"] == VIEWS[0]]
    return frontal.merge(tables.reports, on="uid", how="inner")


def _table(tables: PublishedTables, frame: pd.DataFrame) -> Table:
    paths = [tables.film(uid, name) for uid, name in zip(frame["uid"], frame["filename"], strict=True)]
    return Table(
        name="cxr",
        source="real",
        labels=LABELS,
        ids=tuple(frame["filename"]),
        patients=tuple(frame["uid"]),
        modalities={
            "text": Column("text", texts(frame)),
            "image": Column("image", tuple((None if path is None else PictureFile(path),) for path in paths)),
        },
        targets=targets(frame),
    )


def texts(frame: pd.DataFrame) -> tuple[str, ...]:
    """Findings and impression of each row as one text."""
    reports: list[str] = []
    # A part at a time, because pandas may hold text as Arrow does, of which each column would be copied whole.
    for start in range(0, len(frame), AT_ONCE):
        part = frame.iloc[start : start + AT_ONCE]
        both = zip(words(part["findings"]), words(part["impression"]), strict=True)
        reports += [chest_text(findings.strip(), impression.strip()) for findings, impression in both]
    return tuple(reports)


def targets(frame: pd.DataFrame) -> np.ndarray:
    """The labels of each row, uint8 [N, C]."""
    # By the number of each distinct value: a list of a million arrays would take a quarter of a gigabyte.
    numbers, values = pd.factorize(frame["Problems"])
    return np.stack([_labels(value) for value in values])[numbers]


def _labels(problems: str) -> np.ndarray:
    names = {problem.strip() for problem in problems.split(";")}
    return np.array([label in names for label in LABELS], np.uint8)
