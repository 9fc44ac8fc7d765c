"""A dataset as published: ids, texts, labels, and where each sample's picture comes from. Nothing is decoded yet."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, Self

import numpy as np
import pandas as pd

from mora_bench.data.modalities import pictures as images
from mora_bench.errors import UserError

#: Change it when a reader turns the same files into other samples.
READER_VERSION = 1


class Picture(Protocol):
    """One picture of a sample (ODIR has two a sample, left and right)."""

    def read(self) -> np.ndarray:
        """Decode to uint8 [H, W, 3]."""

    def fingerprint(self) -> str:
        """A string that changes when the picture does."""


@dataclass(frozen=True)
class PictureFile:
    """A picture on disk."""

    path: Path

    def read(self) -> np.ndarray:
        return images.read(self.path)

    def fingerprint(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Table:
    """N samples with C labels.

    Attributes:
        name: "odir" or "cxr".
        source: whether these are patients or the project's own drawings.
        labels: the C class names.
        ids: N unique names, as the dataset calls its samples.
        groups: N patient names; samples of one patient never fall on two sides of a split.
        texts: N texts, None where a sample has none.
        pictures: N tuples of pictures, None where a file is absent (*natural* missingness).
        targets: uint8 [N, C], 0 or 1.
        covariates: N values a name, e.g. age.
    """

    name: str
    source: Literal["real", "twin"]
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    texts: tuple[str | None, ...]
    pictures: tuple[tuple[Picture | None, ...], ...]
    targets: np.ndarray
    covariates: dict[str, tuple]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def present(self) -> np.ndarray:
        """bool [N, 2] (text, image): what really exists. An image counts when at least one of its pictures does."""
        text = [t is not None for t in self.texts]
        image = [any(p is not None for p in pictures) for pictures in self.pictures]
        return np.array([text, image]).T

    def only(self, rows: np.ndarray) -> Self:
        """The samples of the given row numbers."""
        if len(rows) == len(self):
            return self

        def chosen(values: tuple) -> tuple:
            return tuple(values[row] for row in rows)

        return replace(
            self,
            ids=chosen(self.ids),
            groups=chosen(self.groups),
            texts=chosen(self.texts),
            pictures=chosen(self.pictures),
            targets=self.targets[rows],
            covariates={name: chosen(values) for name, values in self.covariates.items()},
        )

    def fingerprint(self, memo: "HashMemo | None" = None) -> str:
        """sha256 (16 hex digits) over everything that reaches a model or a score, picture contents included."""
        digest = hashlib.sha256()
        head = [READER_VERSION, self.name, self.source, self.labels, self.ids, self.groups, self.texts]
        digest.update(json.dumps(head).encode())
        digest.update(np.ascontiguousarray(self.targets, np.uint8).tobytes())
        for pictures in self.pictures:
            for picture in pictures:
                content = "absent" if picture is None else memo.of(picture) if memo else picture.fingerprint()
                digest.update(content.encode())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Dataset:
    """What an entry point of the group `mora_bench.datasets` names.

    Attributes:
        title: for `list`.
        find: its table at or below a data root, or None.
        read: the samples below a data root.
        twin: samples that need no data, or None if there are none: it then runs with --data-root only.
    """

    title: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path], Table]
    twin: Callable[[], Table] | None = None


class HashMemo:
    """Remembers file hashes by (path, size, modification time), so that a data root is hashed once, not every run."""

    def __init__(self, file: Path):
        self.file = file
        self.known: dict[str, str] = {}
        if file.exists():
            try:
                self.known = json.loads(file.read_text())
            except ValueError:
                file.unlink()
        self.fresh = False

    def of(self, picture: Picture) -> str:
        if not isinstance(picture, PictureFile):
            return picture.fingerprint()
        stat = picture.path.stat()
        key = f"{picture.path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in self.known:
            self.known[key] = picture.fingerprint()
            self.fresh = True
        return self.known[key]

    def save(self) -> None:
        if self.fresh:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.file.with_suffix(".tmp")
            temporary.write_text(json.dumps(self.known))
            temporary.replace(self.file)


def inside(root: Path, folder: Path, name: str, where: str) -> Path:
    """`folder / name`, refused when a name out of a table would lead out of the data root.

    Raises:
        UserError: naming `where` (file and row) the name stands.
    """
    path = folder / name
    if Path(name).name != name or not path.resolve().is_relative_to(root.resolve()):
        raise UserError(f"{where}: {name!r} is not a plain file name inside {root}. Correct the table.")
    return path


def find_folder(root: Path, names: Sequence[str]) -> Path | None:
    """The folder at or below `root` that holds the most of `names`; ties go to the shallower, then alphabetically."""
    wanted = set(names)
    found: list[tuple[int, int, str]] = []
    for folder, _, files in os.walk(root):
        count = len(wanted.intersection(files))
        if count:
            found.append((-count, len(Path(folder).parts), folder))
    return Path(min(found)[2]) if found else None


def unique(column: pd.Series, file: Path) -> None:
    """Raise UserError where a column repeats a value, naming both rows (as a spreadsheet numbers them)."""
    repeated = column[column.duplicated()]
    if len(repeated):
        value = repeated.iloc[0]
        first, second = (column.index[column == value][:2] + 2).tolist()
        raise UserError(
            f"{file}, row {second}: {column.name} {value!r} stands in row {first} too. "
            f"Every {column.name} must be unique: delete or rename one of the rows."
        )
