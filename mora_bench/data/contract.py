"""The contract of a dataset: where it is, how it becomes a table, and a twin if it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from mora_bench import registry
from mora_bench.data.table import Table


@dataclass(frozen=True)
class Dataset:
    """A dataset: named by an entry point of the group `mora_bench.datasets`, or by a variable of a plug-in file.

    Attributes:
        title: shown by `list`.
        find: its table at or below a data root, or None.
        read: the samples below a data root; UserError where they cannot be read.
        twin: makes samples that need no data; None if there are none, and the dataset needs --data-root.
        source: where the data, or their description, are published.
    """

    title: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path], Table]
    twin: Callable[[], Table] | None = None
    source: str = ""

    group: ClassVar[str] = registry.DATASETS

    def seen_as(self, title: str, change: Callable[[Table], Table]) -> Dataset:
        """The same data, and the same twin, with each table changed."""
        twin = self.twin
        return replace(
            self,
            title=title,
            read=lambda root: change(self.read(root)),
            twin=None if twin is None else lambda: change(twin()),
        )
