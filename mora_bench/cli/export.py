"""export: every stored prediction as one table, for a statistician."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench import registry
from mora_bench.cli.common import OnTrained
from mora_bench.cli.options import parse
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: Suffixes of a table's name.
KINDS = (".parquet", ".csv")


@dataclass(frozen=True, kw_only=True)
class ExportOptions(OnTrained):
    """Write every stored prediction of a results folder as one table: a row for each cell, sample, presence pattern and
    label, with what was true and the probability.

    `scored under` says which patterns of missing modalities count a row, so that the scores of a table can be computed
    from it; of cells that draw what is missing, `spread` is the standard deviation of the probability over draws. Ids
    of patients are hashed unless --ids asks for them: then the table is as confidential as the data.
    """

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and predictions/ in it"""
    out: Path
    """the table: its name ends in .parquet or .csv"""
    ids: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """ids as the data have them"""
    key: tuple[str, ...] = ()
    """keys of cells; all if not given"""


def run(arguments: list[str]) -> int:
    options = parse(ExportOptions, "export", arguments)
    if options.out.suffix not in KINDS:
        raise UserError(f"--out {options.out}: expected a name that ends in {' or '.join(KINDS)}.")
    options.begin()
    from mora_bench.cli.table_file import TableFile
    from mora_bench.records.store import FAILED, Store
    from mora_bench.tasks.named import task_of
    from mora_bench.training.prediction_rows import COLUMNS, SPREAD, frames_of, has_spread
    from mora_bench.training.rescore import reason, said_once

    store = Store(options.folder)
    store.check_exists()
    runtime = options.runtime(options.folder)
    records, refused = store.records()
    unknown = sorted({*options.key} - {record.key for record in records})
    if unknown:
        raise UserError(f"--key {unknown[0]}: no such record in {options.folder}.")
    if options.data_root is None and any(record.cell.source == "real" for record in records):
        raise UserError(f"{options.folder}: cells of it are on real data; say where they are with --data-root.")
    left = [str(refusal) for refusal in refused]
    # Columns of the tasks beside labels, alike for all cells of the file.
    tasks = {record.cell.task for record in records}
    known = [task_of(task) for task in sorted(tasks) if registry.known(registry.TASKS, task.partition(":")[0])]
    more = [*dict.fromkeys(f"true {name}" for task in known for name in task.columns)]
    asked = [r for r in records if r.status != FAILED and (not options.key or r.key in options.key)]
    more += [SPREAD] * any(has_spread(store, record) for record in asked)
    cells, unfit = 0, dict[str, list[str]]()
    with TableFile(options.out) as table:
        for record in asked:
            try:
                frames = list(frames_of(store, record, runtime, options.ids))
            except UserError as error:
                unfit.setdefault(reason(error, record.cell), []).append(record.cell.label)
                continue
            for frame in frames:
                table.add(frame.reindex(columns=[*COLUMNS, *more]))
            cells += 1
        for why in [*left, *said_once(unfit)]:
            print(f"left out: {why}", file=sys.stderr)
        if not cells:
            raise UserError(f"{options.folder}: no cell has predictions that can be exported. Nothing was written.")
    print(f"{number_of(table.rows, 'row')} of {number_of(cells)}: {options.out}")
    return 0
