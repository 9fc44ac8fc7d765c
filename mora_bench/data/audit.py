"""The rules that every table keeps: `datasets.load` enforces them, `check` shows them."""

import math
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from mora_bench import registry
from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.data.splits import SPLITS
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError
from mora_bench.text import listed

#: Allowed names of modalities. Patterns of missingness are written with these names, joined by +.
MODALITY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
#: How many names a message lists before it only counts the rest.
NAMED = 3


def problems(table: Table) -> Iterator[tuple[str, str | None]]:
    """Every rule's text, and its breach or None. A rule is tried only if those it depends on are kept."""
    yield "It has samples.", None if len(table) else "it has none"
    wrong = _lengths(table)
    yield "Every sample has an id, a patient, a value of each modality, and labels.", wrong
    if wrong:
        return
    for what, names in (("Ids", table.ids), ("Patients", table.patients)):
        odd = [f"{name!r:.80}" for name in names if not _plain(name)]
        yield (
            f"{what} are text, none of it empty, without blanks around it.",
            (f"{some(odd)} {_are(odd)} not" if odd else None),
        )
    # Counting takes twice the memory of a set, and of a million ids all differ.
    differ = len(set(table.ids)) == len(table)
    repeated = [] if differ else [str(name) for name, count in Counter(table.ids).items() if count > 1]
    yield "Ids are unique.", f"{some(repeated)} stand more than once" if repeated else None
    yield "Modalities have plain names.", _named(table)
    unknown = [c.kind for c in table.modalities.values() if c.kind not in registry.names(registry.MODALITIES)]
    known = ", ".join(registry.names(registry.MODALITIES))
    yield (
        "Each modality is of a known kind.",
        f"{some(unknown)} {_are(unknown)} not; known: {known}" if unknown else None,
    )
    if not unknown:
        for name, column in table.modalities.items():
            yield f"The {name} of each sample is what its kind says.", _values(table, name, column)
    yield "Targets are those of the task: 0 or 1 for each label, or the columns that it names.", _targets(table)
    if wrong := _labels(table):
        yield "Labels are names, each once, and at least one of them varies.", wrong
        return
    yield "Labels are names, each once, and at least one of them varies.", None
    yield "Each grouping of what must not be parted has a name for every sample.", _inseparable(table)
    yield "An official split has a side for every sample, and trains and tests.", _official(table)
    yield "Weights, where there are any, are numbers above 0, one for every sample.", _weights(table)
    covariates = [f"{n} has {len(v)} values" for n, v in table.covariates.items() if len(v) != len(table)]
    yield "Each covariate has a value for every sample.", some(covariates) if covariates else None


def _named(table: Table) -> str | None:
    odd = [name for name in table.modalities if not MODALITY.fullmatch(name)]
    if odd:
        return f"{some(odd)} {_are(odd)} not: letters, digits, - and _"
    reserved = next((name for name in (COMPLETE, EACH) if name in table.modalities), None)
    if reserved is None:
        return None
    return (
        f"{reserved} means a missing pattern here (--missing {reserved}), so no modality may be called that. Rename "
        "the column, or, if its cells are paths of files, write NAME={column}"
    )


def _inseparable(table: Table) -> str | None:
    for number, names in enumerate(table.inseparable):
        if len(names) != len(table):
            return f"inseparable[{number}] has {len(names)} names for {len(table)} ids"
        odd = [f"{name!r:.80}" for name in names if name != "" and not _plain(name)]
        if odd:
            return f'inseparable[{number}]: {some(odd)} {_are(odd)} no name; expected text, and "" for no group'
    return None


def _official(table: Table) -> str | None:
    if not table.official:
        return None
    if len(table.official) != len(table):
        return f"official has {len(table.official)} sides for {len(table)} ids"
    odd = sorted({f"{side!r:.80}" for side in table.official if side not in SPLITS})
    if odd:
        return f"{some(odd)} {_are(odd)} no side; expected train, val or test"
    absent = [side for side in ("train", "test") if side not in table.official]
    return f"no sample is for {' or '.join(absent)}" if absent else None


def _weights(table: Table) -> str | None:
    if not table.weights:
        return None
    if len(table.weights) != len(table):
        return f"weights has {len(table.weights)} numbers for {len(table)} ids"
    pairs = zip(table.ids, table.weights, strict=True)
    odd = [f"{weight!r:.80} of {id!r:.80}" for id, weight in pairs if not _counts(weight)]
    return f"weights: {some(odd)} {_are(odd)} no number above 0" if odd else None


def _counts(weight: object) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight < math.inf


def _plain(name: object) -> bool:
    """Whether a name can be written anywhere and read again as itself."""
    if not isinstance(name, str) or not name or name != name.strip():
        return False
    return not any(0xD800 <= ord(letter) < 0xE000 or ord(letter) < 0x20 for letter in name)


def _labels(table: Table) -> str | None:
    odd = [f"{name!r:.80}" for name in table.labels if not _plain(name)]
    if odd:
        return f"{some(odd)} {_are(odd)} no name"
    repeated = [name for name, count in Counter(table.labels).items() if count > 1]
    if repeated:
        return f"{some(repeated)} {_are(repeated)} there more than once"
    well_formed = isinstance(table.targets, np.ndarray) and table.targets.ndim == 2 and len(table.targets) == len(table)
    if well_formed and len(table) > 1 and (table.targets == table.targets[0]).all():
        return f"all {len(table)} samples have the same labels, so there is nothing to learn"
    return None


def _lengths(table: Table) -> str | None:
    if not table.modalities:
        return "it has no modality"
    odd = [n for n, c in table.modalities.items() if not isinstance(c, Column)]
    if odd:
        return f"{some(odd)}: expected a Column(kind, values)"
    lengths = {"patients": len(table.patients), "targets": len(table.targets)}
    lengths |= {name: len(column.values) for name, column in table.modalities.items()}
    wrong = {name: length for name, length in lengths.items() if length != len(table)}
    return f"{wrong} for {len(table)} ids" if wrong else None


def _values(table: Table, name: str, column: Column) -> str | None:
    kind = table.kind(name)
    messages = (
        f"sample {sample!r}: its {name} {wrong}"
        for sample, value in zip(table.ids, column.values, strict=True)
        if value is not None and (wrong := kind.problem(value))
    )
    return next(messages, None)


def _targets(table: Table) -> str | None:
    try:
        task = registry.made(registry.TASKS, table.task)
    except UserError as error:
        return str(error).rstrip(".")
    targets, columns = table.targets, task.columns or table.labels
    expected = (len(table), len(columns))
    if not isinstance(targets, np.ndarray) or targets.shape != expected:
        shape = list(getattr(targets, "shape", ())) or type(targets).__name__
        return f"they are {shape}; expected {list(expected)}"
    if task.columns and targets.dtype != np.float64:
        return f"they are of type {targets.dtype}; expected float64, {' and '.join(columns)}"
    if targets.dtype.kind not in "biuf":
        return f"they are of type {targets.dtype}; expected numbers, such as targets.astype('uint8')"
    odd = np.argwhere(~np.isfinite(targets) if task.columns else (targets != 0) & (targets != 1))
    if len(odd):
        row, column = odd[0]
        message = f"sample {table.ids[row]!r}: {columns[column]} is {targets[row, column]}"
        advice = "An uncertain or absent label has to be decided by the reader: 0, 1, or leave the sample out"
        return f"{message}; expected a number" if task.columns else f"{message}. {advice}"
    return task.mislabelled(table.labels) or task.problem(targets)


def some(names: list[str]) -> str:
    """A list of names, shortened."""
    return listed(names, NAMED) or "nothing"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
