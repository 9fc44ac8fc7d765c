"""The decoded samples of a cell; a process holds the last few data sets, the cache all of them on disk."""

from functools import lru_cache

from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import cache, datasets
from mora_bench.data.samples import Samples


def samples(dataset: str, backbone: str, max_text: int, runtime: Runtime) -> Samples:
    """A dataset decoded as a backbone wants it; a process holds the last few, `cache` all of them on disk."""
    _, fingerprint = datasets.fingerprinted(dataset, runtime)
    return _samples(dataset, fingerprint, backbone, max_text, runtime)


@lru_cache(maxsize=4)
def _samples(dataset: str, fingerprint: str, backbone: str, max_text: int, runtime: Runtime) -> Samples:
    table = datasets.table_of(dataset, runtime)
    rules = backbones.resolve(backbone, max_text).rules

    def unchanged() -> bool:
        return datasets.fingerprint(table, runtime.cache) == fingerprint

    return cache.prepare(table, fingerprint, rules, runtime.cache, runtime.workers, unchanged)


def pool_of(cell: Cell, runtime: Runtime) -> Samples:
    """The test samples of a cell that are drawn apart, decoded as its backbone wants them."""
    assert cell.decoded_for is not None
    return _pool(cell.dataset, cell.data, cell.seed, cell.pool, *cell.decoded_for, runtime)


@lru_cache(maxsize=4)
def _pool(dataset: str, data: str, seed: int, size: int, backbone: str, max_text: int, runtime: Runtime) -> Samples:
    rules = backbones.resolve(backbone, max_text).rules
    known = datasets.of_pool(data, seed, size)
    return cache.prepare(datasets.pool(dataset, seed, size), known, rules, runtime.cache, runtime.workers)


def reopen() -> None:
    """Have this process open the cache again."""
    _samples.cache_clear()
    _pool.cache_clear()
