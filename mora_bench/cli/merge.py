"""merge: one results folder from several."""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from mora_bench import campaign
from mora_bench.cli.options import parse
from mora_bench.cli.report import show
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.text import number_of


@dataclass(frozen=True)
class MergeOptions:
    """Copy the cells of results folders into one, as after `grid --shard 1/2` and `--shard 2/2` on two machines.
    Nothing is copied if two of them have different scores of one cell."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """results folders, each with records/ and scores/ in it"""
    into: Path
    """the folder that they are copied to; what it holds stays"""


def run(arguments: list[str]) -> int:
    options = parse(MergeOptions, "merge", arguments)
    if not options.folders:
        raise UserError("merge: give the results folders that are to be joined.")
    for folder in options.folders:
        Store(folder).check_exists()
        if folder.resolve() == options.into.resolve():
            raise UserError(f"--into {options.into}: is one of the folders themselves. Give another one.")
    from mora_bench.records import merge

    merged = merge.plan(options.folders, options.into)
    for reason in merged.left_out:
        print(f"left out: {reason}", file=sys.stderr)
    if merged.conflicts:
        raise UserError(
            "nothing is copied, because the folders contradict each other: " + "; ".join(merged.conflicts[:20])
        )
    merge.copy(merged)
    show(campaign.report(options.into))
    print(f"{number_of(merged.cells)} in {options.into}")
    return 1 if merged.left_out else 0
