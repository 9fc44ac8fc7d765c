"""Claims on cells, so that any number of grids share one results folder and no cell runs twice.

leases/KE/KEY.GENERATION       held by the process that the file names; the highest generation counts

A lease is had by making its file, which the system lets one process do alone, also on file systems that machines share.
Its holder changes a number in the file every few seconds. Whoever sees by its own monotonic clock that the number has
not changed for `EXPIRES` seconds opens the next generation; clocks of two machines are never compared. A holder that
has died on this machine is found out at once, and so is a lease of a cluster's job that is known to have ended. Once a
cell has its record, its leases are removed.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import msgspec

from mora_bench.files import machine
from mora_bench.workers import begun, lives

#: Seconds without a beat until a lease is anybody's; and the most between two beats.
EXPIRES, BEAT = 60.0, 5.0
#: Beats overwrite a file of this many bytes in place, which a full disk allows.
SIZE = 512
#: The content of a generation that was opened because the one before it had expired.
FREE = "free"


@dataclass(frozen=True)
class Holder:
    """Who runs a cell: `machine` tells hosts of one name, and containers of one host, apart; `job` names a cluster's
    job, of which one process at a time runs; `expires` is how long its holder asks to be believed, in seconds."""

    host: str
    machine: str
    process: int
    begun: float
    token: str
    beat: int = 0
    job: str = ""
    expires: float = EXPIRES

    @property
    def dead(self) -> bool:
        """Whether it is known to have ended; of other machines nothing is known."""
        return self.machine == machine() and not lives(self.process, self.begun)


@dataclass
class Leases:
    """The claims on the cells of one results folder, as this process knows them.

    Attributes:
        expires: seconds without a beat until a lease is anybody's, if its holder does not ask for more.
        job: the cluster's job that this process runs, or knows to have ended; "" if none.
        seen: of each lease that somebody else holds, its content and when that was first seen.
    """

    folder: Path
    expires: float = EXPIRES
    job: str = ""
    seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.folder / "leases"

    def held(self) -> dict[str, list[Path]]:
        """The lease files of each key, the latest generation last."""
        generations: dict[str, list[tuple[int, Path]]] = {}
        for folder in _listed(self.root):
            for file in _listed(folder):
                key, _, generation = file.name.partition(".")
                if generation.isdigit():
                    generations.setdefault(key, []).append((int(generation), file))
        return {key: [file for _, file in sorted(numbered)] for key, numbered in generations.items()}

    def holders(self) -> dict[str, Holder | None]:
        """Who holds each key that is held, as the files say; None if a file has no holder yet."""
        return {key: _read(files[-1])[1] for key, files in self.held().items()}

    def free(self, key: str, held: dict[str, list[Path]]) -> bool:
        """Whether nobody holds a key; `held` is what `held` gave just now. A lease that has expired, as this process
        has seen over time, is opened for all."""
        files = held.get(key)
        if files is None or self._over(files[-1]):
            return True
        now = time.monotonic()
        text, holder = _read(files[-1])
        content = f"{files[-1].name} {text}"
        known, since = self.seen.get(key, ("", now))
        if known != content:
            self.seen[key] = (content, now)
            return False
        if now - since < max(self.expires, holder.expires if holder is not None else 0.0):
            return False
        with suppress(FileExistsError):
            _make(_following(files[-1]), FREE)
        return True

    def claim(self, key: str) -> Lease | None:
        """The lease of a key, unless somebody else has it."""
        folder = self.root / key[:2]
        files = [file for file in _listed(folder) if file.name.rpartition(".")[0] == key and file.suffix[1:].isdigit()]
        files.sort(key=_generation)
        if files and not self._over(files[-1]):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        holder = replace(_me(), job=self.job, expires=self.expires)
        lease = Lease(_following(files[-1]) if files else folder / f"{key}.1", holder, files)
        return lease if lease.made() else None

    def _over(self, file: Path) -> bool:
        """Whether the holder of a lease is known to have ended, or there is none."""
        content, holder = _read(file)
        if content == FREE:
            return True
        return holder is not None and (holder.dead or (self.job != "" and holder.job == self.job))

    def sweep(self) -> None:
        """Remove the leases that nobody holds: of processes that are known to have ended, and those that were opened
        and not taken."""
        for key, files in self.held().items():
            # Whoever removes must hold, or another claim made meanwhile would stand without those before it.
            if self._over(files[-1]) and (lease := self.claim(key)) is not None:
                lease.release()

    @contextmanager
    def holding(self, keys: Sequence[str]) -> Iterator[dict[str, Lease]]:
        """Claim keys, and hold those that were free until the block ends; gives their leases."""
        leases = {key: lease for key in keys if (lease := self.claim(key)) is not None}
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(min(BEAT, self.expires / 4)):
                for lease in leases.values():
                    lease.beat()

        thread = threading.Thread(target=beat, name="holds leases", daemon=True)
        if leases:
            thread.start()
        try:
            yield leases
        finally:
            ended.set()
            if leases:
                thread.join()
            for lease in leases.values():
                lease.release()


@dataclass
class Lease:
    """One claim of this process; `before` are the files of generations that are over."""

    file: Path
    holder: Holder
    before: list[Path]

    def made(self) -> bool:
        """Make the file; False if somebody else was first."""
        try:
            _make(self.file, _text(self.holder))
        except FileExistsError:
            return False
        return not self.lost

    @property
    def lost(self) -> bool:
        """Whether somebody else took the cell, because this process showed no life for too long."""
        return _following(self.file).exists()

    def beat(self) -> None:
        """Show that the holder lives."""
        if self.lost:
            return
        self.holder = replace(self.holder, beat=self.holder.beat + 1)
        # A full disk, or a server that is away for a while, is no reason to end; the next beat tries again.
        with suppress(OSError):
            descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT)
            try:
                os.write(descriptor, _text(self.holder).encode())
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Remove it, after the files before it; whoever has taken the cell since does that later."""
        if self.lost:
            return
        for file in [*self.before, self.file]:
            with suppress(OSError):
                file.unlink(missing_ok=True)


def _listed(folder: Path) -> list[Path]:
    """The files of a folder, which may go meanwhile."""
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []


def _make(file: Path, content: str) -> None:
    with file.open("x") as stream:
        stream.write(content)


def _generation(file: Path) -> int:
    return int(file.name.rpartition(".")[2])


def _following(file: Path) -> Path:
    """The file of the next generation."""
    return file.with_name(f"{file.name.rpartition('.')[0]}.{_generation(file) + 1}")


def _text(holder: Holder) -> str:
    return msgspec.json.encode(asdict(holder)).decode().ljust(SIZE)


def _read(file: Path) -> tuple[str, Holder | None]:
    """The text of a lease file, and its holder; None while it is being written, or if it is none of ours."""
    try:
        content = file.read_text(errors="replace")
    except OSError:
        return "", None
    try:
        return content, msgspec.json.decode(content, type=Holder)
    except (ValueError, msgspec.MsgspecError):
        return content, None


def _me() -> Holder:
    process = os.getpid()
    return Holder(platform.node(), machine(), process, begun(process), uuid4().hex)
