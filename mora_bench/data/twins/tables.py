"""The twins as tables, and as files in the published layout of their originals.

Every sample is a pure function of (seed, dataset, index). A twin yields the same kind of table as a reader, and
`publish` writes it in the published layout, which the readers read back.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from mora_bench.data.readers import cxr as cxr_reader
from mora_bench.data.readers import odir as odir_reader
from mora_bench.data.readers.texts import chest_text, eye_text
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import cxr_patients, odir_patients

#: Change it whenever a twin's text, label or pixel changes (tests/data/test_twins.py pins a checksum).
VERSION = 2
SAMPLES = 1000
#: The numbers of the samples that every seed splits; those of `contract.APART` and above are drawn apart.
OWN = range(SAMPLES)
SEED = 0
#: Benchmark twins are stream 0; pre-training draws from stream 1.
STREAM = 0
#: The names of the twins.
NAMES = ("odir", "cxr")
#: What `publish` writes into a folder, by twin.
WRITTEN = {"odir": ("ODIR-5K",), "cxr": ("indiana_reports.csv", "indiana_projections.csv", "images")}


@dataclass(frozen=True)
class Drawing:
    """A picture that is drawn when it is read. `side`: 0 left eye or frontal film, 1 right eye or lateral film."""

    name: str
    index: int
    side: int = 0

    def read(self) -> np.ndarray:
        rng = np.random.default_rng([SEED, STREAM, 2 + NAMES.index(self.name), self.index, self.side])
        if self.name == "odir":
            return odir_patients.draw(rng, _eye(self.index), self.side)
        return (cxr_patients.draw_beside if self.side else cxr_patients.draw)(rng, _chest(self.index))

    def fingerprint(self) -> str:
        return f"twin {VERSION} {SEED} {self.name} {self.index} {self.side}"


# What is drawn of a patient hangs on the number alone; commands that read a twin anew draw it once.
@lru_cache(maxsize=1 << 14)
def _eye(index: int) -> odir_patients.EyeCase:
    return odir_patients.case(np.random.default_rng([SEED, STREAM, 0, index]))


@lru_cache(maxsize=1 << 14)
def _chest(index: int) -> cxr_patients.ChestCase:
    return cxr_patients.case(np.random.default_rng([SEED, STREAM, 1, index]))


def odir(numbers: range = OWN) -> Table:
    """The ODIR twin: patients with two eyes, keywords, age and sex."""
    patients = [_eye(i) for i in numbers]
    return Table(
        name="odir",
        source="twin",
        labels=odir_reader.LABELS,
        ids=tuple(str(i) for i in numbers),
        patients=tuple(str(i) for i in numbers),
        modalities={
            "text": Column("text", tuple(eye_text(*p.keywords) for p in patients)),
            "image": Column("image", tuple((Drawing("odir", i, 0), Drawing("odir", i, 1)) for i in numbers)),
        },
        targets=np.array([p.labels for p in patients], np.uint8),
        covariates={"age": tuple(str(p.age) for p in patients), "sex": tuple(p.sex for p in patients)},
    )


def cxr(numbers: range = OWN) -> Table:
    """The CXR twin: one frontal film and one report per patient."""
    patients = [_chest(i) for i in numbers]
    return Table(
        name="cxr",
        source="twin",
        labels=cxr_reader.LABELS,
        ids=tuple(_film_name(i) for i in numbers),
        patients=tuple(str(i + 1) for i in numbers),
        modalities={
            "text": Column("text", tuple(chest_text(p.findings, p.impression) for p in patients)),
            "image": Column("image", tuple((Drawing("cxr", i),) for i in numbers)),
        },
        targets=np.array([p.labels for p in patients], np.uint8),
    )


def cxr_views(numbers: range = OWN) -> Table:
    """The CXR twin with a lateral film besides: one sample per patient, three modalities."""
    table = cxr(numbers)
    films = {
        view.lower(): Column("bag", tuple((Drawing("cxr", i, side),) for i in numbers))
        for side, view in enumerate(cxr_reader.VIEWS)
    }
    return replace(table, name="cxr-views", ids=table.patients, modalities=films | {"report": table.modalities["text"]})


def publish(name: str, folder: Path, samples: int) -> None:
    """Write a twin in the layout its original is published in, pictures as PNG under their published names."""
    if name == "odir":
        _publish_odir(folder, samples)
    else:
        _publish_cxr(folder, samples)


def _publish_odir(folder: Path, samples: int) -> None:
    images = folder / "ODIR-5K" / "Training Images"
    images.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(samples):
        patient = _eye(i)
        names = [f"{i}_left.jpg", f"{i}_right.jpg"]
        for side, name in enumerate(names):
            # PNG content under the published name: Pillow reads by content, and nothing is lost to compression.
            Image.fromarray(Drawing("odir", i, side).read()).save(images / name, format="PNG")
        rows.append([i, patient.age, patient.sex, *names, *patient.keywords, *patient.labels])
    columns = ["ID", "Patient Age", "Patient Sex", "Left-Fundus", "Right-Fundus"]
    columns += ["Left-Diagnostic Keywords", "Right-Diagnostic Keywords", *odir_reader.LABELS]
    pd.DataFrame(rows, columns=columns).to_excel(
        folder / "ODIR-5K" / "ODIR-5K_Training_Annotations(Updated)_V2.xlsx", index=False
    )


def _film_name(index: int, side: int = 0) -> str:
    return f"{index + 1}_IM-{index:04d}-{(1001, 2001)[side]}.dcm.png"


def _publish_cxr(folder: Path, samples: int) -> None:
    images = folder / "images" / "images_normalized"
    images.mkdir(parents=True, exist_ok=True)
    reports, projections = [], []
    for i in range(samples):
        patient = _chest(i)
        problems = [label for label, yes in zip(cxr_reader.LABELS, patient.labels, strict=True) if yes]
        for side, view in enumerate(cxr_reader.VIEWS):
            Image.fromarray(Drawing("cxr", i, side).read()).save(images / _film_name(i, side))
            projections.append([i + 1, _film_name(i, side), view])
        reports.append([i + 1, ";".join(problems) or "normal", patient.findings, patient.impression])
    pd.DataFrame(reports, columns=["uid", "Problems", "findings", "impression"]).to_csv(
        folder / "indiana_reports.csv", index=False
    )
    pd.DataFrame(projections, columns=["uid", "filename", "projection"]).to_csv(
        folder / "indiana_projections.csv", index=False
    )
