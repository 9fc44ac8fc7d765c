"""verify: re-read a results folder and name what is wrong in it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench.cli.options import parse
from mora_bench.cli.output import answering
from mora_bench.errors import UserError


@dataclass(frozen=True)
class VerifyOptions:
    """Re-read every file of a results folder; name what is corrupt, edited, cut, foreign, incomplete or left over.
    Nothing is changed. Exit code 0 if nothing is wrong."""

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and scores/ in it"""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print one JSON value on stdout, and all else on stderr"""


def run(arguments: list[str]) -> int:
    options = parse(VerifyOptions, "verify", arguments)
    if not (options.folder / "records").is_dir():
        raise UserError(
            f"{options.folder}: no records. Expected {options.folder}/records/*.json, as `grid` writes them."
        )
    from mora_bench.records.store import Store
    from mora_bench.records.verify import verify

    with answering(options.json) as answer:
        found = list(verify(options.folder))
        for finding in found:
            print(finding, file=sys.stderr)
        records, _ = Store(options.folder).records()
        done = sum(record.status == "done" for record in records)
        print(f"{len(records)} records, {done} done; {len(found)} findings")
        answer.value = {"records": len(records), "done": done, "findings": found}
    return 1 if found else 0
