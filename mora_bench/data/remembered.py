"""What was computed of single pictures or signals, kept for the next cell, process and grid.

CACHE/described/KEY/DIGEST.npz holds arrays of some contents by their fingerprints. DIGEST is that of the file's bytes:
one that is damaged is removed, and what it held is computed again.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zipfile import BadZipFile

import numpy as np

from mora_bench.files import digest, digest_json, write_atomic

#: The folder of the cache.
FOLDER = "described"
#: How many are computed before they are kept, and before it is looked up what other processes kept.
CHUNK = 64

_cache: ContextVar[Path | None] = ContextVar("cache", default=None)


class Content(Protocol):
    """What can be known again: a picture or a signal."""

    def fingerprint(self) -> str:
        """16 hex digits that change when the content does."""


Contents = TypeVar("Contents", bound=Content)


@contextmanager
def kept_in(cache: Path) -> Iterator[None]:
    """Keep what is computed in a cache folder; elsewhere only the process remembers it."""
    before = _cache.set(cache)
    try:
        yield
    finally:
        _cache.reset(before)


class Remembered:
    """A function of one content that gives an array, remembered by fingerprint.

    Args:
        key: what the function's results hang on besides the content: its name and version, and those of libraries.
    """

    def __init__(self, compute: Callable[[Any], np.ndarray], *key: str | int):
        self.compute = compute
        self.key = digest_json(key)
        self.known: dict[str, np.ndarray] = {}
        self.files: set[Path] = set()

    def of(self, contents: Sequence[Contents]) -> list[np.ndarray]:
        """The array of each content."""
        names = [content.fingerprint() for content in contents]
        by_name = dict(zip(names, contents, strict=True))
        missing = [name for name in by_name if name not in self.known]
        # Each process begins elsewhere, so that those that begin together share the work.
        random.Random(os.getpid()).shuffle(missing)
        for first in range(0, len(missing), CHUNK):
            self._look_up()
            chunk = [name for name in missing[first : first + CHUNK] if name not in self.known]
            computed = {name: self.compute(by_name[name]) for name in chunk}
            self.known |= computed
            self._keep(computed)
        return [self.known[name] for name in names]

    def _folder(self) -> Path | None:
        cache = _cache.get()
        return None if cache is None else cache / FOLDER / self.key

    def _look_up(self) -> None:
        """Read what this process has not read yet."""
        folder = self._folder()
        for file in () if folder is None else sorted({*folder.glob("*.npz")} - self.files):
            self.files.add(file)
            # The digest tells damage; a hand may give the right one to what is no archive.
            with suppress(OSError, ValueError, BadZipFile):
                content = file.read_bytes()
                if digest([content]) == file.stem:
                    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                        self.known = dict(arrays) | self.known
                else:
                    file.unlink()

    def _keep(self, computed: dict[str, np.ndarray]) -> None:
        folder = self._folder()
        if folder is None or not computed:
            return
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **computed)
        file = folder / f"{digest([buffer.getvalue()])}.npz"
        self.files.add(file)
        # It saves time alone: a full disk must not end the cell here.
        with suppress(OSError):
            write_atomic(file, buffer.getvalue())
