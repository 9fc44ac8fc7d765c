"""Decodes a table once per set of input rules, into memory-mapped folders that are keyed by content.

Each folder has a manifest, which is written last: of every file its size, its sha256, and the version (`files.Version`)
that was seen when the two were last compared. A file of that version is believed; of another one the digest is taken
again. A folder that does not fit its manifest is made anew beside it and renamed into its place.
"""

import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from mora_bench.data.modalities.contract import Content, Rule
from mora_bench.data.modalities.encoded import EncodingRule
from mora_bench.data.modalities.features import FeatureRule
from mora_bench.data.samples import Samples
from mora_bench.data.table import Table
from mora_bench.errors import UserError
from mora_bench.files import TRIES, beside, digest_json, hash_version, naming, read_sealed, version, write_sealed

Found = TypeVar("Found")

#: Change it when the same table would become other files.
VERSION = 2
MANIFEST = "manifest.json"
#: Folders of the cache: of decoded samples, and of frozen networks' features of them.
SAMPLES, FROZEN = "samples", "frozen"
#: The fault of a file with another content.
OTHER = "is not what was written"


def prepare(
    table: Table,
    fingerprint: str,
    rules: Mapping[str, Rule],
    cache: Path,
    workers: int = 1,
    unchanged: Callable[[], bool] | None = None,
) -> Samples:
    """Decode `table`, or open what an earlier call left in `cache`.

    Args:
        fingerprint: the table's.
        rules: a backbone's rules for inputs, by kind of content.
        unchanged: whether the table's files are still those of the fingerprint; asked after decoding.

    Raises:
        UserError: a content that cannot be decoded, or files that change while they are decoded.
    """
    contents: dict[str, Content] = {}
    folders = []
    for part in _parts(table, rules):
        folder, decoded = _prepared(part, fingerprint, rules, cache, workers, unchanged)
        contents |= zip(part.names, decoded, strict=True)
        folders.append(folder)
    return Samples(table, tuple(contents[name] for name in table.names), table.present, tuple(folders))


def folders_of(table: Table, fingerprint: str, rules: Mapping[str, Rule], cache: Path) -> list[Path]:
    """Where `prepare` keeps what it decodes."""
    return [_folder_of(part, fingerprint, rules, cache) for part in _parts(table, rules)]


def _parts(table: Table, rules: Mapping[str, Rule]) -> list[Table]:
    """The modalities of a table that share a folder. Features take long to compute, so each modality of them has its
    own: what is decided for texts, such as their length, does not compute them anew."""
    slow = (FeatureRule, EncodingRule)
    apart = [name for name, column in table.modalities.items() if isinstance(rules.get(column.kind), slow)]
    together = [[name for name in table.names if name not in apart], *([name] for name in apart)]
    if not apart:
        return [table]
    shares = [{name: table.modalities[name] for name in names} for names in together if names]
    return [replace(table, modalities=columns) for columns in shares]


def _prepared(
    table: Table,
    fingerprint: str,
    rules: Mapping[str, Rule],
    cache: Path,
    workers: int,
    unchanged: Callable[[], bool] | None,
) -> tuple[Path, tuple[Content, ...]]:
    """One folder and its contents."""

    def write(folder: Path) -> None:
        _write(table, rules, folder, workers)
        if unchanged is not None and not unchanged():
            raise UserError(f"{table.name}: its files changed while they were decoded. Run the same command again.")

    folder = _folder_of(table, fingerprint, rules, cache)
    return folder, stored(folder, write, lambda folder: _opened(table, folder), "decoded anew")


def stored(folder: Path, write: Callable[[Path], None], opened: Callable[[Path], Found], anew: str) -> Found:
    """The content that `opened` finds in a folder that `write` filled, now or earlier.

    Args:
        write: is handed an empty folder; what it leaves there is vouched for by a manifest.
        anew: the remedy in the message on a folder that does not fit its manifest.
    """
    for _ in range(TRIES):
        wrong = _misfit(folder)
        if wrong:
            if folder.exists():
                print(f"{folder}: {wrong}; {anew}", file=sys.stderr)
            _fill(folder, write)
        # Another process may be exchanging the folder.
        with suppress(FileNotFoundError):
            return opened(folder)
    return opened(folder)


def _folder_of(table: Table, fingerprint: str, rules: Mapping[str, Rule], cache: Path) -> Path:
    wanted = [
        [name, kind, table.kind(name).version, rules[kind].key() if kind in rules else None]
        for name, kind in table.shape.items()
    ]
    return cache / SAMPLES / digest_json([VERSION, fingerprint, wanted])


