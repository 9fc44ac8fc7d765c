"""doctor: what a data folder holds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from mora_bench import registry
from mora_bench.cells.runtime import cores, default_cache
from mora_bench.cli.common import Answering, OnData
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.data.progress import noting
from mora_bench.data.table import Table
from mora_bench.doctor import groups, looks, store
from mora_bench.doctor.holds import diagnosis, facts
from mora_bench.doctor.looks import Diagnosis
from mora_bench.doctor.screen import lines
from mora_bench.errors import UserError
from mora_bench.files import FileHashes
from mora_bench.records.private import FILE as SALT
from mora_bench.records.private import Pseudonyms


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(OnData, Answering):
    """Say what a data folder holds, what is absent, and what is naturally missing."""

    # Without a default, which the class would else take over.
    data_root: Path = field()
    """folder with the real datasets"""
    datasets: tuple[str, ...] = ("odir", "cxr")
    results: Path | None = None
    """a results folder, whose hashes --who asks about"""
    who: tuple[str, ...] = ()
    """hashes in the splits of --results: say which samples or patients they stand for"""
    groups_out: Path | None = None
    """write a CSV file of samples that no split should part: those of patients whose pictures are (nearly) the same"""
    same_text: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """have --groups-out also join patients of whom the same whole text is written"""


def run(arguments: list[str]) -> int:
    options = parse(DoctorOptions, "doctor", arguments)
    options.begin()
    if not options.datasets:
        raise UserError("--datasets is empty; give at least one value.")
    for name in options.datasets:
        registry.check(registry.DATASETS, name)
    if options.groups_out is not None and len(options.datasets) > 1:
        raise UserError("--groups-out writes the groups of one dataset; name exactly one with --datasets.")
    if options.same_text and options.groups_out is None:
        raise UserError("--same-text needs --groups-out FILE.")
    if not options.data_root.is_dir():
        raise UserError(f"--data-root {options.data_root}: no such folder.")
    if bool(options.who) != (options.results is not None):
        raise UserError("--who and --results: give both, or neither.")
    if options.results is not None and not (options.results / SALT).is_file():
        raise UserError(f"--results {options.results}: no {SALT} in it, so it holds no hashes of ids.")
    entries: dict[str, Any] = {}
    known: dict[str, list[str]] = {hashed: [] for hashed in options.who}
    for name in options.datasets:
        entries[name] = _looked_at(name, options, known)
    for hashed, ids in known.items():
        print(
            f"{hashed}: {'; '.join(ids) or 'nobody in these data; is it of another results folder, or another salt?'}"
        )
    answer(lambda: {"datasets": entries, "who": known})
    return 1 if None in entries.values() or not all(known.values()) else 0


def _looked_at(name: str, options: DoctorOptions, known: dict[str, list[str]]) -> dict[str, Any] | None:
    """Print the diagnosis of one dataset, and return it for programs; None if the data are absent."""
    from mora_bench.data import datasets

    file = datasets.get(name).find(options.data_root)
    if file is None:
        print(f"{name}: ABSENT. {datasets.get(name).title}: no table at or below {options.data_root}.")
        return None
    table, everybody = datasets.with_left_out(name, options.data_root)
    print(f"{name}: {file}\n{diagnosis(table)}", flush=True)
    diagnosed = _diagnosed(table, everybody, default_cache())
    for line in lines(diagnosed, table):
        print(f"  {line}")
    if options.groups_out is not None:
        joined = groups.write(options.groups_out, table, diagnosed, options.same_text)
        print(f"  {options.groups_out}: {joined} samples that must not be parted from another patient's")
    if options.results is not None:
        _look_up(table, options.results, known)
    return facts(table) | {"table": file, "shared_pictures": diagnosed.shared, "findings": diagnosed.findings}


def _diagnosed(table: Table, everybody: Table, cache: Path) -> Diagnosis:
    """The stored diagnosis of these data; where there is none, they are looked at, and it is stored."""
    from mora_bench.data import datasets

    left_out = len(everybody) - len(table)
    file = store.file_of(table, datasets.fingerprint(table, cache), cache)
    diagnosed = store.read(file, left_out)
    if diagnosed is None:
        hashes = FileHashes(cache / datasets.HASHES)
        with noting(f"{table.name}: looking at") as note:
            diagnosed = looks.diagnose(table, everybody, hashes, cache, cores(), note)
        hashes.save()
        store.write(file, diagnosed, left_out)
    return diagnosed


def _look_up(table: Table, results: Path, known: dict[str, list[str]]) -> None:
    """Add to each hash of a results folder the samples and patients of a table that it stands for."""
    hidden = Pseudonyms(results)
    for kind, names in (("sample", table.ids), ("patient", table.patients)):
        for name in dict.fromkeys(names):
            if (hashed := hidden.name(name)) in known:
                known[hashed].append(f"{kind} {name}")
