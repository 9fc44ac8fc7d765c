"""The rule that what is learned, or drawn, hangs on samples and seed alone, tried in processes of its own.

Run as a module, it is one of them: `python -m mora_bench.checks.elsewhere GROUP NAME OTHERS THREADS FILE PLUGIN ...`.
"""

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mora_bench import registry
from mora_bench.checks import mechanism, predictor, subject
from mora_bench.checks.rules import BrokenRule, expect

#: The groups of what it is tried on.
GROUPS = (registry.METHODS, registry.IMPUTERS, registry.PREDICTORS, registry.MECHANISMS)
#: Learned in two processes, two numbers that differ by no more are the same.
SAME = 1e-5


def elsewhere(registered: tuple[str, str]) -> None:
    """It gives the same in every process, whatever it was given there before: no earlier fit, and no order of a set."""
    group, name = registered
    with tempfile.TemporaryDirectory(prefix="mora_bench-") as folder:
        apart = partial(_Apart, group, name, Path(folder))
        # Side by side, because each of them imports for seconds. Sets of texts are ordered by the seed of hashes.
        alone, after = apart(hash_seed=1), apart(hash_seed=2, after_others=True)
        first, then = alone.answers(), after.answers()
        by = _distance(first, then)
        if by <= SAME:
            return
        of_hashes = _distance(first, apart(hash_seed=2).answers())
    if of_hashes > SAME:
        raise BrokenRule(
            f"in two processes it gives numbers that differ by {of_hashes:.2g}. Sort what you take from a set, and "
            "draw from the seed instead of hash()"
        )
    raise BrokenRule(
        f"after other samples it gives numbers that differ by {by:.2g} from those in a process of its own: it keeps "
        "something of them, in the class, the module or a cache. Keep what is fitted on self"
    )


class _Apart:
    """A process that is given the example under a seed of hashes, once it was given others or at once."""

    def __init__(self, group: str, name: str, folder: Path, hash_seed: int, after_others: bool = False):
        self._file = folder / f"{hash_seed}-{after_others}.npy"
        words = [group, name, str(int(after_others)), str(torch.get_num_threads()), str(self._file)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mora_bench.checks.elsewhere", *words, *map(str, registry.plugin_files())],
            env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def answers(self) -> np.ndarray:
        """What `answers` gives there."""
        _, errors = self._process.communicate()
        problem = (errors.strip() or "it was killed").splitlines()[-1]
        expect(self._process.returncode == 0, f"in another process it failed: {problem}")
        return np.load(self._file)


def answers(group: str, name: str, after_others: bool) -> np.ndarray:
    """What a method, an imputer (with MoRA) or a predictor gives for samples that it did not learn from, or a mechanism
    draws, in this process; `after_others`: once it was given others."""
    kind = registry.get(group, name)
    of = {registry.PREDICTORS: predictor, registry.MECHANISMS: mechanism}.get(group, subject)
    if after_others:
        of.example(kind, others=True).answers()
    return of.example(kind).answers()


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference of two arrays; of other shapes, infinity."""
    return float(np.abs(one - other).max(initial=0)) if one.shape == other.shape else float("inf")


def main(group: str, name: str, others: str, threads: str, file: str, *plugins: str) -> None:
    """What such a process does."""
    torch.set_num_threads(int(threads))
    registry.load_plugins(map(Path, plugins))
    np.save(file, answers(group, name, others == "1"))


if __name__ == "__main__":
    main(*sys.argv[1:])
