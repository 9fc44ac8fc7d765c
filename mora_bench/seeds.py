"""Every random number of the suite comes from a generator that is named by its use and by what it depends on."""

import hashlib

import numpy as np


def rng(*names: object) -> np.random.Generator:
    """A generator that depends on `names` alone."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:16], "big"))


def derive(seed: int, name: str) -> int:
    """A seed for one use, from a cell's seed."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:6], "big")
