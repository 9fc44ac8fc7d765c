"""The effect of a mask: who lost what, by label and by group, so that a mechanism can be checked from a record."""

from collections.abc import Mapping, Sequence

import numpy as np


def effects(
    natural: np.ndarray,
    present: np.ndarray,
    modalities: Sequence[str],
    targets: np.ndarray,
    labels: Sequence[str],
    groups: Mapping[str, np.ndarray],
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Of each modality, who lost it among those that could: samples that have it, and another one besides.

    Args:
        natural, present: bool [N, M], before and after the mask; targets: [N, C]; groups: bool [N] by name.

    Returns:
        By modality: "all": `n`, the samples that could lose it, and `share`, the part that did. "share by label" and
        "share by group": that part of samples with a label, or in a group; None where there are none. "odds ratio by
        label": of losing it, with the label against without it; half a sample is added to each count (Haldane), so that
        it is finite.
    """
    able = natural & (natural.sum(1, keepdims=True) > 1)
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for m, name in enumerate(modalities):
        rows = able[:, m]
        lost = ~present[rows, m]
        yes = targets[rows].astype(bool)
        found[name] = {
            "all": {"n": float(rows.sum()), "share": _share(lost)},
            "share by label": {own: _share(lost[yes[:, c]]) for c, own in enumerate(labels)},
            "odds ratio by label": {own: _odds_ratio(lost, yes[:, c]) for c, own in enumerate(labels)},
            "share by group": {own: _share(lost[there[rows]]) for own, there in groups.items()},
        }
    return found


def _share(lost: np.ndarray) -> float | None:
    return float(lost.mean()) if len(lost) else None


def _odds_ratio(lost: np.ndarray, yes: np.ndarray) -> float:
    a, b, c, d = ((x & y).sum() + 0.5 for x, y in ((lost, yes), (~lost, yes), (lost, ~yes), (~lost, ~yes)))
    return float(a * d / (b * c))
