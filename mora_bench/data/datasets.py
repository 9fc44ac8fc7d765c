"""Datasets by name: the real one below a data root, or the embedded twin where no root is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

from mora_bench import registry
from mora_bench.cells.runtime import Runtime
from mora_bench.data import audit
from mora_bench.data.contract import APART, Dataset
from mora_bench.data.readers import cxr, odir
from mora_bench.data.table import Table
from mora_bench.data.twins import ceilings
from mora_bench.data.twins import tables as twins
from mora_bench.errors import PlainError, UserError
from mora_bench.files import FileHashes, digest_json
from mora_bench.seeds import uniforms

#: The file of a cache in which digests of data files are remembered.
HASHES = "hashes.json"

ODIR = Dataset(
    "ODIR-5K: fundus pairs + keywords, 8 labels",
    odir.find,
    odir.read,
    twins.odir,
    odir.SOURCE,
    twins.odir,
    ceilings.odir,
    "ODIR-5K",
)
CXR = Dataset(
    "Indiana University chest X-rays: films + reports, 20 labels",
    cxr.find,
    cxr.read,
    twins.cxr,
    "openi.nlm.nih.gov",
    twins.cxr,
    ceilings.cxr,
    "Indiana CXR",
    everybody=cxr.everybody,
)


def get(name: str) -> Dataset:
    """The dataset registered as `name`; UserError lists the known names."""
    return registry.get(registry.DATASETS, name)


def load(name: str, root: Path | None, limit: int | None = None) -> Table:
    """The samples of `name`: real below `root`, the twin for `root` None; only `limit` of them where given.

    Samples without any modality are left out.

    Raises:
        UserError: unknown name; `root` is no folder, or does not hold the dataset (there is no silent twin); or the
            table breaks a rule of `audit`.
    """
    with _of_others(name, "its reader"):
        return _loaded(name, root, limit)


@contextmanager
def _of_others(name: str, what: str) -> Iterator[None]:
    """Turn an exception of a plug-in into a UserError that names the dataset."""
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as error:
        raise UserError(
            f"dataset {name!r}: {what} fails or does not return a Table ({type(error).__name__}: {error}). Fix the "
            "plug-in; docs/data.md shows an example."
        ) from error


def with_left_out(name: str, root: Path) -> tuple[Table, Table]:
    """`load`, and the same samples with those that the reader and `load` leave out because they lack something."""
    with _of_others(name, "its reader"):
        read = _read(name, root)
        everybody = get(name).everybody
        return _with_anything(name, read), read if everybody is None else everybody(root)


def _loaded(name: str, root: Path | None, limit: int | None) -> Table:
    table = _with_anything(name, _read(name, root))
    return table if limit is None or limit >= len(table) else table.only(_some(table, limit))


def _read(name: str, root: Path | None) -> Table:
    """A table that keeps every rule of `audit`."""
    dataset = get(name)
    if root is None:
        if dataset.twin is None:
            raise UserError(f"dataset {name!r} has no synthetic twin; give the folder of its data with --data-root.")
        table = dataset.twin()
    else:
        if not root.is_dir():
            raise PlainError(f"--data-root {root}: no such folder.")
        if dataset.find(root) is None:
            raise PlainError(
                f"--data-root {root}: no {name} table in it or below it. `mora_bench doctor --data-root {root}` shows "
                f"what was found; leave {name} out of --datasets, or --data-root away to run on the twins."
            )
        table = dataset.read(root)
    if not isinstance(table, Table):
        raise UserError(f"dataset {name!r}: its reader returned {type(table).__name__}; expected a Table.")
    wrong = [f"{what}. The rule: {rule}" for rule, what in audit.problems(table) if what]
    if wrong:
        raise UserError(f"dataset {name!r}: " + "; ".join(wrong))
    return table


def _with_anything(name: str, table: Table) -> Table:
    nonempty = table.only(np.flatnonzero(table.present.any(1)))
    if not len(nonempty):
        raise UserError(f"dataset {name!r}: no sample has anything of any modality.")
    return nonempty


def _some(table: Table, count: int) -> np.ndarray:
    """So many rows, int [count], in order. Of real data they are drawn by id, more of them where `count` is larger,
    because files are often sorted by what is to be predicted; a twin's samples are drawn alike, so the first do."""
    if table.source == "twin":
        return np.arange(count)
    return np.sort(np.argsort(uniforms(table.tokens, "limit", table.name), kind="stable")[:count])


@lru_cache(maxsize=8)
def pool(name: str, seed: int, samples: int) -> Table:
    """The test samples of one seed that are drawn apart from the twin's own: another set for every seed.

    Raises:
        UserError: the dataset's twin cannot draw further samples.
    """
    more = get(name).more
    if more is None:
        raise UserError(f"dataset {name!r} cannot generate separate test samples; plan again with --pool 0.")
    first = APART + seed * samples
    return more(range(first, first + samples))


def of_pool(fingerprint: str, seed: int, samples: int) -> str:
    """A key in place of the fingerprint of the samples of `pool`, for a dataset of that fingerprint."""
    return digest_json([fingerprint, "pool", seed, samples])


def fingerprinted(name: str, runtime: Runtime) -> tuple[Table, str]:
    """`load` and the table's fingerprint, computed once per process; hashes of files are remembered in the cache."""
    return _fingerprinted(name, runtime.data_root, runtime.limit, runtime.cache)


@lru_cache(maxsize=8)
def _fingerprinted(name: str, root: Path | None, limit: int | None, cache: Path) -> tuple[Table, str]:
    table = load(name, root, limit)
    return table, fingerprint(table, cache)


def table_of(name: str, runtime: Runtime) -> Table:
    """The table alone; read once per process, as by `fingerprinted`."""
    return fingerprinted(name, runtime)[0]


def forget() -> None:
    """Read tables again when they are next asked for: their files, or the working folder, have changed."""
    _fingerprinted.cache_clear()


def read_anew(name: str, root: Path | None, limit: int | None, cache: Path) -> tuple[Table, str]:
    """`load` and the table's fingerprint, for which every file is read, whatever was remembered of it; that is
    corrected."""
    table = load(name, root, limit)
    return table, fingerprint(table, cache, anew=True)


def fingerprint(table: Table, cache: Path, anew: bool = False) -> str:
    """The fingerprint of a table's files as they are now.

    Args:
        anew: read every file; else only those that differ, in times or inode, from what `cache` remembers.
    """
    hashes = FileHashes(cache / HASHES, anew)
    with _of_others(table.name, "a fingerprint of its contents"):
        now = table.fingerprint(hashes)
    hashes.save()
    return now
