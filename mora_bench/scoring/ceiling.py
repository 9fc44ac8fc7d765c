"""The scores that nobody can exceed in expectation, where a dataset knows what its modalities tell."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from mora_bench import registry
from mora_bench.data.contract import Dataset
from mora_bench.data.presence import pattern_index, pattern_presence


def ceiling(dataset: str, present: np.ndarray) -> dict[str, float]:
    """The scores of a reader who knows the posterior of every label, by name; nothing where the dataset does not know.
    Of labels one by one F1-macro, predicting above 0.5, and above each label's best threshold.

    Source: a label's F1 in the limit of many samples, 2 TP / (TP + FP + positives); the rule that maximises it is a
    threshold on the posterior (Lipton, Elkan and Naryanaswamy 2014).

    Args:
        present: bool [N, M], the samples as they are shown; only the shares of the patterns matter.
    """
    if dataset not in registry.names(registry.DATASETS):
        return {}
    source: Dataset = registry.get(registry.DATASETS, dataset)
    if (source.known is None and source.at_most is None) or not len(present):
        return {}
    shares = np.bincount(pattern_index(present), minlength=len(pattern_presence(present.shape[1]))) / len(present)
    return dict(_bounded(dataset, present.shape[1], tuple(round(float(share), 6) for share in shares)))


@lru_cache(maxsize=1024)
def _bounded(dataset: str, modalities: int, shares: tuple[float, ...]) -> Mapping[str, float]:
    source: Dataset = registry.get(registry.DATASETS, dataset)
    if source.at_most is not None:
        return source.at_most(shares)
    assert source.known is not None
    strata = [
        (share, source.known(*map(bool, pattern)))
        for share, pattern in zip(shares, pattern_presence(modalities), strict=True)
        if share
    ]
    plain, best = [], []
    for label, (order, above) in enumerate(_orders(dataset, modalities, tuple(share > 0 for share in shares))):
        mass = np.concatenate([share * known[label].mass for share, known in strata])
        true = np.concatenate([share * known[label].true for share, known in strata])
        scores = 2 * np.cumsum(true[order]) / (np.cumsum(mass[order]) + true.sum())
        plain.append(scores[above - 1] if above else 0.0)
        best.append(scores.max())
    return {"f1_macro": float(np.mean(plain)), "f1_macro_tuned": float(np.mean(best))}


@lru_cache(maxsize=8)
def _orders(dataset: str, modalities: int, shown: tuple[bool, ...]) -> list[tuple[np.ndarray, int]]:
    """For each label the posteriors of the patterns that are shown from the highest to the lowest, as int64 [K], and
    how many are above 0.5. Sorting them takes most of the time, and no share of a pattern changes it."""
    source: Dataset = registry.get(registry.DATASETS, dataset)
    assert source.known is not None
    patterns = [pattern for pattern, is_shown in zip(pattern_presence(modalities), shown, strict=True) if is_shown]
    strata = [source.known(*map(bool, pattern)) for pattern in patterns]
    orders = []
    for label in range(len(strata[0])):
        posterior = np.concatenate([known[label].posterior for known in strata])
        orders.append((np.argsort(-posterior, kind="stable"), int((posterior > 0.5).sum())))
    return orders
