"""The JSON documents of one kind below a results folder: a file each, or packed into one.

FOLDER/KIND/NAME.json     what a grid writes
FOLDER/KIND.parquet       these files as `pack` joins them; a loose file comes before a packed document of its name
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench.errors import UserError
from mora_bench.files import write_atomic

if TYPE_CHECKING:
    from mora_bench.records.pack import Pack

#: Names of documents: those that can be a file's name in this folder, and nowhere else.
NAME = re.compile(r"[^./\\\0][^/\\\0]*")


@dataclass(frozen=True)
class Refused:
    """A file that is not as it should be, and the fault of it."""

    file: Path
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.why}"


@dataclass(frozen=True)
class Documents:
    """The documents of one kind: "records", "scores", "splits" or "masks"."""

    folder: Path
    kind: str

    @property
    def loose(self) -> Path:
        """The folder of documents that have a file each."""
        return self.folder / self.kind

    @property
    def packed(self) -> Path:
        """The file of the packed documents."""
        return self.folder / f"{self.kind}.parquet"

    def file(self, name: str) -> Path:
        """The loose file of a document, whether it exists or not."""
        return self.loose / f"{name}.json"

    def where(self, name: str) -> Path:
        """The file that holds a document, for messages: its own, unless it is packed."""
        pack = None if taken(self.file(name)) else self.pack()
        return self.packed if pack is not None and name in pack.index.documents else self.file(name)

    def refused(self, name: str, why: str) -> Refused:
        """A document that is not as it should be."""
        where = self.where(name)
        return Refused(where, why if where != self.packed else f"{name}: {why}")

    def pack(self) -> Pack | None:
        """The packed documents, if there are any and they can be read."""
        opened = _opened(self.packed)
        return None if isinstance(opened, Refused) else opened

    def check_packed(self, without: Iterable[str] = ()) -> None:
        """Refuse a packed file that has lost documents without a loose file; some names do not count.

        Raises:
            UserError: it cannot be read, or documents in it are not what was written.
        """
        opened = _opened(self.packed)
        if isinstance(opened, Refused):
            raise UserError(f"{opened}.")
        lost = sorted(name for name in (opened.damaged if opened else ()) if not taken(self.file(name)))
        lost = [name for name in lost if name not in without]
        if lost:
            raise UserError(
                f"{self.packed}: {len(lost)} documents in it are damaged (wrong digest), the first is {lost[0]}. "
                "Compute these cells again, with the same grid command, or take a copy of the file."
            )

    def files(self) -> list[Path]:
        """The loose files of documents, by name."""
        return [self.file(name) for name in sorted(self.loose_names())]

    def loose_names(self) -> set[str]:
        """The names of documents that have a loose file, whatever that is."""
        try:
            return {name.removesuffix(".json") for name in os.listdir(self.loose) if name.endswith(".json")}
        except OSError:
            return set()

    def names(self) -> set[str]:
        """The names of all documents, packed ones that are lost left out."""
        return self.loose_names() | {*(self.pack() or ())}

    def read(self, name: str) -> bytes | Refused | None:
        """A document; None if there is none."""
        if not NAME.fullmatch(name):
            return None
        file = self.file(name)
        if taken(file):
            return _content(file)
        pack = self.pack()
        if pack is None or name not in pack.index.documents:
            return None
        return next(self._unpacked(pack, [name]))[1]

    def all(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, bytes | Refused]]:
        """Every document, or those of some names, in the order of their names; lost ones and no documents, too."""
        loose = {name: self.file(name) for name in self.loose_names()}
        opened = _opened(self.packed)
        wanted = None if names is None else set(names)
        if isinstance(opened, Refused):
            yield self.packed.stem, opened
        pack = None if isinstance(opened, Refused) else opened
        packed = [] if pack is None else [name for name in pack.index.documents if name not in loose]
        if wanted is not None:
            packed, loose = [n for n in packed if n in wanted], {n: f for n, f in loose.items() if n in wanted}
        waiting = sorted(loose, reverse=True)
        for name, content in self._unpacked(pack, sorted(packed)) if pack is not None else ():
            while waiting and waiting[-1] < name:
                yield waiting[-1], _content(loose[waiting.pop()])
            yield name, content
        for name in reversed(waiting):
            yield name, _content(loose[name])

    def _unpacked(self, pack: Pack, names: list[str]) -> Iterator[tuple[str, bytes | Refused]]:
        sound = [name for name in names if name in pack]
        unpacked = pack.documents(sound)
        for name in names:
            if name in pack:
                _, content = next(unpacked)
                yield name, Refused(self.packed, f"{name}: {content}") if isinstance(content, ValueError) else content
            else:
                yield name, Refused(self.packed, f"{name}: lost, because its bytes are not what was written")

    def write(self, name: str, content: bytes) -> None:
        write_atomic(self.file(name), content)

    def remove(self, name: str) -> None:
        """Remove a document's loose file, if it has one."""
        self.file(name).unlink(missing_ok=True)


def taken(file: Path) -> bool:
    """Whether a name is taken, be it by a link that leads nowhere."""
    return file.exists() or file.is_symlink()


def _content(file: Path) -> bytes | Refused:
    """The content of a plain file; that of another, a device say, might never end."""
    try:
        if file.exists() and not file.is_file():
            return Refused(file, "it is a folder" if file.is_dir() else "not a plain file; it is left out")
        return file.read_bytes()
    except OSError as error:
        return Refused(file, f"cannot be read ({error.strerror or error})")


def _opened(file: Path) -> Pack | Refused | None:
    """A packed file; None if there is none."""
    try:
        now = file.stat()
    except OSError:
        return None
    return _of_version(file, (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns))


@lru_cache(maxsize=8)
def _of_version(file: Path, version: tuple[int, ...]) -> Pack | Refused:
    from mora_bench.records.pack import Pack

    try:
        return Pack(file.read_bytes())
    except (OSError, ValueError) as error:
        return Refused(file, f"{error}; what was packed into it is lost: compute these cells again, or take a copy")


def plain_files(folder: Path, suffix: str) -> set[str]:
    """The names, without their suffix, of the plain files in a folder and of links to such, of thousands at once."""
    try:
        with os.scandir(folder) as files:
            return {file.name.removesuffix(suffix) for file in files if file.name.endswith(suffix) and _plain(file)}
    except OSError:
        return set()


def _plain(file: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        # A link that leads to itself is an error.
        return file.is_file()
    return False


def plain_content(file: Path) -> bytes:
    """The content of a plain file of somebody else's folder; no link is followed, and what is no file never waited for.

    Raises:
        UserError: it is absent, a link, in a folder that is a link, or no plain file.
    """
    try:
        if file.parent.is_symlink():
            raise UserError(f"{file.parent}: a link; copy what it leads to in its place.")
        opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as stream:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise UserError(f"{file}: not a plain file.")
            return stream.read()
    except OSError as error:
        what = "a link; copy what it leads to in its place" if file.is_symlink() else error.strerror or str(error)
        raise UserError(f"{file}: {what}.") from None
