"""Files that appear whole or not at all, and the digests that identify things."""

import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, field, fields, is_dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import uuid4

#: Hex digits of a digest: 64 bits, so that the digests of a million things still differ.
DIGITS = 16


#: The names of what is not whole yet: name, machine, process, a random part.
TEMPORARY = re.compile(r"\..+\.([^.]+)\.(\d+)\.[0-9a-f]{8}")


def write_atomic(file: Path, content: bytes) -> None:
    """Readers see the whole file or none, however many processes write it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(file)
    try:
        with naming(file):
            temporary.write_bytes(content)
            temporary.replace(file)
    except OSError:
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
    """What is temporary under a folder, files and folders, and whether its process is known to have ended."""
    import psutil

    # Unlike rglob, it takes no offence where a folder goes while it is walked.
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            found = TEMPORARY.fullmatch(name)
            if found:
                yield Path(place) / name, found[1] == machine() and not psutil.pid_exists(int(found[2]))


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
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()[:DIGITS]


def digest_json(value: Any) -> str:
    """The digest of a JSON value; the order of an object's names does not matter."""
    return digest([json.dumps(value, sort_keys=True).encode()])


def axis(absent: Any, **options: Any) -> Any:
    """A dataclass field that has a value which means "as if the field did not exist".

    `absent` must never change; it stands for the behaviour without the field. The default may differ from it. So a
    digest stays the same when a field is added, and changes when the field's default changes.
    """
    options.setdefault("default", absent)
    return field(metadata={"absent": absent}, **options)


def identity(value: Any, leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """The fields that identify a dataclass, by name: all but those that hold their `axis`'s absent value."""
    found = {}
    kind: Any = type(value)
    for name, has_absent, absent in _absents(kind):
        own = getattr(value, name)
        if name in leave_out or (has_absent and own == absent):
            continue
        found[name] = identity(own) if is_dataclass(own) else own
    return found


@cache
def _absents(kind: Any) -> tuple[tuple[str, bool, Any], ...]:
    """Of each field its name, whether it is an `axis`, and its absent value."""
    return tuple((each.name, "absent" in each.metadata, each.metadata.get("absent")) for each in fields(kind))


def fill_absent(raw: dict[str, Any], kind: type) -> None:
    """Add the fields that a dataclass read from JSON lacks, with their absent values; also in the dataclasses that it
    holds."""
    for name, has_absent, absent in _absents(kind):
        if name not in raw and has_absent:
            raw[name] = asdict(absent) if is_dataclass(type(absent)) else absent
        elif isinstance(raw.get(name), dict) and name in _dataclasses(kind):
            fill_absent(raw[name], _dataclasses(kind)[name])


@cache
def _dataclasses(kind: Any) -> dict[str, type]:
    """The fields of a dataclass that hold one."""
    hints = _hints(kind)
    own = {each.name: (hints[each.name], *get_args(hints[each.name])) for each in fields(kind)}
    return {name: t for name, types in own.items() for t in types if isinstance(t, type) and is_dataclass(t)}


_hints = cache(get_type_hints)


def as_floats(value: Any) -> None:
    """Convert whole numbers to float in those fields of a frozen dataclass that are declared as float, because 10 and
    10.0 must have the same digest."""
    kind: Any = type(value)
    for name in _floats(kind):
        own = getattr(value, name)
        if isinstance(own, int):
            object.__setattr__(value, name, float(own))


@cache
def _floats(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.type in (float, float | None))


class FileHashes:
    """Remembers the digests of files by (path, size, modification time), so that a data root is hashed only once."""

    def __init__(self, file: Path):
        self.file = file
        self.known = self._read()
        self.fresh: dict[str, str] = {}

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self.file.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def of(self, path: Path) -> str:
        """sha256 of the file's content, 64 hex digits."""
        _, size, time = version(path)
        key = f"{path.resolve()}|{size}|{time}"
        if key not in self.known:
            self.known[key] = self.fresh[key] = hash_file(path)
        return self.known[key]

    def save(self) -> None:
        """Add the new digests to the file, which other processes may have changed meanwhile."""
        if self.fresh:
            write_atomic(self.file, json.dumps(self._read() | self.fresh).encode())
            self.fresh = {}


def hash_file(path: Path) -> str:
    """sha256 of a file's content, 64 hex digits; read once per process and version of the file."""
    return _hash_version(*version(path))


def version(path: Path) -> tuple[Path, int, int]:
    """A file with its size and modification time, which change when its content does."""
    stat = path.stat()
    return path, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=10_000)
def _hash_version(path: Path, size: int, time: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
