"""doctor: what a data folder holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from mora_bench import registry
from mora_bench.cells.runtime import default_cache
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.data.audit import NAMED
from mora_bench.data.readers.links import follow_links
from mora_bench.data.rehash import rehash
from mora_bench.data.table import Table
from mora_bench.doctor.duplicates import duplicates
from mora_bench.doctor.holds import diagnosis, facts
from mora_bench.errors import UserError
from mora_bench.files import FileHashes
from mora_bench.records.private import FILE as SALT
from mora_bench.records.private import Hidden


@dataclass(frozen=True)
class DoctorOptions:
    """Say what a data folder holds, what is absent, and what is naturally missing."""

    data_root: Path
    """folder with the real datasets"""
    follow_links: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """allow links in the data folder that lead out of it"""
    rehash: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """read all data anew, whatever is remembered of files by size, times and inode"""
    datasets: tuple[str, ...] = ("odir", "cxr")
    plugin: tuple[Path, ...] = ()
    """Python files that define datasets of your own"""
    results: Path | None = None
    """a results folder, whose hashes --who asks about"""
    who: tuple[str, ...] = ()
    """hashes in the splits of --results: say which samples or patients they stand for"""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print one JSON value on stdout, and all else on stderr"""


def run(arguments: list[str]) -> int:
    options = parse(DoctorOptions, "doctor", arguments)
    registry.load_plugins(options.plugin)
    follow_links(options.follow_links)
    rehash(options.rehash, default_cache())
    if not options.datasets:
        raise UserError("--datasets is empty; give at least one value.")
    for name in options.datasets:
        registry.check(registry.DATASETS, name)
    if not options.data_root.is_dir():
        raise UserError(f"--data-root {options.data_root}: no such folder.")
    if bool(options.who) != (options.results is not None):
        raise UserError("--who and --results: give both, or neither.")
    if options.results is not None and not (options.results / SALT).is_file():
        raise UserError(f"--results {options.results}: no {SALT} in it, so it holds no hashes of ids.")
    from mora_bench.data import datasets

    hashes = FileHashes(default_cache() / datasets.HASHES)
    value: dict[str, Any] = {}
    known: dict[str, list[str]] = {own: [] for own in options.who}
    for name in options.datasets:
        file = datasets.get(name).find(options.data_root)
        if file is None:
            print(f"{name}: ABSENT. {datasets.get(name).title}: no table at or below {options.data_root}.")
            value[name] = None
            continue
        table = datasets.load(name, options.data_root)
        print(f"{name}: {file}\n{diagnosis(table)}")
        shared = duplicates(table, hashes)
        hashes.save()
        if shared:
            print(f"  WARNING: {_told(shared)}")
        if options.results is not None:
            _look_up(table, options.results, known)
        value[name] = facts(table) | {"table": file, "shared_pictures": shared}
    for own, found in known.items():
        print(f"{own}: {'; '.join(found) or 'nobody in these data; is it of another results folder, or another salt?'}")
    answer(lambda: {"datasets": value, "who": known})
    return 1 if None in value.values() or not all(known.values()) else 0


def _told(shared: list[list[tuple[str, str]]]) -> str:
    """Pictures of several patients, in words."""
    named = [" = ".join(f"{file} of {patient}" for patient, file in own[:4]) for own in shared[:NAMED]]
    more = f" and {len(shared) - NAMED} more" if len(shared) > NAMED else ""
    return (
        f"{len(shared)} pictures are there under several patients: {'; '.join(named)}{more}. No split by patient keeps "
        "them on one side. Give each to one patient, or leave it out."
    )


def _look_up(table: Table, results: Path, known: dict[str, list[str]]) -> None:
    """Add to each hash of a results folder the samples and patients of a table that it stands for."""
    hidden = Hidden(results)
    for what, names in (("sample", table.ids), ("patient", table.patients)):
        for name in dict.fromkeys(names):
            if (own := hidden.name(name)) in known:
                known[own].append(f"{what} {name}")
