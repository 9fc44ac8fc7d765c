"""rerun: the cells of a results folder again, with their predictions."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from mora_bench import campaign
from mora_bench.cells.cell import TRAINING_VERSION, WHY_NOT_AGAIN, Cell
from mora_bench.cells.runtime import Runtime, cores
from mora_bench.cli.common import OnTrained
from mora_bench.cli.grid import progress
from mora_bench.cli.options import parse
from mora_bench.cli.report import show
from mora_bench.errors import UserError
from mora_bench.plan import mask_files
from mora_bench.records.encoding import vouched
from mora_bench.records.equal import differences, in_words
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import DONE, Refused, Store
from mora_bench.text import listed, number_of

#: How many numbers of a cell a message names.
NAMED = 3
#: The options that choose cells by a field, and the field.
CHOSEN_BY = {"methods": "method", "datasets": "dataset", "seeds": "seed"}


@dataclass(frozen=True, kw_only=True)
class RerunOptions(OnTrained):
    """Train the cells of a results folder again into another one, which then holds their predictions, and say whether
    the scores are the same. What the project ships holds records and scores, and no predictions."""

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and scores/ in it"""
    out: Path
    """another folder, for records, predictions and scores"""
    methods: tuple[str, ...] = ()
    """only these methods; all if not given"""
    datasets: tuple[str, ...] = ()
    """only these datasets; all if not given"""
    key: tuple[str, ...] = ()
    """only the cells of these keys, or of keys that begin so; all if not given"""
    seeds: tuple[int, ...] = ()
    """only these seeds; all if not given"""
    device: str = "cpu"
    """as in grid; other hardware gives other last digits"""
    workers: int | None = None
    """cells at once; all cores if not given"""


def run(arguments: list[str]) -> int:
    options = parse(RerunOptions, "rerun", arguments)
    if options.out.resolve() == options.folder.resolve():
        raise UserError(f"--out {options.out} is the folder itself. Give another one.")
    options.begin()
    old = Store(options.folder)
    # Predictions may be gone: to have them again is what this is for.
    (records, refused), (believed, odd) = old.records(), old.scores()
    every = [record for record in records if record.status == DONE]
    _check_asked([record.cell for record in every], options)
    asked = [record for record in every if _asked(record.cell, options)]
    if not asked:
        raise UserError(f"{options.folder}: no finished record matches these options.")
    runtime = options.runtime(
        options.out,
        device=options.device,
        workers=options.workers or cores(),
        plugins=tuple(file.absolute() for file in options.plugin),
    )
    known, unbelieved = _known(old, asked, believed, runtime)
    for reason in [*refused, *odd, *unbelieved]:
        print(f"left out: {reason}", file=sys.stderr)
    cells = list(known)
    new = Store(options.out)
    status = new.status(cells)
    status |= new.forget_failed(status)
    todo = [cell for cell in cells if status[cell] != DONE]
    trainings = len({cell.key for cell in cells})
    counted = number_of(trainings)
    if trainings < len(cells):
        counted = f"{len(cells)} scorings of {counted}"
    print(f"{counted}: {len(cells) - len(todo)} done, {len(todo)} to do")
    ran = campaign.run(todo, runtime, asked=cells)
    failed = progress(ran, todo, len(cells) - len(todo), runtime) if todo else []
    if not cells:
        return 1
    show(campaign.report(options.out))
    same, words = 0, Counter[str]()
    for cell, before in known.items():
        agrees, differing = _compared(before, new.scores_of(cell))
        same += agrees
        words.update(differing)
    for difference, count in words.items():
        print(f"{count} of {counted}: {difference}", file=sys.stderr)
    print(f"with the scores of {options.folder} to the last digit: {same} of {counted}")
    return 0 if same == len(cells) and not failed and not (refused or odd or unbelieved) else 1


def _check_asked(cells: list[Cell], options: RerunOptions) -> None:
    """Refuse what no finished cell of the folder has, which would be left out unsaid where another word fits.

    Raises:
        UserError: naming the option, its word, and those that there are.
    """
    for prefix in options.key:
        if not any(cell.key.startswith(prefix) for cell in cells):
            raise UserError(f"--key {prefix}: no finished record of {options.folder} has a key that begins with it.")
    for option, name in CHOSEN_BY.items():
        known = {getattr(cell, name) for cell in cells}
        for word in getattr(options, option):
            if word not in known:
                there = listed([*map(str, sorted(known))], 30) or "none"
                raise UserError(f"--{option} {word}: no finished record of {options.folder} is of it. Found: {there}.")


