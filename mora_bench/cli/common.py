"""The options that several verbs have, and what such verbs begin with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mora_bench import registry
from mora_bench.data.readers.links import follow_links
from mora_bench.data.rehash import rehash

if TYPE_CHECKING:
    from mora_bench.cells.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Extensible:
    """Options of verbs that know what plug-ins define."""

    plugin: tuple[Path, ...] = ()
    """Python files that define something of your own, e.g. a dataset, method, task or table"""

    def begin(self) -> None:
        """Do what the options ask for before anything else."""
        registry.load_plugins(self.plugin)


@dataclass(frozen=True, kw_only=True)
class OnData(Extensible):
    """Options of verbs that read datasets."""

    data_root: Path | None = None
    """folder with the real datasets; without it there are twins alone"""
    follow_links: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """allow links in the data folder that lead out of it"""
    rehash: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """read all data anew, whatever is remembered of files by size, times and inode"""

    def begin(self) -> None:
        from mora_bench.cells.runtime import default_cache

        super().begin()
        follow_links(self.follow_links)
        rehash(self.rehash, default_cache())

    def runtime(self, out: Path, **others: Any) -> Runtime:
        """Where cells of a results folder are read or run; `others`: fields of `Runtime` that differ.

        Raises:
            UserError: a device that this machine does not have.
        """
        from mora_bench.cells.runtime import Runtime, default_cache, usable

        if "device" in others:
            others["device"] = usable(others["device"])
        return Runtime(**{"out": out, "cache": default_cache(), "data_root": self.data_root} | others)


@dataclass(frozen=True, kw_only=True)
class OnTrained(OnData):
    """Options of verbs that read the datasets of cells that were trained."""

    limit: int | None = None
    """the --limit that the cells were trained with, if they were"""

    def runtime(self, out: Path, **others: Any) -> Runtime:
        return super().runtime(out, **{"limit": self.limit} | others)


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Options of verbs whose answer a program can read."""

    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print one JSON value on stdout, and all else on stderr"""
