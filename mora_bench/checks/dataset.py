"""The rules that every dataset keeps: those of `mora_bench.data.audit`, and that its contents can be decoded."""

from collections.abc import Iterator
from pathlib import Path

from mora_bench.checks.rules import BrokenRule, described
from mora_bench.data import audit, datasets
from mora_bench.data.table import Table
from mora_bench.errors import UserError


def check(name: str, root: Path | None) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    try:
        described(datasets.get(name), ("title",))
        yield "It has a title, as text.", None
    except BrokenRule as broken:
        yield "It has a title, as text.", str(broken)
    title = "It can be read."
    try:
        table, again = _read(name, root), _read(name, root)
    except Exception as error:
        yield title, str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return
    yield title, None
    sound = True
    for rule, wrong in audit.problems(table):
        sound &= wrong is None
        yield rule, wrong
    if not sound:
        return
    for modality, column in table.modalities.items():
        filled = sum(value is not None for value in column.values)
        yield f"Each {modality} can be decoded (all {filled} were).", _undecodable(table, modality)
    same = table.fingerprint() == again.fingerprint()
    yield "Read twice, it is the same.", None if same else "two readings have other fingerprints"


def _read(name: str, root: Path | None) -> Table:
    """The table as its reader gives it, before any rule is enforced."""
    dataset = datasets.get(name)
    if root is None and dataset.twin is None:
        raise UserError("it has no twin; say where it is with --data-root")
    table = dataset.twin() if root is None and dataset.twin is not None else dataset.read(root or Path())
    if not isinstance(table, Table):
        raise UserError(f"its reader returned {type(table).__name__}; expected a Table")
    return table


def _undecodable(table: Table, modality: str) -> str | None:
    """The first value of a modality that cannot be decoded, by its sample."""
    kind = table.kind(modality)
    for sample, value in zip(table.ids, table.modalities[modality].values, strict=True):
        wrong = None if value is None else kind.decodes(value)
        if wrong:
            return f"sample {sample!r}: its {modality} {wrong}"
    return None
