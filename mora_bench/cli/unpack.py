"""unpack: a packed results folder as single files again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from mora_bench.cli.options import parse


@dataclass(frozen=True)
class UnpackOptions:
    """Give every cell of a packed results folder its own files back, to the byte."""

    folder: tyro.conf.Positional[Path]
    """results folder, as `pack` leaves it"""


def run(arguments: list[str]) -> int:
    options = parse(UnpackOptions, "unpack", arguments)
    from mora_bench.records.packing import unpack
    from mora_bench.records.store import Store

    store = Store(options.folder)
    store.check_exists()
    print(f"{unpack(store)} files in {options.folder}")
    return 0
