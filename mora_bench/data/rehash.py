"""Forgets what was remembered of data files. Imports nothing heavy, because every command reads it."""

from pathlib import Path


def rehash(asked: bool, cache: Path) -> None:
    """Forget, if asked to, every digest that a cache remembers: files of data and what was decoded of them are then
    read anew, once, by whichever process is the first to need them."""
    if asked:
        from mora_bench.data import cache as decoded
        from mora_bench.data import datasets
        from mora_bench.files import forget_hashes

        (cache / datasets.HASHES).unlink(missing_ok=True)
        forget_hashes()
        datasets.forget()
        decoded.forget(cache)
