"""Decodes a table once per set of input rules, into memory-mapped folders that are keyed by content."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from mora_bench.data.modalities.contract import Rule
from mora_bench.data.samples import Samples
from mora_bench.data.table import Table
from mora_bench.files import beside, digest_json, naming

#: Change it when the same table would become other files.
VERSION = 2
DONE = "done"


def prepare(table: Table, fingerprint: str, rules: Mapping[str, Rule], cache: Path, workers: int = 1) -> Samples:
    """Decode `table`, or open what an earlier call left in `cache`.

    Args:
        fingerprint: the table's.
        rules: a backbone's rules for inputs, by kind of content.
    """
    folder = folder_of(table, fingerprint, rules, cache)
    if not (folder / DONE).exists():
        temporary = beside(folder)
        temporary.mkdir(parents=True)
        try:
            with naming(folder):
                _write(table, rules, temporary, workers)
                temporary.replace(folder)
        except OSError:
            # Another process was first. Its folder is complete, because folders are renamed into place.
            if not (folder / DONE).exists():
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    contents = tuple(table.kind(name).open(folder / str(m)) for m, name in enumerate(table.names))
    return Samples(table, contents, table.present)


def folder_of(table: Table, fingerprint: str, rules: Mapping[str, Rule], cache: Path) -> Path:
    """Where `prepare` keeps what it decodes."""
    wanted = [
        [name, kind, table.kind(name).version, rules[kind].key() if kind in rules else None]
        for name, kind in table.shape.items()
    ]
    return cache / "samples" / digest_json([VERSION, fingerprint, wanted])


def _write(table: Table, rules: Mapping[str, Rule], folder: Path, workers: int) -> None:
    for m, (name, column) in enumerate(table.modalities.items()):
        (folder / str(m)).mkdir()
        kind = table.kind(name)
        kind.encode(column.values, table.ids, rules.get(column.kind), folder / str(m), workers)
    (folder / DONE).touch()
