"""pack: a results folder in a few files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from mora_bench.cli.options import parse


@dataclass(frozen=True)
class PackOptions:
    """Pack the finished cells of a results folder: their scores into one columnar file, scores.parquet, their records
    into records.parquet, the ids of their splits into splits.parquet, masks that somebody brought into masks.parquet.
    Every command reads such a folder as it is, also while a grid adds to it; run it again to pack what was added.
    pandas.read_parquet opens the files.

    Predictions and what was trained stay as they are; so do cells that failed.
    """

    folder: tyro.conf.Positional[Path]
    """results folder, as `grid` writes it"""


def run(arguments: list[str]) -> int:
    options = parse(PackOptions, "pack", arguments)
    from mora_bench.records.packing import pack
    from mora_bench.records.store import Store

    store = Store(options.folder)
    store.check_exists()
    done = pack(store)
    for refused in done.left_out:
        print(f"left as it is: {refused}", file=sys.stderr)
    counts = ", ".join(f"{count} {kind}" for kind, count in done.documents.items() if count)
    print(f"{counts or 'nothing to pack'}: {done.size / 1e6:.1f} MB in {options.folder}")
    return 1 if done.left_out else 0
