"""Seeded train / validation / test splits, grouped by patient unless asked otherwise."""

from collections.abc import Sequence

import numpy as np

from mora_bench import files
from mora_bench.seeds import rng

#: Change it when the same arguments would give another split.
VERSION = 1
SPLITS = ("train", "val", "test")
SHARES = (0.8, 0.1, 0.1)


def split(ids: Sequence[str], patients: Sequence[str], *, data: str, unit: str, seed: int) -> dict[str, np.ndarray]:
    """Cut N samples 80/10/10.

    Args:
        ids: N sample names; patients: N patient names.
        data: fingerprint of the dataset.
        unit: "patient" keeps a patient's samples together (a side may then miss its size by less than one patient);
            "row" draws row by row, as the released code of MoRA does.

    Returns:
        Sorted row numbers, int64, for "train", "val" and "test"; disjoint, together all rows.
    """
    owners = np.unique(np.asarray(patients if unit == "patient" else ids, dtype=str), return_inverse=True)[1]
    order = rng("split", VERSION, data, unit, seed).permutation(owners.max() + 1)
    sizes = np.bincount(owners)[order]
    # A patient belongs to the side in which the middle of its rows falls.
    middle = (np.cumsum(sizes) - sizes / 2) / len(owners)
    side = np.empty(len(order), int)
    side[order] = np.digitize(middle, np.cumsum(SHARES)[:-1])
    return {name: np.flatnonzero(side[owners] == k) for k, name in enumerate(SPLITS)}


def digest(ids: Sequence[str], parts: dict[str, np.ndarray]) -> str:
    """16 hex digits of the id lists, so that two runs can be seen to share a split."""
    lists = "\n".join(f"{name}:" + ",".join(ids[row] for row in rows) for name, rows in parts.items())
    return files.digest([lists.encode()])
