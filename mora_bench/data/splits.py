"""Seeded train / validation / test splits, grouped by patient unless asked otherwise."""

from collections.abc import Mapping, Sequence

import numpy as np

from mora_bench import files
from mora_bench.seeds import rng

#: Change it when the same arguments would give another split.
VERSION = 1
SPLITS = ("train", "val", "test")
SHARES = (0.8, 0.1, 0.1)
#: Where test samples are drawn apart.
WITHOUT_TEST = (0.8, 0.2, 0.0)


def split(
    ids: Sequence[str],
    patients: Sequence[str],
    *,
    data: str,
    unit: str,
    seed: int,
    folds: int = 0,
    shares: Sequence[float] = SHARES,
) -> dict[str, np.ndarray]:
    """Cut N samples in three, each seed in its own way, or by folds.

    With folds, seed s tests fold s, validates on the next one and trains on the others; seeds from `folds` on do the
    same with other folds. So `folds` seeds test every sample once.

    Args:
        ids: N sample names; patients: N patient names.
        data: fingerprint of the dataset.
        unit: "patient" keeps a patient's samples together (a side may then miss its size by less than one patient);
            "row" draws row by row, as the released code of MoRA does.
        folds: how many, 3 or more; 0: none.
        shares: of train, val and test, where there are no folds.

    Returns:
        Sorted row numbers, int64, for "train", "val" and "test"; disjoint, together all rows.
    """
    owners = np.unique(np.asarray(patients if unit == "patient" else ids, dtype=str), return_inverse=True)[1]
    names = ("folds", VERSION, data, unit, folds, seed // folds) if folds else ("split", VERSION, data, unit, seed)
    order = rng(*names).permutation(owners.max() + 1)
    sizes = np.bincount(owners)[order]
    # A patient belongs to the side in which the middle of its rows falls.
    middle = (np.cumsum(sizes) - sizes / 2) / len(owners)
    side = np.empty(len(order), int)
    if folds:
        fold = np.minimum((middle * folds).astype(int), folds - 1)
        side[order] = np.select([fold == seed % folds, fold == (seed + 1) % folds], [2, 1], 0)
    else:
        side[order] = np.digitize(middle, np.cumsum(shares)[:-1])
    return {name: np.flatnonzero(side[owners] == k) for k, name in enumerate(SPLITS)}


def digest(lists: Mapping[str, Sequence[str]]) -> str:
    """16 hex digits of the ids of each side, so that two runs can be seen to share a split."""
    lines = "\n".join(f"{name}:" + ",".join(ids) for name, ids in lists.items())
    return files.digest([lines.encode()])
