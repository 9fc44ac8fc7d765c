"""The effect of a mask: who lost what, by label and by group, so that a mechanism can be checked from a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mora_bench.statistics.holm import adjusted


def effects(
    natural: np.ndarray,
    present: np.ndarray,
    modalities: Sequence[str],
    targets: np.ndarray,
    labels: Sequence[str],
    groups: Mapping[str, np.ndarray],
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Who lost each modality among those that could: samples that have it, and another one besides.

    Args:
        natural, present: bool [N, M], before and after the mask; targets: [N, C]; groups: bool [N] by name.

    Returns:
        By modality: "all": `n`, the samples that could lose it, and `share`, the part that did. "share by label" and
        "share by group": that part of samples with a label, or in a group; None where there are none. "odds ratio by
        label": of losing it, with the label against without it; half a sample is added to each count (Haldane), so that
        it is finite; None where all lost it or none did, or all have the label or none has.
    """
    able = natural & (natural.sum(1, keepdims=True) > 1)
    by_modality: dict[str, dict[str, dict[str, float | None]]] = {}
    for m, name in enumerate(modalities):
        rows = able[:, m]
        lost = ~present[rows, m]
        yes = targets[rows].astype(bool)
        by_modality[name] = {
            "all": {"n": float(rows.sum()), "share": _share(lost)},
            "share by label": {label: _share(lost[yes[:, c]]) for c, label in enumerate(labels)},
            "odds ratio by label": {label: _odds_ratio(lost, yes[:, c]) for c, label in enumerate(labels)},
            "share by group": {group: _share(lost[members[rows]]) for group, members in groups.items()},
        }
    return by_modality


@dataclass(frozen=True)
class Odds:
    """The odds ratio of losing a modality, with a trait against without it: its 95 % interval (Woolf 1955, half a
    sample added to each count), the p-value of Fisher's exact test, and whether it differs from 1 among all that were
    looked at (5 % after Holm)."""

    modality: str
    trait: str
    ratio: float
    low: float
    high: float
    p: float
    significant: bool = False


def odds_ratios(
    natural: np.ndarray, present: np.ndarray, modalities: Sequence[str], traits: Mapping[str, np.ndarray]
) -> list[Odds]:
    """The odds ratio of losing each modality by each trait, among those that could lose it.

    Args:
        natural, present: bool [N, M], before and after the mask; traits: bool [N] by name. A trait that all of those
            have, or none, gives none; so does a modality that all of them lost or kept.
    """
    from scipy.stats import fisher_exact

    able = natural & (natural.sum(1, keepdims=True) > 1)
    looks = []
    for m, name in enumerate(modalities):
        rows = able[:, m]
        lost = ~present[rows, m]
        for trait, members in traits.items():
            has = members[rows]
            ratio = _odds_ratio(lost, has)
            if ratio is None:
                continue
            counts = _counts(lost, has)
            half = 1.96 * float(np.sqrt((1 / (counts + 0.5)).sum()))
            p = float(fisher_exact(counts.reshape(2, 2)).pvalue)
            looks.append(Odds(name, trait, ratio, ratio * float(np.exp(-half)), ratio * float(np.exp(half)), p))
    corrected = adjusted(np.array([odds.p for odds in looks])) if looks else np.zeros(0)
    return [replace(odds, significant=bool(p < 0.05)) for odds, p in zip(looks, corrected, strict=True)]


def _share(lost: np.ndarray) -> float | None:
    return float(lost.mean()) if len(lost) else None


def _odds_ratio(lost: np.ndarray, yes: np.ndarray) -> float | None:
    if not (_parts(lost) and _parts(yes)):
        return None
    a, b, c, d = _counts(lost, yes) + 0.5
    return float(a * d / (b * c))


def _parts(members: np.ndarray) -> bool:
    """Whether some are members and some are not."""
    return bool(members.any() and not members.all())


def _counts(lost: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """With the trait lost and kept, without it lost and kept: int [4]."""
    return np.array([(x & y).sum() for x, y in ((lost, yes), (~lost, yes), (lost, ~yes), (~lost, ~yes))])
