"""Files that appear whole or not at all, and the digests that identify things."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, field, fields, is_dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints
from uuid import uuid4

#: Hex digits of a digest: 64 bits, so that the digests of a million things still differ.
DIGITS = 16
#: Nanoseconds for which the clock of a file system may stand still: two changes within them may have the same time.
TICK = 20_000_000
#: How often a file is read that changes while it is read.
TRIES = 3

#: The names of unfinished files: name, machine, process, a random part.
TEMPORARY = re.compile(r"\..+\.([^.]+)\.(\d+)\.[0-9a-f]{8}")


def write_atomic(file: Path, content: bytes | Iterable[bytes]) -> None:
    """Readers see the whole file or none, however many processes write it; `content` may come in parts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(file)
    try:
        with naming(file):
            if isinstance(content, bytes):
                temporary.write_bytes(content)
            else:
                with temporary.open("wb") as out:
                    out.writelines(content)
            temporary.replace(file)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def naming(target: Path) -> Iterator[None]:
    """Say in an OSError that names no file, as that of a full disk does, what was being written."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(target)
        raise


def beside(target: Path) -> Path:
    """A temporary name for what will be renamed to `target`."""
    return target.with_name(f".{target.name}.{machine()}.{os.getpid()}.{uuid4().hex[:8]}")


def not_whole(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Temporary files and folders under a folder, and whether the process of each is known to have ended."""
    import psutil

    # Unlike rglob, it takes no offence where a folder goes while it is walked.
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            match = TEMPORARY.fullmatch(name)
            if match:
                yield Path(parent) / name, match[1] == machine() and not psutil.pid_exists(int(match[2]))


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders that processes of this machine left when they were killed."""
    for file in [file for file, over in not_whole(folder) if over]:
        if file.is_dir():
            shutil.rmtree(file, ignore_errors=True)
        else:
            with suppress(OSError):
                file.unlink(missing_ok=True)


@cache
def machine() -> str:
    """A name that no other machine has at the same time, nor another container on it, whose processes have numbers of
    their own."""
    parts = [platform.node()]
    for file in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):
            parts.append(os.readlink(file) if os.path.islink(file) else Path(file).read_text())
    return digest(part.encode() for part in parts)


def digest(parts: Iterable[bytes]) -> str:
    """sha256 over all parts, one after the other: `DIGITS` hex digits."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(part)
    return hasher.hexdigest()[:DIGITS]


def digest_json(value: Any) -> str:
    """The digest of a JSON value; the order of an object's names does not matter."""
    return digest([_encoded(value).encode()])


def around(members: dict[str, Any], name: str) -> tuple[bytes, bytes]:
    """What `digest_json` reads of an object before and after the value of one of its members, so that objects that
    differ in it alone are encoded once. The member is neither the first nor the last in alphabetical order."""
    before = {key: value for key, value in members.items() if key < name}
    after = {key: value for key, value in members.items() if key > name}
    return f'{_encoded(before)[:-1]}, "{name}": '.encode(), f", {_encoded(after)[1:]}".encode()


_encoded = json.JSONEncoder(sort_keys=True).encode


def axis(absent: Any, **options: Any) -> Any:
    """A dataclass field that has a value which means "as if the field did not exist".

    `absent` must never change; it stands for the behaviour without the field. The default may differ from it. So a
    digest stays the same when a field is added, and changes when the field's default changes.
    """
    options.setdefault("default", absent)
    return field(metadata={"absent": absent}, **options)


#: Types of values that are no dataclass.
PLAIN = frozenset({str, int, float, bool, tuple, type(None)})