def damaged(folder: Path) -> list[str]:
    """The faults of a folder of `prepare` against its manifest, with every file read; empty if none. Nothing is
    changed: the next `prepare` makes the folder anew."""
    manifest = _manifest(folder)
    if manifest is None:
        return [f"{folder / MANIFEST} is absent or damaged"]
    return [
        f"{folder / name} {wrong}"
        for name, entry in manifest.items()
        if (wrong := _compared(folder / name, entry, True))
    ]


def check_unchanged(samples: Samples, reopen: Callable[[], None]) -> None:
    """Refuse what was computed from files that were written into meanwhile. Files that are gone are still mapped.

    Args:
        reopen: is called before it refuses, so that the next cell of this process opens the folder again.

    Raises:
        UserError: a file holds something else than was decoded.
    """
    for folder in samples.folders:
        for name, entry in (_manifest(folder) or {}).items():
            if _compared(folder / name, entry) == OTHER:
                reopen()
                raise UserError(
                    f"{folder}: {name} was written into while this cell read it. It is decoded anew; run the cell "
                    "again (--retry failed)."
                )


def forget(cache: Path) -> None:
    """Have the next `prepare` of each folder read all its files, whatever versions they have."""
    for file in [file for part in (SAMPLES, FROZEN) for file in (cache / part).glob(f"*/{MANIFEST}")]:
        manifest = _manifest(file.parent)
        if manifest is not None:
            write_sealed(file, {name: entry | {"version": None} for name, entry in manifest.items()})


def _opened(table: Table, folder: Path) -> tuple[Content, ...]:
    return tuple(table.kind(name).open(folder / str(m)) for m, name in enumerate(table.names))


def _fill(folder: Path, write: Callable[[Path], None]) -> None:
    temporary = beside(folder)
    try:
        with naming(folder):
            temporary.mkdir(parents=True)
            write(temporary)
            files = sorted(file for file in temporary.rglob("*") if file.is_file())
            write_sealed(temporary / MANIFEST, {file.relative_to(temporary).as_posix(): _entry(file) for file in files})
            _exchange(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(table: Table, rules: Mapping[str, Rule], folder: Path, workers: int) -> None:
    for m, (name, column) in enumerate(table.modalities.items()):
        (folder / str(m)).mkdir()
        kind = table.kind(name)
        kind.encode(column.values, table.ids, rules.get(column.kind), folder / str(m), workers)


def _entry(file: Path) -> dict[str, Any]:
    seen, content = hash_version(file)
    return {"size": seen.size, "sha256": content, "version": list(seen)}


def _exchange(temporary: Path, folder: Path) -> None:
    """Put a folder that is complete in the place of one that is absent or does not fit."""
    for left in reversed(range(TRIES)):
        try:
            temporary.rename(folder)
            return
        except OSError:
            # Another process was first. Its folder is complete, because folders are renamed into place.
            if not _misfit(folder):
                return
            # One that is not there is being exchanged by another process.
            if not left:
                raise
        # Other processes may have mapped files of the old one into memory, so that goes when this process has ended
        # (`files.sweep`).
        with suppress(FileNotFoundError):
            folder.rename(beside(folder))


def _manifest(folder: Path) -> dict[str, dict[str, Any]] | None:
    manifest = read_sealed(folder / MANIFEST)
    return manifest if isinstance(manifest, dict) else None


def _misfit(folder: Path) -> str:
    """The reason why a folder cannot be believed, "" if it can. Files are read only where their version is another
    one than the manifest's, which then notes that version."""
    manifest = _manifest(folder)
    if manifest is None:
        return f"{MANIFEST} is absent or damaged"
    noted = [entry["version"] for entry in manifest.values()]
    for name, entry in manifest.items():
        if wrong := _compared(folder / name, entry):
            return f"{name} {wrong}"
    if noted != [entry["version"] for entry in manifest.values()]:
        # A cache of somebody else may be read only; its files are then read at every opening.
        with suppress(OSError):
            write_sealed(folder / MANIFEST, manifest)
    return ""


def _compared(file: Path, entry: dict[str, Any], anew: bool = False) -> str:
    """The fault of a file, "" if it has none; its version is then the entry's.

    Args:
        anew: read it whatever its version.
    """
    try:
        seen = version(file)
        if list(seen) == entry["version"] and not anew:
            return ""
        if seen.size == entry["size"]:
            seen, content = hash_version(file, anew)
            if content == entry["sha256"]:
                entry["version"] = list(seen)
                return ""
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return OTHER