def _known(
    store: Store, records: list[Record], scores: list[Scores], runtime: Runtime
) -> tuple[dict[Cell, Scores], list[Refused]]:
    """The cells that can be run again here, with the scores that they had; and scores that are of no record here."""
    left: Counter[str] = Counter()
    known: dict[Cell, Scores] = {}
    of_record: dict[str, list[Scores]] = {}
    for entry in scores:
        of_record.setdefault(entry.key, []).append(entry)
    unbelieved = []
    other_data: dict[tuple[str, str, str], str] = {}
    # Set of data by set of data, so that each is read once.
    for record in sorted(records, key=lambda record: (record.cell.dataset, record.cell.data)):
        why = _why_not(record, store, runtime, other_data)
        left.update([why] * bool(why))
        for entry in of_record.get(record.key, []):
            if not vouched(entry, record):
                unbelieved.append(
                    store.score_documents.refused(entry.score_key, "scores of another record than is here")
                )
            elif not why:
                known[replace(record.cell, scoring=entry.scoring)] = entry
    for why, count in left.items():
        print(f"left out: {number_of(count)}: {why}", file=sys.stderr)
    return known, unbelieved


def _asked(cell: Cell, options: RerunOptions) -> bool:
    asked = ((getattr(cell, name), getattr(options, option)) for option, name in CHOSEN_BY.items())
    return all(not wanted or value in wanted for value, wanted in asked) and (
        not options.key or cell.key.startswith(options.key)
    )


def _why_not(record: Record, store: Store, runtime: Runtime, other_data: dict[tuple[str, str, str], str]) -> str:
    """Why a cell cannot be run again here; "" if it can. Its masks are then known. `other_data`: why sets of data are
    not those of cells, as far as it was asked."""
    from mora_bench.training.rescore import table_of

    cell = record.cell
    if cell.source != ("twin" if runtime.data_root is None else "real"):
        return "of the other kind of data (see --data-root)"
    if record.imported:
        return "their predictions were made elsewhere, and only imported"
    if other := _other(cell):
        return other
    data = (cell.dataset, cell.source, cell.data)
    if data not in other_data:
        other_data[data] = _raised(lambda: table_of(cell, runtime), cell)
    return other_data[data] or _raised(lambda: mask_files.load(cell, runtime, store), cell)


def _raised(act: Callable[[], object], cell: Cell) -> str:
    """What a cell is refused for by an act; "" if it is not."""
    from mora_bench.training.rescore import reason

    try:
        act()
    except UserError as error:
        return reason(error, cell)
    return ""


def _other(cell: Cell) -> str:
    """Why this installation would train something else than the cell was; "" if it would not."""
    from mora_bench.backbones import load as backbones
    from mora_bench.training import guards

    if cell.older_draws:
        return WHY_NOT_AGAIN
    try:
        if changed := guards.other_code(cell):
            return f"{changed} is of another version here"
        if cell.decoded_for and backbones.resolve(*cell.decoded_for).fingerprint != cell.weights:
            return f"backbone {cell.backbone} has other weights here"
    except UserError as error:
        return str(error)
    other = dict(cell.versions).get("training", 1) != TRAINING_VERSION
    return "cells are trained in another way here" if other else ""


def _compared(before: Scores, after: Scores | Refused) -> tuple[bool, list[str]]:
    """Whether a cell has the scores that it had, to the last digit; and numbers that differ, or that one file has."""
    if isinstance(after, Refused):
        return False, [str(after)]
    unequal = differences(before, after)
    differ = [in_words(number) for number in unequal if not number.only]
    old, new = ([number.where for number in unequal if number.only == which] for which in ("first", "second"))
    listed = (("differ", differ), ("are in the old file alone", old), ("are in the new file alone", new))
    words = [f"{len(some)} numbers {what}: {', '.join(some[:NAMED])}" for what, some in listed if some]
    # Numbers that a newer version adds change none of the old ones.
    return not differ and not old, words