def identity(value: Any, leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """The fields that identify a dataclass, by name: all but those that hold their `axis`'s absent value."""
    members = {}
    kind: Any = type(value)
    for name, has_absent, absent in _absents(kind):
        member = getattr(value, name)
        if name in leave_out or (has_absent and (member is absent or member == absent)):
            continue
        # Large grids ask this millions of times, and `is_dataclass` is slow.
        members[name] = member if type(member) in PLAIN or not is_dataclass(member) else identity(member)
    return members


@cache
def _absents(kind: Any) -> tuple[tuple[str, bool, Any], ...]:
    """The name of each field, whether it is an `axis`, and its absent value."""
    return tuple(
        (attribute.name, "absent" in attribute.metadata, attribute.metadata.get("absent")) for attribute in fields(kind)
    )


def fill_absent(raw: dict[str, Any], kind: type) -> bool:
    """Add the fields that a dataclass read from JSON lacks, with their absent values; also in the dataclasses that it
    holds. Gives whether any was added."""
    added = False
    for name, has_absent, absent in _absents(kind):
        if name not in raw and has_absent:
            raw[name] = asdict(absent) if is_dataclass(type(absent)) else absent
            added = True
        elif isinstance(raw.get(name), dict) and name in _dataclasses(kind):
            added |= fill_absent(raw[name], _dataclasses(kind)[name])
    return added


@cache
def _dataclasses(kind: Any) -> dict[str, type]:
    """The fields of a dataclass that hold one."""
    hints = _hints(kind)
    candidates = {
        attribute.name: (hints[attribute.name], *get_args(hints[attribute.name])) for attribute in fields(kind)
    }
    return {name: t for name, types in candidates.items() for t in types if isinstance(t, type) and is_dataclass(t)}


_hints = cache(get_type_hints)


def as_floats(value: Any) -> None:
    """Convert whole numbers to float in those fields of a frozen dataclass that are declared as float, because 10 and
    10.0 must have the same digest."""
    kind: Any = type(value)
    for name in _floats(kind):
        member = getattr(value, name)
        if isinstance(member, int):
            object.__setattr__(value, name, float(member))


@cache
def _floats(kind: Any) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in fields(kind) if attribute.type in (float, float | None))


class Version(NamedTuple):
    """Numbers that change with a file's content, however its modification time is set back: the system alone sets the
    time of change, and another file under the same name has another inode.

    Not the device: its number differs between machines that mount the same disk.
    """

    size: int
    modified: int
    changed: int
    inode: int


def version(path: Path) -> Version:
    """A file's size, times (nanoseconds) and inode; of a link, those of what it leads to."""
    stat = path.stat()
    return Version(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


class FileHashes:
    """Remembers the digests of files by path and version, so that a data root is hashed only once.

    Args:
        file: what it keeps them in; one that is damaged, or of another layout, is not believed.
        anew: believe nothing that was remembered, here or in the file.
    """

    def __init__(self, file: Path, anew: bool = False):
        self.file = file
        self.known: dict[str, list[Any]] = {} if anew else self._read()
        self.fresh: dict[str, list[Any]] = {}
        if anew:
            forget_hashes()

    def _read(self) -> dict[str, list[Any]]:
        known = read_sealed(self.file)
        return known if isinstance(known, dict) else {}

    def of(self, path: Path) -> str:
        """sha256 of the file's content, 64 hex digits."""
        name = os.path.abspath(path)
        entry = self.known.get(name)
        if entry is None or entry[:-1] != list(version(path)):
            seen, content = hash_version(path)
            entry = self.known[name] = self.fresh[name] = [*seen, content]
        return str(entry[-1])

    def save(self) -> None:
        """Add the new digests to the file, which other processes may have changed meanwhile."""
        if self.fresh:
            write_sealed(self.file, self._read() | self.fresh)
            self.fresh = {}


def hash_file(path: Path) -> str:
    """sha256 of a file's content, 64 hex digits; read once per process and version of the file."""
    return hash_version(path)[1]


def hash_version(path: Path, anew: bool = False) -> tuple[Version, str]:
    """A file's version and the sha256 of the content that this version has.

    Args:
        anew: read it also if this process has read this version before.

    Raises:
        OSError: it cannot be read, or changes whenever it is read.
    """
    for _ in range(TRIES):
        seen = version(path)
        content = (_hash_version.__wrapped__ if anew else _hash_version)(path, seen)
        if version(path) == seen:
            return seen, content
    raise OSError(errno.EBUSY, "it changes while it is read", str(path))


def forget_hashes() -> None:
    """Have this process read files again, also those whose versions it has read."""
    _hash_version.cache_clear()


@lru_cache(maxsize=10_000)
def _hash_version(path: Path, seen: Version) -> str:
    if 0 <= time.time_ns() - seen.changed < TICK:
        time.sleep(TICK / 1e9)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sealed(file: Path, value: Any) -> None:
    """Write a JSON value with its sha256 before it."""
    body = json.dumps(value).encode()
    write_atomic(file, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def read_sealed(file: Path) -> Any:
    """The value that `write_sealed` wrote; None if the file is absent or its content is not what was written."""
    try:
        seal, _, body = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    return json.loads(body) if seal == hashlib.sha256(body).hexdigest().encode() else None
