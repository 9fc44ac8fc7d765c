"""Seeded train / validation / test splits, grouped by patient unless asked otherwise.

Groups are put in the order of numbers that are drawn from their ids, and the order is cut. So a group that comes or
goes moves at most one group of its size across each cut, and contents move nobody.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mora_bench import files
from mora_bench.cells.cell import DRAWS_VERSION
from mora_bench.seeds import tokens, uniforms

SPLITS = ("train", "val", "test")
SHARES = (0.8, 0.1, 0.1)
#: Where test samples are drawn apart.
WITHOUT_TEST = (0.8, 0.2, 0.0)


def split(
    ids: Sequence[str],
    groups: Sequence[str],
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
        ids: N sample names; groups: N names of what must not be parted (`Table.together`).
        data: name and source of the dataset (`Cell.drawn_by`).
        unit: "patient" keeps a group's samples together (a side may then miss its size by less than one group);
            "row" draws row by row, as the released code of MoRA does.
        folds: how many, 3 or more; 0: none.
        shares: of train, val and test, where there are no folds.

    Returns:
        Sorted row numbers, int64, for "train", "val" and "test"; disjoint, together all rows.
    """
    found, owners = np.unique(tokens(groups if unit == "patient" else ids), return_inverse=True)
    names = ("folds", data, unit, folds, seed // folds) if folds else ("split", data, unit, seed)
    order = np.argsort(uniforms(found, DRAWS_VERSION, *names), kind="stable")
    sizes = np.bincount(owners)[order]
    # A group belongs to the side in which the middle of its rows falls; counted in half rows, which are whole numbers.
    middle = 2 * np.cumsum(sizes) - sizes
    side = np.empty(len(order), int)
    if folds:
        fold = middle * folds // (2 * len(owners))
        side[order] = np.select([fold == seed % folds, fold == (seed + 1) % folds], [2, 1], 0)
    else:
        side[order] = np.digitize(middle / (2 * len(owners)), np.cumsum(shares)[:-1])
    return {name: np.flatnonzero(side[owners] == k) for k, name in enumerate(SPLITS)}


def digest(lists: Mapping[str, Sequence[str]]) -> str:
    """16 hex digits of the ids of each side, so that two runs can be seen to share a split."""
    lines = "\n".join(f"{name}:" + ",".join(ids) for name, ids in lists.items())
    return files.digest([lines.encode()])
