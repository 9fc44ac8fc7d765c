"""Tables in which nothing tells a label, and what a test plants in them."""

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.table import Column, Table
from mora_bench.doctor import looks
from mora_bench.doctor.near_thumbnails import Thumbnails


def no_pictures_alike(monkeypatch) -> None:
    """Leave out the look at pictures, which reads them all and has tests of its own."""
    monkeypatch.setattr(looks, "thumbnails", lambda *_: Thumbnails(np.empty((0, 1, 1), np.uint8)))
    monkeypatch.setattr(looks.near_duplicates, "near_duplicates", lambda *_: [])


WORDS = tuple(
    f"{a}{b}{c}" for a in ("bor", "lin", "mat", "rus", "vel") for b in "aeiou" for c in ("dent", "ker", "plo")
)


@dataclass(frozen=True)
class Noise:
    """A picture that is nobody's."""

    number: int

    def read(self) -> np.ndarray:
        return np.random.default_rng(self.number).integers(0, 256, (24, 24, 3), np.uint8)

    def fingerprint(self) -> str:
        return f"noise {self.number}"


def sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(WORDS, words)) + "."


def clean(seed: int, n: int = 600, labels: int = 4, a_patient: int = 1, ids: str = "number", **changes) -> Table:
    """`n` samples whose labels depend on the patient and on nothing else that is there.

    Args:
        a_patient: samples of a patient at most; what a patient has, the labels too, is alike in all of them.
        ids: "number", "uuid", "huge" or "name".
    """
    rng = np.random.default_rng([seed, n, labels])
    owner = np.sort(rng.integers(0, max(n // a_patient, 1), n)) if a_patient > 1 else np.arange(n)
    people = owner.max() + 1
    shares = rng.uniform(0.08, 0.6, labels)
    age, sex = rng.normal(60, 12, people).round().astype(int), rng.choice(["f", "m"], people)
    parts = rng.integers(0, 3, people)
    names = {
        "number": [str(k + 1) for k in range(n)],
        "uuid": [str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(n)],
        "huge": [str(10**40 + int(k)) for k in rng.permutation(n)],
        "name": [f"site {k % 3}/{k:05}" for k in range(n)],
    }[ids]
    table = Table(
        name="planted",
        source="real",
        labels=tuple(f"label {k}" for k in range(labels)),
        ids=tuple(names),
        patients=tuple(f"p{k}" for k in owner),
        modalities={
            "text": Column("text", tuple(sentence(rng, rng.integers(6, 20)) for _ in range(n))),
            "film": Column(
                "bag", tuple(tuple(Noise(10 * k + p) for p in range(parts[o])) for k, o in enumerate(owner))
            ),
        },
        targets=(rng.random((people, labels)) < shares)[owner].astype(np.uint8),
        covariates={"age": tuple(str(age[o]) for o in owner), "sex": tuple(str(sex[o]) for o in owner)},
    )
    return replace(table, **changes)


def where(table: Table, label: int = 0) -> np.ndarray:
    """bool [n]: who has a label."""
    return table.targets[:, label].astype(bool)


def often(rng: np.random.Generator, target: np.ndarray, with_label: float, without: float) -> np.ndarray:
    """bool [n], True with one chance where there is a label, with another where there is none."""
    return rng.random(len(target)) < np.where(target, with_label, without)


def mixed(table: Table) -> Table:
    """The same samples in another order."""
    rows = np.random.default_rng(0).permutation(len(table))
    # `only` takes as many rows as there are for all of them.
    return table.only(np.append(rows, 0)).only(np.arange(len(table)))


def with_text(table: Table, texts: list[str | None]) -> Table:
    return replace(table, modalities=table.modalities | {"text": Column("text", tuple(texts))})


def with_files(table: Table, folder: Path, contents: list[bytes], suffix: str = ".bin") -> Table:
    """The table with a file of these contents for each sample, as an image."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for k, content in enumerate(contents):
        path = folder / f"{k}{suffix}"
        path.write_bytes(content)
        files.append((PictureFile(path),))
    return replace(table, modalities=table.modalities | {"film": Column("image", tuple(files))})
