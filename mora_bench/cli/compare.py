"""compare: two results folders, cell by cell."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from mora_bench.cli.common import Answering, Extensible
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer


@dataclass(frozen=True, kw_only=True)
class CompareOptions(Extensible, Answering):
    """Hold one results folder against another, cell by cell: same, better, worse, or only in one of them.

    Exit code 0 if every cell of the first folder is in the second with the same scores, to 1e-6; else 1.
    """

    first: tyro.conf.Positional[Path]
    """results folder, with records/ and scores/ in it"""
    second: tyro.conf.Positional[Path]
    """the folder that it is held against"""


def run(arguments: list[str]) -> int:
    options = parse(CompareOptions, "compare", arguments)
    options.begin()
    from mora_bench.report.diff import against, conclusion, markdown
    from mora_bench.report.write import read

    first, second = read(options.first), read(options.second)
    comparison = against(first, second)
    print(markdown(comparison, (str(options.first), str(options.second))))
    for folder, results in ((options.first, first), (options.second, second)):
        for reason in results.left_out:
            print(f"left out of {folder}: {reason}")
    print(conclusion(comparison, (str(options.first), str(options.second))))
    answer(lambda: {"reproduced": comparison.reproduced, **vars(comparison)})
    return 0 if comparison.reproduced else 1
