"""Every random number of the suite is named by its use and by what it depends on."""

import hashlib
from collections.abc import Iterable

import numpy as np


def rng(*names: object) -> np.random.Generator:
    """A generator that depends on `names` alone."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:16], "big"))


def derive(seed: int, name: str) -> int:
    """A seed for one use, from a cell's seed."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:6], "big")


def tokens(ids: Iterable[str]) -> np.ndarray:
    """A number for each of n ids, uint64 [n], from the id alone.

    Two of a million ids share a number once in 37 million tables; they would then be drawn alike, which harms nothing.
    """
    hashes = (hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest() for id in ids)
    return np.frombuffer(b"".join(hashes), "<u8").astype(np.uint64)


def uniforms(tokens: np.ndarray, *names: object) -> np.ndarray:
    """A uniform number in [0, 1) for each of n tokens, float [n], from the token and `names` alone: the other
    tokens, and their order, do not matter."""
    keys = np.frombuffer(hashlib.sha256(repr(names).encode()).digest()[:16], "<u8").astype(np.uint64)
    mixed = tokens
    for key in keys:
        mixed = _mixed(mixed ^ key)
    return (mixed >> np.uint64(11)) * 2.0**-53


def _mixed(x: np.ndarray) -> np.ndarray:
    """Every bit from every bit of uint64 [n], one to one (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
