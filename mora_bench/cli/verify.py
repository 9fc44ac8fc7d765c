"""verify: re-read a results folder and name what is wrong in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mora_bench import registry
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.data.readers.links import follow_links
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.records.store import Refused, Store


@dataclass(frozen=True)
class VerifyOptions:
    """Re-read every file of a results folder and score its predictions again; name what is corrupt, edited, cut,
    foreign, incomplete, left over, or a score that the predictions do not give. Nothing is changed. Exit code 0 if
    nothing is wrong, and everything could be scored again."""

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and scores/ in it"""
    files: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """only re-read files, which takes a moment; do not score predictions again"""
    data_root: Path | None = None
    """folder with the real datasets, where scores depend on more of them than presence"""
    follow_links: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """allow links in the data folder that lead out of it"""
    limit: int | None = None
    """the --limit that the cells were trained with, if they were"""
    plugin: tuple[Path, ...] = ()
    """Python files that define datasets, mechanisms or tasks of your own"""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print one JSON value on stdout, and all else on stderr"""


def run(arguments: list[str]) -> int:
    options = parse(VerifyOptions, "verify", arguments)
    registry.load_plugins(options.plugin)
    follow_links(options.follow_links)
    if not (options.folder / "records").is_dir():
        raise UserError(
            f"{options.folder}: no records. Expected {options.folder}/records/*.json, as `grid` writes them."
        )
    from mora_bench.records.store import Store
    from mora_bench.records.verify import verify

    store = Store(options.folder)
    found = list(verify(options.folder))
    again, unable = (0, []) if options.files else _scored_again(store, options, found)
    for finding in found:
        print(finding, file=sys.stderr)
    for why in unable:
        print(f"not scored again: {why}", file=sys.stderr)
    if unable:
        print("these may need --data-root, --limit or --plugin as the cells were trained with", file=sys.stderr)
    records, _ = store.records()
    done = sum(record.status == "done" for record in records)
    lacking = f", {len(unable)} not" if unable else ""
    print(f"{len(records)} records, {done} done; {again} scored again{lacking}; {len(found)} findings")
    counts = {"records": len(records), "done": done, "scored_again": again}
    answer(lambda: counts | {"not_scored_again": unable, "findings": found})
    return 1 if found or unable else 0


def _scored_again(store: Store, options: VerifyOptions, found: list[Refused]) -> tuple[int, list[str]]:
    """Score all predictions again, and add what contradicts them to what was found; how many were, and why others were
    not."""
    from mora_bench.cells.runtime import Runtime, default_cache
    from mora_bench.records.store import Refused
    from mora_bench.training.rescored import contradiction

    place = Runtime(out=store.folder, cache=default_cache(), data_root=options.data_root, limit=options.limit)
    records = {record.key: record for record in store.records()[0] if record.status == "done"}
    wrong = {finding.file for finding in found}
    again, unable = 0, []
    for each in store.scores()[0]:
        cell = records[each.key].cell if each.key in records else None
        if cell is None or store.prediction_file(cell) in wrong or not store.prediction_file(cell).is_file():
            continue
        try:
            differs = contradiction(store, cell, each, place)
        except UserError as error:
            unable.append(f"{each.score_key}: {error}")
            continue
        again += 1
        if differs is not None:
            found.append(Refused(store.folder / "scores" / f"{each.score_key}.json", f"{differs}; `rescore` mends it"))
    return again, unable
