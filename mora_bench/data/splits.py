"""Seeded train / validation / test splits, grouped by patient unless asked otherwise.

Groups are put in the order of numbers that are drawn from their ids, and the order is cut. So a group that comes or
goes moves at most one group of its size across each cut, and contents move nobody.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mora_bench import files
from mora_bench.cells.cell import DRAWS_VERSION, OFFICIAL
from mora_bench.seeds import uniforms

SPLITS = ("train", "val", "test")
SHARES = (0.8, 0.1, 0.1)
#: Where test samples are drawn apart.
WITHOUT_TEST = (0.8, 0.2, 0.0)


def split(
    tokens: np.ndarray, *, data: str, unit: str, seed: int, folds: int = 0, shares: Sequence[float] = SHARES
) -> dict[str, np.ndarray]:
    """Cut N samples in three, each seed in its own way, or by folds.

    With folds, seed s tests fold s, validates on the next one and trains on the others; seeds from `folds` on do the
    same with other folds. So `folds` seeds test every sample once.

    Args:
        tokens: uint64 [N], of each sample the number of the group that must not be parted (`Table.group_tokens`; a side
            may then miss its size by less than one group), or its own, to draw row by row as MoRA's released code does.
        data: name and source of the dataset (`Cell.drawn_by`); unit: what the tokens are of, "patient" or "row".
        folds: how many, 3 or more; 0: none.
        shares: of train, val and test, where there are no folds.

    Returns:
        Sorted row numbers, int64, for "train", "val" and "test"; disjoint, together all rows.
    """
    groups, owners = np.unique(tokens, return_inverse=True)
    names = ("folds", data, unit, folds, seed // folds) if folds else ("split", data, unit, seed)
    order = np.argsort(uniforms(groups, DRAWS_VERSION, *names), kind="stable")
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


def may_leave_empty(tokens: np.ndarray, *, folds: int = 0, shares: Sequence[float] = SHARES) -> bool:
    """Whether a seed could leave a side of `split` empty; False only where none can.

    The middles of two neighbouring groups are at most the largest group apart, so each side that is wider holds one.
    """
    _, sizes = np.unique(tokens, return_counts=True)
    least = min([1 / folds] if folds else [share for share in shares if share]) * len(tokens)
    # One more, because shares are rounded.
    return bool(sizes.max(initial=0) + 1 >= least)


def official(
    sides: Sequence[str], tokens: np.ndarray, *, data: str, seed: int, share: float = 1 / 9
) -> dict[str, np.ndarray]:
    """The sides of a published split, N names of `SPLITS`; without a "val" among them, each seed draws about `share` of
    the groups of "train" for it. `tokens`: as in `split`. Returns: as `split`."""
    named = np.array(sides)
    if "val" not in sides:
        rows = np.flatnonzero(named == "train")
        parts = split(tokens[rows], data=data, unit=OFFICIAL, seed=seed, shares=(1 - share, share, 0.0))
        named = named.astype(object)
        named[rows[parts["val"]]] = "val"
    return {name: np.flatnonzero(named == name) for name in SPLITS}


def digest(lists: Mapping[str, Sequence[str]]) -> str:
    """16 hex digits of the ids of each side, so that two runs can be seen to share a split."""
    lines = "\n".join(f"{name}:" + ",".join(ids) for name, ids in lists.items())
    return files.digest([lines.encode()])
