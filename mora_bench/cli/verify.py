"""verify: re-read a results folder and name what is wrong in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench.cli.common import Answering, OnTrained
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.text import number_of

#: Exit codes: all was looked at and is right; something is wrong; nothing is wrong, and something was not looked at.
RIGHT, WRONG, UNSEEN = 0, 1, 3


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(OnTrained, Answering):
    """Walk a results folder from the scores of each cell to their record and all that it names, score the predictions
    again, read the data anew, and make the tables and the page again; name what is corrupt, edited, cut, foreign,
    incomplete, left over, a score that the predictions do not give, or a table that the records do not. Figures are not
    looked at. Nothing is changed. Exit code 0: all was looked at and is right; 1: something is wrong;
    3: something was not looked at, and is listed."""

    folder: tyro.conf.Positional[Path]
    """results folder, as `grid` writes it or `pack` leaves it"""
    files: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """only read files, which takes a moment; score no predictions, read no data, make no tables"""


def run(arguments: list[str]) -> int:
    options = parse(VerifyOptions, "verify", arguments)
    options.begin()
    from mora_bench.records.store import DONE, Store
    from mora_bench.records.verify import verify

    store = Store(options.folder)
    store.check_exists()
    findings = verify(store)
    counts = {"scored_again": 0, "data_read": 0}
    if options.files:
        findings.not_seen("scores of predictions, the data and the tables, because --files was given")
    else:
        from mora_bench.report.remade import differing
        from mora_bench.training.recheck import data_again, scored_again

        runtime = options.runtime(store.folder)
        counts = {
            "scored_again": scored_again(store, runtime, findings),
            "data_read": data_again(store, runtime, findings),
        }
        findings.wrong += differing(store.folder)
    for finding in findings.wrong:
        print(finding, file=sys.stderr)
    for reason, count in findings.unseen.items():
        print(f"not looked at: {count} x {reason}", file=sys.stderr)
    records, _ = store.records()
    done = sum(record.status == DONE for record in records)
    looked = f"{counts['scored_again']} scored again, {number_of(counts['data_read'], 'data set')} read anew"
    verdict = f"{number_of(len(findings.wrong), 'finding')}, {sum(findings.unseen.values())} not looked at"
    print(f"{number_of(len(records), 'record')}, {done} done; {looked}; {verdict}")
    counts = {"records": len(records), "done": done} | counts
    answer(lambda: counts | {"not_looked_at": findings.unseen, "findings": findings.wrong})
    return WRONG if findings.wrong else UNSEEN if findings.unseen else RIGHT
