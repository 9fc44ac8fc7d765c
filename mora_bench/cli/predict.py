"""predict: what a cell trained, on records of one's own."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mora_bench import registry
from mora_bench.cli.common import OnTrained
from mora_bench.cli.options import parse
from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records.chain import check_believed
from mora_bench.records.schema import Record
from mora_bench.records.store import Store

if TYPE_CHECKING:
    from mora_bench.cli.new_predictions import PredictedRecords
    from mora_bench.data.readers.new_records import NewRecords

#: Records that are read, and held in memory, at once: of measured values and texts, and of those with pictures.
AT_ONCE, PICTURED_AT_ONCE = 10_000, 500


@dataclass(frozen=True, kw_only=True)
class PredictOptions(OnTrained):
    """Apply a cell that was trained with --save-adapters to new records, of which any modality may be absent. A
    baseline that trains no network needs no --save-adapters: it is fitted again.

    The table of new records has a header with a column for each modality, under its name (`text`, `image`) or the one
    that it had in training: texts, or paths of pictures; and one for each measured value. An empty cell, and a picture
    that is not there, is an absent modality. Not for diagnosing anybody.

    Each record gets the probability of every label, what it had, and how many training samples had the same.
    """

    folder: tyro.conf.Positional[Path]
    """results folder of the cell"""
    key: tyro.conf.Positional[str]
    """the cell's key, the name of its record"""
    new: tyro.conf.Positional[Path]
    """a table of new records: .csv, .tsv or .txt (also .gz), .xlsx, .parquet"""
    id: Annotated[str, tyro.conf.arg(metavar="COLUMN")] = ""
    """a column of unique names; `id` if there is one, else the row's number, if not given"""
    join: tuple[str, ...] = ()
    """further tables with some of the columns, as in `data`: FILE:KEY, or FILE:KEY:list where a key has several rows"""
    pictures: Path | None = None
    """the folder in which paths of pictures begin; that of the table if not given"""
    decide: str = ""
    """0.5, validation (the thresholds with the best F1 there), or recall=R (the highest with that recall there), each
    among records that have the same modalities: adds a column `decision`, labels joined by |"""
    coverage: float = 0.0
    """such as 0.9: adds what is `certain` and what is `possible`, so that the truth is within them for that share of
    records with the same modalities, label by label where several may be true (conformal prediction)"""
    calibrate: float | None = None
    """the share of the cell's test patients whose samples calibrate --coverage, half if not given; the others show how
    well it holds"""
    changes: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """adds how far each modality that a record has moves each probability, and which of these changes are `unusual`:
    outside those of nine of ten validation samples that are shown the same modalities"""
    page: Path | None = None
    """where to write a page for a browser with each record, what is predicted and what changed it; at most 200"""
    out: Path | None = None
    """where to write the probabilities as CSV; the terminal if not given"""
    device: str = "cpu"
    """cpu, cuda, cuda:1"""


def run(arguments: list[str]) -> int:
    options = parse(PredictOptions, "predict", arguments)
    options.begin()
    _check_written(options)
    record = _record(options)
    cell = record.cell
    if cell.source == "real" and options.data_root is None:
        raise UserError(f"{cell.label}: it is on real data; say where they are with --data-root.")
    if options.pictures is not None and not options.pictures.is_dir():
        raise UserError(f"--pictures {options.pictures}: no such folder.")
    from mora_bench.cli.new_predictions import PredictedRecords
    from mora_bench.data import datasets
    from mora_bench.data.readers.joined import Join
    from mora_bench.data.readers.new_records import new_records
    from mora_bench.data.readers.picture_paths import Views, check_alike
    from mora_bench.data.table import PICTURES
    from mora_bench.scoring.decide import DecisionOptions
    from mora_bench.training import inference
    from mora_bench.training.decisions import decider, like_in_training
    from mora_bench.training.rescore import sides_of

    root = options.data_root if cell.source == "real" else None
    runtime = options.runtime(options.folder, data_root=root, device=options.device)
    dataset = datasets.get(cell.dataset)
    views, made = dataset.views or Views(), dataset.made
    explains = options.changes or options.page is not None
    asked = DecisionOptions(options.decide, options.coverage, options.calibrate, explains)
    if cell.tested_gaps and asked.reads:
        raise UserError(
            f"{cell.label}: --decide, --coverage, --changes and --page hold new records against the cell's own "
            f"predictions. These are of signals with gaps ({cell.tested_gaps}), and new records are read as they are. "
            "Leave these options out, or train the cell with --test-gaps none."
        )
    table, sides = sides_of(cell, runtime)
    check_alike(views, table.modalities)
    decides, like = decider(record, sides, runtime, asked), like_in_training(record, sides["train"])
    predicted = PredictedRecords(decides, like, inference.applier(record, runtime, table, explains), options.changes)
    base = options.pictures and options.pictures.resolve()
    at_once = PICTURED_AT_ONCE if {*PICTURES} & {*table.kinds} else AT_ONCE
    joins = [Join.of(argument, options.new.parent) for argument in options.join]
    new = new_records(table, options.new, views, base, at_once, options.id, made, joins)
    _write(predicted, new, options, cell.label)
    # One by one these would part the rows on a terminal.
    remarks = predicted.decider.remarks + predicted.rare()
    for line in remarks + predicted.nothing_seen() + predicted.of_other_rates():
        print(line, file=sys.stderr)
    if options.out is not None:
        print(f"{predicted.n} predictions, {1000 * predicted.seconds / predicted.n:.3g} ms each: {options.out}")
    return 0


def _check_written(options: PredictOptions) -> None:
    """Refuse to write over the table that is read, a folder, or one file twice.

    Raises:
        UserError: naming the option.
    """
    taken = {options.new.resolve(): "the table that is read"}
    for name, file in (("--out", options.out), ("--page", options.page)):
        if file is None:
            continue
        if file.is_dir():
            raise UserError(f"{name} {file}: a folder. Expected the name of a file.")
        if file.resolve() in taken:
            raise UserError(f"{name} {file}: it is {taken[file.resolve()]}. Name another file.")
        taken[file.resolve()] = f"what {name} writes"


def _record(options: PredictOptions) -> Record:
    """The record of the cell that predicts.

    Raises:
        UserError: it is not there, nothing of it can predict, or its files do not fit each other.
    """
    store = Store(options.folder)
    record = store.record_of(options.key)
    if not isinstance(record, Record):
        keys = ", ".join(sorted(store.keys())[:5])
        raise UserError(f"{record}. Expected the key of a record of {options.folder}: {keys or 'it holds none'}, ...")
    fitted = record.cell.recipe is not None or registry.known(registry.PREDICTORS, record.cell.method)
    if record.status != "done" or record.data is None or record.imported or not fitted:
        why = record.error or "predictions that were made elsewhere"
        raise UserError(f"{store.record_file(record.cell)}: it has no trained model to predict with ({why}).")
    check_believed(store, record)
    return record


def _write(predicted: PredictedRecords, records: Iterable[NewRecords], options: PredictOptions, label: str) -> None:
    """Predict records, and write the table and the page."""
    from mora_bench.cli.pages import Pages

    parts = predicted.parts(records)
    pages = Pages(options.page, predicted, label) if options.page else None
    lines = predicted.lines(pages.collected(parts) if pages else parts)
    if options.out is None:
        for line in lines:
            print(line, end="", flush=True)
    else:
        write_atomic(options.out, (line.encode() for line in lines))
    if pages:
        pages.write()
        print(f"a page of {predicted.n} records: {options.page}", file=sys.stderr)
