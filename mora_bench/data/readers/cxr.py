"""Reads Indiana University's chest X-rays as Kaggle publishes them: two csv tables and a folder of PNG files."""

from pathlib import Path

import numpy as np
import pandas as pd

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers.paths import filled, find_folder, inside, unique
from mora_bench.data.readers.texts import chest_text
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
REPORTS, PROJECTIONS = "indiana_reports.csv", "indiana_projections.csv"
COLUMNS = {REPORTS: ("uid", "Problems", "findings", "impression"), PROJECTIONS: ("uid", "filename", "projection")}


def find(root: Path) -> Path | None:
    """The reports table at or below `root`, the shallowest first."""
    files = sorted(root.rglob(REPORTS), key=lambda f: (len(f.parts), str(f)))
    return files[0] if files else None


def read(root: Path) -> Table:
    """Read the dataset below `root`: frontal films joined with reports on uid, as the released code of MoRA does.

    Rows whose findings and impression are both empty are dropped. A label is membership of `Problems`, split at ";".

    Raises:
        UserError: no table, unreadable table, absent column, duplicate uid or file name, or a file name that leads
            out of `root`.
    """
    reports_file = find(root)
    if reports_file is None:
        raise UserError(f"{root}: no CXR table. Expected {REPORTS} and {PROJECTIONS} in it or in a folder below it.")
    reports = _frame(reports_file)
    projections_file = reports_file.with_name(PROJECTIONS)
    projections = _frame(projections_file)
    unique(reports["uid"], reports_file)
    unique(projections["filename"], projections_file)
    frontal = projections[projections["projection"] == "Frontal"]
    frame = frontal.merge(reports, on="uid", how="inner")
    texts = [chest_text(f.strip(), i.strip()) for f, i in zip(frame["findings"], frame["impression"], strict=True)]
    frame = frame[[bool(text) for text in texts]]
    if frame.empty:
        raise UserError(
            f"{projections_file}: no row with projection 'Frontal' belongs to a report with findings or impression "
            f"in {reports_file.name}. Download both tables again."
        )
    problems = [{p.strip() for p in value.split(";")} for value in frame["Problems"]]
    folder = find_folder(reports_file.parent, list(frame["filename"])) or root
    paths = [
        inside(root, folder, name, f"{projections_file}, uid {uid}")
        for uid, name in zip(frame["uid"], frame["filename"], strict=True)
    ]
    return Table(
        name="cxr",
        source="real",
        labels=LABELS,
        ids=tuple(frame["filename"]),
        patients=tuple(frame["uid"]),
        modalities={
            "text": Column("text", tuple(text for text in texts if text)),
            "image": Column("image", tuple((PictureFile(path) if path.is_file() else None,) for path in paths)),
        },
        targets=np.array([[label in found for label in LABELS] for found in problems], np.uint8),
    )


def _frame(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise UserError(f"{file}: absent. Kaggle's Indiana CXR has it beside {REPORTS}.")
    try:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise UserError(f"{file}: not a readable table ({error}). Download it again.") from error
    absent = [column for column in COLUMNS[file.name] if column not in frame.columns]
    if absent:
        raise UserError(f"{file}: no column {', '.join(map(repr, absent))}. Found: {', '.join(frame.columns)}.")
    return filled(frame, file)
